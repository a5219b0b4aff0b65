"""The relational component: attention layers with one softmax for each relation, and the decoder of pairs."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.layers.gatv2 import RelationalGATv2Conv
from pharmagraph.model.layers.pair_dropout import PairDropout
from pharmagraph.model.networks.encoder import _rows
from pharmagraph.model.networks.network import KINDS
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.presets.relations import RELATIONS


class RelationalLayer(nn.Module):
    """One round of messages into nodes of every kind, with a residual connection."""

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
        """Kind → states (n, channels), to new states and relation → attention (n_edges, heads)."""
        after, attention = {}, {}
        for kind, state in states.items():
            total = self.own[kind](state)
            if kind in self.convs:
                graphs = {r: g for r, g in messages.graphs.items() if RELATIONS[r][1] == kind and g.n_edges}
                sources = {r: states[RELATIONS[r][0]] for r in graphs}
                received, weights = self.convs[kind](
                    state, sources, graphs, {r: messages.edges[r].weight for r in graphs}
                )
                total = total + received
                attention.update(weights)
            after[kind] = state + self.dropout(functional.gelu(self.norm[kind](total)))
        return after, attention


def relational_conv(config: NetworkConfig, relations: list[str]) -> nn.Module | None:
    """The convolution that the preset names, over relations into one kind of node; None where there is none."""
    widths: dict[str, tuple[int, int | None]] = dict.fromkeys(relations, (config.channels, 1))
    channels = config.channels // config.heads
    if config.conv == "none" or not relations:
        return None
    if config.conv == "gatv2":
        return RelationalGATv2Conv(
            config.channels, channels, widths, config.heads, dropout=config.attention_dropout
        )
    from pharmagraph.model.layers import convolutions

    return convolutions.relational(
        config.conv, config.channels, channels, widths, config.heads, dropout=config.attention_dropout
    )


class PairDecoder(nn.Module):
    """Logits of pairs from node states: effects of both sides, a bilinear form, and a perceptron."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        n = config.channels
        self.drug_factor, self.cell_line_factor = nn.Linear(n, 16), nn.Linear(n, 16)
        self.drug_effect, self.cell_line_effect = nn.Linear(n, 1), nn.Linear(n, 1)
        self.drug_hidden, self.cell_line_hidden, self.out = nn.Linear(n, n), nn.Linear(n, n), nn.Linear(n, 1)
        self.dropout = PairDropout(nn.Dropout(config.dropout))

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
