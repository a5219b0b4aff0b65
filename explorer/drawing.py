"""The frame of a drawn network: filters, the drawing itself, what a click says, and the files of what is shown."""

from __future__ import annotations

from typing import Any

import dash_cytoscape as cytoscape
from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.asking import Rows
from pharmagraph.explorer.ego_layout import colour_of, style
from pharmagraph.explorer.page import aria

cytoscape.load_extra_layouts()  # has the writer of SVG
for _script in cytoscape._js_dist:
    _script["async"] = "lazy"  # not on every page: assets/network.js asks for it when a network is drawn

WIDE, LOWEST, HIGHEST = 72.0, 34.0, 52.0
"""Of the canvas in rem: its width on a wide screen, and its least and largest height."""
MARGIN = 80.0
"""Around the drawing, in its own units: what names below and beside nodes take."""


def drawing(
    drawn: Rows, where: str, note: str, *, strength: str = "Strength", kind: str = ""
) -> list[Component]:
    """A network with its filters.

    Parameters
    ----------
    drawn
        Nodes and edges, as `ego_layout` makes them.
    where
        What of the graph it is, such as ``around EGFR``.
    note
        How it is read.
    strength
        What the thickness of an edge tells.
    kind
        ``paths`` if it goes from one side to the other: on a narrow screen the browser turns it.
    """
    names = list(dict.fromkeys(e["data"]["relation"] for e in drawn if "relation" in e["data"]))
    n_nodes = sum("relation" not in e["data"] for e in drawn)
    said = f"{n_nodes} nodes and {len(drawn) - n_nodes} edges {where}; the table below lists them"
    buttons = [
        html.Button(
            name,
            id={"type": "relation", "index": n},
            n_clicks=0,
            type="button",
            style={"borderLeft": f"6px solid {colour_of(name)}"},
            **aria(pressed="true"),
        )
        for n, name in enumerate(names)
    ]
    least = html.Div(
        [
            html.Label(f"{strength} at least", htmlFor="network-least"),
            dcc.Input(id="network-least", type="number", min=0, max=1, step="any", value=0),
            html.Small("0 is the weakest edge shown, 1 the strongest that there can be"),
        ],
        className="field",
    )
    network = cytoscape.Cytoscape(
        id="network",
        elements=drawn,
        stylesheet=style(),
        layout={"name": "preset", "fit": True, "padding": 24},
        style={"width": "100%", "height": f"{_height(drawn):.0f}rem"},
        minZoom=0.2,
        maxZoom=4,
        responsive=True,
        boxSelectionEnabled=False,
    )
    files = [
        html.Button(words, type="button", className="csv", **_export(kind))
        for kind, words in (("graphml", "GraphML"), ("png", "PNG"), ("svg", "SVG"))
    ]
    return [
        html.Div(
            [html.Fieldset([html.Legend("Relations shown"), *buttons], id="network-relations"), least],
            className="filters",
        ),
        html.Div(network, className=f"canvas {kind}".strip(), role="img", **aria(label=said)),
        html.Div(["Save what is shown: ", *files], className="below"),
        html.P("Click a node to go on from there.", id="network-chosen", **aria(live="polite")),
        html.P(note, className="note"),
    ]


def _height(drawn: Rows) -> float:
    """Height of the canvas, in rem, at which the drawing fills its width, between `LOWEST` and `HIGHEST`."""
    places = [element["position"] for element in drawn if "position" in element]
    wide, high = (max(p[axis] for p in places) - min(p[axis] for p in places) for axis in ("x", "y"))
    return min(max(WIDE * (high + MARGIN) / (wide + 2 * MARGIN), LOWEST), HIGHEST)


def _export(kind: str) -> dict[str, Any]:
    return {"data-export": kind}
