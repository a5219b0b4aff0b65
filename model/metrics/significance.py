"""How sure a figure is: bootstrap intervals by entity, and paired tests between two models on the same folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pharmagraph.model.metrics.scores import Metric


@dataclass(frozen=True)
class Comparison:
    """Two models on the same entities or folds.

    Attributes
    ----------
    difference
        Mean of the first model's values less the second's.
    p
        Two-sided; NaN with fewer than two pairs.
    n
        Pairs of values.
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
    """Percentile interval of a pooled figure when entities, with all their pairs, are drawn with replacement.

    Pairs of one drug are alike, and so are those of one cell line: drawing pairs would say more than is known.

    Parameters
    ----------
    entity
        Number of the drug or the cell line of each pair, int (n,).
    fold
        Of each pair, int (n,): the figure is then the mean over folds, as predictions of two folds come from two fits
        and are not to be ranked against each other.

    Returns
    -------
    tuple
        Lower and upper end; NaN when no resample has a figure.
    """
    found = []
    for rows in _draws(entity, resamples, seed):
        parts = [rows] if fold is None else [rows[fold[rows] == k] for k in np.unique(fold)]
        figures = [metric(target[part], predicted[part]) for part in parts if len(part)]
        found.append(float(np.mean(figures)))
    return _percentiles(np.array(found), level)


def _draws(entity: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Positions of the pairs of entities drawn with replacement."""
    generator = np.random.default_rng(seed)
    order = np.argsort(entity, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(entity[order])) + 1)
    for _ in range(resamples):
        yield np.concatenate([groups[i] for i in generator.integers(0, len(groups), len(groups))])


def mean_interval(
    values: np.ndarray, *, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of a figure that each entity has, entities drawn with replacement."""
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    resampled = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    return _percentiles(values[resampled].mean(1), level)


def _percentiles(found: np.ndarray, level: float) -> tuple[float, float]:
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compare_entities(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Wilcoxon's signed-rank test on the figures that two models reach on the same entities, (n,) each."""
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
    """Paired bootstrap of a pooled figure of one fold: entities are drawn, for both models the same.

    Parameters
    ----------
    first, second
        Predictions of the same pairs, (n,) each.
    entity
        Number of the drug or the cell line of each pair, int (n,).

    Returns
    -------
    Comparison
        ``p`` is twice the smaller share of draws on either side of no difference, never below 2 / (resamples + 1);
        NaN of a single entity. ``n`` counts entities.
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
    """Corrected resampled t-test on the figures of the same folds, (n_folds,) each.

    Folds share training pairs, so the plain t-test is too sure; the variance is taken (1/k + test/training) times.

    Parameters
    ----------
    test_share
        Pairs held out a fold over pairs trained on: 1/4 for five folds.

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
