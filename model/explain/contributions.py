"""What a prediction is the sum of: levels of drug and cell line, global likeness, and single genes.

A gene's contribution is what the drug's response goes along with in this screen: association, not cause. Genes that
vary together share it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.inputs.views import GENE_FEATURES
from pharmagraph.model.runs.folder import GRAPH, reading
from pharmagraph.model.runs.opened import opened

Rows = list[dict[str, Any]]


def contributions(folder: Path, drug: str, cell_line: str, *, limit: int = 10) -> Rows | None:
    """The parts of a prediction, which add up to it.

    Parameters
    ----------
    folder
        The run's.
    drug, cell_line
        Ids, both in the run's graph.
    limit
        Genes that get a row of their own, those of the largest contribution; the others share one.

    Returns
    -------
    list of dict
        ``part``, ``feature``, ``value`` (deviations of the cell line from the mean), ``effect`` (of one deviation) and
        ``contribution``: logits of a sensitive response, or ln IC50 in ln µmol/l. The last row is the sum. None where
        the run's folder has no such sum: a component with a weight needs the network for it.
    """
    graph, predictor = opened(folder)
    with reading(folder / GRAPH):
        numbers = {kind: {id_: n for n, id_ in enumerate(graph.ids(kind))} for kind in ("Drug", "CellLine")}
        genes = graph.ids("Gene")
    if predictor is None or drug not in numbers["Drug"] or cell_line not in numbers["CellLine"]:
        return None
    parts = predictor.parts(numbers["Drug"][drug], numbers["CellLine"][cell_line])
    in_units = predictor.in_units
    rows: Rows = []
    if predictor.mean:
        rows.append(_row("mean of all pairs", predictor.mean))
    rows += [
        _row("level of the drug", in_units(parts.drug)),
        _row("level of the cell line", in_units(parts.cell_line)),
        _row("similar drugs and cell lines", in_units(parts.likeness)),
    ]
    each = parts.value * parts.effect
    order = np.argsort(-np.abs(each), kind="stable")
    for at in order[:limit]:
        gene, feature = genes[int(parts.gene[at])], GENE_FEATURES[int(parts.kind[at])]
        value, effect = float(parts.value[at]), in_units(float(parts.effect[at]))
        rows.append(_row(gene, in_units(float(each[at])), feature, value, effect))
    if len(order) > limit:
        rows.append(_row(f"{len(order) - limit} other genes", in_units(float(each[order[limit:]].sum()))))
    return [*rows, _row("sum", predictor.mean + in_units(parts.output))]


def _row(
    part: str,
    contribution: float,
    feature: str | None = None,
    value: float | None = None,
    effect: float | None = None,
) -> dict[str, Any]:
    return {"part": part, "feature": feature, "value": value, "effect": effect, "contribution": contribution}
