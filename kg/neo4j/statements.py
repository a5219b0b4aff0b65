"""The Cypher statements of the Neo4j store: a fixed text with labels for each edge kind, made from the schema.

Values are always parameters. Nothing here connects to a server; `kg.neo4j.edges` fills the parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import EDGES, NODES, EdgeKind, Ends, NodeKind, Property

VERSION_LABEL = "PharmagraphSchema"
PREFIX = "pharmagraph_"
"""Prefix of the names of the schema's constraints and indexes, by which `drop` finds them and no others."""

NAMED = ("Drug", "Gene", "CellLine", "Pathway")
"""Labels that queries look up by name as well as by id."""


def constraints() -> dict[str, str]:
    """Name → statement of every uniqueness constraint, which is also the index on the key."""
    made = {}
    for label in (*(kind.label for kind in NODES), VERSION_LABEL):
        name = f"{PREFIX}{label}_id"
        made[name] = f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
    return made


def indexes() -> dict[str, str]:
    """Name → statement of every other index: on names of nodes, and on ``run_id`` of edges that runs make."""
    made = {}
    for label in NAMED:
        name = f"{PREFIX}{label}_name"
        made[name] = f"CREATE INDEX {name} IF NOT EXISTS FOR (n:{label}) ON (n.name)"
    for kind in EDGES:
        if "run_id" in kind.identity:
            name = f"{PREFIX}{kind.type}_run_id"
            made[name] = f"CREATE INDEX {name} IF NOT EXISTS FOR ()-[e:{kind.type}]-() ON (e.run_id)"
    return made


def count_edges(kind: EdgeKind, ends: Ends) -> str:
    """Number of edges of a kind between two labels."""
    return f"MATCH (:{ends[0]})-[e:{kind.type}]->(:{ends[1]}) RETURN count(e)"


# --- nodes ------------------------------------------------------------------------------------------------


def read_nodes(kind: NodeKind, columns: Sequence[str]) -> str:
    """All nodes, each as a list of values; a row has some thousand nodes, or some profiles, which are long."""
    values = ", ".join(f"n.{c}" for c in columns)
    n = 2000 if kind.in_views else 50
    return f"MATCH (n:{kind.label}) WITH id(n) / {n} AS part, collect([{values}]) AS nodes RETURN nodes"


def read_places(label: str) -> str:
    """Internal and public ids of all nodes of a label, in columns."""
    return (
        f"MATCH (n:{label}) WITH id(n) / 10000 AS part, collect(id(n)) AS places, collect(n.id) AS ids "
        "RETURN places, ids"
    )


def stored_nodes(kind: NodeKind, columns: Sequence[str]) -> str:
    """The nodes with the ids ``$ids``, with some of their properties."""
    values = ", ".join(f"n.{c}" for c in columns)
    return f"UNWIND $ids AS id MATCH (n:{kind.label} {{id: id}}) RETURN {values}"


def upsert_nodes(kind: NodeKind) -> str:
    """Insert or update by key; a null in a row removes the property."""
    return f"UNWIND $rows AS row MERGE (n:{kind.label} {{id: row.id}}) SET n += row"


# --- edges ------------------------------------------------------------------------------------------------


def lock_sources(label: str) -> str:
    """Lock the source nodes until the commit, so that two loaders cannot both insert an edge."""
    return f"UNWIND $src AS id MATCH (a:{label} {{id: id}}) SET a.id = a.id RETURN count(a)"


def create_edges(kind: EdgeKind, ends: Ends, columns: Sequence[Property]) -> str:
    """Insert edges grouped by source node.

    Each target is looked up once per batch and then picked by its position. The comparison with ``$nodes``
    ensures that a position means the same node here and in the sender's list.
    """
    values = ", ".join(f"{p.name}: {_value(p, 'g.')}" for p in columns)
    return (
        f"UNWIND $nodes AS id MATCH (b:{ends[1]} {{id: id}}) "
        "WITH collect(b) AS nodes, collect(b.id) AS ids WHERE ids = $nodes "
        f"UNWIND $groups AS g MATCH (a:{ends[0]} {{id: g.src}}) "
        "UNWIND range(0, size(g.dst) - 1) AS i "
        "WITH a, g, i, nodes[g.dst[i]] AS b "
        f"CREATE (a)-[:{kind.type} {{{values}}}]->(b)"
    )


def set_edges(kind: EdgeKind, columns: Sequence[Property]) -> str:
    """Write properties of edges by internal id; a null removes the property."""
    values = ", ".join(f"e.{p.name} = {_value(p, '$')}" for p in columns)
    return (
        f"UNWIND range(0, size($edge) - 1) AS i MATCH ()-[e:{kind.type}]->() WHERE id(e) = $edge[i] "
        f"SET {values} RETURN count(e)"
    )


def set_attention(kind: EdgeKind) -> str:
    """Write the attention of one run on edges by internal id; null clears it."""
    return (
        f"UNWIND range(0, size($edge) - 1) AS i MATCH ()-[e:{kind.type}]->() WHERE id(e) = $edge[i] "
        "SET e.attention = $attention[i], e.attention_run = $run RETURN count(e)"
    )


def edges_of_sources(
    kind: EdgeKind, ends: Ends, columns: Sequence[Property], equals: Iterable[str], *, with_places: bool
) -> str:
    """Edges of the sources with the ids ``$src``, in columns grouped by source and by the `grouping` columns.

    The columns of a row: source id, grouping values, internal ids of targets, one list for each other column,
    and, ``with_places``, internal ids of edges. In a list false means null, which ``collect`` would leave out.
    """
    only_target = sum(a == ends[0] for a, _ in kind.ends) == 1
    target = (
        "b" if only_target else f"b:{ends[1]}"
    )  # checking the label takes a third longer, and the reader knows which targets have it
    where = " AND ".join(f"e.{c} IN ${c}" for c in equals if c not in {"src", "dst"})
    return (
        f"UNWIND $src AS id MATCH (a:{ends[0]} {{id: id}}) MATCH (a)-[e:{kind.type}]->({target})"
        + (f" WHERE {where}" if where else "")
        + f" RETURN id(a), {_grouped(kind, columns, with_places)}"
    )


def edges_where(
    kind: EdgeKind, ends: Ends, columns: Sequence[Property], equals: Iterable[str], *, with_places: bool
) -> str:
    """Edges selected by an indexed property, in the columns of `edges_of_sources`."""
    return f"{_pattern(kind, ends, equals)} RETURN id(a), {_grouped(kind, columns, with_places)}"


def edge_places(kind: EdgeKind, ends: Ends, equals: Iterable[str]) -> str:
    """Internal ids of edges selected by properties, at most ``$limit``."""
    return f"{_pattern(kind, ends, equals)} WITH e LIMIT $limit RETURN collect(id(e))"


def delete_edges(kind: EdgeKind, ends: Ends, equals: Iterable[str]) -> str:
    """Delete edges by internal id if they still have the property values."""
    where = " AND ".join(f"e.{c} IN ${c}" for c in equals if c not in {"src", "dst"})
    return (
        f"UNWIND $edges AS place MATCH (:{ends[0]})-[e:{kind.type}]->(:{ends[1]}) WHERE id(e) = place"
        + (f" AND {where}" if where else "")
        + " DELETE e"
    )


def delete_all_edges(kind: EdgeKind, ends: Ends, equals: Iterable[str]) -> str:
    """Delete the edges that have the property values, in the transaction that it is run in."""
    return f"{_pattern(kind, ends, equals)} DELETE e"


def delete_nodes(kind: NodeKind) -> str:
    """Delete the nodes with the ids ``$ids``, and their edges."""
    return f"UNWIND $ids AS id MATCH (n:{kind.label} {{id: id}}) DETACH DELETE n"


def grouping(kind: EdgeKind, columns: Sequence[Property]) -> list[Property]:
    """Columns with few distinct values, which are sent once per group instead of once per edge."""
    return [p for p in columns if p.name in {*kind.identity, "dataset", "attention_run", "gone"}]


def listed(kind: EdgeKind, columns: Sequence[Property]) -> list[Property]:
    """The other columns, which are sent as lists."""
    return [p for p in columns if p not in grouping(kind, columns) and p.name not in {"src", "dst"}]


def filter_values(kind: EdgeKind, equals: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """A filter's values as lists.

    Raises
    ------
    InputError
        If the kind has no such column.
    """
    known = [p.name for p in kind.columns]
    for name in equals:
        if name not in known:
            raise InputError(f"column {name} is not in the schema; it has {', '.join(known)}")
    return {k: [v] if isinstance(v, str) else [str(one) for one in v] for k, v in equals.items()}


def _grouped(kind: EdgeKind, columns: Sequence[Property], with_places: bool) -> str:
    parts = [f"e.{p.name}" for p in grouping(kind, columns)]
    parts += ["collect(id(b))"]
    parts += [
        f"collect(e.{p.name})" if p.required else f"collect(coalesce(e.{p.name}, false))"
        for p in listed(kind, columns)
    ]
    parts += ["collect(id(e))"] if with_places else []
    return ", ".join(parts)


def _pattern(kind: EdgeKind, ends: Ends, equals: Iterable[str]) -> str:
    held = {"src": "a.id", "dst": "b.id"}
    where = " AND ".join(f"{held.get(c, f'e.{c}')} IN ${c}" for c in equals)
    return f"MATCH (a:{ends[0]})-[e:{kind.type}]->(b:{ends[1]})" + (f" WHERE {where}" if where else "")


def _value(column: Property, where: str) -> str:
    """Expression for a value: text is sent as a position in a list of the batch's distinct texts, numbers as such."""
    at = f"{where}{column.name}[i]"
    return f"$texts.{column.name}[{at}]" if column.type == "string" else at
