"""Pairs to begin with, which stand beside the forms that ask for a drug, a cell line or a gene."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from pharmagraph.explorer.asking import Answer, Asked, Rows
from pharmagraph.explorer.tables import Link, table
from pharmagraph.kg.shown_names import shown_of_rows

MOST, LOOKED_AT = 8, 200
"""Pairs that are shown, and drugs that are looked at for them."""

_DRUGS = """
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'response' AND a.rank = 1
RETURN d.id AS drug, g.id AS gene, a.weight AS weight
ORDER BY weight DESC, drug LIMIT $limit
"""
_CELL_LINE = """
MATCH (:Drug {id: $drug})-[t:TESTED_ON]->(c:CellLine)
RETURN c.id AS cell_line, t.ln_ic50 AS ln_ic50, t.response AS response
ORDER BY CASE WHEN ln_ic50 IS NULL THEN 1 ELSE 0 END, ln_ic50, response DESC, cell_line LIMIT 1
"""


def examples(asked: Asked, link: Link) -> Component | None:
    """A table of drugs, the gene that decides most of each one's response, and its most sensitive cell line.

    Parameters
    ----------
    asked
        What the address asks for; its run, or the promoted one, says which genes decide.
    link
        Where a row leads to.

    Returns
    -------
    Component or None
        None where there is no run, or none of its drugs was tested.
    """
    if asked.run is None:
        return None
    of_gene: dict[str, dict[str, Any]] = {}
    for row in asked.graph.rows(_DRUGS, {"run": asked.run["id"], "limit": LOOKED_AT}):
        of_gene.setdefault(row["gene"], row)
    rows: Rows = []
    for drug in of_gene.values():
        if len(rows) == MOST:
            break
        for line in asked.graph.rows(_CELL_LINE, {"drug": drug["drug"]}):
            rows.append(drug | {column: line[column] for column in ("cell_line", "ln_ic50")})
    if not rows:
        return None
    return table(
        Answer(["drug", "gene", "cell_line", "ln_ic50"], rows),
        "To begin with: the gene that decides most of a drug's response, and its most sensitive cell line",
        file="examples",
        link=link,
        names=shown_of_rows(asked.graph, rows),
    )


def beside(form: Component, other: Component | None) -> Component:
    """A form, and on a wide screen something to its right."""
    return html.Div([form, *([other] if other is not None else [])], className="beside")
