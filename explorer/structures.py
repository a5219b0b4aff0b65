"""The picture of a drug's structure on a page."""

from __future__ import annotations

from base64 import b64encode

from dash import html
from dash.development.base_component import Component

from pharmagraph.kg import structures
from pharmagraph.kg.structure_picture import HEIGHT, WIDTH, svg


def drawing(smiles: str, name: str) -> Component:
    """A picture of the structure; a line that says why where it cannot be read."""
    if reason := structures.unreadable(smiles):
        return html.P(f"No picture of the structure: {reason}.", className="nothing")
    source = "data:image/svg+xml;base64," + b64encode(svg(smiles).encode()).decode()
    return html.Img(src=source, alt=f"Structure of {name}", className="structure", width=WIDTH, height=HEIGHT)
