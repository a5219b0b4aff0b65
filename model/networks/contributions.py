"""The mean of the Gaussian process as a sum: over drugs and cell lines, and over single genes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pharmagraph.model.inputs.gene_pairs import GenePairs


@dataclass(frozen=True)
class GeneEffects:
    """What single genes add to predictions: a sum over pairs of a drug and a column of its cell line's values.

    Attributes
    ----------
    pairs
        The candidates of all drugs.
    effect
        Change of the drug's predictions for each deviation of the column, in the unit of the process, (n_pairs,).
    attention
        Attention of the drug to the pair, all pairs of a drug summing to 1, (n_pairs,).
    weights
        Of every head and column: what one unit of a coefficient gives for each deviation, (n_heads, n_columns).
    """

    pairs: GenePairs
    effect: Tensor
    attention: Tensor
    weights: Tensor

    @cached_property
    def total(self) -> Tensor:
        """The sum over a drug's pairs, (n_cell_lines, n_drugs)."""
        return self.of_values(self.pairs.values)

    def of_values(self, values: Tensor) -> Tensor:
        """The same for other values of the columns, (n_cell_lines, n_columns) to (n_cell_lines, n_drugs)."""
        ends = torch.stack([self.pairs.drug, self.pairs.column])
        shape = (self.pairs.n_drugs, values.shape[1])
        table: Tensor = torch.sparse_coo_tensor(ends, self.effect, shape) @ values.T
        return table.T


@dataclass(frozen=True)
class Contributions:
    """The posterior mean as a sum over entities, ``kernel_c @ source @ kernel_d``.

    Drug e contributes ``kernel_d[e, d] * (kernel_c @ source)[:, e]`` to the predictions for drug d, and likewise a
    cell line.

    Attributes
    ----------
    kernel_c, kernel_d
        Kernels between cell lines and between drugs, (n, n), symmetric.
    source
        Weights of the observations in the solution, 0 where nothing was observed, (n_cell_lines, n_drugs).
    levels
        Contribution of each drug (column) to the level of each drug (row), the same on all cell lines, (n_drugs,
        n_drugs); None where levels are not predicted.
    genes
        What single genes add; None where the process has no gene part.
    """

    kernel_c: Tensor
    kernel_d: Tensor
    source: Tensor
    levels: Tensor | None = None
    genes: GeneEffects | None = None

    @cached_property
    def from_cell_lines(self) -> Tensor:
        """The part of the product that does not depend on the kernel between drugs, (n_cell_lines, n_drugs)."""
        return self.kernel_c @ self.source

    def total(self) -> Tensor:
        """The posterior mean, which all contributions add up to, (n_cell_lines, n_drugs)."""
        return self.mean(self.kernel_d, self.levels)

    def mean(self, kernel_d: Tensor, levels: Tensor | None) -> Tensor:
        """The posterior mean with another kernel between drugs and other levels, (n_cell_lines, n_drugs)."""
        pattern = self.from_cell_lines @ kernel_d
        if self.genes is not None:
            pattern = pattern + self.genes.total
        return pattern if levels is None else pattern + levels.sum(1)

    def between_drugs(self) -> Tensor:
        """Size of the contribution to each drug (row) from each drug, mean over cell lines, (n_drugs, n_drugs)."""
        pattern = self.kernel_d.abs() * self.from_cell_lines.abs().mean(0)
        return pattern if self.levels is None else pattern + self.levels.abs()

    def between_cell_lines(self) -> Tensor:
        """Size of the contribution to each cell line (row) from each, mean over drugs, (n_cell_lines, n_cell_lines)."""
        return self.kernel_c.abs() * (self.source @ self.kernel_d).abs().mean(1)

    def from_responses(self, measured: Tensor) -> Tensor:
        """Size of the contribution of each response to its own drug's predictions, mean over cell lines.

        Parameters
        ----------
        measured
            0 or 1, (n_cell_lines, n_drugs): the measured responses of a drug share its own contribution to its level.

        Returns
        -------
        Tensor
            (n_cell_lines, n_drugs).
        """
        pattern = self.kernel_c.abs().mean(0)[:, None] * self.source.abs() * self.kernel_d.diagonal()
        if self.levels is None:
            return pattern
        return pattern + measured * self.levels.diagonal().abs() / measured.sum(0).clamp(min=1)
