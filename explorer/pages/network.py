"""The network around a node: its strongest edges of each relation, drawn, filtered, and as a table."""

from __future__ import annotations

from typing import Any

import dash_cytoscape as cytoscape
from dash import ALL, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import PAGE_OF, address, page_of
from pharmagraph.explorer.asking import Answer, Asked, Rows
from pharmagraph.explorer.ego_layout import elements, hidden, style
from pharmagraph.explorer.page import WORDS, Field, Page, aria, form, section
from pharmagraph.explorer.tables import cypher, table
from pharmagraph.kg import neighbours
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.names import find_node

PER_RELATION, MOST = 10, 60
"""Edges of a relation that are drawn unless asked otherwise, and at most."""
BETWEEN = 150


def page(asked: Asked) -> Page:
    """The network around the node that the address names, as ``Label:name``; without one, a form that asks for it."""
    node = asked.given.get("node", "")
    hints = [
        Field("node", "Node", "Drug:erlotinib, Gene:EGFR, CellLine:A375 or Pathway:GO:0007173"),
        Field("limit", "Edges of each relation", f"1 to {MOST}, the strongest", str(PER_RELATION)),
    ]
    ask = form(address("network"), hints, "Draw", given=asked.given, file="network")
    if not node:
        return Page(
            "Network",
            [html.P("Draw what is around a drug, a gene, a cell line or a pathway.", className="lead"), ask],
        )
    label, found = _centre(asked, node)
    limit = _limit(asked.given.get("limit"))
    run = asked.run["id"] if asked.run else None
    relations = [r for r in neighbours.relations(label) if run or not r.of_run]
    rows = [row for r in relations for row in neighbours.edges(asked.graph, r, found["id"], run, limit)]
    title = f"Around {found['name'] or found['id']}"
    if not rows:
        return Page(title, [html.P("No edge leads to it.", className="notice"), ask], above=WORDS[label])
    return Page(
        title,
        [
            *_drawn(asked, label, found, rows),
            _edges(rows, relations, found, run, limit),
            section("Around another node", ask),
        ],
        above=WORDS[label],
    )


def register(app: Dash) -> None:
    """Add the callbacks of the drawing: its filters, and what a click on a node shows."""

    @app.callback(  # type: ignore[untyped-decorator, unused-ignore]
        Output("network", "stylesheet"),
        Output({"type": "relation", "index": ALL}, "aria-pressed"),
        Input({"type": "relation", "index": ALL}, "n_clicks"),
        Input("network-least", "value"),
        State({"type": "relation", "index": ALL}, "children"),
        State("network", "elements"),
    )
    def _filtered(
        clicks: list[int], least: float | None, names: list[str], drawn: Rows
    ) -> tuple[Rows, list[str]]:
        pressed = [n % 2 == 0 for n in clicks]
        wanted = {name for name, on in zip(names, pressed, strict=True) if on}
        return [*style(), *hidden(drawn, wanted, float(least or 0))], [
            "true" if on else "false" for on in pressed
        ]

    @app.callback(Output("network-chosen", "children"), Input("network", "tapNodeData"))  # type: ignore[untyped-decorator, unused-ignore]
    def _chosen(node: dict[str, Any] | None) -> list[Any] | str:
        if not node or node.get("kind") not in PAGE_OF:
            return "Click a node to go on from there."
        around = address("network", node=f"{node['kind']}:{node['ref']}")
        return [
            html.Strong(node["label"]),
            f" ({WORDS[node['kind']]}): ",
            dcc.Link("its page", href=page_of(node["kind"], node["ref"])),
            ", ",
            dcc.Link("its neighbours", href=around),
        ]


def _centre(asked: Asked, text: str) -> tuple[str, dict[str, Any]]:
    label, colon, name = text.partition(":")
    if not colon or label not in neighbours.NAMED or not name:
        raise InputError(
            f'"{text}" is no node; write it as Drug:erlotinib, Gene:EGFR, CellLine:A375 or Pathway:ID'
        )
    return label, find_node(asked.graph, label, name)


def _limit(text: str | None) -> int:
    if text is None:
        return PER_RELATION
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise InputError(f'"{text}" edges of each relation: give a whole number from 1 to {MOST}')
    return int(text)


def _drawn(asked: Asked, label: str, node: dict[str, Any], rows: Rows) -> list[Component]:
    ids: dict[str, list[str]] = {}
    for row in rows:
        if (row["label"], row["id"]) != (label, node["id"]) and row["id"] not in ids.setdefault(
            row["label"], []
        ):
            ids[row["label"]].append(row["id"])
    drawn = elements(label, node, rows, neighbours.between(asked.graph, ids, BETWEEN))
    names = list(dict.fromkeys(e["data"]["relation"] for e in drawn if "relation" in e["data"]))
    n_nodes = sum("relation" not in e["data"] for e in drawn)
    around = node["name"] or node["id"]
    said = f"{n_nodes} nodes and {len(drawn) - n_nodes} edges around {around}; the table below lists them"
    return [
        html.Div(
            [
                html.Fieldset(
                    [
                        html.Legend("Relations shown"),
                        *(
                            html.Button(
                                name,
                                id={"type": "relation", "index": n},
                                n_clicks=0,
                                type="button",
                                **aria(pressed="true"),
                            )
                            for n, name in enumerate(names)
                        ),
                    ],
                    id="network-relations",
                ),
                html.Div(
                    [
                        html.Label("Strength at least", htmlFor="network-least"),
                        dcc.Input(id="network-least", type="number", min=0, max=1, step=0.1, value=0),
                        html.Small("0 is the weakest edge shown of a relation, 1 its strongest"),
                    ],
                    className="field",
                ),
            ],
            className="filters",
        ),
        html.Div(
            cytoscape.Cytoscape(
                id="network",
                elements=drawn,
                stylesheet=style(),
                layout={"name": "preset", "fit": True, "padding": 24},
                style={"width": "100%", "height": "34rem"},
                minZoom=0.2,
                maxZoom=4,
                responsive=True,
                boxSelectionEnabled=False,
            ),
            className="canvas",
            role="img",
            **aria(label=said),
        ),
        html.P("Click a node to go on from there.", id="network-chosen", **aria(live="polite")),
        html.P(
            "The nearer a node and the thicker its edge, the stronger. Drug: rectangle; gene: circle; "
            "cell line: diamond; pathway: hexagon.",
            className="note",
        ),
    ]


def _edges(
    rows: Rows, relations: list[neighbours.Relation], node: dict[str, Any], run: str | None, limit: int
) -> Component:
    shown = [
        {
            "relation": r["relation"],
            "kind": WORDS[r["label"]],
            "id": r["id"],
            "name": r["name"],
            "strength": r["strength"],
        }
        for r in rows
    ]
    asked = {row["relation"] for row in rows}
    texts = [
        html.Li(
            [
                html.Span(r.name),
                cypher(
                    Answer(
                        [],
                        [],
                        r.cypher,
                        {"id": node["id"], "limit": limit} | ({"run": run} if r.of_run else {}),
                    )
                ),
            ]
        )
        for r in relations
        if r.name in asked
    ]
    kind_of = {WORDS[k]: k for k in WORDS}
    return section(
        "Its edges",
        table(
            Answer(["relation", "kind", "id", "name", "strength"], shown),
            f"The strongest edges of {node['name'] or node['id']}",
            file=f"{node['id']}-network",
            link=lambda row: ("its page", page_of(kind_of[row["kind"]], row["id"])),
        ),
        html.Details([html.Summary("Cypher of each relation"), html.Ul(texts, className="texts")]),
    )
