"""Gaussian process on the whole drug × cell-line table: several structure kernels × several kernels of cell lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.baselines import kronecker
from model.baselines.calibration import link, with_calibration
from model.baselines.problem import Options, Problem, coordinate_search
from model.splits import Split

PRECISION, UNTESTED = "precision", "untested"
CONSTANT, IDENTITY = "constant", "identity"
_MINOR = ("mutation", "copy_number", "tissue")
"""Kernels of cell lines that start with less weight than those of expression."""


@dataclass(frozen=True)
class GaussianProcess:
    """The covariance of two pairs is that of their drugs times that of their cell lines.

    Each is a constant, an identity and a weighted sum of kernels, so products give main effects, interactions of
    structure with expression, and each with the other side's identity. Classes are ±1. Untested pairs of entities
    that have training pairs count as weak observations of zero: which pairs a screen leaves out is chance, so their
    response is as likely one as the other, and saying so keeps the process from running off where it has no data.

    All weights, the noise and the weight of untested pairs are chosen one at a time on inner parts.
    """

    iterations: int = 60
    sweeps: int = 2
    factors: tuple[float, ...] = (4.0, 0.25)

    def choose(self, problem: Problem) -> Options:
        """Weights of kernels, precision of an observation, and share of it that an untested pair has."""
        n_parts = 1 if problem.split is Split.random else 3
        chosen = coordinate_search(
            problem,
            self.score,
            self.start(problem),
            factors=self.factors,
            sweeps=self.sweeps,
            n_parts=n_parts,
        )
        return with_calibration(problem, self.score, chosen)

    def start(self, problem: Problem) -> Options:
        """Where the search starts."""
        features = problem.features
        untested = 0.2 if problem.split in {Split.unseen_cell, Split.unseen_both} else 0.05
        constant = 1.0 if problem.task == "regression" else 0.1
        start = {PRECISION: 4.0, UNTESTED: untested}
        start |= {f"drug {CONSTANT}": constant, f"drug {IDENTITY}": 0.3}
        start |= {f"drug {name}": 1.5 / len(features.drug_kernels) for name in features.drug_kernels}
        start |= {f"cell_line {CONSTANT}": constant, f"cell_line {IDENTITY}": 0.3}
        return start | {
            f"cell_line {name}": 0.05 if name in _MINOR else 0.2 for name in features.cell_line_kernels
        }

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        return link(problem, options, self.score(problem, options, drug, cell_line))

    def score(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """Posterior mean, of ±1 for classes, of ln IC50 for regression."""
        training, features = problem.training, problem.features
        drugs, drug_row = _present(training.drug, drug)
        cell_lines, cell_line_row = _present(training.cell_line, cell_line)
        mean, width = problem.scale
        value = (
            2 * problem.target - 1 if problem.task == "classification" else (problem.target - mean) / width
        )
        n = len(training)
        shape = (len(drugs), len(cell_lines))
        where = (torch.from_numpy(drug_row[:n]), torch.from_numpy(cell_line_row[:n]))
        trained = [torch.zeros(size) for size in shape]
        for known, rows in zip(trained, where, strict=True):
            known[rows] = 1.0
        precision = options[PRECISION] * options[UNTESTED] * torch.outer(*trained)
        precision[where] = options[PRECISION]
        found = kronecker.posterior_mean(
            [
                kronecker.Term(
                    _covariance("drug", features.drug_kernels, options, drugs),
                    _covariance("cell_line", features.cell_line_kernels, options, cell_lines),
                )
            ],
            precision,
            kronecker.table(*where, torch.from_numpy(value), shape),
            iterations=self.iterations,
        )
        return found.numpy()[drug_row[n:], cell_line_row[n:]].astype(np.float64) * width + mean


def _present(of_training: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entities that occur, and the rows of the training pairs' and then the asked pairs' entities among them."""
    return np.unique(np.concatenate([of_training, asked]), return_inverse=True)


def _covariance(side: str, kernels: Mapping[str, Tensor], options: Options, entities: np.ndarray) -> Tensor:
    rows = torch.from_numpy(entities)
    total = torch.full((len(rows), len(rows)), float(options[f"{side} {CONSTANT}"]))
    total += options[f"{side} {IDENTITY}"] * torch.eye(len(rows))
    for name, kernel in kernels.items():
        total += options[f"{side} {name}"] * kernel[rows][:, rows]
    return total
