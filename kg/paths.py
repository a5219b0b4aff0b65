"""Finds paths of up to three edges between two nodes, and the share of each edge in them.

An edge has the weight that it says in [0, 1]: attention, similarity, identity or probability; the others have 1. A path
has the product of its edges' weights. Of edges between the same two nodes the one of most weight is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pharmagraph.kg import neighbours
from pharmagraph.kg.store import GraphStore

Node = tuple[str, str]
"""Label and id."""

WEIGHED = ("ATTENDS", "SIMILAR_TO", "HOMOLOGOUS", "PREDICTED")
"""Kinds whose strength is a weight in [0, 1]; a predicted ln IC50 is none, and counts 1."""
NEAREST = 100
"""Edges of each relation, the strongest, that are followed from either end."""
BETWEEN = 2000
OF_A_KIND = 4
"""Paths of one kind that are kept, those of most weight."""


@dataclass(frozen=True)
class Edge:
    """One edge of a path, as it is walked.

    Attributes
    ----------
    src, dst
        Its ends.
    type
        Such as ``ATTENDS``.
    weight
        In [0, 1].
    """

    src: Node
    dst: Node
    type: str
    weight: float


@dataclass(frozen=True)
class Path:
    """A path from the first node to the second.

    Attributes
    ----------
    edges
        In order.
    weight
        Product of their weights.
    """

    edges: tuple[Edge, ...]
    weight: float

    @property
    def kind(self) -> str:
        """Labels and edge types in order."""
        return self.edges[0].src[0] + "".join(f" {edge.type} {edge.dst[0]}" for edge in self.edges)


def paths(graph: GraphStore, first: Node, second: Node, run: str | None, limit: int = 20) -> list[Path]:
    """The paths of most weight between two nodes, those of fewer edges first.

    Parameters
    ----------
    graph
        Open.
    first, second
        The ends, which are not the same.
    run
        Id of the run whose attention and predictions are followed; without one they are not.
    limit
        Paths at most. An edge between both ends is always among them.
    """
    from_first, from_second = (_around(graph, node, run) for node in (first, second))
    found = [(edge,) for edge in (from_first.get(second),) if edge]
    out = {node: edge for node, edge in from_first.items() if node not in (first, second)}
    back = {
        node: Edge(node, second, edge.type, edge.weight)
        for node, edge in from_second.items()
        if node not in (first, second)
    }
    found += [(out[node], back[node]) for node in out if node in back]  # type: ignore[misc]
    for edge in _joining(graph, set(out), set(back)):
        found.append((out[edge.src], edge, back[edge.dst]))  # type: ignore[arg-type]
    made = [Path(edges, _product(edge.weight for edge in edges)) for edges in found]
    kinds: dict[str, list[Path]] = {}
    for path in made:
        kinds.setdefault(path.kind, []).append(path)
    kept = [path for of_kind in kinds.values() for path in sorted(of_kind, key=_order)[:OF_A_KIND]]
    kept = sorted(kept, key=lambda path: (len(path.edges) > 1, *_order(path)))[:limit]
    return sorted(kept, key=lambda path: (len(path.edges), *_order(path)))


def shares(found: Sequence[Path]) -> dict[Edge, float]:
    """Edge → the part of the summed weight of all paths that goes through it, in [0, 1]."""
    total = sum(path.weight for path in found) or 1.0
    of: dict[Edge, float] = {}
    for path in found:
        for edge in path.edges:
            of[edge] = of.get(edge, 0.0) + path.weight / total
    return of


def _order(path: Path) -> tuple[float, str]:
    return -path.weight, path.kind + "".join(edge.dst[1] for edge in path.edges)


def _around(graph: GraphStore, node: Node, run: str | None) -> dict[Node, Edge]:
    """The neighbours of a node, each with the edge of most weight that leads to it."""
    found: dict[Node, Edge] = {}
    for relation in neighbours.relations(node[0]):
        if relation.of_run and run is None:
            continue
        for row in neighbours.edges(graph, relation, node[1], run, NEAREST):
            _keep(found, row["label"], row["id"], node, relation.name, row["strength"])
    return found


def _keep(
    found: dict[Node, Edge], label: str, id_: str, src: Node, relation: str, strength: float | None
) -> None:
    type_ = next(word for word in relation.split() if word.isupper())
    edge, there = Edge(src, (label, id_), type_, _weight(type_, strength)), found.get((label, id_))
    if there is None or edge.weight > there.weight:
        found[label, id_] = edge


def _joining(graph: GraphStore, left: set[Node], right: set[Node]) -> list[Edge]:
    """Edges from nodes near the first end to nodes near the second: one for each two nodes, that of most weight."""
    ids: dict[str, list[str]] = {}
    for label, id_ in sorted(left | right):
        ids.setdefault(label, []).append(id_)
    found: dict[tuple[Node, Node], Edge] = {}
    for row in neighbours.between(graph, ids, BETWEEN):
        ends = tuple((label, id_) for label, _, id_ in (row[end].partition(":") for end in ("src", "dst")))
        for src, dst in (ends, ends[::-1]):
            weight, there = _weight(row["relation"], row["strength"]), found.get((src, dst))
            if src in left and dst in right and (there is None or weight > there.weight):
                found[src, dst] = Edge(src, dst, row["relation"], weight)
    return list(found.values())


def _weight(type_: str, strength: float | None) -> float:
    if type_ not in WEIGHED or strength is None or not 0 <= strength <= 1:
        return 1.0
    return float(strength)


def _product(weights: Iterable[float]) -> float:
    product = 1.0
    for weight in weights:
        product *= weight
    return product
