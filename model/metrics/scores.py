"""Metrics of predictions: pooled, per drug and per cell line. It knows nothing of models or splits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]

MINIMUM_PAIRS = 10
"""Minimum number of pairs of a drug or cell line that counts in a grouped metric."""
MINIMUM_SHARE = 0.02
"""Minimum share of the rarer class among the pairs of a drug or cell line that counts, as in the drGT paper."""


def auroc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half; NaN with one class."""
    positive = label > 0.5
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    from scipy.stats import rankdata  # takes a second to load, which predictions need not wait for

    ranks = rankdata(score)[positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def aupr(label: np.ndarray, score: np.ndarray) -> float:
    """Average precision: precision weighted by the steps of recall; NaN without a positive."""
    positive = label > 0.5
    if not positive.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])
    last_of_tie = np.r_[np.diff(score[order]) != 0, True]
    hits, seen = hits[last_of_tie], (np.arange(len(score)) + 1)[last_of_tie]
    recall = hits / hits[-1]
    return float(np.sum(np.diff(np.r_[0.0, recall]) * hits / seen))


def _counts(label: np.ndarray, probability: np.ndarray) -> tuple[int, int, int, int]:
    called, positive = probability >= 0.5, label > 0.5
    return (
        int((called & positive).sum()),
        int((called & ~positive).sum()),
        int((~called & positive).sum()),
        int((~called & ~positive).sum()),
    )


def accuracy(label: np.ndarray, probability: np.ndarray) -> float:
    """Share of pairs that are classified correctly at one half."""
    return float(np.mean((probability >= 0.5) == (label > 0.5)))


def f1(label: np.ndarray, probability: np.ndarray) -> float:
    """Harmonic mean of precision and recall at one half; 0 if there are no positives and none is predicted."""
    tp, fp, fn, _ = _counts(label, probability)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0


def mcc(label: np.ndarray, probability: np.ndarray) -> float:
    """Matthews correlation at one half; 0 if a row or column of the confusion matrix is empty."""
    tp, fp, fn, tn = (float(c) for c in _counts(label, probability))
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return float((tp * tn - fp * fn) / np.sqrt(margins)) if margins else 0.0


def brier(label: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((probability - label) ** 2))


def calibration_error(label: np.ndarray, probability: np.ndarray, *, n_bins: int = 15) -> float:
    """Expected calibration error over equally wide bins of probability."""
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, label - probability, minlength=n_bins)
    return float(np.abs(gap).sum() / len(label))


def rmse(value: np.ndarray, predicted: np.ndarray) -> float:
    """Root mean squared error, in the unit of ``value``."""
    return float(np.sqrt(np.mean((value - predicted) ** 2)))


def r2(value: np.ndarray, predicted: np.ndarray) -> float:
    """Share of variance explained; NaN if all values are equal."""
    spread = float(np.sum((value - value.mean()) ** 2))
    return 1 - float(np.sum((value - predicted) ** 2)) / spread if spread else float("nan")


def pearson(value: np.ndarray, predicted: np.ndarray) -> float:
    """Linear correlation; NaN if one side is constant."""
    a, b = value - value.mean(), predicted - predicted.mean()
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale else float("nan")


def spearman(value: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of ranks; NaN if one side is constant."""
    from scipy.stats import rankdata

    return pearson(rankdata(value), rankdata(predicted))


CLASSIFICATION: dict[str, Metric] = {
    "auroc": auroc, "aupr": aupr, "accuracy": accuracy, "f1": f1, "mcc": mcc,
    "brier": brier, "calibration_error": calibration_error,
}  # fmt: skip
REGRESSION: dict[str, Metric] = {"rmse": rmse, "r2": r2, "pearson": pearson, "spearman": spearman}
CHOSEN_BY: dict[str, Metric] = {"classification": auroc, "regression": r2}
"""The metric by which options, component weights and epochs are chosen on inner folds; larger is better."""
NOT_JUDGED = "censored"
"""Number of held-out pairs that judge no prediction, since a bound of their value is all that is known."""
GROUPED = {"classification": ("auroc", "aupr"), "regression": ("rmse", "r2", "pearson", "spearman")}
RESIDUAL = ("pearson", "spearman")
AT_THRESHOLD = ("accuracy", "f1", "mcc")


def per_entity(
    metric: Metric, target: np.ndarray, predicted: np.ndarray, entity: np.ndarray, *, classes: bool
) -> np.ndarray:
    """A metric for each drug, or each cell line, that has enough pairs.

    Parameters
    ----------
    metric
        A function of ``(target, predicted)``.
    target, predicted
        Labels and predictions, (n,).
    entity
        Number of each pair's drug or cell line, int (n,).
    classes
        Whether ``target`` is 0 or 1; then the rarer class must have at least 2% of an entity's pairs.
    """
    found = []
    order = np.argsort(entity, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(entity[order]) != 0]) if len(order) else np.empty(0, int)
    for rows in np.split(order, starts[1:]):
        if len(rows) < MINIMUM_PAIRS:
            continue
        share = target[rows].mean()
        if classes and not MINIMUM_SHARE <= share <= 1 - MINIMUM_SHARE:
            continue
        found.append(metric(target[rows], predicted[rows]))
    return np.array(found, dtype=float)


def training_expectation(
    target: np.ndarray,
    of: tuple[np.ndarray, np.ndarray],
    asked: tuple[np.ndarray, np.ndarray],
    sizes: tuple[int, int],
    *,
    shrinkage: float = 2.0,
    rounds: int = 20,
) -> np.ndarray:
    """Prediction of pairs from drug and cell-line effects of the training pairs, float64 (n_asked,).

    An overall mean and two effects are fitted by least squares with backfitting; ``shrinkage`` is in pairs. The effect
    of an entity without training pairs is 0.

    Parameters
    ----------
    target
        Labels of the training pairs.
    of, asked
        Drug and cell-line numbers of the training pairs, and of the pairs to predict.
    sizes
        Numbers of drugs and cell lines.
    """
    target = target.astype(np.float64)
    overall = target.mean()
    effects = [np.zeros(n) for n in sizes]
    counts = [np.bincount(rows, minlength=n) for rows, n in zip(of, sizes, strict=True)]
    for _ in range(rounds):
        for side in (0, 1):
            rest = target - overall - effects[1 - side][of[1 - side]]
            total = np.bincount(of[side], rest, minlength=sizes[side])
            effects[side] = total / (counts[side] + shrinkage)
    expected: np.ndarray = overall + effects[0][asked[0]] + effects[1][asked[1]]
    return expected


def interaction(
    value: np.ndarray, drug: np.ndarray, cell_line: np.ndarray, *, rounds: int = 200
) -> np.ndarray:
    """Residuals of values after subtracting fitted drug and cell-line effects, without shrinkage; float64 (n,)."""
    left = value - value.mean()
    drugs, cell_lines = (np.unique(rows, return_inverse=True)[1] for rows in (drug, cell_line))
    counts = [np.bincount(rows) for rows in (drugs, cell_lines)]
    for _ in range(rounds):
        before = left
        for rows, count in zip((drugs, cell_lines), counts, strict=True):
            left = left - (np.bincount(rows, left) / count)[rows]
        if np.abs(left - before).max(initial=0.0) < 1e-9:
            break
    left[np.abs(left) < 1e-7 * max(float(np.abs(value).max(initial=0.0)), 1e-12)] = 0.0
    return left


def score(
    target: np.ndarray,
    predicted: np.ndarray,
    drug: np.ndarray,
    cell_line: np.ndarray,
    task: str,
    *,
    expected: np.ndarray | None = None,
    threshold: float | None = None,
) -> list[dict[str, str | float]]:
    """All metrics of one set of predictions.

    Parameters
    ----------
    target
        Class (0, 1) or ln IC50, (n,).
    predicted
        Probability or ln IC50, (n,).
    drug, cell_line
        Node numbers, int (n,).
    task
        ``classification`` or ``regression``.
    expected
        `training_expectation` of these pairs, for the grouping ``residual``: the correlation between the target less
        this expectation and the `interaction` of the predictions (of their log-odds, for classes). It is NaN for an
        additive model, whose predictions have no interaction. For the grouping ``less_means`` it is taken out of both
        sides as it is: what the training means leave of the target, and of the prediction.
    threshold
        A probability at which classes are also scored, as ``f1_at_threshold`` and so on.

    Returns
    -------
    list of dict
        ``metric``, ``grouping`` (pooled, per_drug, per_cell_line, residual, less_means)
        and ``value``. A grouped value is the mean
        over entities with enough pairs, NaN if there are none.
    """
    metrics = CLASSIFICATION if task == "classification" else REGRESSION
    target, predicted = target.astype(np.float64), predicted.astype(np.float64)
    rows: list[dict[str, str | float]] = [
        {"metric": name, "grouping": "pooled", "value": metric(target, predicted)}
        for name, metric in metrics.items()
    ]
    if threshold is not None:
        called = (predicted >= threshold).astype(np.float64)
        rows += [
            {
                "metric": f"{name}_at_threshold",
                "grouping": "pooled",
                "value": CLASSIFICATION[name](target, called),
            }
            for name in AT_THRESHOLD
        ]
    for grouping, entity in (("per_drug", drug), ("per_cell_line", cell_line)):
        for name in GROUPED[task]:
            values = per_entity(metrics[name], target, predicted, entity, classes=task == "classification")
            finite = values[np.isfinite(values)]
            value = float(finite.mean()) if len(finite) else float("nan")
            rows.append({"metric": name, "grouping": grouping, "value": value})
    if expected is not None:
        said = predicted
        if task == "classification":
            kept = np.clip(predicted, 1e-6, 1 - 1e-6)
            said = np.log(kept / (1 - kept))
        found = interaction(said, drug, cell_line)
        for name in RESIDUAL:
            value = REGRESSION[name](target - expected, found) if found.any() else float("nan")
            rows.append({"metric": name, "grouping": "residual", "value": value})
            value = REGRESSION[name](target - expected, predicted - expected)
            rows.append({"metric": name, "grouping": "less_means", "value": value})
    return rows
