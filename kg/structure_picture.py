"""Draws a structure as SVG with RDKit."""

from __future__ import annotations

WIDTH, HEIGHT = 320, 240


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
