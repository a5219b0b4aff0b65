"""Figures of intervals on held-out pairs: coverage, width, calibration, and what leaving unsure pairs out brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pharmagraph.model.certainty.certainty import LEVELS
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.metrics.calibration import reliability
from pharmagraph.model.metrics.scores import calibration_error

DISTANCES, BINS = 4, 10
"""Parts of the pairs by their distance to training, and of calibrated probabilities."""

FEWEST = 50
"""Held-out pairs of a tissue without which its coverage is not judged. Set by hand."""

ANSWERED = (1.0, 0.75, 0.5, 0.25)
"""Shares of the pairs that are answered, the surest first."""

FLAGGED = 0.1
"""Share of the pairs that are flagged: those of the widest intervals."""

FITTING_STEPS = 20
"""Rounds of proportional fitting; the order of the pairs hardly changes after five."""

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
        Number of the drug, and name of the tissue, empty where unknown, (n,).
    intervals
        Low and high ends by level, in the order of `LEVELS`.
    probability
        Calibrated, of classes.
    answers
        Prediction sets by level, of classes: 0, 1, or `EITHER`.
    distance
        To the nearest entity of training, (n,); None if not known.
    unlike
        Whether a pair was said to be unlike training, bool (n,); None if there is no distance from which one is.
    cell_line
        Number of the cell line, (n,); None where what a flag could reach is not asked for.
    """

    label: np.ndarray
    predicted: np.ndarray
    drug: np.ndarray
    tissue: np.ndarray
    intervals: Sequence[tuple[np.ndarray, np.ndarray]]
    probability: np.ndarray | None = None
    answers: Sequence[np.ndarray] = field(default=())
    distance: np.ndarray | None = None
    unlike: np.ndarray | None = None
    cell_line: np.ndarray | None = None


def value_figures(of: Predicted) -> list[Row]:
    """Of ln IC50.

    Metrics: ``coverage-50`` … (share of pairs inside), ``width-90`` (mean, ln µmol/l), ``error`` (mean absolute one),
    ``flagged-error`` (mean absolute error of the flagged tenth over that of the rest), ``flagged-error-known`` (the
    same of a flag that knows the mean errors of the held-out drugs and cell lines, `known_errors`), and
    ``rmse-answered`` (ln µmol/l) by share answered. Groupings: ``pooled``, ``drugs`` (mean over drugs), ``third-1``
    (most potent) to ``third-3``, tissues by name, ``distance-1`` (nearest to training) and so on, ``unlike`` training
    or not, and ``answered-…``.
    """
    inside = [(low <= of.label) & (of.label <= high) for low, high in of.intervals]
    rows = list(_coverage(of, inside))
    width = of.intervals[-1][1] - of.intervals[-1][0]
    error = np.abs(of.label - of.predicted)
    for name, values in (("width-90", width), ("error", error)):
        rows.append(_row(name, "pooled", len(values), values.mean()))
    for grouping, part in _by_distance(of):
        rows.append(_row("distance", grouping, len(part), of.distance[part].mean()))  # type: ignore[index]
        for name, values in (("coverage-90", inside[-1]), ("width-90", width), ("error", error)):
            rows.append(_row(name, grouping, len(part), values[part].mean()))
    order = np.argsort(width, kind="stable")
    n_flagged = max(1, round(FLAGGED * len(order)))
    rows.append(_row("flagged-error", "pooled", n_flagged, _flagged(error, order, n_flagged)))
    if of.cell_line is not None:
        known = np.argsort(known_errors(error, of.drug, of.cell_line), kind="stable")
        rows.append(_row("flagged-error-known", "pooled", n_flagged, _flagged(error, known, n_flagged)))
    for share in ANSWERED:
        some = order[: max(1, round(share * len(order)))]
        rmse = np.sqrt((error[some] ** 2).mean())
        rows.append(_row("rmse-answered", f"answered-{share:.0%}", len(some), rmse))
    return rows


def _flagged(error: np.ndarray, order: np.ndarray, n_flagged: int) -> float:
    """Mean error of the last pairs of an order over that of the rest."""
    return float(error[order[-n_flagged:]].mean() / error[order[:-n_flagged]].mean())


def known_errors(error: np.ndarray, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
    """Products of a factor a drug and one a cell line whose means over each are those of the errors, (n,).

    No prediction can know them: they are made of the held-out errors themselves, and show how much a flag could reach
    that tells drugs and cell lines apart without fault. Proportional fitting (Deming and Stephan, 1940).

    Parameters
    ----------
    error
        Absolute errors, (n,).
    drug, cell_line
        Numbers of their ends, (n,).
    """
    ends = [np.unique(side, return_inverse=True)[1] for side in (drug, cell_line)]
    sums = [np.bincount(end, error) for end in ends]
    factors = [np.ones(len(one)) for one in sums]
    for _ in range(FITTING_STEPS):
        for side, other in ((0, 1), (1, 0)):
            expected = np.bincount(ends[side], factors[other][ends[other]])
            factors[side] = sums[side] / np.maximum(expected, np.finfo(float).tiny)
    found: np.ndarray = factors[0][ends[0]] * factors[1][ends[1]]
    return found


def class_figures(of: Predicted) -> list[Row]:
    """Of classes.

    Metrics: ``coverage-50`` … (share of pairs whose class is in the prediction set), ``sensitive`` and ``probability``
    (share of sensitive pairs and mean calibrated probability, by tenths of the probability), ``either-90`` (share of
    sets of both classes), ``calibration-error`` (expected, of the calibrated probability) and
    ``calibration-error-before`` (of the network's), ``accuracy-answered`` by share answered, and ``answered-at-90``
    (share of pairs whose likelier class has a calibrated probability of 0.9 or more) with ``accuracy-at-90``.
    ``half-covered`` is the share of drugs of which half of the pairs, or more, are covered.
    """
    assert of.probability is not None
    sensitive = of.label > 0.5
    inside = [(answer == EITHER) | ((answer == 1) == sensitive) for answer in of.answers]
    rows = list(_coverage(of, inside, potency=False))
    rows.append(_row("either-90", "pooled", len(sensitive), (of.answers[-1] == EITHER).mean()))
    for name, p in (("calibration-error", of.probability), ("calibration-error-before", of.predicted)):
        rows.append(_row(name, "pooled", len(p), calibration_error(of.label, p)))
    for part in reliability(sensitive, of.probability, n_bins=BINS):
        rows.append(_row("sensitive", f"bin-{part.number + 1}", part.n, part.observed))
        rows.append(_row("probability", f"bin-{part.number + 1}", part.n, part.predicted))
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
    for name in np.unique(of.tissue[of.tissue != ""]):
        part = covered[of.tissue == name]
        if len(part) >= FEWEST:
            yield _row("coverage-90", f"tissue {name}", len(part), part.mean())
    which = np.unique(of.drug, return_inverse=True)[1]
    of_drugs = np.bincount(which, covered) / np.bincount(which)
    yield _row("coverage-90", "drugs", len(of_drugs), of_drugs.mean())
    yield _row("half-covered", "drugs", len(of_drugs), (of_drugs >= 0.5).mean())


def _by_distance(of: Predicted) -> Iterator[tuple[str, np.ndarray]]:
    """Positions of the pairs of each part by distance, where distances differ, and of those unlike training."""
    if of.unlike is not None:
        for name, which in (("unlike", of.unlike), ("not unlike", ~of.unlike)):
            if which.any():
                yield name, np.flatnonzero(which)
    if of.distance is None or np.ptp(of.distance) == 0:
        return
    edges = np.quantile(of.distance, np.arange(1, DISTANCES) / DISTANCES)
    part = np.searchsorted(edges, of.distance, side="right")
    for number in range(DISTANCES):
        rows = np.flatnonzero(part == number)
        if len(rows):
            yield f"distance-{number + 1}", rows


def _row(metric: str, grouping: str, n: int, value: float) -> Row:
    return {"metric": metric, "grouping": grouping, "n": int(n), "value": float(value)}


def means(rows: Sequence[Row]) -> list[Row]:
    """One row a metric and grouping, with a column a model: mean over folds by their numbers, NaN where undefined."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    found: dict[tuple[str, str], dict[str, list[tuple[float, int]]]] = {}
    for row in rows:
        of_figure = found.setdefault((row["metric"], row["grouping"]), {})
        if (
            row["value"] is not None and np.isfinite(row["value"]) and row["n"]
        ):  # None in a file: NaN has no word
            of_figure.setdefault(row["model"], []).append((row["value"], row["n"]))
    return [
        {"metric": metric, "grouping": grouping} | {model: _mean(values.get(model, [])) for model in models}
        for (metric, grouping), values in found.items()
    ]


def _mean(values: Sequence[tuple[float, int]]) -> float:
    if not values:
        return float("nan")
    return float(np.average([value for value, _ in values], weights=[n for _, n in values]))
