"""Solves the linear systems of Gaussian processes over a table of pairs without forming the covariance of pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

ROUNDED = 1.02
"""The squared residual of a solution that was kept may be so many times what the iterations made of it, by rounding.
Set by hand."""


def solve(
    system: Callable[[Tensor], Tensor],
    right: Tensor,
    *,
    iterations: int,
    tolerance: float,
    precondition: Callable[[Tensor], Tensor] = torch.clone,
    start: Tensor | None = None,
) -> Tensor:
    """``x`` of ``A x = b`` by preconditioned conjugate gradients (Hestenes and Stiefel, 1952).

    Parameters
    ----------
    system
        Maps ``V`` to ``A V``; A is symmetric and positive definite, and all tables have one shape.
    right
        ``b``.
    iterations
        Largest number of iterations.
    tolerance
        Norm of the residual, relative to the norm of ``b``, at which the iterations stop.
    precondition
        Maps ``V`` to an approximation of ``A⁻¹ V``; symmetric and positive definite, too.
    start
        Where the iterations begin, unless zero is nearer; zero unless given. One that is a solution is returned as it
        is.

    Returns
    -------
    Tensor
        The solution, of the shape of ``b``.
    """
    solution, residual = torch.zeros_like(right), right.clone()
    norm = (right * right).sum()
    enough = tolerance**2 * norm
    if start is not None:
        left = right - system(start)
        if (left * left).sum() <= ROUNDED * enough:
            return start.clone()
        if (left * left).sum() < norm:
            solution, residual = start.clone(), left
    direction = near = precondition(residual)
    product = (residual * near).sum()
    for _ in range(iterations):
        if (residual * residual).sum() <= enough or product <= 0:  # also where all is zero
            break
        image = system(direction)
        step = product / (direction * image).sum()
        solution += step * direction
        residual -= step * image
        near = precondition(residual)
        before, product = product, (residual * near).sum()
        direction = near + product / before * direction
    return solution
