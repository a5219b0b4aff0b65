"""Posterior mean of a Gaussian process over a table of pairs, with exact gradients of kernels and precisions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pharmagraph.model.inputs.gene_pattern import Pattern
from pharmagraph.model.inputs.last_step import LastStep
from pharmagraph.model.networks.conjugate_gradients import solve
from pharmagraph.model.networks.gene_term import GeneTerm
from pharmagraph.model.networks.solutions import Solutions
from pharmagraph.model.ranks import averaged

ITERATIONS = 100
"""Largest number of conjugate-gradient iterations. A handful do where untested pairs are few, some tens where their
precision is low."""

TOLERANCE, LEARNING_TOLERANCE = 1e-4, 1e-2
"""Norm of the residual, relative to the right-hand side, at which conjugate gradients stop: for a prediction, and for a
step of learning. On GDSC1 they change the posterior mean by 3e-5 and 5e-3 of its norm; the second takes half the
iterations."""


class Observed:
    """Solves ``(K + P⁻¹) w = y`` over the rows and columns of a table in which something was observed.

    K is the Kronecker product of two kernels, plus a gene term G where there is one; P is the diagonal of precisions. K
    is never formed: with the eigenvectors Q of both kernels and the products Λ of their eigenvalues,
    ``(Λ + Qᵀ (P⁻¹ + G) Q) Qᵀ w = Qᵀ y`` is solved by conjugate gradients. Constants in the kernels make a few values of
    Λ many thousands of times larger than the rest. The preconditioner ``Λ + 1 / p``, with the largest precision p,
    takes them out: it differs from the system by precisions and genes alone.

    Parameters
    ----------
    kernel_c, kernel_d
        Symmetric and positive semi-definite, (n_cell_lines, n_cell_lines) and (n_drugs, n_drugs).
    precision
        Inverse variance of each observation, (n_cell_lines, n_drugs): 0 in rows and columns without observations,
        positive elsewhere.
    genes
        The gene term of the covariance; None where there is none.
    learning
        Whether `LEARNING_TOLERANCE` is enough.
    """

    def __init__(
        self,
        kernel_c: Tensor,
        kernel_d: Tensor,
        precision: Tensor,
        genes: GeneTerm | None = None,
        *,
        learning: bool = False,
    ) -> None:
        self.genes = genes
        self.tolerance = LEARNING_TOLERANCE if learning else TOLERANCE
        self.rows, self.columns = (torch.nonzero(precision.any(side)).flatten() for side in (1, 0))
        self.gene_values = genes.pattern.of_cell_lines(self.rows) if genes is not None else None
        self.noise = 1 / self._part(precision)
        if self.noise.numel():
            of_c, self.vectors_c = torch.linalg.eigh(kernel_c[self.rows][:, self.rows])
            of_d, self.vectors_d = torch.linalg.eigh(kernel_d[self.columns][:, self.columns])
            self.values = torch.outer(of_c.clamp(min=0), of_d.clamp(min=0))

    def weights(self, observed: Tensor, start: Tensor | None = None) -> Tensor:
        """``w`` for observations y, both (n_cell_lines, n_drugs); 0 in rows and columns without observations.

        The solver begins at ``start``, a table of the same shape, or at zero.
        """
        found = torch.zeros_like(observed)
        if self.noise.numel():
            nearly = self.values + self.noise.min()
            turned = solve(
                lambda table: self.values * table + self._turn(self._noise_and_genes(self._back(table))),
                self._turn(self._part(observed)), iterations=ITERATIONS, tolerance=self.tolerance,
                precondition=lambda table: table / nearly,
                start=None if start is None else self._turn(self._part(start)),
            )  # fmt: skip
            found[self.rows[:, None], self.columns] = self._back(turned)
        return found

    def _noise_and_genes(self, table: Tensor) -> Tensor:
        noise = self.noise * table
        if self.genes is None or self.gene_values is None:
            return noise
        return noise + self.genes.product_of_part(table, self.columns, self.gene_values)

    def _turn(self, table: Tensor) -> Tensor:
        return self.vectors_c.T @ table @ self.vectors_d

    def _back(self, table: Tensor) -> Tensor:
        return self.vectors_c @ table @ self.vectors_d.T

    def _part(self, table: Tensor) -> Tensor:
        return table[self.rows][:, self.columns]


class PosteriorMean(torch.autograd.Function):
    """Posterior mean of a Gaussian process on a matrix, ``(n_cell_lines, n_drugs)``.

    With K the Kronecker product of the two kernels, plus the gene term, and P the diagonal of precisions, the mean at
    all entries is ``K w`` where ``(K + P⁻¹) w = y`` (`Observed`). The adjoint is the same system with another
    right-hand side, so the gradients of both kernels, of the coefficients, of P and of y are exact as far as the solver
    goes. Where gradients are asked for, the solver stops at `LEARNING_TOLERANCE`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        kernel_c: Tensor,
        kernel_d: Tensor,
        precision: Tensor,
        observed: Tensor,
        coefficients: Tensor | None,
        pattern: Pattern | None,
        step: LastStep | None = None,
    ) -> Tensor:
        """Mean at all entries; kernels are symmetric, coefficients those of a pattern, the others ``(n_cell_lines,
        n_drugs)``. A step of learning begins where the last step on the same responses ended, a prediction at the
        step's solution, which it leaves as it is."""
        genes = GeneTerm(pattern, coefficients) if pattern is not None and coefficients is not None else None
        if not any(ctx.needs_input_grad):
            start = None if step is None else step.solution
            weights = posterior_weights(kernel_c, kernel_d, precision, observed, genes, start)
            return covariance_times(weights, kernel_c, kernel_d, genes)
        ctx.observed = Observed(kernel_c, kernel_d, precision, genes, learning=True)
        weights = ctx.observed.weights(observed, None if step is None else step.solution)
        if step is not None:
            step.solution = weights
        ctx.save_for_backward(kernel_c, kernel_d, precision, weights)
        return covariance_times(weights, kernel_c, kernel_d, genes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Gradients of both kernels, the precisions, the observations and the coefficients."""
        gradient = averaged(
            gradients[0]
        )  # the ranks share one adjoint: the solver stops as that of one process does
        kernel_c, kernel_d, precision, weights = ctx.saved_tensors
        genes = ctx.observed.genes
        adjoint = ctx.observed.weights(covariance_times(gradient, kernel_c, kernel_d, genes))
        left = gradient - adjoint
        of_c = left @ kernel_d @ weights.T
        of_d = (kernel_c @ weights).T @ left
        of_precision = torch.where(precision > 0, adjoint * weights / precision**2, 0.0)
        of_genes = genes.gradient(left, weights) if genes is not None else None
        return of_c, of_d, of_precision, adjoint, of_genes, None, None


_solutions = Solutions()


@torch.no_grad()
def posterior_weights(
    kernel_c: Tensor,
    kernel_d: Tensor,
    precision: Tensor,
    observed: Tensor,
    genes: GeneTerm | None,
    start: Tensor | None = None,
) -> Tensor:
    """Solution of `Observed` for a prediction, (n_cell_lines, n_drugs); not to be changed in place.

    The solver begins at ``start``, a table of the same shape, or at zero.
    """
    of_genes: tuple[Tensor, ...] = ()
    if genes is not None:
        pattern = genes.pattern
        of_genes = genes.coefficients, pattern.by_drug, pattern.column, pattern.values
    return _solutions.of(
        (kernel_c, kernel_d, precision, observed, *of_genes),
        lambda: Observed(kernel_c, kernel_d, precision, genes).weights(observed, start),
    )


def covariance_times(table: Tensor, kernel_c: Tensor, kernel_d: Tensor, genes: GeneTerm | None) -> Tensor:
    """Product of the whole covariance with a table, both (n_cell_lines, n_drugs)."""
    product = kernel_c @ table @ kernel_d
    return product if genes is None else product + genes.product(table)
