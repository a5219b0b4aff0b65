"""Turns scores into probabilities by a logistic curve fitted on inner folds of the training pairs (Platt, 1999)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from pharmagraph.model.baselines.problem import Options, Predict, Problem
from pharmagraph.model.metrics.calibration import curve

SLOPE, INTERCEPT = "slope", "intercept"


def with_calibration(problem: Problem, score: Predict, options: Options, *, number: int = 0) -> Options:
    """The options with the slope and intercept fitted to scores of an inner fold; unchanged for regression."""
    if problem.task == "regression":
        return options
    less, aside = problem.inner(number)
    slope, intercept = curve(aside.response, score(less, options, aside.drug, aside.cell_line))
    return {**options, SLOPE: slope, INTERCEPT: intercept}


def link(problem: Problem, options: Options, score: np.ndarray) -> np.ndarray:
    """Probability of a score; for regression the score is the prediction already."""
    if problem.task == "regression":
        return score
    probability: np.ndarray = expit(options[SLOPE] * score + options[INTERCEPT])
    return probability


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, which are first limited to 1e-6 from 0 and 1."""
    odds: np.ndarray = logit(np.clip(probability, 1e-6, 1 - 1e-6))
    return odds
