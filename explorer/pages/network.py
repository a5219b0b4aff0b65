"""The network around a node, or between two: drawn, filtered, expanded, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import PAGE_OF, address, page_of, read
from pharmagraph.explorer.asking import Answer, Asked, Rows
from pharmagraph.explorer.drawing import drawing
from pharmagraph.explorer.ego_layout import elements, expand, hidden, pin, style
from pharmagraph.explorer.examples import beside, examples
from pharmagraph.explorer.page import WORDS, Field, Page, form, section
from pharmagraph.explorer.path_tables import between
from pharmagraph.explorer.tables import Link, cypher, table
from pharmagraph.kg import neighbours
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.names import find_node

PER_RELATION, MOST = 10, 60
"""Edges of a relation that are drawn unless asked otherwise, and at most."""
BETWEEN = 150
EXPANDED, PINNED = "expanded", "pinned"
"""Parameters of the address that list nodes, a line each."""
MOST_EXPANDED, PER_EXPANDED = 5, 5
"""Nodes that may be expanded, and edges of a relation that each then gets."""
AROUND = (
    "The nearer a node and the thicker its edge, the stronger. Drug: rectangle; gene: circle; cell line: diamond; "
    "pathway: hexagon. A pinned node stays where it is, and is shown whatever is filtered."
)


def page(asked: Asked) -> Page:
    """The network around the node that the address names, or between two; without one, a form that asks for it."""
    node, to = asked.given.get("node", ""), asked.given.get("to", "")
    example = "Drug:erlotinib, Gene:EGFR, CellLine:A375 or Pathway:GO:0007173"
    fields = [
        Field("node", "Node", example),
        Field("to", "Paths to another node", f"{example}; around the first alone unless given"),
        Field("limit", "Edges of each relation, or paths", f"1 to {MOST}, the strongest", str(PER_RELATION)),
    ]
    ask = form(address("network"), fields, "Draw", given=asked.given, file="network")
    if not node:
        lead = (
            "Draw what is around a drug, a gene, a cell line or a pathway, or the paths between two of them."
        )
        return Page("Network", [html.P(lead, className="lead"), beside(ask, examples(asked, _begin(asked)))])
    label, found = _node(asked, node)
    limit = _limit(asked.given.get("limit"))
    run = asked.run["id"] if asked.run else None
    again = section("Draw another", ask)
    if to:
        ends = (label, found), _node(asked, to)
        title = f"From {ends[0][1]['name'] or ends[0][1]['id']} to {ends[1][1]['name'] or ends[1][1]['id']}"
        return Page(
            title, [*between(asked.graph, ends, run, limit, _pinned(asked.given)), again], above="paths"
        )
    relations = [r for r in neighbours.relations(label) if run or not r.of_run]
    rows = [row for r in relations for row in neighbours.edges(asked.graph, r, found["id"], run, limit)]
    title = f"Around {found['name'] or found['id']}"
    if not rows:
        return Page(title, [html.P("No edge leads to it.", className="notice"), ask], above=WORDS[label])
    drawn = elements(label, found, rows, neighbours.between(asked.graph, _ids(label, found, rows), BETWEEN))
    for further in _listed(asked.given, EXPANDED)[:MOST_EXPANDED]:
        other, at = _node(asked, further)
        of_node = [r for r in neighbours.relations(other) if run or not r.of_run]
        more = [row for r in of_node for row in neighbours.edges(asked.graph, r, at["id"], run, PER_EXPANDED)]
        drawn = expand(drawn, other, at["id"], more)
    return Page(
        title,
        [
            *drawing(pin(drawn, _pinned(asked.given)), f"around {found['name'] or found['id']}", AROUND),
            _edges(asked, rows, relations, found, run, limit),
            again,
        ],
        above=WORDS[label],
    )


def _begin(asked: Asked) -> Link:
    """From an example to what is drawn around its drug, and to the paths between it and its gene or cell line."""

    def link(row: Mapping[str, Any]) -> list[tuple[str, str]]:
        drug, run = f"Drug:{row['drug']}", {"run": asked.given.get("run")}
        ends = {"to gene": f"Gene:{row['gene']}", "to cell line": f"CellLine:{row['cell_line']}"}
        return [
            ("around", address("network", node=drug, **run)),
            *((words, address("network", node=drug, to=end, **run)) for words, end in ends.items()),
        ]

    return link


def register(app: Dash) -> None:
    """Add the callbacks of the drawing: its filters, and what a click on a node shows."""

    @app.callback(  # type: ignore[untyped-decorator, unused-ignore]
        Output("network", "stylesheet"),
        Output({"type": "relation", "index": ALL}, "aria-pressed"),
        Input({"type": "relation", "index": ALL}, "n_clicks"),
        Input("network-least", "value"),
        State({"type": "relation", "index": ALL}, "children"),
        State("network", "elements"),
        prevent_initial_call=True,
    )
    def _filtered(
        clicks: list[int], least: float | None, names: list[str], drawn: Rows
    ) -> tuple[Rows, list[str]]:
        pressed = [n % 2 == 0 for n in clicks]
        wanted = {name for name, on in zip(names, pressed, strict=True) if on}
        return [*style(), *hidden(drawn, wanted, float(least or 0))], [
            "true" if on else "false" for on in pressed
        ]

    @app.callback(  # type: ignore[untyped-decorator, unused-ignore]
        Output("network-chosen", "children"),
        Input("network", "tapNodeData"),
        Input("address", "search"),
        prevent_initial_call=True,
    )
    def _chosen(node: dict[str, Any] | None, search: str | None) -> list[Any] | str:
        if not node or node.get("kind") not in PAGE_OF:
            return "Click a node to go on from there."
        kind, id_ = node["kind"], node["ref"]
        links = [("its page", page_of(kind, id_)), *further(read(None, search)[1], kind, id_)]
        return [
            html.Strong(node["name"]),
            f" ({WORDS[node['kind']]}): ",
            *(part for text, href in links for part in (dcc.Link(text, href=href), " ")),
        ]


def further(given: Mapping[str, str], kind: str, id_: str) -> list[tuple[str, str]]:
    """Where one goes on from a node of the drawing that an address asks for: words and addresses."""
    this, middle = f"{kind}:{id_}", given.get("node", "")
    links = []
    if "to" not in given:
        changed = "collapse" if this in _listed(given, EXPANDED) else "expand"
        links += [
            (changed, _toggled(given, EXPANDED, this)),
            ("paths to it", address("network", node=middle, to=this)),
        ]
    links.append(("unpin" if this in _listed(given, PINNED) else "pin", _toggled(given, PINNED, this)))
    return [*links, ("draw around it", address("network", node=this))]


def _toggled(given: Mapping[str, str], name: str, value: str) -> str:
    listed = _listed(given, name)
    listed = [one for one in listed if one != value] if value in listed else [*listed, value]
    return address("network", **{**given, name: "\n".join(listed)})


def _listed(given: Mapping[str, str], name: str) -> list[str]:
    return [line.strip() for line in given.get(name, "").splitlines() if line.strip()]


def _pinned(given: Mapping[str, str]) -> set[str]:
    return set(_listed(given, PINNED))


def _node(asked: Asked, text: str) -> tuple[str, dict[str, Any]]:
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


def _ids(label: str, node: dict[str, Any], rows: Rows) -> dict[str, list[str]]:
    """Label → ids of the neighbours of a node, each once."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        if (row["label"], row["id"]) != (label, node["id"]) and row["id"] not in ids.setdefault(
            row["label"], []
        ):
            ids[row["label"]].append(row["id"])
    return ids


def _edges(
    asked: Asked,
    rows: Rows,
    relations: list[neighbours.Relation],
    node: dict[str, Any],
    run: str | None,
    limit: int,
) -> Component:
    shown = [
        {
            "relation": r["relation"],
            "kind": WORDS[r["label"]],
            "id": r["id"],
            "name": r["name"],
            "node": r["name"] or r["id"],
            "strength": r["strength"],
        }
        for r in rows
    ]
    drawn = {row["relation"] for row in rows}
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
        if r.name in drawn
    ]
    kind_of = {WORDS[k]: k for k in WORDS}
    return section(
        "Its edges",
        table(
            Answer(["node", "relation", "kind", "strength"], shown),
            f"The strongest edges of {node['name'] or node['id']}",
            file=f"{node['id']}-network",
            whole=Answer(["relation", "kind", "id", "name", "strength"], shown),
            link=lambda row: [
                ("its page", page_of(kind_of[row["kind"]], row["id"])),
                *further(asked.given, kind_of[row["kind"]], row["id"])[:-1],
            ],
        ),
        html.Details([html.Summary("Cypher of each relation"), html.Ul(texts, className="texts")]),
    )
