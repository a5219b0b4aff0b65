"""Kernel ridge on pairs: Tanimoto × RBF on expression, with identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pharmagraph.model.baselines import kronecker
from pharmagraph.model.baselines.calibration import link, with_calibration
from pharmagraph.model.baselines.problem import Options, Problem, best_of


@dataclass(frozen=True)
class KernelRidge:
    """Ridge regression of ±1, or of ln IC50, on measured pairs alone, with one fixed kernel.

    The kernel of two pairs is the sum of the drug kernel, the cell-line kernel and their product, plus half of the same
    terms in which an identity replaces one kernel or the other.
    """

    penalties: tuple[float, ...] = (0.25, 0.06, 1.0, 4.0)
    iterations: int = 150

    def choose(self, problem: Problem) -> Options:
        """The penalty."""
        chosen = best_of(problem, self.score, [{"penalty": penalty} for penalty in self.penalties])
        return with_calibration(problem, self.score, chosen)

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        return link(problem, options, self.score(problem, options, drug, cell_line))

    def score(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """Output of the ridge regression: of ±1 for classes, of ln IC50 for regression."""
        training, features = problem.training, problem.features
        mean, width = problem.scale
        drugs, drug_row = np.unique(np.concatenate([training.drug, drug]), return_inverse=True)
        cell_lines, cell_line_row = np.unique(
            np.concatenate([training.cell_line, cell_line]), return_inverse=True
        )
        of_drugs = features.drug_kernels["fingerprint"][drugs][:, drugs]
        of_cell_lines = features.cell_line_kernels.get("rbf", torch.eye(training.n_cell_lines))
        of_cell_lines = of_cell_lines[cell_lines][:, cell_lines]
        same_drug, same_cell_line = torch.eye(len(drugs)), torch.eye(len(cell_lines))
        # T + C + T C + (2 I_c + I_d + 2 I_d C + T I_c) / 2, as products
        terms = [
            kronecker.Term(1 + of_drugs + same_drug, of_cell_lines),
            kronecker.Term(of_drugs, 1 + same_cell_line / 2),
            kronecker.Term(torch.ones_like(of_drugs), same_cell_line),
            kronecker.Term(same_drug / 2, torch.ones_like(of_cell_lines)),
        ]
        n, shape = len(training), (len(drugs), len(cell_lines))
        where = (torch.from_numpy(drug_row[:n]), torch.from_numpy(cell_line_row[:n]))
        found = kronecker.posterior_mean(
            terms,
            kronecker.table(*where, torch.full((n,), 1 / options["penalty"]), shape),
            kronecker.table(*where, torch.from_numpy(problem.value), shape),
            iterations=self.iterations,
            tolerance=1e-3,
        )
        return found.numpy()[drug_row[n:], cell_line_row[n:]].astype(np.float64) * width + mean
