"""Which genes a drug may attend to for its response, and the evidence for each: a drug, a gene and a kind of omics.

A column of `GeneFeatures` is a candidate of a drug if it is among those most associated with the responses of this drug
and of similar drugs, if it is among the first few of its kind of omics by this drug alone, or if its gene is a known
target. Association reads the responses that the caller gives: those
that pass messages, never pairs that are being predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from pharmagraph.model.inputs.gene_features import GeneFeatures
from pharmagraph.model.inputs.gene_pattern import Pattern
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import (
    ASSOCIATION_UNIT,
    GENE_FEATURES,
    N_OF_EACH_KIND,
    N_SHARPENED_DRUG_KERNELS,
    SHARPNESS,
)
from pharmagraph.model.responses.visible import SHRINKAGE, Visible, residuals

HEADS = ("association", "target")
"""Heads of the attention: what makes a column a candidate that the head reads."""

SMALLEST = 1e-6
"""Products of norms below it count as this, so that a column without values has correlations of 0."""

BLOCK = 4096
"""Columns whose correlations are computed at a time."""


@dataclass(frozen=True)
class GenePairs:
    """Candidates of all drugs, by drug, then column.

    Attributes
    ----------
    drug
        int64 (n_pairs,).
    column
        Position in the columns of ``features``, int64 (n_pairs,).
    evidence
        In the order of `EVIDENCE`, float32 (n_pairs, n_evidence).
    association
        Correlation of the column with the responses of the drug and of similar drugs, (n_pairs,).
    associated, given
        Whether the pair is a candidate by association, and whether the gene is a known target, bool (n_pairs,).
    features
        The columns.
    values
        Those of the cell lines, float32 (n_cell_lines, n_columns).
    n_drugs
        Number of drugs.
    """

    drug: Tensor
    column: Tensor
    evidence: Tensor
    association: Tensor
    associated: Tensor
    given: Tensor
    features: GeneFeatures
    values: Tensor
    n_drugs: int

    def __len__(self) -> int:
        return len(self.drug)

    @cached_property
    def read(self) -> Tensor:
        """Whether a head reads a pair, in the order of `HEADS`, bool (n_heads, n_pairs)."""
        return torch.stack([self.associated, self.given])

    @cached_property
    def pattern(self) -> tuple[Pattern, Tensor]:
        """Where a gene term has coefficients, with columns of their own for each head.

        Returns
        -------
        Pattern
            Of all pairs that a head reads.
        Tensor
            Position of each of its coefficients in a flattened table (n_heads, n_pairs), int64.
        """
        n_columns = self.values.shape[1]
        head, pair = torch.nonzero(self.read, as_tuple=True)
        drug, column = self.drug[pair], self.column[pair] + head * n_columns
        order = torch.argsort(drug * (len(HEADS) * n_columns) + column)
        pattern = Pattern.of(drug[order], column[order], self.values, self.n_drugs)
        return pattern, (head * len(self) + pair)[order]


class GenePairBuilder:
    """Makes `GenePairs` of visible responses.

    Parameters
    ----------
    tensors
        Of the graph.
    n_associated
        Candidates of a drug by association.
    attention
        Attention of drugs to genes by known targets, and the genes' node numbers: (n_drugs, n_candidates) and
        (n_candidates,). None where the graph has too few targets.
    """

    def __init__(
        self, tensors: GraphTensors, n_associated: int, attention: tuple[Tensor, Tensor] | None = None
    ) -> None:
        self.n_drugs, self.n_associated = tensors.n_drugs, n_associated
        self.features = GeneFeatures.of(tensors)
        self.values = self.features.values(tensors)
        gene = self.features.gene
        target = known_targets(tensors)
        self._target = target[:, gene]
        self._attention = self._of_columns(attention, tensors.n_genes)
        self._similar = similar_drugs(tensors, target)

    def build(self, visible: Visible) -> GenePairs:
        """Candidates and evidence, with the visible responses alone."""
        own = correlations(self.values, residuals(visible.value, visible.measured), visible.measured)
        smoothed = smooth(own, self._similar, visible.known_drugs)
        associated, by_itself = torch.zeros_like(self._target), torch.zeros_like(self._target)
        n = min(self.n_associated, smoothed.shape[1])
        associated.scatter_(1, smoothed.abs().topk(n, dim=1).indices, True)
        for number in range(len(GENE_FEATURES)):
            of_kind = torch.nonzero(self.features.kind == number).flatten()
            first = own[:, of_kind].abs().topk(min(N_OF_EACH_KIND, len(of_kind)), dim=1)
            by_itself.scatter_(1, of_kind[first.indices], first.values > 0)
        associated = (associated | by_itself) & (smoothed != 0)
        drug, column = torch.nonzero(associated | self._target, as_tuple=True)
        association, of_drug = smoothed[drug, column], own[drug, column]
        is_associated, given = associated[drug, column], self._target[drug, column]
        size = ASSOCIATION_UNIT * association.abs()
        kind = self.features.kind[column]
        evidence = torch.stack(
            [
                size, ASSOCIATION_UNIT * of_drug.abs(), (association * of_drug > 0).float(), is_associated.float(),
                given.float(), given * size, self._attention[drug, column],
                *functional.one_hot(kind, len(GENE_FEATURES)).float().T,
            ],
            dim=1,
        )  # fmt: skip
        return GenePairs(
            drug,
            column,
            evidence,
            association,
            is_associated,
            given,
            self.features,
            self.values,
            self.n_drugs,
        )

    def _of_columns(self, attention: tuple[Tensor, Tensor] | None, n_genes: int) -> Tensor:
        """Attention as targets to the gene of every column, as a multiple of an even share; its logarithm plus 1."""
        found = self.values.new_zeros(self.n_drugs, n_genes)
        if attention is not None:
            weight, genes = attention
            found[:, genes] = weight * len(genes)
        return torch.log1p(found)[:, self.features.gene]


def known_targets(tensors: GraphTensors) -> Tensor:
    """Which genes are known targets of which drugs, bool (n_drugs, n_genes)."""
    target = torch.zeros(tensors.n_drugs, tensors.n_genes, dtype=torch.bool, device=tensors.device)
    target[tensors.targets.dst, tensors.targets.src] = True
    return target


def similar_drugs(tensors: GraphTensors, target: Tensor) -> Tensor:
    """How much the response of one drug says of another, (n_drugs, n_drugs): by structure and shared targets.

    Parameters
    ----------
    tensors
        Of the graph.
    target
        Known targets, bool (n_drugs, n_genes).
    """
    by_structure = tensors.drug_kernels[..., :N_SHARPENED_DRUG_KERNELS].mean(-1).clamp(min=0) ** SHARPNESS
    unit = functional.normalize(target.float(), dim=1)
    similar: Tensor = by_structure + (unit @ unit.T) ** 2
    return similar.fill_diagonal_(1.0)


def smooth(own: Tensor, similar: Tensor, known_drugs: Tensor) -> Tensor:
    """Weighted mean of the known drugs' correlations, the more similar ones weighing more, (n_drugs, n_columns).

    Parameters
    ----------
    own
        `correlations`.
    similar
        `similar_drugs`.
    known_drugs
        Drugs with responses, bool (n_drugs,).
    """
    found: Tensor = functional.normalize(similar * known_drugs, p=1, dim=1) @ own
    return found


def correlations(values: Tensor, residual: Tensor, measured: Tensor) -> Tensor:
    """Correlation of every column with the responses of every drug, over the drug's measured cell lines.

    Parameters
    ----------
    values
        (n_cell_lines, n_columns).
    residual, measured
        Responses without the means of drugs and cell lines, and 1 where measured, (n_cell_lines, n_drugs).

    Returns
    -------
    Tensor
        (n_drugs, n_columns); shrunk by `SHRINKAGE` pairs of no association, 0 for a drug without responses.
    """
    found = values.new_empty(residual.shape[1], values.shape[1])
    size = residual.square().sum(0).sqrt()[:, None]
    count = measured.sum(0)
    shrunk = (count / (count + SHRINKAGE))[:, None]
    for start in range(0, values.shape[1], BLOCK):
        some = values[:, start : start + BLOCK]
        of_columns = (measured.T @ some.square()).sqrt()
        found[:, start : start + BLOCK] = (
            shrunk * (residual.T @ some) / (size * of_columns).clamp(min=SMALLEST)
        )
    return found
