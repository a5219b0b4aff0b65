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
        self.pattern = pattern
        n_columns = len(pattern.used)
        self.of_drugs = _sparse(pattern.by_drug, pattern.column, coefficients, (pattern.n_drugs, n_columns))
        transposed = (pattern.drug[pattern.order], coefficients[pattern.order])
        self.of_columns = _sparse(pattern.by_column, *transposed, (n_columns, pattern.n_drugs))

    def weights(self, table: Tensor, values: Tensor | None = None) -> Tensor:
        """Weight of every column by a table (n_cell_lines, n_drugs), (n_columns,).

        ``values`` are those of the table's cell lines, (n_columns, n_cell_lines); all unless given.
        """
        values = self.pattern.values if values is None else values
        return ((self.of_columns @ table.T.contiguous()) * values).sum(1)

    def from_weights(self, weights: Tensor, values: Tensor | None = None) -> Tensor:
        """What weights of columns give to every pair, (n_cell_lines, n_drugs)."""
        values = self.pattern.values if values is None else values
        found: Tensor = self.of_drugs @ (values * weights[:, None])
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
        pattern, by_left, by_right = self.pattern, self.weights(left), self.weights(right)
        return self._dots(left) * by_right[pattern.column] + self._dots(right) * by_left[pattern.column]

    def _dots(self, table: Tensor) -> Tensor:
        """Product of a drug's column of the table with the values of a column it attends to, (n,)."""
        nothing = torch.zeros_like(self.of_drugs.values())
        where = _sparse(
            self.pattern.by_drug,
            self.pattern.column,
            nothing,
            (self.of_drugs.shape[0], self.of_drugs.shape[1]),
        )
        found = torch.sparse.sampled_addmm(where, table.T.contiguous(), self.pattern.values.T.contiguous())
        return found.values()


def _sparse(pointers: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse rows a beta on first use
        return torch.sparse_csr_tensor(pointers, columns, values, shape)
