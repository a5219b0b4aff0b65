"""The paths between two nodes: drawn with the share of each edge, and as tables."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import page_of
from pharmagraph.explorer.asking import Answer
from pharmagraph.explorer.drawing import drawing
from pharmagraph.explorer.ego_layout import pin
from pharmagraph.explorer.page import WORDS, section
from pharmagraph.explorer.path_layout import between_two
from pharmagraph.explorer.tables import table
from pharmagraph.kg import paths
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.shown_names import path_shown, shown
from pharmagraph.kg.store import GraphStore

HOW = (
    "An edge weighs what it says between 0 and 1: attention, similarity, identity or probability; others weigh 1. A "
    "path weighs the product. The share of an edge is the part of the weight of all paths shown that goes through it. "
    "So paths of edges that weigh 1 alone, such as known targets, mutations and measured responses, have equal shares. "
    "Of edges between the same two nodes one is taken, and of paths of one kind the strongest few."
)
Ends = tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]
"""Label and properties of both."""


def between(graph: GraphStore, ends: Ends, run: str | None, limit: int, pinned: set[str]) -> list[Component]:
    """What a page shows of the paths between two nodes.

    Raises
    ------
    InputError
        If both are the same node.
    """
    (first, one), (second, other) = ends
    if (first, one["id"]) == (second, other["id"]):
        raise InputError("both ends are the same node; name another")
    found = paths.paths(graph, (first, one["id"]), (second, other["id"]), run, limit)
    if not found:
        return [html.P("No path of up to three edges leads there.", className="notice")]
    share = paths.shares(found)
    names = shown(graph, {end for edge in share for end in (edge.src, edge.dst)})
    total = sum(path.weight for path in found) or 1.0
    of_paths = [
        {
            "path": path_shown([(e.src, e.type, e.dst) for e in path.edges], names),
            "weight": path.weight,
            "share": path.weight / total,
        }
        for path in found
    ]
    of_edges = [
        {
            "from": names[edge.src], "relation": edge.type, "to": names[edge.dst], "weight": edge.weight, "share": part,
            "_to": edge.dst,
        }
        for edge, part in sorted(share.items(), key=lambda one: (-one[1], one[0].src, one[0].dst))
    ]  # fmt: skip
    file = f"{one['id']}-{other['id']}"
    return [
        *drawing(pin(between_two(found, names), pinned), "between both", HOW, strength="Share", kind="paths"),
        section(
            "Paths",
            table(Answer(["path", "weight", "share"], of_paths), "Paths between both", file=f"{file}-paths"),
        ),
        section(
            "Edges",
            table(
                Answer(["from", "relation", "to", "weight", "share"], of_edges),
                "Edges of these paths, and the share of the paths’ weight that goes through each",
                file=f"{file}-edges",
                link=lambda row: (f"{WORDS[row['_to'][0]]} page", page_of(*row["_to"])),
            ),
        ),
    ]
