"""Scores of a class to probabilities: a logistic curve (Platt, 1999)."""

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
