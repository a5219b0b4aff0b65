"""Means: of everything, of a drug, of a cell line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.model.baselines.problem import Options, Problem

SHRINKAGE = 2.0
"""Pairs of the overall mean that are added to every entity."""


@dataclass(frozen=True)
class Mean:
    """The mean of the training pairs for every pair."""

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
    """The drug's mean, shrunk to the overall mean by two pairs."""

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
    """The cell line's mean, shrunk to the overall mean by two pairs."""

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose."""
        return {}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training = problem.training
        return shrunk_means(training.cell_line, problem.label, training.n_cell_lines)[cell_line]


def shrunk_means(entity: np.ndarray, target: np.ndarray, n: int) -> np.ndarray:
    """Mean of each entity's targets, shrunk to the overall mean by two pairs, float64 (n,)."""
    count, total = np.bincount(entity, minlength=n), np.bincount(entity, target, minlength=n)
    means: np.ndarray = (total + SHRINKAGE * target.mean()) / (count + SHRINKAGE)
    return means
