"""Gaussian process over a drug × cell-line table whose covariance is a sum of Kronecker products.

Nothing of the size of the table squared is ever built: the covariance is applied to a table by matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pharmagraph.model.networks.conjugate_gradients import solve


class Term(NamedTuple):
    """One Kronecker product: the covariance of (drug, cell line) pairs is the product of the two entries.

    ``drug`` is (n_drugs, n_drugs), ``cell_line`` (n_cell_lines, n_cell_lines); both symmetric and positive
    semi-definite.
    """

    drug: Tensor
    cell_line: Tensor


def posterior_mean(
    terms: Sequence[Term], precision: Tensor, observed: Tensor, *, iterations: int, tolerance: float = 1e-4
) -> Tensor:
    """Posterior mean of a zero-mean process at every pair.

    With S the square root of the precisions and ``(S K S + I) u = S y``, the mean is ``K S u``; a pair of precision 0
    has no effect.

    Parameters
    ----------
    terms
        Kronecker products whose sum is the covariance K.
    precision
        Inverse variance of each observation, 0 where there is none, float32 (n_drugs, n_cell_lines).
    observed
        Observed values, anything finite where there are none, same shape.
    iterations
        Largest number of conjugate-gradient iterations.
    tolerance
        Norm of the residual, relative to the right-hand side, at which they stop.

    Returns
    -------
    Tensor
        float32 (n_drugs, n_cell_lines).
    """
    root = precision.sqrt()

    def covariance(table: Tensor) -> Tensor:
        total = torch.zeros_like(table)
        for term in terms:
            total += term.drug @ table @ term.cell_line
        return total

    solution = solve(
        lambda table: root * covariance(root * table) + table, root * observed,
        iterations=iterations, tolerance=tolerance,
    )  # fmt: skip
    return covariance(root * solution)


def table(drug: Tensor, cell_line: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """Values at pairs, 0 elsewhere, float32 ``shape``."""
    filled = torch.zeros(shape)
    filled[drug, cell_line] = value.float()
    return filled
