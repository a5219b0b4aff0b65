"""Gaussian processes over a drug × cell-line table whose covariance is a sum of Kronecker products.

Nothing of the size of the table squared is ever built: the covariance is applied to a table by matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Term(NamedTuple):
    """One Kronecker product: the covariance of (drug, cell line) pairs is the product of the two entries.

    ``drug`` is (n_drugs, n_drugs), ``cell_line`` (n_cell_lines, n_cell_lines); both symmetric and positive
    semi-definite.
    """

    drug: Tensor
    cell_line: Tensor


def posterior_mean(
    terms: Sequence[Term], precision: Tensor, target: Tensor, *, iterations: int, tolerance: float = 1e-4
) -> Tensor:
    """Posterior mean of a zero-mean process at every pair.

    Solves ``(S K S + I) u = S y`` by conjugate gradients, S the square root of the precisions, and returns
    ``K S u``; so a pair of precision 0 is a pair that was never seen.

    Parameters
    ----------
    terms
        Their sum is the covariance K.
    precision
        Of the observation noise, 0 where there is no observation, float32 (n_drugs, n_cell_lines).
    target
        Observed values, anything finite where there are none, same shape.
    iterations
        At most.
    tolerance
        Of the residual, relative to the right-hand side.

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

    residual = root * target
    solution = torch.zeros_like(residual)
    direction = residual.clone()
    squared = (residual * residual).sum()
    enough = tolerance**2 * squared
    for _ in range(iterations):
        if squared <= enough:
            break
        applied = root * covariance(root * direction) + direction
        step = squared / (direction * applied).sum()
        solution += step * direction
        residual -= step * applied
        before, squared = squared, (residual * residual).sum()
        direction = residual + squared / before * direction
    return covariance(root * solution)


def table(drug: Tensor, cell_line: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    """Values at pairs, 0 elsewhere, float32 ``shape``."""
    filled = torch.zeros(shape)
    filled[drug, cell_line] = value.float()
    return filled
