"""A drug effect plus a cell-line effect: a model that beats it has learned some interaction of the two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pharmagraph.model.baselines.problem import Options, Problem, best_of
from pharmagraph.model.responses.measured import Responses


@dataclass(frozen=True)
class Additive:
    """Logistic regression, or least squares, on indicators of drugs and cell lines under an L2 penalty."""

    penalties: tuple[float, ...] = (1.0, 0.3, 3.0)

    def choose(self, problem: Problem) -> Options:
        """The penalty."""
        return best_of(problem, self.predict, [{"penalty": penalty} for penalty in self.penalties])

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        from sklearn.linear_model import LogisticRegression, Ridge

        training = problem.training
        train, asked = (
            _one_hot(training, *pairs) for pairs in ((training.drug, training.cell_line), (drug, cell_line))
        )
        if problem.task == "classification":
            logistic = LogisticRegression(C=1 / options["penalty"], max_iter=500)
            return np.asarray(logistic.fit(train, problem.label.astype(int)).predict_proba(asked)[:, 1])
        ridge = Ridge(alpha=options["penalty"], solver="sparse_cg", tol=1e-8)
        return np.asarray(ridge.fit(train, problem.label).predict(asked))


def _one_hot(training: Responses, drug: np.ndarray, cell_line: np.ndarray) -> sparse.csr_matrix:
    """Indicator columns of drugs, then of cell lines, (n_pairs, n_drugs + n_cell_lines)."""
    n = len(drug)
    columns = np.stack([drug, training.n_drugs + cell_line], axis=1).ravel()
    shape = (n, training.n_drugs + training.n_cell_lines)
    return sparse.csr_matrix((np.ones(2 * n), columns, 2 * np.arange(n + 1)), shape=shape)
