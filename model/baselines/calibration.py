"""Scores of a class to probabilities: a logistic curve fitted on inner parts of the training pairs (Platt, 1999)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from pharmagraph.model.baselines.problem import Options, Predict, Problem
from pharmagraph.model.metrics.calibration import curve

SLOPE, INTERCEPT = "slope", "intercept"


def with_calibration(problem: Problem, score: Predict, options: Options, *, number: int = 0) -> Options:
    """The options and the curve that turns their scores of an inner part into probabilities; regression needs none."""
    if problem.task == "regression":
        return options
    less, aside = problem.inner(number)
    slope, intercept = curve(aside.response, score(less, options, aside.drug, aside.cell_line))
    return {**options, SLOPE: slope, INTERCEPT: intercept}


def link(problem: Problem, options: Options, score: np.ndarray) -> np.ndarray:
    """Probability of a score; a regression's score is the prediction already."""
    if problem.task == "regression":
        return score
    probability: np.ndarray = expit(options[SLOPE] * score + options[INTERCEPT])
    return probability


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Of probabilities kept away from 0 and 1."""
    odds: np.ndarray = logit(np.clip(probability, 1e-6, 1 - 1e-6))
    return odds
