"""A figure on a page, with its caption and what is below it; `kg.figures` draws it."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.asking import Answer
from pharmagraph.explorer.tables import cypher, saved
from pharmagraph.kg.figures import Figure


def shown(figure: Figure, caption: str, answer: Answer, *, file: str, id_: str | None = None) -> Component:
    """A figure on a page, with its caption, its rows as files, and their Cypher; its own button saves it as SVG."""
    config: Any = {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        "toImageButtonOptions": {"format": "svg", "filename": file},
    }
    named: dict[str, Any] = {"id": id_} if id_ else {}
    height = f"{figure['layout']['height']}px"
    return html.Figure(
        [
            dcc.Graph(figure=figure, config=config, style={"height": height}, **named),
            html.Figcaption(caption),
            html.Div([*saved(answer, file, caption), cypher(answer)], className="below"),
        ]
    )
