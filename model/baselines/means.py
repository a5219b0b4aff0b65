"""Baselines that predict means: of all pairs, of the drug, of the cell line, or the sum of their effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.model.baselines.problem import Options, Problem
from pharmagraph.model.metrics.dreval import mean_effects

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


@dataclass(frozen=True)
class MeanEffects:
    """DrEval's naive mean effects: the drug's, the tissue's and the cell line's, on top of the overall mean.

    An unseen cell line is predicted by its tissue. For classes the sum is kept within [0, 1].
    """

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose."""
        return {}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training = problem.training
        found = mean_effects(
            problem.label, (training.drug, training.cell_line), (drug, cell_line),
            (training.n_drugs, training.n_cell_lines), problem.features.tissue,
        )  # fmt: skip
        return found if problem.task == "regression" else found.clip(0, 1)


def shrunk_means(entity: np.ndarray, label: np.ndarray, n: int) -> np.ndarray:
    """Mean label of each entity, shrunk towards the overall mean by two pairs, float64 (n,)."""
    count, total = np.bincount(entity, minlength=n), np.bincount(entity, label, minlength=n)
    means: np.ndarray = (total + SHRINKAGE * label.mean()) / (count + SHRINKAGE)
    return means
