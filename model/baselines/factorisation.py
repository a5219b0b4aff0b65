"""Matrix factorisation: biases and a low-rank product with Gaussian priors, averaged over several starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.baselines.problem import Options, Problem, best_of
from pharmagraph.model.networks.factors import CELL_LINE_BIAS_PENALTY, DRUG_BIAS_PENALTY, TableLoss


@dataclass(frozen=True)
class Factorisation:
    """Logistic for classes, Gaussian for ln IC50; fitted by Adam on all pairs at once.

    An entity without training pairs has neither bias nor factors, so its pairs are predicted from the other entity's
    bias alone.
    """

    members: int = 8
    epochs: int = 120
    candidates: Sequence[tuple[int, float, float]] = (
        (16, 1.0, 0.0), (16, 1.0, 0.03), (32, 1.0, 0.03), (16, 2.0, 0.03), (8, 0.5, 0.03)
    )  # fmt: skip
    """Rank, prior precision of factors, weight of an untested pair."""

    def choose(self, problem: Problem) -> Options:
        """Rank, prior precision and weight of untested pairs, judged by a single start."""
        candidates = [
            {"rank": rank, "penalty": penalty, "untested": untested, "members": 1}
            for rank, penalty, untested in self.candidates
        ]
        return {**best_of(problem, self.predict, candidates), "members": self.members}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training = problem.training
        n_drugs, n_cell_lines, rank = training.n_drugs, training.n_cell_lines, int(options["rank"])
        loss = table_loss(problem, options["untested"])
        asked = (torch.from_numpy(drug), torch.from_numpy(cell_line))
        total = torch.zeros(len(drug))
        for member in range(int(options["members"])):
            generator = torch.Generator().manual_seed(1000 * problem.seed + member)
            drug_bias, cell_line_bias = torch.zeros(n_drugs), torch.zeros(n_cell_lines)
            drug_factor = 0.1 * torch.randn(n_drugs, rank, generator=generator)
            cell_line_factor = 0.1 * torch.randn(n_cell_lines, rank, generator=generator)
            parameters = [
                p.requires_grad_() for p in (drug_bias, cell_line_bias, drug_factor, cell_line_factor)
            ]
            optimiser = torch.optim.Adam(parameters, lr=0.03)
            for _ in range(self.epochs):
                optimiser.zero_grad()
                output = drug_factor @ cell_line_factor.T + drug_bias[:, None] + cell_line_bias
                prior = (
                    options["penalty"] * ((drug_factor**2).sum() + (cell_line_factor**2).sum())
                    + DRUG_BIAS_PENALTY * (drug_bias**2).sum()
                    + CELL_LINE_BIAS_PENALTY * (cell_line_bias**2).sum()
                )
                (loss(output) + 0.5 * prior).backward()
                optimiser.step()
            with torch.no_grad():
                output = (drug_factor[asked[0]] * cell_line_factor[asked[1]]).sum(1)
                total += output + drug_bias[asked[0]] + cell_line_bias[asked[1]]
        return outcome(problem, total / options["members"])


def table_loss(problem: Problem, untested: float) -> TableLoss:
    """Loss of the training pairs, and of untested pairs with the weight ``untested``."""
    training = problem.training
    mean, width = problem.scale
    return TableLoss.of(
        problem.task, torch.from_numpy(training.drug), torch.from_numpy(training.cell_line),
        torch.from_numpy((problem.label - mean) / width).float(),
        (training.n_drugs, training.n_cell_lines), untested,
    )  # fmt: skip


def outcome(problem: Problem, output: Tensor) -> np.ndarray:
    """Probability, or ln IC50, from outputs, float64."""
    if problem.task == "classification":
        return torch.sigmoid(output).numpy().astype(np.float64)
    mean, width = problem.scale
    return output.numpy().astype(np.float64) * width + mean
