"""A section of the page of experiments: what single genes add to the predictions of `default`."""

from __future__ import annotations

from collections.abc import Sequence

from pharmagraph.model.reports.measured import NOT_RUN, Measured, difference, matching, table

SPLITS = {"unseen-cell": "unseen cell lines", "unseen-drug": "unseen drugs", "random": "random pairs"}
FIGURES = {
    "regression": (("r2", "pooled", "R²"), ("pearson", "per_drug", "Pearson per drug")),
    "classification": (("auroc", "pooled", "AUROC"), ("auroc", "per_cell_line", "AUROC per cell line")),
}
DATASETS = (("GDSC1", "regression"), ("GDSC2", "regression"), ("GDSC1", "classification"),
            ("GDSC2", "classification"), ("nci60", "classification"))  # fmt: skip
ABOUT = """## What single genes add (`default`)

The same folds with the gene part and without it (`--set network.gene_part=false`). The difference is the mean over
folds, with their number and p of the t-test over folds, corrected for shared training pairs.
"""


def gene_part(known: Sequence[Measured]) -> str:
    """A row per split, data set, task and figure.

    Parameters
    ----------
    known
        Every model of every evaluation.
    """
    rows = []
    for split, title in SPLITS.items():
        for dataset, task in DATASETS:
            here = list(
                matching(known, dataset=dataset, split=split, task=task, model="default", omics=None, fit="")
            )
            with_it, without = (
                next(matching(here, network=network), None) for network in ({}, {"gene_part": False})
            )
            for metric, grouping, name in FIGURES[task]:
                cells = [NOT_RUN if m is None else m.cell(metric, grouping, 4) for m in (with_it, without)]
                rows.append([title, dataset, name, *cells, difference(with_it, without, metric, grouping, 4)])
    return f"{ABOUT}\n" + table(["split", "data set", "figure", "with", "without", "difference"], rows)
