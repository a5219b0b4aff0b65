"""Posterior mean of a Gaussian process over a table of pairs that is too large to be written down.

`posterior` solves the same model with whole kernels, and learns them; here kernels are fixed and of low rank
(`low_rank`), and nothing of the size of the table is formed.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from pharmagraph.kg.errors import ModelError, ShapeError
from pharmagraph.model.networks.conjugate_gradients import solve
from pharmagraph.model.networks.low_rank import LowRank

ITERATIONS, TOLERANCE = 500, 1e-4
"""Conjugate-gradient iterations at most, and the norm of the residual, relative to the observations, at which they
stop."""

COARSE = (16, 64)
"""Columns of the two factors, of cell lines and of drugs, whose products precondition the system. Set by hand."""


class Pairs:
    """Tables that have values at the same pairs, and 0 elsewhere.

    Parameters
    ----------
    drug, cell_line
        Numbers of each pair, (n_pairs,), in any order.
    n_drugs, n_cell_lines
        Size of the table.

    Raises
    ------
    ShapeError
        If a pair is given twice.
    """

    def __init__(self, drug: Tensor, cell_line: Tensor, n_drugs: int, n_cell_lines: int) -> None:
        self.order = torch.argsort(drug * n_cell_lines + cell_line)
        self.drug, self.cell_line = drug[self.order], cell_line[self.order]
        same = (self.drug.diff() == 0) & (self.cell_line.diff() == 0)
        if same.any():
            at = int(torch.nonzero(same)[0])
            raise ShapeError(
                f"pairs: drug {self.drug[at]} and cell line {self.cell_line[at]} are there twice; keep one"
            )
        self.shape = n_drugs, n_cell_lines
        self.ends = _ends(self.drug, n_drugs)
        self.by_cell_line = torch.argsort(self.cell_line, stable=True)
        self.ends_by_cell_line = _ends(self.cell_line, n_cell_lines)

    def __len__(self) -> int:
        return len(self.drug)

    def table(self, values: Tensor) -> Tensor:
        """Values at the pairs, (n_pairs,), as a sparse table, (n_drugs, n_cell_lines)."""
        return _sparse(self.ends, self.cell_line, values, self.shape)

    def of_drugs(self, values: Tensor, right: Tensor) -> Tensor:
        """``V R`` for the table V of values and R (n_cell_lines, k): (n_drugs, k)."""
        return self.table(values) @ right

    def of_cell_lines(self, values: Tensor, right: Tensor) -> Tensor:
        """``Vᵀ R`` for the table V of values and R (n_drugs, k): (n_cell_lines, k)."""
        by = self.by_cell_line
        return _sparse(self.ends_by_cell_line, self.drug[by], values[by], self.shape[::-1]) @ right

    def add_products(self, values: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Values plus the entries of ``L Rᵀ`` at the pairs, for L (n_drugs, k) and R (n_cell_lines, k): (n_pairs,)."""
        return torch.sparse.sampled_addmm(self.table(values), left, right.T).values()


@dataclass(frozen=True)
class PosteriorAtSize:
    """Posterior mean, by any drugs' rows.

    Attributes
    ----------
    of_drugs, of_cell_lines
        The kernels.
    from_drugs
        ``K_C Wᵀ L_D``, (n_cell_lines, rank), of the weights W of pairs.
    from_cell_lines
        ``diag(r_D) W L_C``, (n_drugs, rank).
    weights
        W where r of both sides has a part, sparse (n_drugs, n_cell_lines).
    iterations
        Of conjugate gradients.
    residual
        Norm of what the weights leave of the system, relative to that of the observations.
    """

    of_drugs: LowRank
    of_cell_lines: LowRank
    from_drugs: Tensor
    from_cell_lines: Tensor
    weights: Tensor
    iterations: int
    residual: float

    def mean(self, drugs: Tensor) -> Tensor:
        """Mean of all pairs of some drugs (b,), in the unit of the observations, (b, n_cell_lines).

        Raises
        ------
        ModelError
            If a drug is not in the kernel.
        """
        _require_known("drugs", drugs, len(self.of_drugs.rest))
        own = self.of_drugs.factor.new_zeros(len(drugs), len(self.of_cell_lines.rest))
        for at, drug in enumerate(drugs.tolist()):
            own[at] = self.weights[drug].to_dense()
        return (
            self.of_drugs.factor[drugs] @ self.from_drugs.T
            + self.from_cell_lines[drugs] @ self.of_cell_lines.factor.T
            + self.of_drugs.rest[drugs, None] * own * self.of_cell_lines.rest
        )


class CovarianceOfPairs:
    """``K = K_D ⊗ K_C`` between pairs, with ``K_D = L_D L_Dᵀ + diag(r_D)`` and K_C likewise.

    For a table V of pairs, ``K_D V K_C`` is ``L_D Bᵀ + T L_Cᵀ + diag(r_D) V diag(r_C)`` with ``B = K_C Vᵀ L_D``
    (n_cell_lines, rank_D) and ``T = diag(r_D) V L_C`` (n_drugs, rank_C). Only its entries at pairs are computed. A
    product takes in the order of ``n_pairs × (rank_D + rank_C) + n_cell_lines × rank_D × rank_C`` operations, and the
    memory of the factors and of the pairs.
    """

    def __init__(self, of_drugs: LowRank, of_cell_lines: LowRank, pairs: Pairs) -> None:
        self.of_drugs, self.of_cell_lines, self.pairs = of_drugs, of_cell_lines, pairs
        self.rests = of_drugs.rest[pairs.drug] * of_cell_lines.rest[pairs.cell_line]

    def parts(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """B and T of a table, given by its values, (n_pairs,)."""
        of_c, of_d = self.of_cell_lines, self.of_drugs
        to_drugs = self.pairs.of_cell_lines(values, of_d.factor)
        from_drugs = of_c.factor @ (of_c.factor.T @ to_drugs) + of_c.rest[:, None] * to_drugs
        return from_drugs, of_d.rest[:, None] * self.pairs.of_drugs(values, of_c.factor)

    def __call__(self, values: Tensor) -> Tensor:
        """The product at the pairs, (n_pairs,)."""
        from_drugs, from_cell_lines = self.parts(values)
        product = self.pairs.add_products(self.rests * values, self.of_drugs.factor, from_drugs)
        return self.pairs.add_products(product, from_cell_lines, self.of_cell_lines.factor)


class Preconditioner:
    """Inverse of ``F Fᵀ + D``, close to ``K + P⁻¹``.

    F has, for each pair, the products of the first columns of the two factors, so that it holds what most pairs share;
    D is a diagonal by which ``F Fᵀ + D`` has the diagonal of ``K + P⁻¹``. By Woodbury's identity the inverse is
    ``D⁻¹ - D⁻¹ F (I + Fᵀ D⁻¹ F)⁻¹ Fᵀ D⁻¹``. The matrix in the middle has a row for each product of two columns, and
    is a sum over cell lines of Kronecker products.

    References
    ----------
    Gyger, Furrer and Sigrist, Iterative methods for full-scale Gaussian process approximations for large spatial data,
    arXiv 2405.14492 (a FITC preconditioner).
    """

    def __init__(self, covariance: CovarianceOfPairs, noise: Tensor, coarse: tuple[int, int]) -> None:
        self.pairs = pairs = covariance.pairs
        of_c, of_d = covariance.of_cell_lines, covariance.of_drugs
        self.c, self.d = of_c.factor[:, : coarse[0]], of_d.factor[:, : coarse[1]]
        explained = self.d.square().sum(1)[pairs.drug] * self.c.square().sum(1)[pairs.cell_line]
        variance = of_d.diagonal()[pairs.drug] * of_c.diagonal()[pairs.cell_line]
        self.inverse = 1 / (noise + (variance - explained).clamp(min=0))
        (n_c, k_c), k_d = self.c.shape, self.d.shape[1]
        drug, root = pairs.drug[pairs.by_cell_line], self.inverse[pairs.by_cell_line].sqrt()
        grams = self.c.new_zeros(n_c, k_d, k_d)
        ends = pairs.ends_by_cell_line.tolist()
        for at, (start, stop) in enumerate(pairwise(ends)):
            rows = self.d[drug[start:stop]] * root[start:stop, None]
            grams[at] = rows.T @ rows
        twice = (self.c[:, :, None] * self.c[:, None]).view(n_c, -1)
        middle = (twice.T @ grams.view(n_c, -1)).view(k_c, k_c, k_d, k_d).permute(0, 2, 1, 3)
        middle = middle.reshape(k_c * k_d, k_c * k_d).double()
        self.root = torch.linalg.cholesky(middle + torch.eye(k_c * k_d)).to(self.c.dtype)

    def __call__(self, values: Tensor) -> Tensor:
        """The inverse times values at the pairs, both (n_pairs,)."""
        scaled = self.inverse * values
        features = self.c.T @ self.pairs.of_cell_lines(scaled, self.d)
        solved = torch.cholesky_solve(features.reshape(-1, 1), self.root).view(features.shape)
        shared = self.pairs.add_products(torch.zeros_like(values), self.d, self.c @ solved)
        return scaled - self.inverse * shared


@torch.no_grad()
def posterior_at_size(
    of_drugs: LowRank,
    of_cell_lines: LowRank,
    drug: Tensor,
    cell_line: Tensor,
    observed: Tensor,
    precision: Tensor,
    *,
    coarse: tuple[int, int] = COARSE,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> PosteriorAtSize:
    """Posterior mean given observations of some pairs: ``K w`` where ``(K + P⁻¹) w = y`` at these pairs.

    Untested pairs are not observations here; in `networks.gaussian_process` they are, of 0 with a small precision.

    Parameters
    ----------
    of_drugs, of_cell_lines
        The two kernels.
    drug, cell_line
        Numbers of each observed pair, int64 (n_pairs,); every pair once.
    observed, precision
        Observations y and the diagonal of P, their inverse variances, (n_pairs,).
    coarse
        Columns of the factors of cell lines and of drugs in the preconditioner; it changes the time alone.
    iterations, tolerance
        When conjugate gradients stop: after so many steps, and at this norm of the residual, relative to y.

    Returns
    -------
    PosteriorAtSize
        Of all pairs.

    Raises
    ------
    ShapeError
        If the arrays of pairs differ in length, or a pair is there twice.
    ModelError
        If a pair has no drug or cell line of the kernels, a precision is not positive, something is not finite, or the
        iterations end before the tolerance is reached.
    """
    lengths = {len(part) for part in (drug, cell_line, observed, precision)}
    if len(lengths) != 1:
        raise ShapeError(f"pairs: arrays of {sorted(lengths)} values, expected one length")
    _require_known("drug", drug, len(of_drugs.rest))
    _require_known("cell_line", cell_line, len(of_cell_lines.rest))
    if not (precision > 0).all():
        raise ModelError(f"precision: {float(precision.min())} is not positive; leave the pair out")
    dtype = of_drugs.factor.dtype
    for name, values in (
        ("observed", observed.to(dtype)),
        ("1 / precision", (1 / precision).to(dtype)),
        ("of_drugs", of_drugs.diagonal()),
        ("of_cell_lines", of_cell_lines.diagonal()),
    ):
        if not torch.isfinite(values).all():
            at = int(torch.nonzero(~torch.isfinite(values))[0])
            raise ModelError(f"{name}: {float(values[at])} at {at} is not finite; leave it out")
    pairs = Pairs(drug, cell_line, len(of_drugs.rest), len(of_cell_lines.rest))
    y, noise = (part[pairs.order].to(dtype) for part in (observed, 1 / precision))
    covariance = CovarianceOfPairs(of_drugs, of_cell_lines, pairs)
    counted = 0

    def system(values: Tensor) -> Tensor:
        nonlocal counted
        counted += 1
        return covariance(values) + noise * values

    weights = solve(
        system, y, iterations=iterations, tolerance=tolerance,
        precondition=Preconditioner(covariance, noise, coarse),
    )  # fmt: skip
    residual = float((y - covariance(weights) - noise * weights).norm() / y.norm().clamp(min=1e-30))
    if not math.isfinite(residual):
        raise ModelError(
            f"the observations, up to {float(y.abs().max()):.1e}, are beyond {dtype}; give them in another unit"
        )
    if counted >= iterations and residual > tolerance:
        raise ModelError(
            f"{counted} iterations left {residual:.1e} of the observations, more than {tolerance:g}; allow more"
        )
    from_drugs, from_cell_lines = covariance.parts(weights)
    return PosteriorAtSize(
        of_drugs, of_cell_lines, from_drugs, from_cell_lines, pairs.table(weights), counted, residual
    )


def _require_known(name: str, entity: Tensor, n: int) -> None:
    if len(entity) and not 0 <= int(entity.min()) <= int(entity.max()) < n:
        worst = int(entity.min()) if entity.min() < 0 else int(entity.max())
        raise ModelError(f"{name}: {worst} is not in the kernel, which has {n}; give 0 to {n - 1}")


def _ends(entity: Tensor, n: int) -> Tensor:
    """Where the pairs of each entity begin and end, once they are sorted by it, (n + 1,)."""
    return torch.cat([torch.zeros(1, dtype=torch.int64), torch.bincount(entity, minlength=n).cumsum(0)])


def _sparse(ends: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(ends, columns, values, shape, check_invariants=False)
