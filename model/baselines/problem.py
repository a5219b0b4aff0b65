"""The interface of baselines, and how they choose their options on inner folds of the training pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from pharmagraph.model.baselines.features import Features
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import Responses

Options = Mapping[str, float]
Predict = Callable[["Problem", Options, np.ndarray, np.ndarray], np.ndarray]

INNER_FRACTION = 0.15
"""Fraction of the training pairs, drugs or cell lines that an inner fold sets aside."""


@dataclass(frozen=True)
class Problem:
    """Training pairs, and features of drugs and cell lines.

    Attributes
    ----------
    training
        Training pairs only.
    features
        Features of all entities in the graph.
    task, split
        What is predicted, and how pairs will be asked for; inner folds are cut in the same way.
    seed
        The same seed gives the same predictions.
    groups
        Entities that inner folds set aside together; each alone unless given.
    device
        Where networks are fitted.
    """

    training: Responses
    features: Features
    task: Task = "classification"
    split: Split = Split.random
    seed: int = 0
    groups: Groups | None = None
    device: str = "cpu"

    @cached_property
    def label(self) -> np.ndarray:
        """Labels of the training pairs, float64 (n,): the class, or ln IC50."""
        return self.training.label(self.task).astype(np.float64)

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the training labels; (0, 1) for classes."""
        if self.task == "classification":
            return 0.0, 1.0
        return float(self.label.mean()), float(self.label.std()) or 1.0

    @cached_property
    def value(self) -> np.ndarray:
        """Standardised labels of the training pairs, float64 (n,): ±1 for classes."""
        return self.value_of(self.training)

    def value_of(self, responses: Responses) -> np.ndarray:
        """Labels of any pairs standardised as those of the training pairs are, float64 (n,)."""
        label = responses.label(self.task).astype(np.float64)
        mean, width = self.scale
        return 2 * label - 1 if self.task == "classification" else (label - mean) / width

    def inner(self, number: int) -> tuple[Problem, Responses]:
        """The problem without the pairs that an inner fold sets aside, and those pairs; each number has its own."""
        inner = InnerFold.of(
            self.training, self.split, fraction=INNER_FRACTION, seed=1000 * self.seed + number,
            groups=self.groups,
        ).judged(self.task)  # fmt: skip
        return replace(self, training=inner.training), inner.validation


class Baseline(Protocol):
    """A simple model."""

    def choose(self, problem: Problem) -> Options:
        """Choose options on inner folds of the training pairs."""
        ...

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """Fit the training pairs and predict pairs of node numbers: probability, or ln IC50, float64 (n_pairs,)."""
        ...


def fit_predict(baseline: Baseline, problem: Problem, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
    """Choose options, fit, and predict pairs of node numbers, float64 (n_pairs,)."""
    return baseline.predict(problem, baseline.choose(problem), drug, cell_line)


def inner_figure(problem: Problem, predict: Predict, options: Options, *, n_folds: int) -> float:
    """AUROC, or R², of some options, mean over inner folds."""
    found = []
    for number in range(n_folds):
        less, aside = problem.inner(number)
        predicted = predict(less, options, aside.drug, aside.cell_line)
        found.append(CHOSEN_BY[problem.task](aside.label(problem.task).astype(np.float64), predicted))
    finite = [value for value in found if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("-inf")


def best_of(
    problem: Problem, predict: Predict, candidates: Iterable[Options], *, n_folds: int = 1
) -> Options:
    """The candidate with the largest `inner_figure`; the first one of equals."""
    return max(candidates, key=lambda options: inner_figure(problem, predict, options, n_folds=n_folds))
