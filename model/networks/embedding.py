"""GATv2 layers over learned embeddings of nodes: the network for graphs that do not fit into memory.

It knows an adjacency and pairs of nodes, and no features of drugs, cell lines or genes. `training/sampled.py` fits it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.neighbourhoods import Block, Incoming, features_of
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers.gatv2 import GATv2Conv
from pharmagraph.model.networks.by_blocks import Layer, over_all, over_sample


class EmbeddingNetwork(nn.Module):
    """Predicts a pair of nodes from their states after some layers of attention.

    Parameters
    ----------
    n_nodes
        Of the graph; each has an embedding of ``heads * channels`` numbers.
    n_layers, heads, channels
        Sizes of the layers.
    edge_dim
        Number of features of an edge; None without.
    """

    def __init__(
        self,
        n_nodes: int,
        *,
        n_layers: int = 2,
        heads: int = 2,
        channels: int = 32,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__()
        width = heads * channels
        self.heads = heads
        self.embedding = nn.Embedding(n_nodes, width, sparse=True)  # a step moves the rows that it read
        self.convs = nn.ModuleList(
            GATv2Conv(width, channels, heads, edge_dim=edge_dim, residual=True) for _ in range(n_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(n_layers))
        self.first, self.last = nn.Linear(2 * width, width), nn.Linear(width, 1)

    def layers(self) -> list[Layer]:
        """Each layer with its norm and activation; the last returns attention unless in training."""

        def layer(conv: nn.Module, norm: nn.Module, attends: bool) -> Layer:
            def run(
                sent: tuple[Tensor, Tensor], graph: Csr, features: Tensor | None
            ) -> tuple[Tensor, Tensor]:
                if attends:
                    states, attention = conv(sent, graph, features, return_attention=True)
                else:
                    states, attention = conv(sent, graph, features), sent[0].new_zeros(0, self.heads)
                return functional.relu(norm(states)), attention

            return run

        is_last = [number == len(self.convs) - 1 for number in range(len(self.convs))]
        return [
            layer(conv, norm, last and not self.training)
            for conv, norm, last in zip(self.convs, self.norms, is_last, strict=True)
        ]

    def forward(self, incoming: Incoming, blocks: list[Block], drug: Tensor, cell_line: Tensor) -> Tensor:
        """Logits, or standardised values, of pairs, (n_pairs,).

        Parameters
        ----------
        incoming, blocks
            The graph, and a block of it for each layer (`Incoming.sample`).
        drug, cell_line
            The pairs, as places among the destinations of the last block, int64 (n_pairs,).
        """
        states = self.embedding(torch.from_numpy(blocks[0].node))
        states = over_sample(self.layers(), states, blocks, lambda block: features_of(incoming, block))
        return self.of_pairs(states, drug, cell_line)

    def of_pairs(self, states: Tensor, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Logits, or standardised values, of pairs of states, (n_pairs,)."""
        pair = torch.cat([states[drug], states[cell_line]], 1)
        output: Tensor = self.last(functional.relu(self.first(pair)))[:, 0]
        return output

    @torch.no_grad()
    def states(
        self, incoming: Incoming, *, block_edges: int = 1_000_000, attention: np.ndarray | None = None
    ) -> Tensor:
        """States of all nodes from all edges, exactly, layer by layer, float32 (n_nodes, heads * channels).

        Parameters
        ----------
        incoming
            Of every node of the graph.
        block_edges
            Edges that are computed at once: what is held beside the states of two layers is in proportion to it.
        attention
            Is filled with the last layer's attention on each edge at its id, float32 (n_edges, heads); it may be mapped
            from a file.
        """
        was_training = self.training
        self.eval()
        states: Tensor = self.embedding.weight
        filled = None if attention is None else torch.from_numpy(attention)
        layers = self.layers()
        for layer in layers:
            states = over_all(
                layer, states, incoming, lambda block: features_of(incoming, block),
                n_edges=block_edges, attention=filled if layer is layers[-1] else None,
            )  # fmt: skip
        self.train(was_training)
        return states
