"""First states of nodes: from features and visible statistics (`Encoder`) and from what is learned of each entity."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.principal_components import PrincipalComponents
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.responses.visible import Visible, residuals


class Encoder(nn.Module):
    """First states of all nodes from features, statistics of visible responses and, for genes, a learned embedding.

    Its principal components are zero until `find_components`, or until they are loaded.

    Attributes
    ----------
    ENTITY_AXES
        Tensor → its axis over entities: the features of genes are their expression in each cell line.
    """

    ENTITY_AXES: ClassVar[dict[str, int]] = {"gene_components.mean": 0, "gene_components.axes": 0}

    def __init__(self, tensors: GraphTensors, config: NetworkConfig) -> None:
        super().__init__()
        n = config.channels
        self.drug_components = PrincipalComponents(tensors.structure.shape[1], config.drug_components)
        self.cell_line_components = PrincipalComponents(tensors.n_genes, config.cell_line_components)
        self.gene_components = PrincipalComponents(tensors.n_cell_lines, config.gene_components)
        self.drug = nn.Linear(config.drug_components + 2, n)
        self.cell_line = nn.Linear(config.cell_line_components + 2, n)
        self.gene = nn.Linear(config.gene_components, n)
        self.gene_identity = nn.Embedding(tensors.n_genes, n)
        nn.init.normal_(self.gene_identity.weight, std=0.3)

    def find_components(self, tensors: GraphTensors, like: Encoder | None = None) -> None:
        """Compute the principal components of a graph, or take them from the encoder of another network on it.

        They take longer than all else that makes a network, and are the same in every network of a graph.
        """
        for name, rows in (
            ("drug_components", tensors.structure),
            ("cell_line_components", tensors.expression),
            ("gene_components", tensors.expression.T),
        ):
            components: PrincipalComponents = getattr(self, name)
            if like is None:
                components.fit(rows)
            else:
                components.load_state_dict(getattr(like, name).state_dict())

    def components(self, tensors: GraphTensors) -> tuple[Tensor, Tensor]:
        """Principal components of structure (n_drugs, k) and of expression (n_cell_lines, k)."""
        return self.drug_components(tensors.structure), self.cell_line_components(tensors.expression)

    def forward(self, tensors: GraphTensors, messages: Messages) -> dict[str, Tensor]:
        """Kind of node → its states before the activation, (n, channels)."""
        drug, cell_line = self.components(tensors)
        return {
            "Drug": self.drug(torch.cat([drug, messages.drug_statistics], 1)),
            "CellLine": self.cell_line(torch.cat([cell_line, messages.cell_line_statistics], 1)),
            "Gene": self.gene(self.gene_components(tensors.expression.T)) + self.gene_identity.weight,
        }


class Identities(nn.Module):
    """A learned embedding and bias of each drug and cell line; zero for entities that are held out.

    Attributes
    ----------
    ENTITY_AXES
        Tensor → its axis over entities.
    """

    ENTITY_AXES: ClassVar[dict[str, int]] = {
        "drug.weight": 0, "cell_line.weight": 0, "drug_bias": 0, "cell_line_bias": 0
    }  # fmt: skip

    def __init__(self, n_drugs: int, n_cell_lines: int, config: NetworkConfig) -> None:
        super().__init__()
        k = config.identity_channels
        self.drug, self.cell_line = nn.Embedding(n_drugs, k), nn.Embedding(n_cell_lines, k)
        self.drug_bias, self.cell_line_bias = (
            nn.Parameter(torch.zeros(n_drugs)),
            nn.Parameter(torch.zeros(n_cell_lines)),
        )
        if k:
            self.to_drug = nn.Linear(k, config.channels, bias=False)
            self.to_cell_line = nn.Linear(k, config.channels, bias=False)
            nn.init.normal_(self.drug.weight, std=0.1)
            nn.init.normal_(self.cell_line.weight, std=0.1)

    def start_from(self, visible: Visible) -> None:
        """Start from the truncated singular value decomposition of the visible values without means (`residuals`).

        Unmeasured pairs count as zero, and singular values are reduced by the first one that is left out. From random
        numbers the few dozen steps of a fit do not get as far. Nothing is done if the table has no more than
        `identity_channels` rows or columns.
        """
        k = self.drug.weight.shape[1]
        if not 0 < k < min(visible.value.shape):
            return
        left, size, right = torch.linalg.svd(residuals(visible.value, visible.measured), full_matrices=False)
        root = (size[:k] - size[k]).clamp(min=0).sqrt()
        with torch.no_grad():
            self.cell_line.weight.copy_(left[:, :k] * root)
            self.drug.weight.copy_(right[:k].T * root)

    def numbers(self, messages: Messages) -> tuple[Tensor, Tensor]:
        """Embeddings of drugs and cell lines, (n_drugs, k) and (n_cell_lines, k); zero where an entity is not known."""
        visible = messages.visible
        return (
            self.drug.weight * visible.known_drugs[:, None].float(),
            self.cell_line.weight * visible.known_cell_lines[:, None].float(),
        )

    def logits(self, messages: Messages, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Sum of both biases and the product of both embeddings, (n_pairs,)."""
        visible = messages.visible
        biases = _rows(self.drug_bias * visible.known_drugs, drug) + _rows(
            self.cell_line_bias * visible.known_cell_lines, cell_line
        )
        of_drug, of_cell_line = self.numbers(messages)
        return biases + (_rows(of_drug, drug) * _rows(of_cell_line, cell_line)).sum(1)

    def of_entities(self) -> list[nn.Parameter]:
        """Embeddings and biases, without the maps into states."""
        return [*self.drug.parameters(), *self.cell_line.parameters(), self.drug_bias, self.cell_line_bias]

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Negative log density of the Gaussian priors; the parameters are their precisions."""
        squares = numbers * ((self.drug.weight**2).sum() + (self.cell_line.weight**2).sum())
        return 0.5 * (
            squares + drug_bias * (self.drug_bias**2).sum() + cell_line_bias * (self.cell_line_bias**2).sum()
        )


def _rows(table: Tensor, index: Tensor) -> Tensor:
    return table.index_select(0, index)
