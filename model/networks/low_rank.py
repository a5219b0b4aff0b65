"""A covariance of many entities as a few columns and a diagonal; the whole matrix is never formed.

No kernel is computed here: `low_rank` asks for the columns it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.linalg.lapack import dpstrf
from torch import Tensor

from pharmagraph.kg.errors import ModelError, ShapeError

SMALLEST = 1e-6
"""Variance, relative to the largest one, below which columns explain an entity: the round-off of float32 kernels."""


@dataclass(frozen=True)
class LowRank:
    """``K ≈ L Lᵀ + diag(r)``, with the diagonal of K exact.

    Attributes
    ----------
    factor
        L, (n, rank). Its columns are orthogonal, the longest first: they are the eigenvectors of ``L Lᵀ`` times the
        roots of its eigenvalues.
    rest
        r, at least 0, (n,): the variance of each entity that L does not explain.
    pivots
        Entities whose columns of K span those of L, int64 (n_pivots,).
    """

    factor: Tensor
    rest: Tensor
    pivots: Tensor

    @property
    def rank(self) -> int:
        """Number of columns."""
        return self.factor.shape[1]

    def diagonal(self) -> Tensor:
        """Diagonal of K, (n,)."""
        return self.factor.square().sum(1) + self.rest


def low_rank(
    columns: Callable[[Tensor], Tensor],
    diagonal: Tensor,
    rank: int,
    *,
    alone: float = 0.0,
    n_pivots: int | None = None,
    block: int = 32,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> LowRank:
    """A kernel ``K = K₀ + alone I`` by an incomplete Cholesky factor of K₀ with random pivots.

    Each round draws a block of entities, with a probability in proportion to the variance ``diag(K₀ - L Lᵀ)`` that is
    not explained yet, asks for their columns of K₀, and appends to L what these columns have beyond ``L Lᵀ``. So
    ``L Lᵀ`` is the Nyström approximation of K₀ by all pivots P, ``K₀[:, P] K₀[P, P]⁻¹ K₀[P, :]``. Of its eigenvectors
    the first are kept. What L lacks on the diagonal is ``r = diag(K - L Lᵀ)``, as in the FITC approximation: no entity
    loses variance.

    Parameters
    ----------
    columns
        Maps numbers of entities (b,) to their columns of K₀, (n, b).
    diagonal
        Diagonal of K₀, (n,).
    rank
        Columns of L at most: fewer where these explain all of K₀.
    alone
        Variance that every entity has by itself. It costs no rank.
    n_pivots
        Columns of K₀ that are asked for at most; twice the rank unless given. They cost time once, columns of L in
        every product with the kernel.
    block
        Entities of a round.
    seed
        Of the draws.
    dtype
        Of the result. It is computed in float64.

    Returns
    -------
    LowRank
        In memory, n × n_pivots numbers of float64; in time, n × n_pivots² operations and those of ``columns``.

    Raises
    ------
    ModelError
        If the rank or the block is not positive, the rank is larger than the number of pivots, or a number of the
        kernel or ``alone`` is not finite, or a variance negative.
    ShapeError
        If ``columns`` returns another shape.

    References
    ----------
    Chen, Epperly, Tropp and Webber, Randomly pivoted Cholesky, Comm. Pure Appl. Math. 78 (2025) 995. Snelson and
    Ghahramani, Sparse Gaussian processes using pseudo-inputs, NeurIPS 2006 (the diagonal).
    """
    if rank < 1:
        raise ModelError(f"rank: {rank} columns approximate nothing; give 1 or more")
    wanted = 2 * rank if n_pivots is None else n_pivots
    if wanted < rank:
        raise ModelError(f"n_pivots: {wanted} columns have no rank of {rank}; give {rank} or more")
    if block < 1:
        raise ModelError(f"block: {block} entities a round end never; give 1 or more")
    wrong = torch.nonzero(~(torch.isfinite(diagonal) & (diagonal >= 0)))
    if len(wrong):
        at = int(wrong[0])
        raise ModelError(
            f"diagonal: {float(diagonal[at])} at {at} is no variance; give finite ones of 0 or more"
        )
    if not 0 <= alone < math.inf:
        raise ModelError(f"alone: {alone} is no variance; give a finite one of 0 or more")
    n, generator = len(diagonal), torch.Generator().manual_seed(seed)
    left = diagonal.double().clone()
    smallest = SMALLEST * float(left.max()) if n else 0.0
    factor, pivots, asked = left.new_zeros(n, min(wanted, n)), [], torch.zeros(n, dtype=torch.bool)
    n_columns = 0
    while n_columns < factor.shape[1]:
        weight = torch.where(asked | (left <= smallest), 0.0, left)
        size = min(block, factor.shape[1] - n_columns, int((weight > 0).sum()))
        if not size:
            break
        drawn = torch.multinomial(weight, size, generator=generator)
        asked[drawn] = True
        new = columns(drawn).double()
        if new.shape != (n, size):
            raise ShapeError(f"columns: shape {tuple(new.shape)}, expected {(n, size)}")
        if not torch.isfinite(new).all():
            row, column = torch.nonzero(~torch.isfinite(new))[0].tolist()
            raise ModelError(
                f"columns: {float(new[row, column])} for entities {row} and {int(drawn[column])}; give a finite kernel"
            )
        before = factor[:, :n_columns]
        new -= before @ before[drawn].T
        root, kept = _independent(new[drawn], smallest)
        new = torch.linalg.solve_triangular(root, new[:, kept].T, upper=False).T
        factor[:, n_columns : n_columns + len(kept)] = new
        left = (left - new.square().sum(1)).clamp(min=0)
        n_columns += len(kept)
        pivots.append(drawn[kept])
    factor = factor[:, :n_columns]
    _, vectors = torch.linalg.eigh(factor.T @ factor)
    dropped, kept = vectors.tensor_split([max(n_columns - rank, 0)], dim=1)
    left += (factor @ dropped).square().sum(1) + alone
    return LowRank(
        (factor @ kept.flip(1)).to(dtype), left.to(dtype), torch.cat(pivots or [torch.empty(0).long()])
    )


def _independent(gram: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    """Cholesky factor of the rows that are independent of those before them, and their numbers."""
    root, order, rank, _ = dpstrf(gram.numpy(), tol=smallest, lower=1)
    return torch.from_numpy(root[:rank, :rank]).tril(), torch.from_numpy(order[:rank]).long() - 1
