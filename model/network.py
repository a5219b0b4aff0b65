"""The relational network: encoders, relational attention layers and the decoder of drug–cell-line pairs.

Where data come from is `graph_tensors.py`, what may be seen is `messages.py`, how it is fitted `training.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.axial import AxialAttention
from model.blended_attention import blended
from model.candidates import residuals
from model.config import NetworkConfig
from model.edges import Edges
from model.factors import Factors
from model.gatv2 import RelationalGATv2Conv
from model.gaussian_process import KernelPart
from model.graph_tensors import GraphTensors
from model.messages import RELATIONS, Messages, Visible
from model.responses import Task
from model.similarities import CELL_LINE_KERNELS, DRUG_KERNELS

KINDS = ("Drug", "CellLine", "Gene")


@dataclass(frozen=True)
class Attended:
    """Attention on the edges of one relation.

    Attributes
    ----------
    edges
        Of the relation, from source to destination.
    weight
        Mean over heads, (n_edges,).
    competitors
        Edges in the softmax of the edge's destination, itself included, int64 (n_edges,).
    """

    edges: Edges
    weight: Tensor
    competitors: Tensor

    @classmethod
    def within(cls, edges: Edges, weight: Tensor) -> Attended:
        """Where the edges of a relation compete among themselves."""
        return cls(edges, weight, torch.bincount(edges.dst)[edges.dst] if len(edges) else edges.dst)


@dataclass(frozen=True)
class Logits:
    """What the parts of a network say of pairs.

    Attributes
    ----------
    parts
        Each (n_pairs,), each fitted against the targets; in training without the factors, which are fitted alone.
    shares
        Of the parts in the prediction, (n_parts,), summing to 1.
    calibration
        Slope and intercept of the prediction, (2,).
    """

    parts: tuple[Tensor, ...]
    shares: Tensor
    calibration: Tensor

    @property
    def blended(self) -> Tensor:
        """The prediction, (n_pairs,)."""
        slope, intercept = self.calibration
        return slope * (self.shares @ torch.stack(self.parts)) + intercept


class Network(Protocol):
    """What a network offers to the trainer and the attribution; all of them are `torch.nn.Module`."""

    def __call__(
        self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor
    ) -> Logits: ...

    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]: ...

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor: ...

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]: ...

    shares: Tensor
    calibration: Tensor
    parts: tuple[str, ...]


class PrincipalComponents(nn.Module):
    """A projection fixed by the features of the graph it was made on, kept with the weights.

    Parameters
    ----------
    rows
        (n, width) it is made on; None to load it later.
    width, n_components
        Sizes.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, width: int, n_components: int, rows: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(width, n_components))
        if rows is not None:
            self._fit(rows, n_components)

    def _fit(self, rows: Tensor, n_components: int) -> None:
        mean = rows.mean(0)
        centred = (rows - mean).double()
        gram = centred @ centred.T if len(centred) <= centred.shape[1] else centred.T @ centred
        values, vectors = torch.linalg.eigh(gram)
        rank = int((values > 1e-9 * values[-1].clamp(min=1e-9)).sum())
        k = min(n_components, rank)
        self.mean.copy_(mean)
        if not k:  # rows that are all alike have no axis
            return
        axes = vectors[:, -k:].flip(1)
        if len(centred) <= centred.shape[1]:
            axes = centred.T @ axes / values[-k:].flip(0).clamp(min=1e-12).sqrt()
        largest = axes.abs().argmax(0)
        axes = axes * torch.sign(axes[largest, torch.arange(k)])  # the sign of an axis is arbitrary: fix it
        scale = (centred @ axes)[:, : min(k, 16)].std(0).mean().clamp(min=1e-9)
        self.axes[:, :k] = (axes / scale).float()

    def forward(self, rows: Tensor) -> Tensor:
        """``(n, width)`` → ``(n, n_components)``."""
        return (rows - self.mean) @ self.axes


class Encoder(nn.Module):
    """First states of all nodes from features, visible statistics and learned identities.

    Attributes
    ----------
    ENTITY_AXES
        Where saved tensors have a place for each entity: genes' features are their expression in each cell line.
    """

    ENTITY_AXES: ClassVar[dict[str, int]] = {"gene_components.mean": 0, "gene_components.axes": 0}

    def __init__(self, tensors: GraphTensors, config: NetworkConfig) -> None:
        super().__init__()
        n = config.channels
        self.drug_components = PrincipalComponents(
            tensors.structure.shape[1], config.drug_components, tensors.structure
        )
        self.cell_line_components = PrincipalComponents(
            tensors.n_genes, config.cell_line_components, tensors.expression
        )
        self.gene_components = PrincipalComponents(
            tensors.n_cell_lines, config.gene_components, tensors.expression.T
        )
        self.drug = nn.Linear(config.drug_components + 2, n)
        self.cell_line = nn.Linear(config.cell_line_components + 2, n)
        self.gene = nn.Linear(config.gene_components, n)
        self.gene_identity = nn.Embedding(tensors.n_genes, n)
        nn.init.normal_(self.gene_identity.weight, std=0.3)

    def components(self, tensors: GraphTensors) -> tuple[Tensor, Tensor]:
        """Main axes of structure (n_drugs, k) and of expression (n_cell_lines, k)."""
        return self.drug_components(tensors.structure), self.cell_line_components(tensors.expression)

    def forward(self, tensors: GraphTensors, messages: Messages) -> dict[str, Tensor]:
        """Kind → states before the non-linearity, (n, channels)."""
        drug, cell_line = self.components(tensors)
        return {
            "Drug": self.drug(torch.cat([drug, messages.drug_statistics], 1)),
            "CellLine": self.cell_line(torch.cat([cell_line, messages.cell_line_statistics], 1)),
            "Gene": self.gene(self.gene_components(tensors.expression.T)) + self.gene_identity.weight,
        }


class RelationalLayer(nn.Module):
    """One round of messages into every kind of node, with a residual around it."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        n = config.channels
        self.convs = nn.ModuleDict()
        for kind in KINDS:
            into = [r for r in config.relations if RELATIONS[r][1] == kind]
            if (conv := relational_conv(config, into)) is not None:
                self.convs[kind] = conv
        self.own = nn.ModuleDict({kind: nn.Linear(n, n) for kind in KINDS})
        self.norm = nn.ModuleDict({kind: nn.LayerNorm(n) for kind in KINDS})
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, states: dict[str, Tensor], messages: Messages
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """States (n, channels) a kind → new states, and attention (n_edges, heads) a relation."""
        after, attention = {}, {}
        for kind, state in states.items():
            total = self.own[kind](state)
            if kind in self.convs:
                graphs = {r: g for r, g in messages.graphs.items() if RELATIONS[r][1] == kind and g.n_edges}
                sources = {r: states[RELATIONS[r][0]] for r in graphs}
                drawn, weights = self.convs[kind](
                    state, sources, graphs, {r: messages.edges[r].weight for r in graphs}
                )
                total = total + drawn
                attention.update(weights)
            after[kind] = state + self.dropout(functional.gelu(self.norm[kind](total)))
        return after, attention


def relational_conv(config: NetworkConfig, relations: list[str]) -> nn.Module | None:
    """The convolution a preset names, into one kind of node; None where it names none."""
    widths: dict[str, tuple[int, int | None]] = dict.fromkeys(relations, (config.channels, 1))
    channels = config.channels // config.heads
    if config.conv == "none" or not relations:
        return None
    if config.conv == "gatv2":
        return RelationalGATv2Conv(
            config.channels, channels, widths, config.heads, dropout=config.attention_dropout
        )
    from model import convolutions

    return convolutions.relational(
        config.conv, config.channels, channels, widths, config.heads, dropout=config.attention_dropout
    )


class PairDecoder(nn.Module):
    """Logits of pairs: a bilinear form and a perceptron on states, a factorisation and biases on identities."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        n = config.channels
        self.drug_factor, self.cell_line_factor = nn.Linear(n, 16), nn.Linear(n, 16)
        self.drug_effect, self.cell_line_effect = nn.Linear(n, 1), nn.Linear(n, 1)
        self.drug_hidden, self.cell_line_hidden, self.out = nn.Linear(n, n), nn.Linear(n, n), nn.Linear(n, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: dict[str, Tensor], drug: Tensor, cell_line: Tensor) -> Tensor:
        """(n_pairs,) of pairs given by node numbers."""
        d, c = states["Drug"], states["CellLine"]
        effects = self.drug_effect(d)[drug, 0] + self.cell_line_effect(c)[cell_line, 0]
        match = (_rows(self.drug_factor(d), drug) * _rows(self.cell_line_factor(c), cell_line)).sum(1) / 4.0
        hidden = functional.gelu(
            _rows(self.drug_hidden(d), drug) + _rows(self.cell_line_hidden(c), cell_line)
        )
        logits: Tensor = effects + match + self.out(self.dropout(hidden))[:, 0]
        return logits


class Identities(nn.Module):
    """Learned numbers of each drug and cell line; nothing for those that are held out.

    Attributes
    ----------
    ENTITY_AXES
        Where saved tensors have a place for each entity.
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
        """Begin at the truncated singular value decomposition of the visible values less drug and cell-line means.

        What was not measured counts as zero, and singular values are shrunk by the first that is left out. From noise a
        few dozen steps do not get as far. A table of no more than `identity_channels` rows or columns is no start.
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
        """(n_drugs, k) and (n_cell_lines, k), zero where not known."""
        visible = messages.visible
        return (
            self.drug.weight * visible.known_drugs[:, None].float(),
            self.cell_line.weight * visible.known_cell_lines[:, None].float(),
        )

    def logits(self, messages: Messages, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Biases and factorisation of pairs, (n_pairs,)."""
        visible = messages.visible
        biases = _rows(self.drug_bias * visible.known_drugs, drug) + _rows(
            self.cell_line_bias * visible.known_cell_lines, cell_line
        )
        of_drug, of_cell_line = self.numbers(messages)
        return biases + (_rows(of_drug, drug) * _rows(of_cell_line, cell_line)).sum(1)

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Negative log of the Gaussian priors."""
        squares = numbers * ((self.drug.weight**2).sum() + (self.cell_line.weight**2).sum())
        return 0.5 * (
            squares + drug_bias * (self.drug_bias**2).sum() + cell_line_bias * (self.cell_line_bias**2).sum()
        )


class RelationalNetwork(nn.Module):
    """Relational attention over the graph, axial attention over the responses, a Gaussian process, and factors.

    Parameters
    ----------
    tensors
        Sizes, and the features that fix the projections.
    config
        Parts and widths.
    task
        What is predicted; the kernel part starts from it.

    Attributes
    ----------
    parts
        Names of the parts.
    shares
        Of the parts in the prediction; the trainer sets them on the inner validation part.
    calibration
        Slope and intercept of the prediction; likewise.
    """

    shares: Tensor
    calibration: Tensor

    def __init__(self, tensors: GraphTensors, config: NetworkConfig, task: Task = "classification") -> None:
        super().__init__()
        others = {"axial": config.axial, "kernel": config.kernel, "factors": config.factors}
        self.parts = ("relational", *(part for part, wanted in others.items() if wanted))
        self.register_buffer("shares", torch.full((len(self.parts),), 1 / len(self.parts)))
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))
        self.encoder = Encoder(tensors, config)
        self.identities = Identities(tensors.n_drugs, tensors.n_cell_lines, config)
        self.layers = nn.ModuleList(RelationalLayer(config) for _ in range(config.layers))
        self.decoder = PairDecoder(config)
        self.axial = (
            AxialAttention(config, len(DRUG_KERNELS), len(CELL_LINE_KERNELS)) if config.axial else None
        )
        self.kernel = KernelPart(config, task) if config.kernel else None
        self.factors = (
            Factors(
                (tensors.n_drugs, tensors.n_cell_lines),
                (config.drug_components, config.cell_line_components),
                config.factor_starts,
                config.factor_rank,
            )
            if config.factors
            else None
        )

    def states(
        self, tensors: GraphTensors, messages: Messages
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Last states of all nodes, and the last layer's attention (n_edges, heads) a relation."""
        first = self.encoder(tensors, messages)
        of_drug, of_cell_line = self.identities.numbers(messages)
        if of_drug.shape[1]:
            first["Drug"] = first["Drug"] + self.identities.to_drug(of_drug)
            first["CellLine"] = first["CellLine"] + self.identities.to_cell_line(of_cell_line)
        states = {kind: functional.gelu(state) for kind, state in first.items()}
        attention: dict[str, Tensor] = {}
        for layer in self.layers:
            states, attention = layer(states, messages)
        return states, attention

    def forward(self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor) -> Logits:
        """Logits, or standardised values, of pairs given by node numbers (n_pairs,)."""
        states, _ = self.states(tensors, messages)
        offset = messages.drug_offset[drug] + messages.cell_line_offset[cell_line]
        parts = [self.relational(states, messages, drug, cell_line)]
        if self.axial is not None:
            parts.append(offset + self.axial(tensors, messages.visible, drug, cell_line))
        if self.kernel is not None:
            parts.append(offset + self.kernel(tensors, states, messages, drug, cell_line))
        if self.factors is not None and not self.training:
            parts.append(offset + self.factors(self.encoder.components(tensors), drug, cell_line))
        return Logits(tuple(parts), self.shares, self.calibration)

    def relational(
        self, states: dict[str, Tensor], messages: Messages, drug: Tensor, cell_line: Tensor
    ) -> Tensor:
        """What the relational part says of pairs, (n_pairs,)."""
        offset = messages.drug_offset[drug] + messages.cell_line_offset[cell_line]
        identities = self.identities.logits(messages, drug, cell_line)
        logits: Tensor = offset + self.decoder(states, drug, cell_line) + identities
        return logits

    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]:
        """The last layer's attention by relation, with the other parts' by their shares where they have any."""
        states, weights = self.states(tensors, messages)
        found = {r: (messages.edges[r], w.mean(1)) for r, w in weights.items()}
        axial = self.axial.attention(tensors, messages.visible) if self.axial is not None else {}
        if self.kernel is None:
            found |= axial
        else:
            drawn = self.kernel.draws(tensors, states, messages)
            shares = dict(zip(self.parts, self.shares.tolist(), strict=True))
            found = blended(found, axial, drawn, messages.visible, shares)
        return {r: Attended.within(*edges_and_weight) for r, edges_and_weight in found.items()}

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Priors of the identities, to be added to the summed loss."""
        return self.identities.penalty(numbers, drug_bias, cell_line_bias)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """``identity``, ``axial``, ``kernel`` and ``rest``: they learn at rates of their own."""
        identity = [
            *self.identities.drug.parameters(),
            *self.identities.cell_line.parameters(),
            self.identities.drug_bias,
            self.identities.cell_line_bias,
        ]
        axial = list(self.axial.parameters()) if self.axial is not None else []
        kernel = self.kernel.hyperparameters() if self.kernel is not None else []
        apart = {id(p) for p in identity + axial + kernel}
        return {
            "identity": identity,
            "axial": axial,
            "kernel": kernel,
            "rest": [p for p in self.parameters() if id(p) not in apart],
        }


def _rows(table: Tensor, index: Tensor) -> Tensor:
    return table.index_select(0, index)
