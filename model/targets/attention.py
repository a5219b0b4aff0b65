"""Attention of every drug over all candidate genes, trained to find targets that are kept from it.

The coefficient is the score: held-out targets are looked for in the attention itself, so what a user reads is what
was tested. Where responses come in is `evidence.py`; which targets are visible is the caller's to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.similarities import N_SHARPENED_DRUG_KERNELS
from pharmagraph.model.targets.evidence import GENE_RELATIONS, PairEvidence

LIMIT = 100.0
"""Largest weight of a neighbour: the exponential of a likeness does not run away."""


@dataclass(frozen=True)
class PairTensors:
    """Evidence as tensors, with the relations of all candidate genes to those with a visible target.

    Attributes
    ----------
    drugs
        Which drugs are scored, numbers, int64 (n_drugs,).
    drug_similarity
        Theirs to the drugs that have a visible target, (n_drugs, n_senders, n_kernels).
    senders
        Which drugs those are, numbers, int64 (n_senders,).
    gene_relations
        Of the genes to the sources, (n_relations, n_genes, n_sources).
    association
        (n_drugs, n_genes).
    sources
        Genes that are some drug's visible target, positions among the genes, int64 (n_sources,).
    """

    drugs: Tensor
    drug_similarity: Tensor
    senders: Tensor
    gene_relations: Tensor
    association: Tensor
    sources: Tensor

    @classmethod
    def of(cls, evidence: PairEvidence, visible: np.ndarray) -> PairTensors:
        """For visible targets, bool (n_drugs, n_genes)."""
        senders, sources = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        return cls(
            torch.arange(evidence.n_drugs),
            torch.from_numpy(evidence.drug_similarity[:, senders]),
            torch.from_numpy(senders),
            torch.from_numpy(evidence.gene_relations(sources)),
            torch.from_numpy(evidence.association),
            torch.from_numpy(sources),
        )

    def of_senders(self) -> PairTensors:
        """The same for the senders alone, which are then numbered among themselves."""
        numbered = torch.arange(len(self.senders))
        return replace(self.some_drugs(self.senders), drugs=numbered, senders=numbered)

    def some_drugs(self, drugs: Tensor) -> PairTensors:
        """The same where only some of the drugs are scored, positions among those that are, int64 (n,)."""
        return replace(
            self,
            drugs=self.drugs[drugs],
            drug_similarity=self.drug_similarity[drugs],
            association=self.association[drugs],
        )

    def some_genes(self, genes: Tensor) -> PairTensors:
        """The same for some of the genes, ascending positions that hold all the sources, int64 (n,)."""
        return replace(
            self,
            gene_relations=self.gene_relations[:, genes],
            association=self.association[:, genes],
            sources=torch.searchsorted(genes, self.sources),
        )


class _Likeness(nn.Module):
    """Weights of similar drugs, one a head: the exponential of a learned score, which starts as similarity alone."""

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

    The features of a pair :math:`e_{dg}` are what neighbours say: targets of similar drugs, whose weights are learned,
    genes related to the drug's own targets and genes related to similar drugs' targets, a feature a relation, the
    number of drugs with the target, and association with response.

    Parameters
    ----------
    n_drug_kernels, n_gene_relations
        Widths of the likenesses.
    heads
        Weights of similar drugs learned side by side, from those that let many speak to those that let few.
    channels
        Width of the score.
    dropout
        Of the score's channels.
    """

    def __init__(
        self,
        n_drug_kernels: int,
        n_gene_relations: int = len(GENE_RELATIONS),
        *,
        heads: int = 4,
        channels: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.drug_likeness = _Likeness(n_drug_kernels, heads)
        self.prior = nn.Parameter(torch.tensor(-2.0))
        self.edge = nn.Linear(2 * heads + 3 * n_gene_relations + 4, channels)
        self.att = nn.Linear(channels, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pairs: PairTensors, visible: Tensor) -> Tensor:
        """Scores before the softmax.

        Parameters
        ----------
        pairs
            Of the drugs and genes that are scored.
        visible
            Targets that may be leaned on, 0 or 1, float32 (n_all_drugs, n_genes); of senders and sources alone.

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
        """What neighbours say of each pair, (n_features, n_drugs, n_genes)."""
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
        association = pairs.association[None]
        return torch.cat(
            [
                torch.log1p(20 * carried / total), torch.log1p(carried),
                by_drug, by_similar.view(-1, *association.shape[1:]),
                torch.log1p(n_known), (n_known > 0).float(), association, association.abs(),
            ]
        )  # fmt: skip


def recovery_loss(scores: Tensor, drug: Tensor, gene: Tensor, excluded: Tensor, log_weight: Tensor) -> Tensor:
    """Negative log of the attention that targets kept from the scorer get, mean over them.

    Parameters
    ----------
    scores
        (n_drugs, n_genes).
    drug, gene
        The targets to find, rows and columns of ``scores``, int64 (n,).
    excluded
        Pairs that do not compete: the visible targets, bool (n_drugs, n_genes).
    log_weight
        Of a gene that stands for many that were not drawn, (n_genes,); 0 for one that stands for itself.

    Notes
    -----
    A drug's other targets to find are no competitors of this one.
    """
    wanted = torch.zeros_like(excluded)
    wanted[drug, gene] = True
    others = (scores + log_weight).masked_fill(excluded | wanted, float("-inf"))[drug]
    target = scores[drug, gene]
    return (torch.logsumexp(torch.cat([others, target[:, None]], 1), 1) - target).mean()
