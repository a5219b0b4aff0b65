"""The network that attends from every drug to all candidate genes, and the loss by which it finds hidden targets.

Held-out targets are ranked by the attention coefficient itself, so what a user reads is what was tested. Responses
enter through `evidence`; the caller says which targets are visible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.views import N_SHARPENED_DRUG_KERNELS
from pharmagraph.model.targets.evidence import PairEvidence

LIMIT = 100.0
"""Largest weight of a neighbour, so that the exponential of a similarity stays bounded."""


@dataclass(frozen=True)
class PairTensors:
    """Evidence as tensors.

    Attributes
    ----------
    drugs
        Numbers of the drugs that are scored, int64 (n_drugs,).
    drug_similarity
        Of the scored drugs to the drugs that have a visible target, (n_drugs, n_senders, n_kernels).
    senders
        Numbers of the drugs that have a visible target, int64 (n_senders,).
    gene_relations
        Of the candidate genes to the sources, (n_relations, n_genes, n_sources).
    association
        Of expression, and of the need for the gene, with response, (2, n_drugs, n_genes).
    sources
        Genes that are a visible target of some drug, positions among the candidates, int64 (n_sources,).
    """

    drugs: Tensor
    drug_similarity: Tensor
    senders: Tensor
    gene_relations: Tensor
    association: Tensor
    sources: Tensor

    @classmethod
    def of(cls, evidence: PairEvidence, visible: np.ndarray) -> PairTensors:
        """From evidence and visible targets, bool (n_drugs, n_genes)."""
        senders, sources = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        return cls(
            torch.arange(evidence.n_drugs),
            torch.from_numpy(evidence.drug_similarity[:, senders]),
            torch.from_numpy(senders),
            torch.from_numpy(evidence.gene_relations(sources)),
            torch.from_numpy(np.stack([evidence.association, evidence.dependence_association])),
            torch.from_numpy(sources),
        )

    def of_senders(self) -> PairTensors:
        """The same for the senders alone, renumbered from 0."""
        numbered = torch.arange(len(self.senders))
        return replace(self.some_drugs(self.senders), drugs=numbered, senders=numbered)

    def some_drugs(self, drugs: Tensor) -> PairTensors:
        """The same for some of the scored drugs, positions among them, int64 (n,)."""
        return replace(
            self,
            drugs=self.drugs[drugs],
            drug_similarity=self.drug_similarity[drugs],
            association=self.association[:, drugs],
        )

    def some_genes(self, genes: Tensor) -> PairTensors:
        """The same for some of the genes: positions in ascending order that include all sources, int64 (n,)."""
        return replace(
            self,
            gene_relations=self.gene_relations[:, genes],
            association=self.association[..., genes],
            sources=torch.searchsorted(genes, self.sources),
        )


class _Likeness(nn.Module):
    """Weights of similar drugs, one a head: the exponential of a learned score that starts as the mean similarity."""

    def __init__(self, n_kernels: int, heads: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(n_kernels, 16), nn.LeakyReLU(0.2), nn.Linear(16, heads))
        self.sharpness = nn.Parameter(torch.linspace(4.0, 16.0, heads))
        last = self.score[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, similarity: Tensor) -> Tensor:
        """(..., n_kernels) → (..., heads)."""
        main = similarity[..., :N_SHARPENED_DRUG_KERNELS].mean(-1, keepdim=True)
        return torch.exp(self.score(similarity) + self.sharpness * main - 8.0).clamp(max=LIMIT)


class TargetAttention(nn.Module):
    r"""GATv2 scores of all drug–gene pairs; a drug's genes compete in one softmax.

    .. math::
        s_{dg} = a^\top \mathrm{LeakyReLU}(W e_{dg} + b), \quad
        \alpha_{dg} = \mathrm{softmax}_g(s_{dg})

    The features :math:`e_{dg}` of a pair come from neighbours. They say whether the gene is a target of similar drugs
    (with learned weights), how it is related to the drug's other targets and to targets of similar drugs (one feature a
    relation), how many drugs have it as a target, and how its expression and the need for it go with response.

    Parameters
    ----------
    n_drug_kernels, n_gene_relations
        Number of similarities of drugs, and of relations of genes.
    heads
        Weightings of similar drugs that are learned side by side; they start from broad to narrow.
    channels
        Width of the score's hidden layer.
    dropout
        Of the hidden layer.
    """

    def __init__(
        self,
        n_drug_kernels: int,
        n_gene_relations: int,
        *,
        heads: int = 4,
        channels: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.drug_likeness = _Likeness(n_drug_kernels, heads)
        self.prior = nn.Parameter(torch.tensor(-2.0))
        self.edge = nn.Linear(2 * heads + 3 * n_gene_relations + 6, channels)
        self.att = nn.Linear(channels, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pairs: PairTensors, visible: Tensor) -> Tensor:
        """Scores before the softmax.

        Parameters
        ----------
        pairs
            Evidence on the drugs and genes that are scored.
        visible
            Visible targets, 0 or 1, float32 (n_all_drugs, n_genes); 1 only for senders and sources.

        Returns
        -------
        Tensor
            (n_drugs, n_genes).
        """
        features = self.features(pairs, visible)
        hidden = self.edge.weight @ features.flatten(1) + self.edge.bias[:, None]
        scores: Tensor = self.att.weight @ self.dropout(functional.leaky_relu(hidden, 0.2))
        return scores.view(features.shape[1:])

    def features(self, pairs: PairTensors, visible: Tensor) -> Tensor:
        """Features of each pair from its neighbours, (n_features, n_drugs, n_genes)."""
        apart = pairs.drugs[:, None] != pairs.senders
        of_senders, of_sources = visible[pairs.senders], visible[:, pairs.sources]
        sends = apart & of_senders.any(1)
        likeness = self.drug_likeness(pairs.drug_similarity) * sends[..., None]
        weight = likeness.permute(2, 0, 1).contiguous()
        total = weight.sum(2, keepdim=True) + functional.softplus(self.prior)
        carried = weight @ of_senders
        near = weight[[0, -1]] @ of_sources[pairs.senders] / total[[0, -1]]
        share = (of_sources / (1 + visible.sum(1, keepdim=True)))[pairs.drugs]
        related = pairs.gene_relations.transpose(1, 2)
        by_drug = torch.log1p(5 * (share @ related))
        by_similar = torch.log1p(20 * (near.flatten(0, 1) @ related))
        n_known = visible.sum(0).expand(1, len(pairs.drugs), -1)
        association = pairs.association
        return torch.cat(
            [
                torch.log1p(20 * carried / total), torch.log1p(carried),
                by_drug, by_similar.view(2 * len(related), *association.shape[1:]),
                torch.log1p(n_known), (n_known > 0).float(), association, association.abs(),
            ]
        )  # fmt: skip


def recovery_loss(scores: Tensor, drug: Tensor, gene: Tensor, excluded: Tensor, log_weight: Tensor) -> Tensor:
    """Mean negative log of the attention that hidden targets get.

    Parameters
    ----------
    scores
        Before the softmax, (n_drugs, n_genes).
    drug, gene
        The hidden targets: rows and columns of ``scores``, int64 (n,).
    excluded
        Pairs outside the softmax: the visible targets, bool (n_drugs, n_genes).
    log_weight
        Logarithm of the number of genes that a sampled gene stands for, (n_genes,); 0 if it stands for itself.

    Notes
    -----
    A drug's other hidden targets do not compete with this one.
    """
    wanted = torch.zeros_like(excluded)
    wanted[drug, gene] = True
    others = (scores + log_weight).masked_fill(excluded | wanted, float("-inf"))[drug]
    target = scores[drug, gene]
    return (torch.logsumexp(torch.cat([others, target[:, None]], 1), 1) - target).mean()
