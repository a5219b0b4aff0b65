"""Draws a drug's structure as SVG with RDKit."""

from __future__ import annotations

from base64 import b64encode

from dash import html
from dash.development.base_component import Component

from pharmagraph.kg import structures

WIDTH, HEIGHT = 320, 240


def drawing(smiles: str, name: str) -> Component:
    """A picture of the structure; a line that says why where it cannot be read."""
    if reason := structures.unreadable(smiles):
        return html.P(f"No picture of the structure: {reason}.", className="nothing")
    source = "data:image/svg+xml;base64," + b64encode(svg(smiles).encode()).decode()
    return html.Img(src=source, alt=f"Structure of {name}", className="structure", width=WIDTH, height=HEIGHT)


def svg(smiles: str) -> str:
    """The structure as SVG, `WIDTH` by `HEIGHT`; the SMILES has to be readable."""
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    molecule = Chem.MolFromSmiles(smiles)
    pen = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    pen.drawOptions().clearBackground = False  # type: ignore[assignment]  # the stubs are wrong
    rdMolDraw2D.PrepareAndDrawMolecule(pen, molecule)
    pen.FinishDrawing()
    text: str = pen.GetDrawingText()
    return text
