"""Pathways and tissues: what belongs to one."""

from __future__ import annotations

import shlex

from dash import html

from pharmagraph.explorer.asking import Asked
from pharmagraph.explorer.page import Page, definitions, section
from pharmagraph.explorer.tables import table
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.names import find_node

ROWS = 30


def pathway(asked: Asked) -> Page:
    """The pathway that the address names."""
    node = find_node(asked.graph, "Pathway", asked.parts[0])
    found = asked.named("members", pathway=node["id"])
    return Page(
        node["name"],
        [
            definitions([("id", node["id"]), ("source", node["source"]), ("terms", node["licence"])]),
            section("Genes", table(found, f"Genes of {node['name']}", file=f"{node['id']}-genes")),
        ],
        above="pathway",
    )


def tissue(asked: Asked) -> Page:
    """The tissue that the address names."""
    name = asked.parts[0]
    lines = asked.named("tissue-cell-lines", tissue=name)
    if not lines.rows:
        known = {row["tissue"] for row in asked.graph.node_rows("CellLine", ["tissue"]) if row["tissue"]}
        raise NotFoundError("tissue", name, sorted(known))
    body = [
        section(
            "Cell lines",
            table(lines, f"Cell lines of {name}", file=f"{name}-cell-lines"),
            note="The share sensitive is that of a cell line's measured responses, from 0 to 1.",
        )
    ]
    if asked.run is not None:
        genes = asked.named("tissue-genes", tissue=name, limit=ROWS)
        if genes.rows:
            body.append(
                section(
                    "Genes", table(genes, f"Genes to which cell lines of {name} attend", file=f"{name}-genes")
                )
            )
    return Page(
        name,
        [
            *body,
            html.P(
                f"Compare its responses with other tissues: cli compare --by {shlex.quote(f'tissue:{name}')}",
                className="note",
            ),
        ],
        above="tissue",
    )
