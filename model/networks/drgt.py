"""The published network drGT: one adjacency over drugs, cell lines and genes, GATv2 layers, a fully connected head.

Faults of the published code are repaired (docs/drgt.md): the embedding of a cell line is read from its own row, no
held-out fold chooses the epoch, and no pair passes a message while it is predicted. Inoue et al., arXiv 2405.08979.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.neighbourhoods import Incoming
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers.dropout import HashDropout
from pharmagraph.model.layers.gatv2 import GATv2Conv
from pharmagraph.model.layers.pair_dropout import PairDropout
from pharmagraph.model.networks.adjacency import (
    ADJACENT,
    Adjacency,
    expressed_more,
    similarity_rows,
    varying_genes,
)
from pharmagraph.model.networks.by_blocks import Features, Layer, over_all, over_sample
from pharmagraph.model.networks.network import Attended, Logits, Network
from pharmagraph.model.presets.config import AdjacencyConfig, NetworkConfig, Sampling


class AdjacencyNetwork(Network):
    """A network in which neighbours of all kinds compete in one softmax.

    Features are rows of similarity matrices, and edges have one feature, their value (`adjacency.py`). Its genes are
    the known targets and the genes whose expression varies most; edges of other genes are left out.

    Parameters
    ----------
    tensors
        Numbers of entities, and the features.
    config
        Has the section ``adjacency``.
    sampling
        Where it is given, a step in training reads drawn neighbours of its pairs alone, and in evaluation each layer is
        computed exactly, a block of nodes after the other.
    """

    drug_rows: Tensor
    cell_line_rows: Tensor
    gene_rows: Tensor
    gene_place: Tensor
    """Number of a gene in the graph → its place among the network's genes, -1 for none."""

    def __init__(
        self, tensors: GraphTensors, config: NetworkConfig, sampling: Sampling | None = None
    ) -> None:
        super().__init__(config.components)
        assert config.adjacency is not None  # the preset was checked
        self.settings: AdjacencyConfig = config.adjacency
        self.sampling, self.heads = sampling, config.heads
        self.offsets = {
            "Drug": 0,
            "CellLine": tensors.n_drugs,
            "Gene": tensors.n_drugs + tensors.n_cell_lines,
        }
        genes = varying_genes(tensors, config.adjacency.gene_share)
        place = torch.full((tensors.n_genes,), -1, device=genes.device)
        place[genes] = torch.arange(len(genes), device=genes.device)
        self.register_buffer("gene_place", place, persistent=False)
        self.n_nodes = tensors.n_drugs + tensors.n_cell_lines + len(genes)
        # The head reads drugs and cell lines, so nothing need be sent to genes in the last layer; norms over nodes and
        # other convolutions would notice that they are gone.
        local = config.conv == "gatv2" and self.settings.norm == "layer"
        self.n_read = self.offsets["Gene"] if local else self.n_nodes
        for name, rows in zip(
            ("drug_rows", "cell_line_rows", "gene_rows"),
            similarity_rows(tensors, genes, self.settings.kernel_width),
            strict=True,
        ):
            self.register_buffer(name, rows, persistent=False)
        width = self.settings.input_channels
        self.drug = nn.Linear(tensors.n_drugs, width)
        self.cell_line = nn.Linear(tensors.n_cell_lines, width)
        self.gene = nn.Linear(len(genes), width)
        self.convs, self.norms, self.dropouts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for channels, dropout in zip(self.settings.head_channels, self.settings.layer_dropout, strict=True):
            self.convs.append(_conv(config, width, channels))
            width = channels * config.heads
            self.norms.append(_norm(self.settings.norm, width))
            self.dropouts.append(HashDropout(dropout))
        self._expressed: tuple[Edges, Edges] | None = None
        self._sorted: tuple[Messages, Adjacency, list[tuple[Csr, Tensor]]] | None = None
        self.activation = nn.ReLU() if self.settings.activation == "relu" else nn.GELU()
        head: list[nn.Module] = []
        for _ in range(self.settings.hidden_layers):
            head += [
                nn.Linear(2 * width, 2 * width),
                self.activation,
                PairDropout(HashDropout(self.settings.hidden_dropout)),
            ]
        self.head = nn.Sequential(*head, nn.Linear(2 * width, 1))

    def forward(self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor) -> Logits:
        """Logits, or standardised values, of pairs given by node numbers (n_pairs,)."""
        start = 0 if self.settings.cell_lines_from_drug_rows else self.offsets["CellLine"]
        if self.training and self.sampling is not None:
            drugs, of_pair = torch.unique(drug, return_inverse=True)
            cell_lines, on_pair = torch.unique(cell_line, return_inverse=True)
            states = self._sampled_states(messages, torch.cat([drugs, start + cell_lines]), self.sampling)
            drug_states, cell_line_states = states.split([len(drugs), len(cell_lines)])
        else:
            states, _ = self._states(messages)
            drug_states, of_pair = states[: tensors.n_drugs], drug
            cell_line_states, on_pair = states[start : start + tensors.n_cell_lines], cell_line
        first = self.head[0]
        assert isinstance(first, nn.Linear)
        # the linear map of two concatenated states is the sum of a map of each: once a node, not once a pair
        of_drug, of_cell_line = first.weight.chunk(2, 1)
        of_drugs = functional.linear(drug_states, of_drug, first.bias)
        of_cell_lines = functional.linear(cell_line_states, of_cell_line)
        pair = of_drugs[of_pair] + of_cell_lines[on_pair]
        output: Tensor = self.head[1:](pair)[:, 0]
        offset = messages.offset(drug, cell_line) if self.settings.add_means else torch.zeros_like(output)
        return Logits((output,), offset, self.component_weights, self.calibration)

    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]:
        """The last layer's attention on the edges of the adjacency, by the relation that an edge is from."""
        adjacency = self._adjacency(messages)[0]
        _, weights = self._states(messages)
        read = adjacency.edges.dst < self.n_read
        competitors = torch.bincount(adjacency.edges.dst, minlength=self.n_nodes)[adjacency.edges.dst[read]]
        found, start = {}, 0
        for relation in ADJACENT:  # drugs and cell lines, which their edges lead to, are read
            own = adjacency.given[relation]
            stop = start + len(own)
            found[relation] = Attended(own, weights[start:stop].mean(1), competitors[start:stop])
            start = stop
        return found

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Zero: the published network has no learned identities."""
        return self.drug.bias.new_zeros(())

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """All parameters are in ``rest``."""
        return {"identity": [], "axial": [], "gaussian_process": [], "rest": list(self.parameters())}

    def _states(self, messages: Messages) -> tuple[Tensor, Tensor]:
        """The last layer's node states, and its attention on those edges of the adjacency that lead to a read node."""
        _, sorted_edges = self._adjacency(messages)
        states = torch.cat(
            [self.drug(self.drug_rows), self.cell_line(self.cell_line_rows), self.gene(self.gene_rows)]
        )
        attention = states.new_zeros(0, 1)
        for layer, (graph, weight) in zip(self._layers(), sorted_edges, strict=True):
            if self.sampling is None:
                states, attention = layer((states, states[: graph.n_dst]), graph, weight)
            else:
                attention = states.new_zeros(graph.n_edges, self.heads)
                states = over_all(
                    layer, states, Incoming.of(graph), _rows(weight),
                    n_edges=self.sampling.block_edges, attention=attention,
                )  # fmt: skip
        return states, attention

    def _sampled_states(self, messages: Messages, wanted: Tensor, sampling: Sampling) -> Tensor:
        """States of nodes, (n, width), each computed from drawn neighbours; torch's generator seeds the draws."""
        graph, weight = self._adjacency(messages)[1][0]
        nodes, place = torch.unique(wanted, return_inverse=True)
        generator = np.random.default_rng(int(torch.randint(0, 2**63 - 1, ())))
        blocks = Incoming.of(graph).sample(nodes.cpu().numpy(), sampling.neighbours, generator)
        needed = torch.from_numpy(blocks[0].node).to(nodes.device)
        first = weight.new_empty(len(needed), self.settings.input_channels)
        for linear, rows, start in (
            (self.drug, self.drug_rows, self.offsets["Drug"]),
            (self.cell_line, self.cell_line_rows, self.offsets["CellLine"]),
            (self.gene, self.gene_rows, self.offsets["Gene"]),
        ):
            own = (needed >= start) & (needed < start + len(rows))
            first[own] = linear(rows[needed[own] - start])
        return over_sample(self._layers(), first, blocks, _rows(weight))[place]

    def _layers(self) -> list[Layer]:
        """Each layer with its norm, activation and dropout."""

        def layer(conv: nn.Module, norm: nn.Module, dropout: nn.Module) -> Layer:
            def run(sent: tuple[Tensor, Tensor], graph: Csr, weight: Tensor | None) -> tuple[Tensor, Tensor]:
                alike = len(sent[0]) == len(sent[1])  # not all convolutions take a pair
                states, attention = conv(sent[0] if alike else sent, graph, weight, return_attention=True)
                return dropout(self.activation(norm(states))), attention

            return run

        return [layer(*parts) for parts in zip(self.convs, self.norms, self.dropouts, strict=True)]

    def _adjacency(self, messages: Messages) -> tuple[Adjacency, list[tuple[Csr, Tensor]]]:
        """The adjacency, and each layer's sorted edges with their weights; kept until other messages are asked for."""
        if self._sorted is None or self._sorted[0] is not messages:
            of_all_genes = messages.edges["cell_line_from_gene"]
            if self._expressed is None or self._expressed[0] is not of_all_genes:  # the same in every step
                self._expressed = of_all_genes, expressed_more(self.gene_place, of_all_genes)
            adjacency = Adjacency.of(
                messages,
                self._expressed[1],
                self.gene_place,
                self.offsets,
                self.n_nodes,
                self.settings.other_genes,
            )
            layers: dict[int, tuple[Csr, Tensor]] = {}
            for n in {self.n_nodes if len(self.convs) > 1 else self.n_read, self.n_read}:
                edges = adjacency.edges.keep(adjacency.edges.dst < n)
                layers[n] = Csr.from_edges(edges.src, edges.dst, self.n_nodes, n), edges.weight
            n_dst = [self.n_nodes] * (len(self.convs) - 1) + [self.n_read]
            self._sorted = messages, adjacency, [layers[n] for n in n_dst]
        return self._sorted[1:]


def _rows(weight: Tensor) -> Features:
    """Weights of a block's edges, of those of all edges in order of their ids."""
    return lambda block: weight[torch.from_numpy(block.edge).to(weight.device)]


class _GraphNorm(nn.Module):
    """GraphNorm for a single graph: a learned fraction of the mean over nodes is subtracted (Cai et al., ICML 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.share = nn.Parameter(torch.ones(width))

    def forward(self, states: Tensor) -> Tensor:
        rest = states - self.share * states.mean(0)
        return self.weight * rest / (rest**2).mean(0).add(1e-5).sqrt() + self.bias


class _NoMessages(nn.Module):
    """A linear map of each node by itself: the ablation without messages."""

    def __init__(self, width: int, channels: int, heads: int) -> None:
        super().__init__()
        self.own, self.heads = nn.Linear(width, channels * heads), heads

    def forward(
        self, states: Tensor, graph: Csr, edge_attr: Tensor, *, return_attention: bool = True
    ) -> tuple[Tensor, Tensor]:
        return self.own(states), states.new_zeros(graph.n_edges, self.heads)


def _norm(name: str, width: int) -> nn.Module:
    if name == "layer":
        return nn.LayerNorm(width)
    return nn.BatchNorm1d(width) if name == "batch" else _GraphNorm(width)


def _conv(config: NetworkConfig, width: int, channels: int) -> nn.Module:
    if config.conv == "none":
        return _NoMessages(width, channels, config.heads)
    if config.conv == "gatv2":
        return GATv2Conv(width, channels, config.heads, dropout=config.attention_dropout, edge_dim=1)
    from pharmagraph.model.layers import convolutions

    return convolutions.conv(
        config.conv, width, channels, config.heads, dropout=config.attention_dropout, edge_dim=1
    )
