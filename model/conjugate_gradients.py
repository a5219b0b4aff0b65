"""The one linear system of every Gaussian process over a table of pairs, solved without forming its covariance."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def solve(
    covariance: Callable[[Tensor], Tensor],
    root: Tensor,
    right: Tensor,
    *,
    iterations: int,
    tolerance: float,
) -> Tensor:
    """``x`` of ``(S K S + I) x = b`` by conjugate gradients (Hestenes and Stiefel, 1952).

    Parameters
    ----------
    covariance
        ``V`` to ``K V``, K symmetric and positive semi-definite; all tables are of one shape.
    root
        The diagonal of S, square roots of precisions; 0 where nothing was observed.
    right
        ``b``.
    iterations
        At most.
    tolerance
        Of the residual's norm, relative to that of the right-hand side.

    Returns
    -------
    Tensor
        Shape of ``b``.
    """
    solution = torch.zeros_like(right)
    residual, direction = right.clone(), right.clone()
    square = (residual * residual).sum()
    enough = tolerance**2 * square
    for _ in range(iterations):
        if square <= enough:  # also where all is zero
            break
        image = root * covariance(root * direction) + direction
        step = square / (direction * image).sum()
        solution += step * direction
        residual -= step * image
        before, square = square, (residual * residual).sum()
        direction = residual + square / before * direction
    return solution
