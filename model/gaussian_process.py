"""A Gaussian process over the response matrix: its covariance is a drug kernel times a cell-line kernel; both learn.

It is the last layer of the default network (`KernelPart`) and, on fixed similarities alone, a baseline.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.candidates import residuals
from model.config import NetworkConfig
from model.conjugate_gradients import solve
from model.graph_tensors import GraphTensors
from model.messages import Visible
from model.similarities import CELL_LINE_KERNELS, DRUG_KERNELS

TRAINING_ITERATIONS, PREDICTION_ITERATIONS = 40, 100
TOLERANCE = 1e-3
"""Norm of the residual, relative to the right-hand side's, at which conjugate gradients stop."""

LOGIT_SCALE = 4.0
"""Of the posterior mean, which lies between -1 and 1, at the start."""


class PosteriorMean(torch.autograd.Function):
    """Posterior mean of a Gaussian process on a matrix, ``(n_cell_lines, n_drugs)``.

    With K the Kronecker product of the two kernels and S the diagonal of square roots of precisions, the mean at all
    entries is ``K S x`` where ``(S K S + I) x = S y``. K is never formed: ``K v`` is ``kernel_c V kernel_d``. The
    adjoint is the same system with another right-hand side, so the gradients of both kernels, of S and of y are exact
    up to the tolerance of the solver.
    """

    @staticmethod
    def forward(
        ctx: Any, kernel_c: Tensor, kernel_d: Tensor, root_precision: Tensor, target: Tensor, iterations: int
    ) -> Tensor:
        """Mean at all entries; kernels are symmetric, the others ``(n_cell_lines, n_drugs)``."""
        solution = _solve(kernel_c, kernel_d, root_precision, root_precision * target, iterations)
        mean = kernel_c @ (root_precision * solution) @ kernel_d
        ctx.save_for_backward(kernel_c, kernel_d, root_precision, target, solution, mean)
        ctx.iterations = iterations
        return mean

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Gradients of the kernels, of the square roots of precisions and of what is observed."""
        (gradient,) = gradients
        kernel_c, kernel_d, root, target, solution, mean = ctx.saved_tensors
        through = kernel_c @ gradient @ kernel_d
        adjoint = _solve(kernel_c, kernel_d, root, root * through, ctx.iterations)
        left, right = gradient - root * adjoint, root * solution
        of_c = left @ kernel_d @ right.T
        of_d = (kernel_c @ right).T @ left
        of_root = adjoint * (target - mean) + solution * (through - kernel_c @ (root * adjoint) @ kernel_d)
        return of_c, of_d, of_root, root * adjoint, None


def _solve(kernel_c: Tensor, kernel_d: Tensor, root: Tensor, right: Tensor, iterations: int) -> Tensor:
    return solve(
        lambda table: kernel_c @ table @ kernel_d, root, right, iterations=iterations, tolerance=TOLERANCE
    )


class ResponseProcess(nn.Module):
    """Logits of pairs from a Gaussian process on the visible responses.

    Each kernel is a weighted sum of fixed similarities, of a constant, of the identity, and of the cosine between
    profiles of visible responses less drug and cell-line means (drugs that act alike, cell lines that answer alike).
    What it observes of a pair is a learned mixture of its class and its strength, where both are known.
    Untested pairs count as a little of "neither", with a precision that is learned, too.

    Parameters
    ----------
    n_drug_kernels, n_cell_line_kernels
        Fixed similarities.
    constants
        Weights of the constants of drugs and of cell lines at the start.
    scale
        Of the posterior mean at the start.
    observed
        Weights of class and strength in what is observed, at the start.
    """

    def __init__(
        self,
        n_drug_kernels: int,
        n_cell_line_kernels: int,
        *,
        constants: tuple[float, float] = (0.1, 0.05),
        scale: float = LOGIT_SCALE,
        observed: tuple[float, float] = (0.5, 0.5),
    ) -> None:
        super().__init__()
        self.of_drugs = nn.Parameter(_free([0.15] * n_drug_kernels))
        self.of_cell_lines = nn.Parameter(_free([0.2] * n_cell_line_kernels))
        self.of_profiles = nn.Parameter(_free([0.3, 0.3]))
        self.constant = nn.Parameter(_free(list(constants)))
        self.identity = nn.Parameter(_free([0.3, 0.2]))
        self.precision = nn.Parameter(_free([0.5, 0.03]))
        self.observed = nn.Parameter(torch.tensor(observed))
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias, self.of_drug_mean = nn.Parameter(torch.tensor(0.0)), nn.Parameter(torch.tensor(0.0))

    def hyperparameters(self) -> list[nn.Parameter]:
        """The few numbers that say how kernels are mixed; they learn faster than weights."""
        return [
            self.of_drugs, self.of_cell_lines, self.of_profiles, self.constant, self.identity,
            self.precision, self.observed, self.scale, self.bias, self.of_drug_mean,
        ]  # fmt: skip

    def logits(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        drug: Tensor,
        cell_line: Tensor,
        *,
        more: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Of pairs given by node numbers, (n_pairs,).

        Parameters
        ----------
        kernels
            Fixed similarities of drugs and of cell lines, (n, n, n_kernels).
        visible
            Responses.
        more
            Kernels of drugs and of cell lines, already weighted, to be added, (n, n).
        """
        active = visible.known_drugs.clone()  # the others have no part in the system
        active[drug] = True
        columns = torch.nonzero(active).flatten()
        column = (torch.cumsum(active, 0) - 1)[drug]
        measured = visible.measured[:, columns]
        play = torch.outer(visible.known_cell_lines.float(), visible.known_drugs[columns].float())
        of_measured, share_of_untested = functional.softplus(self.precision)
        root = (of_measured * (measured + share_of_untested * (1 - measured))).sqrt() * play
        value = visible.value[:, columns] * measured
        profile = residuals(value, measured)
        kernel_d = self._kernel(0, self.of_drugs, kernels[0][columns][:, columns], profile.T)
        kernel_c = self._kernel(1, self.of_cell_lines, kernels[1], profile)
        if more is not None:
            kernel_d, kernel_c = kernel_d + more[0][columns][:, columns], kernel_c + more[1]
        iterations = TRAINING_ITERATIONS if self.training else PREDICTION_ITERATIONS
        of_class, of_strength = self.observed
        target = of_class * visible.sign[:, columns] + of_strength * value
        mean: Tensor = PosteriorMean.apply(kernel_c, kernel_d, root, target, iterations)
        drug_mean = visible.sign.sum(0) / (visible.measured.sum(0) + 4)
        return self.scale * mean[cell_line, column] + self.bias + self.of_drug_mean * drug_mean[drug]

    def _kernel(self, side: int, weights: Tensor, fixed: Tensor, profile: Tensor) -> Tensor:
        positive = functional.softplus
        return (
            fixed @ positive(weights)
            + positive(self.of_profiles[side]) * _cosine(profile)
            + positive(self.constant[side])
            + positive(self.identity[side]) * torch.eye(len(fixed), device=fixed.device)
        )


class KernelPart(ResponseProcess):
    """The process as a part of a network: the cosine between the states that the attention layers gave the nodes is one
    more term of each kernel, between entities that have visible responses. States were fitted to those; what they say
    of others is a memory of the training entities, and costs more than it brings.

    Parameters
    ----------
    config
        Width of the states.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(len(DRUG_KERNELS), len(CELL_LINE_KERNELS))
        self.uses_states = config.kernel_states
        self.of_states = nn.Parameter(_free([0.3, 0.3]))
        self.drug_view, self.cell_line_view = nn.Linear(config.channels, 32), nn.Linear(config.channels, 16)

    def hyperparameters(self) -> list[nn.Parameter]:
        """As `ResponseProcess`, and the weights of the states."""
        return [*super().hyperparameters(), self.of_states]

    def forward(
        self,
        tensors: GraphTensors,
        states: dict[str, Tensor],
        visible: Visible,
        drug: Tensor,
        cell_line: Tensor,
    ) -> Tensor:
        """Logits (n_pairs,) of pairs given by node numbers."""
        kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
        if not self.uses_states:
            return self.logits(kernels, visible, drug, cell_line)
        of_drugs, of_cell_lines = functional.softplus(self.of_states)
        of_states = (
            of_drugs * _cosine(self.drug_view(states["Drug"]) * visible.known_drugs[:, None]),
            of_cell_lines
            * _cosine(self.cell_line_view(states["CellLine"]) * visible.known_cell_lines[:, None]),
        )
        return self.logits(kernels, visible, drug, cell_line, more=of_states)


def _cosine(rows: Tensor) -> Tensor:
    """(n, n); 0 for a row of zeros."""
    unit = functional.normalize(rows, dim=1)
    return unit @ unit.T


def _free(values: list[float]) -> Tensor:
    """The numbers that softplus makes these of."""
    return torch.log(torch.expm1(torch.tensor(values)))
