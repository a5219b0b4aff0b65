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

from model.similarities import N_SHARPENED_DRUG_KERNELS
from model.targets.evidence import GENE_RELATIONS, PairEvidence

LIMIT = 100.0
"""Largest weight of a neighbour: the exponential of a likeness does not run away."""


@dataclass(frozen=True)
class PairTensors:
    """Evidence as tensors, with the relations of all candidate genes to those with a visible target.

    Attributes
    ----------
    drug_similarity
        To the drugs that have a visible target, (n_drugs, n_senders, n_kernels).
    senders
        Which drugs those are, rows of this, int64 (n_senders,).
    gene_relations
        (n_genes, n_sources, n_relations).
    association
        (n_drugs, n_genes).
    sources
        Genes that are some drug's visible target, positions among the candidates, int64 (n_sources,).
    """

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
            torch.from_numpy(evidence.drug_similarity[:, senders]),
            torch.from_numpy(senders),
            torch.from_numpy(evidence.gene_relations(sources)),
            torch.from_numpy(evidence.association),
            torch.from_numpy(sources),
        )

    def of_senders(self) -> PairTensors:
        """The same for the senders alone, which then number the rows."""
        return PairTensors(
            self.drug_similarity[self.senders],
            torch.arange(len(self.senders)),
            self.gene_relations,
            self.association[self.senders],
            self.sources,
        )

    def some_genes(self, genes: Tensor) -> PairTensors:
        """The same for some of the candidate genes, int64 (n,)."""
        return replace(
            self, gene_relations=self.gene_relations[genes], association=self.association[:, genes]
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
        s_{dg} = a^\top \mathrm{LeakyReLU}(W_e e_{dg} + W_d x_d + W_g x_g + b), \quad
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
    state_channels
        Width of the states of drugs and genes, where a network has some to give.
    """

    def __init__(
        self,
        n_drug_kernels: int,
        n_gene_relations: int = len(GENE_RELATIONS),
        *,
        heads: int = 4,
        channels: int = 16,
        dropout: float = 0.1,
        state_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.drug_likeness = _Likeness(n_drug_kernels, heads)
        self.prior = nn.Parameter(torch.tensor(-2.0))
        self.edge = nn.Linear(2 * heads + 3 * n_gene_relations + 4, channels)
        self.drug = nn.Linear(state_channels, channels, bias=False) if state_channels else None
        self.gene = nn.Linear(state_channels, channels, bias=False) if state_channels else None
        self.att = nn.Linear(channels, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        pairs: PairTensors,
        visible: Tensor,
        genes: Tensor,
        drug_state: Tensor | None = None,
        gene_state: Tensor | None = None,
    ) -> Tensor:
        """Scores before the softmax.

        Parameters
        ----------
        pairs
            Of all drugs and of the genes ``genes``.
        visible
            Targets that may be leaned on, 0 or 1, float32 (n_drugs, n_candidates); of senders and sources alone.
        genes
            Which candidates are scored, int64 (n_genes,).
        drug_state, gene_state
            (n_drugs, state_channels) and (n_genes, state_channels), where the module was made for them.

        Returns
        -------
        Tensor
            (n_drugs, n_genes).
        """
        hidden = self.edge(self.features(pairs, visible, genes))
        if self.drug is not None and drug_state is not None:
            hidden = hidden + self.drug(drug_state)[:, None]
        if self.gene is not None and gene_state is not None:
            hidden = hidden + self.gene(gene_state)[None]
        scores: Tensor = self.att(self.dropout(functional.leaky_relu(hidden, 0.2)))[..., 0]
        return scores

    def features(self, pairs: PairTensors, visible: Tensor, genes: Tensor) -> Tensor:
        """What neighbours say of each pair, (n_drugs, n_genes, n_features)."""
        apart = torch.arange(len(pairs.drug_similarity))[:, None] != pairs.senders
        sends = apart & visible[pairs.senders].any(1)
        weight = self.drug_likeness(pairs.drug_similarity) * sends[..., None]
        own, of_sources = visible[:, genes], visible[:, pairs.sources]
        prior = functional.softplus(self.prior)
        found, near = [], []
        for head in range(self.heads):
            total = weight[..., head].sum(1, keepdim=True) + prior
            carried = weight[..., head] @ own[pairs.senders]
            found += [torch.log1p(20 * carried / total), torch.log1p(carried)]
            near.append(weight[..., head] @ of_sources[pairs.senders] / total)
        share = of_sources / (1 + visible.sum(1, keepdim=True))
        for relation in pairs.gene_relations.unbind(-1):
            found += [torch.log1p(5 * (share @ relation.T))]
            found += [torch.log1p(20 * (n @ relation.T)) for n in (near[0], near[-1])]
        n_known = visible.sum(0)[genes].expand(len(visible), -1)
        found += [torch.log1p(n_known), (n_known > 0).float(), pairs.association, pairs.association.abs()]
        return torch.stack(found, dim=-1)


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
