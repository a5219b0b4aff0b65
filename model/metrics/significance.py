"""Uncertainty of metrics: bootstrap intervals by entity, and paired tests between two models on the same folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pharmagraph.model.metrics.scores import Metric


@dataclass(frozen=True)
class Comparison:
    """Comparison of two models on the same entities or folds.

    Attributes
    ----------
    difference
        Mean of the first model's values minus the second's.
    p
        Two-sided p-value; NaN with fewer than two pairs of values.
    n
        Number of pairs of values.
    """

    difference: float
    p: float
    n: int


def bootstrap_interval(
    metric: Metric,
    target: np.ndarray,
    predicted: np.ndarray,
    entity: np.ndarray,
    *,
    fold: np.ndarray | None = None,
    resamples: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a pooled metric; entities with all their pairs are resampled with replacement.

    Pairs of one drug are correlated, and so are those of one cell line: resampling pairs would make the interval too
    narrow.

    Parameters
    ----------
    entity
        Number of the drug or the cell line of each pair, int (n,).
    fold
        Fold of each pair, int (n,). The metric is then the mean over folds, since predictions of different folds come
        from different fits and cannot be ranked against each other.

    Returns
    -------
    tuple
        Lower and upper end; NaN if the metric is undefined in every resample.
    """
    found = []
    for rows in _draws(entity, resamples, seed):
        parts = [rows] if fold is None else [rows[fold[rows] == k] for k in np.unique(fold)]
        figures = [metric(target[part], predicted[part]) for part in parts if len(part)]
        found.append(float(np.mean(figures)))
    return _percentiles(np.array(found), level)


def _draws(entity: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Positions of the pairs of resampled entities, for each resample."""
    generator = np.random.default_rng(seed)
    order = np.argsort(entity, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(entity[order])) + 1)
    for _ in range(resamples):
        yield np.concatenate([groups[i] for i in generator.integers(0, len(groups), len(groups))])


def mean_interval(
    values: np.ndarray, *, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of a metric over entities, which are resampled with replacement."""
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    resampled = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    return _percentiles(values[resampled].mean(1), level)


def binomial_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper and Pearson, 1934); NaN of nothing."""
    if not n:
        return float("nan"), float("nan")
    found = stats.binomtest(int(hits), int(n)).proportion_ci(level, "exact")
    return float(found.low), float(found.high)


def difference_interval(
    values: np.ndarray,
    later: np.ndarray,
    entity: np.ndarray,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the mean of some pairs less that of the others; entities are resampled with all pairs.

    Parameters
    ----------
    values
        Of all pairs, (n,).
    later
        Whether a pair is of the first mean, bool (n,). The mean of no pairs counts as 0.
    entity
        Number of the drug or the cell line of each pair, from 0, int (n,). It may have pairs on both sides.
    """
    n = int(entity.max()) + 1
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples)
    means = []
    for rows in (later, ~later):
        if not rows.any():
            means.append(np.zeros(resamples))
            continue
        total = draws @ np.bincount(entity[rows], values[rows].astype(np.float64), n)
        with np.errstate(invalid="ignore", divide="ignore"):  # a draw may miss all entities of one side
            means.append(total / (draws @ np.bincount(entity[rows], minlength=n)))
    return _percentiles(means[0] - means[1], level)


def _percentiles(found: np.ndarray, level: float) -> tuple[float, float]:
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compare_entities(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Wilcoxon's signed-rank test on the metric of two models on the same entities, (n,) each."""
    both = np.isfinite(first) & np.isfinite(second)
    difference = first[both] - second[both]
    if len(difference) < 2:
        return Comparison(_mean(difference), float("nan"), len(difference))
    p = float(stats.wilcoxon(difference).pvalue) if difference.any() else 1.0
    return Comparison(_mean(difference), p, len(difference))


def compare_by_bootstrap(
    metric: Metric,
    target: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    entity: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Paired bootstrap of a pooled metric of one fold; entities are resampled, the same for both models.

    Parameters
    ----------
    first, second
        Predictions of the same pairs, (n,) each.
    entity
        Number of the drug or the cell line of each pair, int (n,).

    Returns
    -------
    Comparison
        ``p`` is twice the smaller of the shares of resamples with a difference of at most and of at least 0, never
        below 2 / (resamples + 1); NaN with a single entity. ``n`` is the number of entities.
    """
    difference, n = metric(target, first) - metric(target, second), len(np.unique(entity))
    resampled = np.array(
        [
            metric(target[rows], first[rows]) - metric(target[rows], second[rows])
            for rows in _draws(entity, resamples, seed)
        ]
    )
    resampled = resampled[np.isfinite(resampled)]
    if n < 2 or not len(resampled):
        return Comparison(difference, float("nan"), n)
    smaller = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return Comparison(difference, min(1.0, 2 * (smaller + 1) / (len(resampled) + 1)), n)


def compare_folds(first: np.ndarray, second: np.ndarray, *, test_share: float) -> Comparison:
    """Corrected resampled t-test on the metric of two models on the same folds, (n_folds,) each.

    Folds share training pairs, so the plain t-test gives p-values that are too small; the corrected test multiplies the
    variance by (1/k + test/training) in place of 1/k.

    Parameters
    ----------
    test_share
        Number of held-out pairs of a fold divided by the number of its training pairs: 1/4 for five folds.

    References
    ----------
    Nadeau and Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239.
    """
    both = np.isfinite(first) & np.isfinite(second)
    difference = first[both] - second[both]
    k = len(difference)
    if k < 2:
        return Comparison(_mean(difference), float("nan"), k)
    spread = float(difference.var(ddof=1))
    if spread == 0:
        return Comparison(_mean(difference), 1.0 if not difference.any() else 0.0, k)
    t = difference.mean() / np.sqrt((1 / k + test_share) * spread)
    return Comparison(_mean(difference), float(2 * stats.t.sf(abs(t), k - 1)), k)


def _mean(difference: np.ndarray) -> float:
    return float(difference.mean()) if len(difference) else float("nan")
