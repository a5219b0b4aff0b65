"""Turns scores into probabilities by a logistic curve (Platt, 1999), and probabilities into classes by a threshold."""

from __future__ import annotations

import numpy as np


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
