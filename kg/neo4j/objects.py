"""An object view of a graph on Neo4j for notebooks, by py2neo: Drug, Gene, CellLine and Pathway.

It is for looking at single nodes. The program itself uses `kg.store`: py2neo is no longer maintained, connects to
one server by ``bolt://`` only, does not retry after a fault, and its objects read the relationships of each node in
a query of its own. It is the optional extra ``pharmagraph[objects]``.
"""

from __future__ import annotations

from typing import Any

from pharmagraph.kg.errors import InputError, NotFoundError, StoreUnavailableError
from pharmagraph.kg.neo4j.sessions import checked_url, credentials

try:
    from py2neo import Graph
    from py2neo.ogm import Model, Property, RelatedFrom, RelatedTo
except ImportError:
    raise InputError("py2neo is not installed; install it with: pip install 'pharmagraph[objects]'") from None


class Pathway(Model):  # type: ignore[misc]  # py2neo has no types
    """A named set of genes."""

    __primarykey__ = "id"
    id = Property()
    name = Property()
    source = Property()
    members = RelatedFrom("Gene", "MEMBER_OF")


class Gene(Model):  # type: ignore[misc]
    """A human gene; ``targeted_by`` are the drugs that target it."""

    __primarykey__ = "id"
    id = Property()
    name = Property()
    hgnc_id = Property()
    entrez_id = Property()
    targeted_by = RelatedFrom("Drug", "TARGETS")
    pathways = RelatedTo(Pathway, "MEMBER_OF")


class CellLine(Model):  # type: ignore[misc]
    """A cancer cell line; ``attends`` are the genes that it attends to in any run."""

    __primarykey__ = "id"
    id = Property()
    name = Property()
    aliases = Property()
    tissue = Property()
    tested = RelatedFrom("Drug", "TESTED_ON")
    attends = RelatedTo(Gene, "ATTENDS")


class Drug(Model):  # type: ignore[misc]
    """A compound; ``attends`` are the genes that it attends to in any run, promoted or not."""

    __primarykey__ = "id"
    id = Property()
    name = Property()
    smiles = Property()
    aliases = Property()
    mechanism = Property()
    targets = RelatedTo(Gene, "TARGETS")
    attends = RelatedTo(Gene, "ATTENDS")
    tested_on = RelatedTo(CellLine, "TESTED_ON")


def connect(url: str) -> Graph:
    """The py2neo graph at a URL; user, password and database come from the environment.

    Raises
    ------
    InputError
        If the scheme is not ``bolt``, ``bolt+s`` or ``bolt+ssc``: py2neo's routing does not work on Neo4j 5.
    StoreUnavailableError
        If nothing answers there.
    """
    if not checked_url(url).startswith("bolt"):
        raise InputError(f"{url}: the object view speaks to one server; use bolt://")
    login = credentials()
    try:
        return Graph(url, auth=(login.username, login.password), name=login.database or "neo4j")
    except Exception as error:  # py2neo passes on any error of its sockets and parsers
        reason = (
            str(error).replace(login.password, "…").splitlines()[0] if str(error) else type(error).__name__
        )
        raise StoreUnavailableError(f"{url}: py2neo cannot connect: {reason}") from None


def find(graph: Graph, kind: type[Any], name: str) -> Any:
    """The object of a kind by id, or by name.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = kind.match(graph, name).first() or kind.match(graph).where(name=name).first()
    if found is None:
        raise NotFoundError(kind.__name__, name, advice="see: cli query --list")
    return found


_RELATIONS = {
    ("Drug", "targets"): ("TARGETS", "Gene", Gene),
    ("Drug", "attends"): ("ATTENDS", "Gene", Gene),
    ("Drug", "tested_on"): ("TESTED_ON", "CellLine", CellLine),
    ("CellLine", "attends"): ("ATTENDS", "Gene", Gene),
}


def related(graph: Graph, subject: Any, relation: str) -> list[tuple[Any, dict[str, Any]]]:
    """The related objects, each with the properties of one edge.

    ``related(graph, drug, "attends")`` has an entry for every gene, run, objective and feature. py2neo's iteration,
    ``for gene in drug.attends``, has one entry per node, and returns attended drugs and cell lines as genes.

    Raises
    ------
    InputError
        If the object has no such relation.
    """
    label = type(subject).__name__
    if (label, relation) not in _RELATIONS:
        known = ", ".join(name for of, name in _RELATIONS if of == label)
        raise InputError(f'{label} has no relation "{relation}"; it has {known or "none"}')
    type_, end, kind = _RELATIONS[label, relation]
    cursor = graph.run(
        f"MATCH (a:{label} {{id: $id}})-[e:{type_}]->(b:{end}) RETURN b, properties(e) AS p ORDER BY e.rank, b.id",
        id=subject.id,
    )
    return [(kind.wrap(node), dict(properties)) for node, properties in cursor]  # type: ignore[attr-defined]  # py2neo has no types
