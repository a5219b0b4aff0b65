"""What a cell line has at each gene, as one table: a column for each gene and kind of omics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import FEWEST_CELL_LINES, GENE_FEATURES


@dataclass(frozen=True)
class GeneFeatures:
    """The columns that vary between the cell lines of a graph, and how each is standardised.

    Attributes
    ----------
    kind
        Position in `GENE_FEATURES`, int64 (n_columns,).
    gene
        Node number of the gene, int64 (n_columns,).
    mean, deviation
        Of the column over cell lines, in the unit of its kind, float32 (n_columns,).
    """

    kind: Tensor
    gene: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, tensors: GraphTensors) -> GeneFeatures:
        """The columns of a graph, by kind, then gene."""
        kinds, genes, means, deviations = [], [], [], []
        for number, name in enumerate(GENE_FEATURES):
            table = getattr(tensors, name)
            count = (table != 0).sum(0)
            deviation = table.std(0, unbiased=False) if table.numel() else table.new_zeros(table.shape[1])
            gene = torch.nonzero((count >= FEWEST_CELL_LINES) & (deviation > 0)).flatten()
            kinds.append(torch.full_like(gene, number))
            genes.append(gene)
            means.append(table.mean(0)[gene])
            deviations.append(deviation[gene])
        return cls(*(torch.cat(parts) for parts in (kinds, genes, means, deviations)))

    def __len__(self) -> int:
        return len(self.gene)

    def values(self, tensors: GraphTensors) -> Tensor:
        """Each cell line's value in deviations from the mean, float32 (n_cell_lines, n_columns).

        A cell line of which nothing of a kind is known is at the mean of all columns of this kind.
        """
        parts = []
        for number, name in enumerate(GENE_FEATURES):
            of_kind = self.kind == number
            raw = getattr(tensors, name)
            standard = (raw[:, self.gene[of_kind]] - self.mean[of_kind]) / self.deviation[of_kind]
            parts.append(standard * raw.any(dim=1)[:, None])
        return torch.cat(parts, dim=1)
