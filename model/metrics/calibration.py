"""Turns scores into probabilities by a logistic curve (Platt, 1999), and probabilities into classes by a threshold.

`reliability` tells whether probabilities hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bin:
    """Pairs of like probability.

    Attributes
    ----------
    number
        Of the bin, counted from 0 at probability 0.
    n
        Pairs in it.
    predicted, observed
        Mean probability, and share of pairs of the class.
    """

    number: int
    n: int
    predicted: float
    observed: float


def reliability(label: np.ndarray, probability: np.ndarray, *, n_bins: int = 10) -> list[Bin]:
    """Predicted and observed shares by equally wide bins of probability; empty bins are left out."""
    at = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    count = np.bincount(at, minlength=n_bins)
    predicted, observed = (np.bincount(at, values, minlength=n_bins) for values in (probability, label))
    return [
        Bin(int(k), int(count[k]), float(predicted[k] / count[k]), float(observed[k] / count[k]))
        for k in np.flatnonzero(count)
    ]


def curve(label: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of a class on one score; the slope is never negative."""
    from sklearn.linear_model import LogisticRegression

    if label.min() == label.max():  # nothing to learn a slope from
        return 1.0, 0.0
    width = float(score.std()) or 1.0
    fitted = LogisticRegression(C=1e3).fit((score / width)[:, None], label.astype(int))
    return max(float(fitted.coef_[0, 0]) / width, 1e-3), float(fitted.intercept_[0])


def best_threshold(label: np.ndarray, probability: np.ndarray) -> float:
    """The probability from which a pair is called sensitive for the largest F1; one half if all labels are equal."""
    if label.min() == label.max():
        return 0.5
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(label[order])
    f1 = 2 * hits / (np.arange(1, len(label) + 1) + label.sum())
    f1[:-1][np.diff(probability[order]) == 0] = 0  # pairs with equal probability are in one class
    return float(probability[order][f1.argmax()])
