r"""Attention of drugs to genes for response: the part of a prediction that goes through single genes.

A drug has two heads. One reads genes whose state goes with the responses of the drug and of similar drugs, with the
sign of that association; the other reads known targets, whose sign is learned. The score of a pair is GATv2's,

.. math::
    s_{df} = a^\top \mathrm{LeakyReLU}(W e_{df} + b), \quad
    \alpha_{df} = \mathrm{softmax}_f(s_{df} + 2 \log |r_{df}|),

where e is the evidence (`inputs.gene_pairs`) and r the association, which the second head leaves out. The coefficient
of the gene term (`gene_term`) is the root of the attention, times a weight of the head and the kind of omics: so the
attention of a drug to a gene is its share of what genes may explain.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.gene_pairs import HEADS, GenePairs
from pharmagraph.model.inputs.views import EVIDENCE, GENE_FEATURES
from pharmagraph.model.networks.drug_levels import before_softplus

HIDDEN = 16
"""Width of the score's hidden layer. Set by hand."""

START_WEIGHT = 0.05
"""Weight of a head and kind of omics before anything is learned. Set by hand."""

SMALLEST = 1e-6
"""Associations below it count as this."""


class GenePart(nn.Module):
    """Coefficients of the gene term from the evidence for each pair."""

    def __init__(self) -> None:
        super().__init__()
        self.edge = nn.Linear(len(EVIDENCE), HIDDEN)
        self.att = nn.Linear(HIDDEN, len(HEADS), bias=False)
        nn.init.zeros_(self.att.weight)
        self.weights = nn.Parameter(
            before_softplus([START_WEIGHT] * len(HEADS) * len(GENE_FEATURES)).view(len(HEADS), -1)
        )

    def attention(self, pairs: GenePairs) -> Tensor:
        """Attention of every head, a softmax over the candidates of a drug that the head reads, (n_heads, n_pairs)."""
        scores = self.att(functional.leaky_relu(self.edge(pairs.evidence), 0.2)).T
        of_association = scores[0] + 2 * torch.log(pairs.association.abs().clamp(min=SMALLEST))
        scores = torch.stack([of_association, scores[1]])
        return torch.stack(
            [_softmax(score, read, pairs) for score, read in zip(scores, pairs.read, strict=True)]
        )

    def coefficients(self, pairs: GenePairs) -> Tensor:
        """Signed coefficient of every head and pair, (n_heads, n_pairs)."""
        sign = torch.stack([torch.sign(pairs.association), torch.ones_like(pairs.association)])
        weight = functional.softplus(self.weights)[:, pairs.features.kind[pairs.column]]
        # where attention is exactly 0 the root has no derivative
        root = torch.where(
            pairs.read, self.attention(pairs).clamp(min=torch.finfo(weight.dtype).tiny), 1.0
        ).sqrt()
        return torch.where(pairs.read, sign * root * weight.sqrt(), 0.0)


def _softmax(score: Tensor, read: Tensor, pairs: GenePairs) -> Tensor:
    """Softmax of a drug's pairs that are read, 0 for the others, (n_pairs,)."""
    score = score.masked_fill(~read, float("-inf"))
    largest = score.new_full((pairs.n_drugs,), float("-inf")).scatter_reduce(
        0, pairs.drug, score.detach(), "amax"
    )
    shifted = score - largest.masked_fill(largest == float("-inf"), 0.0)[pairs.drug]
    size = torch.where(read, shifted, float("-inf")).exp()
    total = size.new_zeros(pairs.n_drugs).index_add(0, pairs.drug, size)
    found: Tensor = size / total.clamp(min=torch.finfo(size.dtype).tiny)[pairs.drug]
    return found
