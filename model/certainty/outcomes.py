"""Predictions beside what was measured afterwards: coverage, error and calibration of all pairs, or by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pharmagraph.model.metrics.calibration import reliability
from pharmagraph.model.metrics.scores import calibration_error, rmse
from pharmagraph.model.metrics.significance import binomial_interval
from pharmagraph.model.presets.choices import Task

HELD_OUT, LATER, UNUSED = ORIGINS = ("held out at training", "measured since", "not given to the run")
"""Where a measurement comes from: the run's graph had it, its data set was loaded or changed after the run was begun,
or the data set was there and the run was not trained on it."""

GROUPS = ("dataset", "tissue", "drug")
"""What pairs are grouped by."""

COLUMNS = ("by", "group", "n", "stated", "held", "held_low", "held_high")
"""Columns of every row; figures follow."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcomes:
    """Measured responses that a run had predicted and was not trained on, one of each pair and data set.

    Attributes
    ----------
    run_id, task
        Of the run.
    measured
        ln IC50 (ln µmol/l), or the class, (n,).
    predicted
        ln IC50, or the calibrated probability of being sensitive, (n,).
    inside
        Whether the measured value lies in the interval, or the class in the prediction set, bool (n,).
    level
        Stated for each, (n,).
    drug, cell_line, tissue, dataset
        Names, str (n,); empty where unknown.
    origin
        One of `ORIGINS`, str (n,).
    inside_at
        In regression: level → 1 or 0 for inside the interval of that level, NaN where there is none, (n,).
    """

    run_id: str
    task: Task
    measured: np.ndarray
    predicted: np.ndarray
    inside: np.ndarray
    level: np.ndarray
    drug: np.ndarray
    cell_line: np.ndarray
    tissue: np.ndarray
    dataset: np.ndarray
    origin: np.ndarray
    inside_at: Mapping[float, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.measured)


def overall(of: Outcomes) -> list[Row]:
    """Figures of all measurements, and of each origin that there is; ``by`` is ``pairs``."""
    rows = [_figures(of, np.ones(len(of), bool), "pairs", "all")]
    parts = [(name, of.origin == name) for name in ORIGINS]
    return rows + [_figures(of, which, "pairs", name) for name, which in parts if which.any()]


def by_group(of: Outcomes, by: str, least: int) -> tuple[list[Row], int]:
    """Figures of each data set, tissue or drug, the least covered first.

    Parameters
    ----------
    by
        One of `GROUPS`.
    least
        Measurements that a group needs.

    Returns
    -------
    list of dict
        `COLUMNS`, ``rmse`` (ln µmol/l) or ``calibration_error``, and ``bias``: measured less predicted, mean.
    int
        Groups that have fewer.
    """
    names, which = np.unique(getattr(of, by), return_inverse=True)
    enough = np.bincount(which, minlength=len(names)) >= least
    rows = [_figures(of, which == k, by, str(names[k]) or "unknown") for k in np.flatnonzero(enough)]
    rows.sort(key=lambda row: (row["held"] - row["stated"], -row["n"], row["group"]))
    return rows, int((~enough).sum())


def reliability_rows(of: Outcomes, which: np.ndarray | None = None) -> list[Row]:
    """Stated and held shares: of classes by tenths of the probability, of ln IC50 by level; ``which`` is bool (n,)."""
    which = np.ones(len(of), bool) if which is None else which
    if not which.any():
        return []
    return [
        _row("reliability", name, n, stated, round(held * n)) for name, n, stated, held in _curve(of, which)
    ]


def _curve(of: Outcomes, which: np.ndarray) -> Iterator[tuple[str, int, float, float]]:
    if of.task == "classification":
        for part in reliability(of.measured[which], of.predicted[which]):
            name = f"{part.number / 10:.1f} to {(part.number + 1) / 10:.1f}"
            yield name, part.n, part.predicted, part.observed
        return
    for level, inside in of.inside_at.items():
        given = inside[which][np.isfinite(inside[which])]
        if len(given):
            yield f"level {level:g}", len(given), level, float(given.mean())


def _figures(of: Outcomes, which: np.ndarray, by: str, group: str) -> Row:
    measured, predicted = of.measured[which], of.predicted[which]
    name, metric = ("calibration_error", calibration_error) if of.task == "classification" else ("rmse", rmse)
    row = _row(
        by, group, int(which.sum()), round(float(of.level[which].mean()), 9), int(of.inside[which].sum())
    )
    return row | {name: metric(measured, predicted), "bias": float((measured - predicted).mean())}


def _row(by: str, group: str, n: int, stated: float, hits: int) -> Row:
    low, high = binomial_interval(hits, n)
    return dict(zip(COLUMNS, (by, group, n, stated, hits / n, low, high), strict=True))
