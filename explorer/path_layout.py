"""Places the nodes of paths between two nodes, so that few edges cross and the share of each can be read.

The first node stands on the left, the second on the right, and an edge between both lies alone in the middle. Above it
are the nodes of paths of two edges, below it those of paths of three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pharmagraph.explorer.asking import Rows
from pharmagraph.explorer.ego_layout import edge_of, node_of
from pharmagraph.kg.paths import Edge, Node, Path, shares

WIDTH, ROW = 1000.0, 55.0
"""Of the drawing, and from one node to the next below it, which stands to the side of it."""
ASIDE, ASIDE_OF_THREE = 0.12, 0.06
"""Half of the distance to the side, as a part of the width, in the middle and in the two columns of longer paths."""
GAP = 66.0
"""From the middle to the nearest node above or below. So no edge of an end passes behind a node of a column."""


def between_two(found: Sequence[Path], names: Mapping[Node, str]) -> Rows:
    """Paths as Cytoscape takes them.

    Parameters
    ----------
    found
        All between the same two nodes.
    names
        Node → its name.
    """
    share = shares(found)
    places = _places(found, share)
    ends = {found[0].edges[0].src, found[0].edges[-1].dst}
    placed = {}
    for number, (node, (x, y)) in enumerate(places.items()):
        name = ":".join(node)
        placed[name] = node_of(number, *node, names.get(node), x, y, "centre" if node in ends else "")
        placed[name]["data"]["pinned"] = node in ends
    leaving, coming = ([getattr(edge, end) for edge in share] for end in ("src", "dst"))
    most = max(share.values())
    edges: Rows = []
    for edge, part in share.items():
        made = edge_of(len(edges), placed, ":".join(edge.src), ":".join(edge.dst), edge.type, part)
        # a share stands where fewer edges meet, beside the node that is passed
        near = "target" if leaving.count(edge.src) > coming.count(edge.dst) else "source"
        if {edge.src, edge.dst} == ends:
            near = "middle"
        said = f"{part:.0%}" if part >= 0.0995 else f"{part:.1%}"
        made["data"] |= {"among": False, "share": said, "part": round(part / most, 4), "near": near}
        edges.append(made)
    return [*placed.values(), *edges]


def _places(found: Sequence[Path], share: Mapping[Edge, float]) -> dict[Node, tuple[float, float]]:
    """Node → x and y; both ends first."""
    first, second = found[0].edges[0].src, found[0].edges[-1].dst
    places = {first: (-WIDTH / 2, 0.0), second: (WIDTH / 2, 0.0)}
    through: dict[Node, float] = {}
    for edge, part in share.items():
        through[edge.dst] = through.get(edge.dst, 0.0) + part
    of_two = dict.fromkeys(path.edges[0].dst for path in found if len(path.edges) == 2)
    of_three = [path.edges for path in found if len(path.edges) == 3]
    goes_on = {node for edges in of_three for node in (edges[0].dst, edges[1].dst)}
    above = sorted(of_two, key=lambda node: (node in goes_on, -through[node], node))
    left = dict.fromkeys(edges[0].dst for edges in of_three if edges[0].dst not in of_two)
    right = dict.fromkeys(edges[1].dst for edges in of_three if edges[1].dst not in {*of_two, *left})
    below = 0 if left or right else len(above) // 2
    places |= _column(above[: len(above) - below], 0.0, ASIDE, upwards=True)
    places |= _column(above[len(above) - below :], 0.0, ASIDE, upwards=False)
    in_order = sorted(left, key=lambda node: (-through[node], node))
    places |= _column(in_order, -WIDTH / 5, ASIDE_OF_THREE, upwards=False)

    def height(node: Node) -> float:
        """Mean height of the nodes before it, so that edges between columns cross little."""
        before = [
            places[edges[0].dst][1] for edges in of_three if edges[1].dst == node and edges[0].dst in places
        ]
        return sum(before) / len(before) if before else 0.0

    ordered = sorted(right, key=lambda node: (height(node), -through[node], node))
    return places | _column(ordered, WIDTH / 5, -ASIDE_OF_THREE, upwards=False)


def _column(
    nodes: Sequence[Node], x: float, to_side: float, *, upwards: bool
) -> dict[Node, tuple[float, float]]:
    """Nodes one below the other, alternately to both sides where there are many; the first is on top."""
    aside = to_side * WIDTH if len(nodes) > 2 else 0.0
    rows = range(len(nodes) - 1, -1, -1) if upwards else range(len(nodes))
    return {
        node: (x + (aside if row % 2 else -aside), (GAP + ROW * row) * (-1 if upwards else 1))
        for node, row in zip(nodes, rows, strict=True)
    }
