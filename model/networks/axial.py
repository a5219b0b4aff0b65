"""Axial attention: a pair is predicted from the same cell line's responses to similar drugs and the same drug's on
similar cell lines. Its few parameters see similarities only, so it holds for drugs and cell lines never measured."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import N_SHARPENED_CELL_LINE_KERNELS, N_SHARPENED_DRUG_KERNELS
from pharmagraph.model.layers.pair_dropout import PairDropout
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.responses.visible import Visible


class SimilarityScore(nn.Module):
    """Unnormalised attention of an edge from its similarities alone.

    Parameters
    ----------
    n_kernels
        Width of the edge features.
    n_sharpened
        The first kernels, whose mean is multiplied by a learned sharpness a head.
    n_heads, hidden
        Sizes.
    sharpness
        First and last head's sharpness at the start.
    shift
        Subtracted from every score, so that the exponentials start of order one.
    """

    def __init__(
        self,
        n_kernels: int,
        n_sharpened: int,
        n_heads: int,
        hidden: int,
        sharpness: tuple[float, float],
        shift: float,
    ) -> None:
        super().__init__()
        self.n_sharpened, self.shift = n_sharpened, shift
        self.perceptron = nn.Sequential(
            nn.Linear(n_kernels, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, n_heads)
        )
        self.sharpness = nn.Parameter(torch.linspace(*sharpness, n_heads))

    def forward(self, similarity: Tensor) -> Tensor:
        """``(n_edges, n_kernels)`` → positive weights ``(n_edges, n_heads)``."""
        mean = similarity[:, : self.n_sharpened].mean(1, keepdim=True)
        return torch.exp(self.perceptron(similarity) + mean * self.sharpness - self.shift).clamp(max=50)


class AxialAttention(nn.Module):
    """Logits of drug–cell-line pairs from visible responses along both axes of the response matrix.

    For each head the visible values are summed over similar drugs, similar cell lines, and both, weighted by
    attention and divided by the attention that fell on measured pairs; untested pairs count as a little of
    "neither". A small perceptron reads those shares, the evidence behind them, and the drug's and the cell
    line's means.
    """

    def __init__(self, config: NetworkConfig, n_drug_kernels: int, n_cell_line_kernels: int) -> None:
        super().__init__()
        heads, hidden = config.axial_heads, 16
        self.score_drugs = SimilarityScore(
            n_drug_kernels, N_SHARPENED_DRUG_KERNELS, heads, hidden, (4.0, 16.0), 8.0
        )
        self.score_cell_lines = SimilarityScore(
            n_cell_line_kernels, N_SHARPENED_CELL_LINE_KERNELS, heads, hidden, (1.0, 6.0), 3.0
        )
        self.untested = nn.Parameter(torch.tensor(-2.5))
        self.prior = nn.Parameter(torch.tensor(-1.0))
        width = 6 * heads + 2
        self.readout = nn.Sequential(
            nn.Linear(width, 24), nn.GELU(), PairDropout(nn.Dropout(config.axial_dropout)), nn.Linear(24, 1)
        )
        self.linear = nn.Linear(width, 1, bias=False)
        last = self.readout[3]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(self.linear.weight)

    def forward(self, tensors: GraphTensors, visible: Visible, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Logits (n_pairs,) of pairs given by node numbers."""
        active = visible.known_drugs.clone()  # drugs that neither were measured nor are asked for say nothing
        active[drug] = True
        columns = torch.nonzero(active).flatten()
        column = (torch.cumsum(active, 0) - 1)[drug]
        to_drug = _scatter(tensors.drug_neighbours, self.score_drugs, tensors.n_drugs)[:, columns][
            :, :, columns
        ]
        to_cell_line = _scatter(tensors.cell_line_neighbours, self.score_cell_lines, tensors.n_cell_lines)
        play = torch.outer(visible.known_cell_lines.float(), visible.known_drugs.float())
        weight = (visible.measured + torch.sigmoid(self.untested) * (1 - visible.measured)) * play
        value = visible.value * visible.measured
        both = torch.stack([value, weight])[:, :, columns]  # (2, n_cell_lines, n_active)
        prior = functional.softplus(self.prior)
        features = []
        for head in range(len(to_drug)):
            over_drugs = both @ to_drug[head].T
            over_cell_lines = to_cell_line[head] @ both
            over_both = to_cell_line[head] @ over_drugs
            pooled = over_drugs + over_cell_lines + 0.3 * over_both
            for total, evidence in (over_drugs, over_cell_lines, over_both, pooled):
                features.append((total / (evidence + prior))[cell_line, column])
            features += [
                torch.log1p(over_drugs[1])[cell_line, column],
                torch.log1p(over_cell_lines[1])[cell_line, column],
            ]
        cell_line_mean = value.sum(1) / (visible.measured.sum(1) + 4)
        drug_mean = value.sum(0) / (visible.measured.sum(0) + 4)
        features += [cell_line_mean[cell_line], drug_mean[drug]]
        row = torch.stack(features, dim=-1)
        logits: Tensor = (self.readout(row) + self.linear(row)).squeeze(-1)
        return logits

    def attention(self, tensors: GraphTensors, visible: Visible) -> dict[str, tuple[Edges, Tensor]]:
        """Share of a node's attention on each similar node that has visible responses, mean over heads.

        Returns
        -------
        dict
            ``drug_from_drug`` and ``cell_line_from_cell_line``: edges, and weights (n_edges,) that sum to 1 a node.
        """
        found = {}
        for name, edges, score, known in (
            ("drug_from_drug", tensors.drug_neighbours, self.score_drugs, visible.known_drugs),
            (
                "cell_line_from_cell_line",
                tensors.cell_line_neighbours,
                self.score_cell_lines,
                visible.known_cell_lines,
            ),
        ):
            usable = edges.keep(known[edges.src])
            power = score(usable.weight)
            total = power.new_zeros(len(known), power.shape[1]).index_add(0, usable.dst, power)
            found[name] = (usable, (power / total[usable.dst]).mean(1))
        return found


def _scatter(edges: Edges, score: SimilarityScore, n: int) -> Tensor:
    """Attention of edges as dense matrices (n_heads, n_dst, n_src); a node's own entry is 0."""
    power = score(edges.weight)
    dense: Tensor = power.new_zeros(n * n, power.shape[1]).index_put((edges.dst * n + edges.src,), power)
    return dense.T.reshape(-1, n, n)
