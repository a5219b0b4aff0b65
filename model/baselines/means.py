"""Baselines that predict a mean: of all pairs, of the drug, or of the cell line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.model.baselines.problem import Options, Problem

SHRINKAGE = 2.0
"""Pairs with the overall mean that are added to every entity. Set by hand."""


@dataclass(frozen=True)
class Mean:
    """Predicts the mean of the training pairs for every pair."""

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose."""
        return {}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        return np.full(len(drug), problem.label.mean())


@dataclass(frozen=True)
class DrugMean:
    """Predicts the drug's mean, shrunk towards the overall mean by two pairs."""

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose."""
        return {}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        return shrunk_means(problem.training.drug, problem.label, problem.training.n_drugs)[drug]


@dataclass(frozen=True)
class CellLineMean:
    """Predicts the cell line's mean, shrunk towards the overall mean by two pairs."""

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose."""
        return {}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training = problem.training
        return shrunk_means(training.cell_line, problem.label, training.n_cell_lines)[cell_line]


def shrunk_means(entity: np.ndarray, label: np.ndarray, n: int) -> np.ndarray:
    """Mean label of each entity, shrunk towards the overall mean by two pairs, float64 (n,)."""
    count, total = np.bincount(entity, minlength=n), np.bincount(entity, label, minlength=n)
    means: np.ndarray = (total + SHRINKAGE * label.mean()) / (count + SHRINKAGE)
    return means
