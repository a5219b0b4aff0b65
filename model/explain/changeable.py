"""Which genes of a cell line may be changed to see what a prediction becomes, and within which bounds.

What it becomes is in `counterfactuals`, whose changes of expression and mutation these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.runs.folder import GRAPH, reading
from pharmagraph.model.runs.opened import opened

Rows = list[dict[str, Any]]


def changeable(folder: Path, cell_line: str, contributions: Sequence[dict[str, Any]]) -> Rows:
    """The genes of a prediction's sum whose expression or mutation can be changed.

    Parameters
    ----------
    folder
        The run's.
    cell_line
        Id, in the run's graph.
    contributions
        Rows of `contributions.contributions`.

    Returns
    -------
    list of dict
        ``gene``, ``feature``, ``contribution``, ``now``, ``least`` and ``most``, in the order of the contributions. Of
        expression these are z (standard deviations), ``least`` what ``--silence`` sets and ``most`` the highest of any
        cell line; of a mutation that the cell line has not, 0, 0 and 1.
    """
    graph, _ = opened(folder)
    with reading(folder / GRAPH):
        gene_at = {id_: n for n, id_ in enumerate(graph.ids("Gene"))}
        line = graph.ids("CellLine").index(cell_line)
        expression = graph.profile("expression")
        src, dst = graph.edges("CellLine", "MUTATED", "Gene")
    mutated = set(dst[src == line].tolist())
    found = []
    for row in contributions:
        number = gene_at.get(row["part"])
        if number is None:
            continue
        bounds = None
        if row["feature"] == "expression":
            bounds = _of_expression(expression[:, number], line)
        elif row["feature"] == "mutation" and number not in mutated:
            bounds = (0.0, 0.0, 1.0)
        if bounds is not None:
            kept = {"gene": row["part"], "feature": row["feature"], "contribution": row["contribution"]}
            found.append(kept | dict(zip(("now", "least", "most"), bounds, strict=True)))
    return found


def _of_expression(of_gene: np.ndarray, line: int) -> tuple[float, float, float] | None:
    known = of_gene[np.isfinite(of_gene)]
    if not len(known):
        return None
    now = float(of_gene[line]) if np.isfinite(of_gene[line]) else 0.0
    return now, min(float(known.min()), 0.0), max(float(known.max()), 0.0)
