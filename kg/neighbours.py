"""Reads the nodes around one node: its strongest edges of each relation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pharmagraph.kg.schema import EdgeKind, Ends, edge_tables
from pharmagraph.kg.store import GraphStore

STRENGTH = {
    "SIMILAR_TO": "e.similarity",
    "EXPRESSES": "abs(e.z)",
    "COPY_NUMBER": "abs(e.value)",
    "METHYLATED": "abs(e.value)",
    "PROTEIN_LEVEL": "abs(e.z)",
    "TESTED_ON": "-e.ln_ic50",
    "HOMOLOGOUS": "e.identity",
    "DEPENDS_ON": "-e.effect",
    "ATTENDS": "e.weight",
    "ENRICHED": "-e.q",
    "PREDICTED": "coalesce(e.probability, -e.ln_ic50)",
}
"""Edge kind → what makes an edge a strong one, the largest first; the edges of other kinds are all alike."""
NAMED = ("Drug", "CellLine", "Pathway", "Gene")


@dataclass(frozen=True)
class Relation:
    """A relation that a node may have, and the Cypher that asks for its strongest edges.

    Attributes
    ----------
    name
        Such as ``ATTENDS Gene (response)``.
    cypher
        With the parameters ``id``, ``limit`` and, of edges that belong to a run, ``run``. Returns the neighbour's
        ``label``, ``id`` and ``name``, ``strength``, and ``outward``: whether the edge begins at the node.
    of_run
        Whether its edges belong to a run.
    """

    name: str
    cypher: str
    of_run: bool


def relations(label: str) -> list[Relation]:
    """The relations that nodes of a label have, in the schema's order."""
    found = []
    for kind, ends in edge_tables():
        if not set(ends) <= set(NAMED):
            continue
        if ends[0] == label:
            found += _relations(kind, ends, outward=True)
        if ends[1] == label and not (kind.symmetric and ends[0] == ends[1]):
            found += _relations(kind, ends, outward=False)
    return found


def edges(
    graph: GraphStore, relation: Relation, id_: str, run: str | None, limit: int
) -> list[dict[str, Any]]:
    """The strongest edges of a relation that a node has."""
    given = {"id": id_, "limit": limit} | ({"run": run} if relation.of_run else {})
    return [row | {"relation": relation.name} for row in graph.rows(relation.cypher, given)]


def _relations(kind: EdgeKind, ends: Ends, *, outward: bool) -> list[Relation]:
    here, there = ends if outward else ends[::-1]
    left, right = ("-", "-") if kind.symmetric else ("-", "->") if outward else ("<-", "-")
    of_run = any(p.name == "run_id" for p in kind.properties)
    strength = STRENGTH.get(kind.type, "1.0")
    found = []
    for objective in (
        ("target", "response") if kind.type == "ATTENDS" and ends == ("Drug", "Gene") else (None,)
    ):
        wanted = [
            *(["e.run_id = $run"] if of_run else []),
            *([f"e.objective = '{objective}'"] if objective else []),
        ]
        cypher = (
            f"MATCH (:{here} {{id: $id}}){left}[e:{kind.type}]{right}(o:{there})\n"
            + (f"WHERE {' AND '.join(wanted)}\n" if wanted else "")
            + f"WITH o, max({strength}) AS strength\n"
            f"RETURN '{there}' AS label, o.id AS id, o.name AS name, strength, {str(outward).lower()} AS outward\n"
            "ORDER BY strength DESC, id LIMIT $limit"
        )
        name = f"{kind.type} {there}" if outward else f"{there} {kind.type}"
        found.append(Relation(name + (f" ({objective})" if objective else ""), cypher, of_run))
    return found


def between(graph: GraphStore, ids: dict[str, list[str]], limit: int) -> list[dict[str, Any]]:
    """Edges between nodes: known targets, similarities, interactions and homology.

    Parameters
    ----------
    graph
        Open.
    ids
        Label → ids of the nodes.
    limit
        Edges of each kind between two labels, the strongest first.

    Returns
    -------
    list of dict
        ``src`` and ``dst``, each ``Label:id``, ``relation`` and ``strength``.
    """
    found = []
    for kind, ends in edge_tables():
        if kind.type not in _BETWEEN or not all(ids.get(end) for end in ends):
            continue
        text = (
            f"MATCH (a:{ends[0]})-[e:{kind.type}]->(b:{ends[1]})\n"
            "WHERE a.id IN $src AND b.id IN $dst\n"
            f"WITH a, b, max({STRENGTH.get(kind.type, '1.0')}) AS strength\n"
            "RETURN a.id AS src, b.id AS dst, strength ORDER BY strength DESC, src, dst LIMIT $limit"
        )
        rows = graph.rows(text, {"src": ids[ends[0]], "dst": ids[ends[1]], "limit": limit})
        found += [
            {
                "src": f"{ends[0]}:{r['src']}",
                "dst": f"{ends[1]}:{r['dst']}",
                "relation": kind.type,
                "strength": r["strength"],
            }
            for r in rows
        ]
    return found


_BETWEEN = frozenset({"TARGETS", "SIMILAR_TO", "INTERACTS_WITH", "HOMOLOGOUS"})
