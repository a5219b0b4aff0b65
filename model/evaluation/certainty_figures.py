"""Figures of intervals on held-out pairs: coverage, width, calibration, and what leaving unsure pairs out brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.metrics.scores import calibration_error

LEVELS = (0.5, 0.8, 0.9)

FEWEST = 50
"""Held-out pairs of a tissue without which its coverage is not judged. Set by hand."""

ANSWERED = (1.0, 0.75, 0.5, 0.25)
"""Shares of the pairs that are answered, the surest first."""

FLAGGED = 0.1
"""Share of the pairs that are flagged: those of the widest intervals."""

EITHER = 2
"""Answer of a prediction set of both classes."""


@dataclass(frozen=True)
class Predicted:
    """Predictions of held-out pairs.

    Attributes
    ----------
    label, predicted
        ln IC50 (ln µmol/l), or the class and the network's probability, (n,).
    drug, tissue
        Number of the drug, and code of the tissue, -1 unknown, (n,).
    intervals
        Low and high ends by level, in the order of `LEVELS`.
    probability
        Calibrated, of classes.
    answers
        Prediction sets by level, of classes: 0, 1, or `EITHER`.
    distance
        To the nearest entity of training, (n,); None if not known.
    """

    label: np.ndarray
    predicted: np.ndarray
    drug: np.ndarray
    tissue: np.ndarray
    intervals: Sequence[tuple[np.ndarray, np.ndarray]]
    probability: np.ndarray | None = None
    answers: Sequence[np.ndarray] = field(default=())
    distance: np.ndarray | None = None


def value_figures(of: Predicted) -> list[Row]:
    """Of ln IC50.

    Metrics: ``coverage-50`` … (share of pairs inside), ``width-90`` (mean, ln µmol/l), ``flagged-error`` (mean absolute
    error of the flagged tenth over that of the rest), and ``rmse-answered`` (ln µmol/l) by share answered. Groupings:
    ``pooled``, ``third-1`` (most potent) to ``third-3``, ``least-tissue``, and ``answered-…``.
    """
    inside = [(low <= of.label) & (of.label <= high) for low, high in of.intervals]
    rows = list(_coverage(of, inside))
    width = of.intervals[-1][1] - of.intervals[-1][0]
    rows.append(_row("width-90", "pooled", len(width), width.mean()))
    error = np.abs(of.label - of.predicted)
    order = np.argsort(width, kind="stable")
    flagged = order[-max(1, round(FLAGGED * len(order))) :]
    rest = np.setdiff1d(order, flagged)
    rows.append(_row("flagged-error", "pooled", len(flagged), error[flagged].mean() / error[rest].mean()))
    for share in ANSWERED:
        some = order[: max(1, round(share * len(order)))]
        rmse = np.sqrt((error[some] ** 2).mean())
        rows.append(_row("rmse-answered", f"answered-{share:.0%}", len(some), rmse))
    return rows


def class_figures(of: Predicted) -> list[Row]:
    """Of classes.

    Metrics: ``coverage-50`` … (share of pairs whose class is in the prediction set), ``either-90`` (share of sets of
    both classes), ``calibration-error`` (expected, of the calibrated probability) and ``calibration-error-before`` (of
    the network's), ``accuracy-answered`` by share answered, and ``answered-at-90`` (share of pairs whose likelier class
    has a calibrated probability of 0.9 or more) with ``accuracy-at-90``.
    """
    assert of.probability is not None
    sensitive = of.label > 0.5
    inside = [(answer == EITHER) | ((answer == 1) == sensitive) for answer in of.answers]
    rows = list(_coverage(of, inside, potency=False))
    rows.append(_row("either-90", "pooled", len(sensitive), (of.answers[-1] == EITHER).mean()))
    for name, p in (("calibration-error", of.probability), ("calibration-error-before", of.predicted)):
        rows.append(_row(name, "pooled", len(p), calibration_error(of.label, p)))
    sure, right = np.maximum(of.probability, 1 - of.probability), (of.probability >= 0.5) == sensitive
    order = np.argsort(-sure, kind="stable")
    for share in ANSWERED:
        some = order[: max(1, round(share * len(order)))]
        rows.append(_row("accuracy-answered", f"answered-{share:.0%}", len(some), right[some].mean()))
    answered = sure >= 0.9
    rows.append(_row("answered-at-90", "pooled", len(sure), answered.mean()))
    rows.append(
        _row(
            "accuracy-at-90",
            "pooled",
            int(answered.sum()),
            right[answered].mean() if answered.any() else np.nan,
        )
    )
    return rows


def _coverage(of: Predicted, inside: Sequence[np.ndarray], *, potency: bool = True) -> Iterator[Row]:
    for level, covered in zip(LEVELS, inside, strict=True):
        yield _row(f"coverage-{level * 100:.0f}", "pooled", len(covered), covered.mean())
    covered = inside[-1]
    if potency:
        third = np.searchsorted(np.quantile(of.label, [1 / 3, 2 / 3]), of.label)
        for number in range(3):
            part = covered[third == number]
            yield _row("coverage-90", f"third-{number + 1}", len(part), part.mean() if len(part) else np.nan)
    tissues = [covered[of.tissue == code] for code in np.unique(of.tissue[of.tissue >= 0])]
    judged = [part for part in tissues if len(part) >= FEWEST]
    least = min(judged, key=lambda part: float(part.mean()), default=None)
    if least is not None:
        yield _row("coverage-90", "least-tissue", len(least), least.mean())


def _row(metric: str, grouping: str, n: int, value: float) -> Row:
    return {"metric": metric, "grouping": grouping, "n": int(n), "value": float(value)}


def means(rows: Sequence[Row]) -> list[Row]:
    """One row a metric and grouping, with a column a model: mean over folds, NaN where it is not defined."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        of_figure = found.setdefault((row["metric"], row["grouping"]), {})
        value = row["value"]  # None in a file, where NaN has no word
        of_figure.setdefault(row["model"], []).append(float("nan") if value is None else value)
    return [
        {"metric": metric, "grouping": grouping}
        | {model: float(np.mean(values[model])) if model in values else float("nan") for model in models}
        for (metric, grouping), values in found.items()
    ]
