"""Which drugs attend to which columns of cell-line values, sorted for products of sparse tables."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pattern:
    """Which drugs attend to which columns, as a sparse table.

    Attributes
    ----------
    drug, column
        Of each coefficient, sorted by drug, then column; columns are renumbered, int64 (n,).
    by_drug
        Row pointers of the table, int64 (n_drugs + 1,).
    values
        Values of the cell lines in the columns that are attended to, float32 (n_columns, n_cell_lines).
    used
        Numbers of these columns before they were renumbered, int64 (n_columns,).
    n_drugs
        Number of drugs.
    """

    drug: Tensor
    column: Tensor
    by_drug: Tensor
    values: Tensor
    used: Tensor
    n_drugs: int

    @classmethod
    def of(cls, drug: Tensor, column: Tensor, values: Tensor, n_drugs: int) -> Pattern:
        """From pairs sorted by drug, then column, and a table of values, (n_cell_lines, width).

        Columns count on where the table ends: column ``width`` is a second one with the values of column 0.
        """
        used, position = torch.unique(column, return_inverse=True)
        return cls(
            drug,
            position,
            _pointers(drug, n_drugs),
            values[:, used % values.shape[1]].T.contiguous(),
            used,
            n_drugs,
        )

    def of_cell_lines(self, rows: Tensor) -> Tensor:
        """Values of some cell lines, (n_columns, n_rows)."""
        return self.values[:, rows].contiguous()


def _pointers(rows: Tensor, n: int) -> Tensor:
    """Where each of n rows starts in their sorted numbers, int64 (n + 1,)."""
    return torch.searchsorted(rows, torch.arange(n + 1, device=rows.device))
