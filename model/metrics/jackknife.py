"""Jackknife: a metric with one group of rows left out at a time, and its standard error (Quenouille 1949, Tukey
1958)."""

from __future__ import annotations

import numpy as np


def auroc_without(label: np.ndarray, score: np.ndarray, group: np.ndarray) -> np.ndarray:
    """AUROC of all rows, then without each group, float64 (1 + n_groups,); NaN if one class is left.

    Correctly ordered pairs of a sensitive and a resistant row are counted once, in a table by the groups of both rows.
    Leaving a group out then means leaving out one row and one column of this table.

    Parameters
    ----------
    label, score
        Label, 0 or 1, and a score that is larger for 1; (n,).
    group
        0 to n_groups - 1, (n,).
    """
    n_groups = int(group.max()) + 1
    order = np.argsort(score, kind="stable")
    label, score, group = label[order] > 0.5, score[order], group[order]
    member = group[:, None] == np.arange(n_groups)
    resistant = member & ~label[:, None]
    counted = np.concatenate([np.zeros((1, n_groups)), resistant.cumsum(axis=0)])
    # a tie counts half
    below = (counted[np.searchsorted(score, score)] + counted[np.searchsorted(score, score, "right")]) / 2
    sensitive = (member & label[:, None]).astype(np.float64)
    right = _without(sensitive.T @ below)
    pairs = _without(np.outer(sensitive.sum(axis=0), resistant.sum(axis=0)))
    return right / np.where(pairs > 0, pairs, np.nan)


def r2_without(target: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> np.ndarray:
    """R² of all rows, then without each group, as in `auroc_without`."""
    n_groups = int(group.max()) + 1
    kept = np.concatenate([np.ones((1, len(group)), bool), group != np.arange(n_groups)[:, None]])
    count = np.maximum(kept.sum(axis=1), 1)
    mean = kept @ target / count
    total = kept @ target**2 - count * mean**2
    left = kept @ (target - predicted) ** 2
    return 1 - left / np.where(total > 1e-12, total, np.nan)


def standard_error(without: np.ndarray) -> np.ndarray:
    """Jackknife standard error from the metric with each group left out, ``(..., n_groups)``."""
    n = without.shape[-1]
    error: np.ndarray = np.sqrt((n - 1) / n * ((without - without.mean(-1, keepdims=True)) ** 2).sum(-1))
    return error


def _without(table: np.ndarray) -> np.ndarray:
    """The sum of a table by groups, then the sum without each group's row and column."""
    left = table.sum() - table.sum(axis=0) - table.sum(axis=1) + table.diagonal()
    return np.concatenate([[table.sum()], left])
