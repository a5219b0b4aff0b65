r"""The gene term of the Gaussian process: drugs that attend to a gene share what was learned of it.

With the coefficients :math:`a_{df}` of drug d and the value :math:`x_{cf}` of cell line c in column f,

.. math:: k((d, c), (d', c')) = \sum_f a_{df} x_{cf} a_{d'f} x_{c'f}.

It is no Kronecker product. Its product with a table V costs one pass over the coefficients, because it is
:math:`(a \cdot s) x^\top` with :math:`s_f = \sum_{c} x_{cf} (V a)_{cf}`. For the solution V of the process, s is the
posterior weight of every column.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from pharmagraph.model.inputs.gene_pattern import Pattern


class GeneTerm:
    """The term for some coefficients.

    Parameters
    ----------
    pattern
        Where coefficients are.
    coefficients
        float32 (n,).
    """

    def __init__(self, pattern: Pattern, coefficients: Tensor) -> None:
        self.pattern, self.coefficients = pattern, coefficients

    def weights(self, table: Tensor, values: Tensor | None = None) -> Tensor:
        """Weight of every column by a table (n_cell_lines, n_drugs), (n_columns,).

        ``values`` are those of the table's cell lines, (n_columns, n_cell_lines); all unless given.
        """
        return self._sums(self._dots(table, values))

    def from_weights(self, weights: Tensor, values: Tensor | None = None) -> Tensor:
        """What weights of columns give to every pair, (n_cell_lines, n_drugs)."""
        values = self.pattern.values if values is None else values
        of_drugs = self._sparse(self.coefficients * weights[self.pattern.column])
        found: Tensor = of_drugs @ values
        return found.T

    def product(self, table: Tensor) -> Tensor:
        """Product of the covariance with a table, both (n_cell_lines, n_drugs)."""
        return self.from_weights(self.weights(table))

    def product_of_part(self, table: Tensor, columns: Tensor, values: Tensor) -> Tensor:
        """The same for a table of some cell lines, whose values are given, and some drugs, (n_rows, n_columns)."""
        whole = table.new_zeros(len(table), self.pattern.n_drugs)
        whole[:, columns] = table
        return self.from_weights(self.weights(whole, values), values)[:, columns]

    def gradient(self, left: Tensor, right: Tensor) -> Tensor:
        r"""Derivative of :math:`\langle left, K right \rangle` by every coefficient, (n,)."""
        column, of_left, of_right = self.pattern.column, self._dots(left), self._dots(right)
        return of_left * self._sums(of_right)[column] + of_right * self._sums(of_left)[column]

    def _dots(self, table: Tensor, values: Tensor | None = None) -> Tensor:
        """Product of a drug's column of the table with the values of a column it attends to, (n,)."""
        values = self.pattern.values if values is None else values
        nothing = self._sparse(torch.zeros_like(self.coefficients))
        # torch turns the second table round again, so that a view costs nothing
        found: Tensor = torch.sparse.sampled_addmm(nothing, table.T.contiguous(), values.T)
        return found.values()

    def _sums(self, dots: Tensor) -> Tensor:
        """Sum of these products over the drugs of each column, by their coefficients, (n_columns,)."""
        whole = dots.new_zeros(len(self.pattern.used))
        return whole.index_add(0, self.pattern.column, dots * self.coefficients)

    def _sparse(self, values: Tensor) -> Tensor:
        """A sparse table of drugs and columns with these values, (n_drugs, n_columns)."""
        pattern = self.pattern
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls its sparse rows a beta on first use
            return torch.sparse_csr_tensor(
                pattern.by_drug, pattern.column, values, (pattern.n_drugs, len(pattern.used))
            )
