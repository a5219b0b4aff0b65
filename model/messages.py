"""What one step of a network may see: the visible responses and the edges that carry them, nothing that is predicted.

A pair that is to be predicted is in none of its tensors, in either direction; an entity that is to be predicted
sends no message at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from model.candidates import Screened, association, candidates, near_targets
from model.config import NetworkConfig
from model.edges import Edges
from model.gene_attention import kernel_of
from model.graph_tensors import GraphTensors
from model.kernels import Csr
from model.splits import Split

RELATIONS: dict[str, tuple[str, str]] = {
    "drug_from_drug": ("Drug", "Drug"),
    "cell_line_from_cell_line": ("CellLine", "CellLine"),
    "cell_line_from_gene": ("Gene", "CellLine"),
    "gene_from_cell_line": ("CellLine", "Gene"),
    "drug_from_gene": ("Gene", "Drug"),
    "gene_from_drug": ("Drug", "Gene"),
    "drug_from_sensitive": ("CellLine", "Drug"),
    "drug_from_resistant": ("CellLine", "Drug"),
    "cell_line_from_sensitive": ("Drug", "CellLine"),
    "cell_line_from_resistant": ("Drug", "CellLine"),
}
"""Relation → (kind of source, kind of destination) of its messages."""

BETWEEN_DRUGS_AND_GENES = {"drug_from_gene", "gene_from_drug"}

PRIOR_PAIRS = 4
"""Pairs whose spread every drug is given to begin with, so that a drug of few pairs has none of nearly zero."""


class Means(NamedTuple):
    """Which of them are taken out of the values; none of a side that will be asked for unseen."""

    drugs: bool
    cell_lines: bool

    @classmethod
    def of(cls, split: Split) -> Means:
        """Of the sides that a split leaves seen."""
        return cls(not split.of_unseen_drugs, not split.of_unseen_cell_lines)


NO_MEANS = Means(False, False)
"""Of classes."""


@dataclass(frozen=True)
class Visible:
    """Responses that may pass messages.

    Attributes
    ----------
    value
        Larger is more sensitive, as `model.scale.Scale.strength` has it; 0 where not measured; float32
        (n_cell_lines, n_drugs).
    sign
        1 sensitive, -1 resistant, 0 where not measured; same shape.
    measured
        0 or 1, float32, same shape.
    known_drugs, known_cell_lines
        Entities that may send messages and use their learned identity, bool (n,).
    """

    value: Tensor
    sign: Tensor
    measured: Tensor
    known_drugs: Tensor
    known_cell_lines: Tensor

    @classmethod
    def of(
        cls,
        drug: Tensor,
        cell_line: Tensor,
        value: Tensor,
        sensitive: Tensor,
        shape: tuple[int, int],
        *,
        known: tuple[Tensor, Tensor] | None = None,
    ) -> Visible:
        """From pairs; ``known`` (drugs, cell lines) are those with a pair unless given."""
        values, sign, measured = (value.new_zeros(shape) for _ in range(3))
        values[cell_line, drug] = value
        sign[cell_line, drug] = 2.0 * sensitive - 1.0
        measured[cell_line, drug] = 1.0
        if known is None:
            known = (measured.any(0), measured.any(1))
        return cls(values, sign, measured, *known)

    def means(self, of: Means) -> tuple[Tensor, Tensor]:
        """Of the values: drug means, and cell-line means of what those leave, shrunk by a few pairs; (n,) each."""
        drug = of.drugs * self.value.sum(0) / (self.measured.sum(0) + 1)
        rest = (self.value - drug) * self.measured
        return drug, of.cell_lines * rest.sum(1) / (self.measured.sum(1) + 4)

    def spreads(self, of: Means) -> Tensor:
        """How far a drug's values lie from 0, in times of what all do, shrunk to 1; 1 if means are in; (n_drugs,)."""
        square, n = self.value.square().sum(0), self.measured.sum(0)
        if not of.drugs:
            return torch.ones_like(square)
        overall = (square.sum() / n.sum().clamp(min=1)).clamp(min=1e-12)
        return ((square / overall + PRIOR_PAIRS) / (n + PRIOR_PAIRS)).sqrt()

    def without(self, of_drug: Tensor, of_cell_line: Tensor) -> Visible:
        """The values less numbers of their drugs and of their cell lines, and the signs of what is left."""
        rest = (self.value - of_drug - of_cell_line[:, None]) * self.measured
        sign = torch.where(rest > 0, 1.0, -1.0) * self.measured
        return Visible(rest, sign, self.measured, self.known_drugs, self.known_cell_lines)


@dataclass(frozen=True)
class Messages:
    """The edges of every relation, and what is known of each node, for one step.

    Attributes
    ----------
    edges
        Relation → its edges, by which attention is read back.
    graphs
        Relation → the same edges sorted for the kernels.
    drug_statistics, cell_line_statistics
        Shrunk mean and log count of the visible responses, float32 (n, 2).
    drug_offset, cell_line_offset
        What was taken out of the visible values and has to be added again, (n,): shrunk means, or nothing.
    visible
        The responses these messages were made of; in regression less the two offsets.
    drug_spread
        Of what is left when a drug's mean is out, (n_drugs,); 1 where means stay in.
    attends
        Attention of drugs to candidate genes, (n_drugs, n_candidates), where it was fitted to known targets.
    overlap
        How much of it drugs share, (n_drugs, n_drugs): `model.gene_attention.kernel_of` of it.
    drug_means_in
        Whether drugs' means of a regression are left in the visible values: they have to be predicted, too.
    """

    edges: dict[str, Edges]
    graphs: dict[str, Csr]
    drug_statistics: Tensor
    cell_line_statistics: Tensor
    drug_offset: Tensor
    cell_line_offset: Tensor
    visible: Visible
    drug_spread: Tensor
    attends: Tensor | None = None
    overlap: Tensor | None = None
    drug_means_in: bool = False


class MessageBuilder:
    """Makes `Messages` of what is visible; the edges that no response touches are sorted once.

    Parameters
    ----------
    tensors
        Of the heterograph.
    config
        Names the relations and the numbers of candidate genes.
    means
        Those removed before the sign of a response is taken; None where it is that of the class.
    attends
        Of `Messages`; where it is given, genes reach drugs by it alone, and no relation joins the two.
    """

    def __init__(
        self,
        tensors: GraphTensors,
        config: NetworkConfig,
        means: Means | None = None,
        attends: Tensor | None = None,
    ) -> None:
        self.tensors, self.config, self.means, self.attends = tensors, config, means, attends
        self.overlap = kernel_of(attends) if attends is not None else None  # the same in every step
        self.relations = [r for r in config.relations if attends is None or r not in BETWEEN_DRUGS_AND_GENES]
        near = near_targets(tensors, config.n_genes_near_targets)
        near = Edges(near.src, near.dst, near.weight).to(tensors.targets.src.device)
        self.always = Edges(
            torch.cat([tensors.targets.src, near.src]),
            torch.cat([tensors.targets.dst, near.dst]),
            torch.cat([tensors.targets.weight, near.weight]),
        )
        n_screened = config.n_screened_genes if config.n_associated_genes else 0
        self._screened = Screened.of(tensors.expression, n_screened)
        self._sizes = tensors.sizes
        self._sorted: dict[str, tuple[Edges, Csr]] = {}

    def offsets(self, visible: Visible) -> tuple[Tensor, Tensor]:
        """What is taken out of the values of drugs (n_drugs,) and cell lines (n_cell_lines,): means, or nothing."""
        return visible.means(self.means or NO_MEANS)

    def build(self, visible: Visible) -> Messages:
        """The messages of one step."""
        offsets = self.offsets(visible)
        if self.means is not None:
            visible = visible.without(*offsets)
        edges: dict[str, Edges] = {}
        graphs: dict[str, Csr] = {}
        responses = self._response_edges(visible) | self._gene_edges(visible)
        for relation in self.relations:
            if relation in responses:
                edges[relation] = responses[relation]
                graphs[relation] = self._sort(relation, responses[relation])
            else:
                edges[relation], graphs[relation] = self._static(relation, visible)
        statistics = (_statistics(visible, 0), _statistics(visible, 1))
        spread = visible.spreads(self.means or NO_MEANS)
        means_in = self.means is not None and not self.means.drugs
        return Messages(
            edges, graphs, *statistics, *offsets, visible, spread, self.attends, self.overlap, means_in
        )

    def _response_edges(self, visible: Visible) -> dict[str, Edges]:
        found = {}
        for name, of_sign in (
            ("sensitive", visible.sign > 0),
            ("resistant", visible.sign < 0),
        ):
            cell_line, drug = torch.nonzero(
                of_sign & visible.known_cell_lines[:, None] & visible.known_drugs, as_tuple=True
            )
            edges = Edges(cell_line, drug, visible.value[cell_line, drug][:, None])
            found[f"drug_from_{name}"] = edges
            found[f"cell_line_from_{name}"] = edges.reversed()
        return found

    def _gene_edges(self, visible: Visible) -> dict[str, Edges]:
        if not BETWEEN_DRUGS_AND_GENES & set(self.relations):
            return {}
        score = association(self._screened, visible.value, visible.measured)
        edges = candidates(
            score,
            self._screened.genes,
            self.always,
            self.config.n_associated_genes,
            n_genes=self.tensors.n_genes,
        )
        return {
            "drug_from_gene": edges,
            "gene_from_drug": edges.reversed().keep(visible.known_drugs[edges.dst]),
        }

    def _static(self, relation: str, visible: Visible) -> tuple[Edges, Csr]:
        known = {"Drug": visible.known_drugs, "CellLine": visible.known_cell_lines}.get(
            RELATIONS[relation][0]
        )
        key = (
            relation
            if known is None or bool(known.all())
            else f"{relation} {hash(known.cpu().numpy().tobytes())}"
        )
        if key not in self._sorted:
            edges = self._base(relation)
            if known is not None:
                edges = edges.keep(known[edges.src])
            if key != relation:  # one set of held-out entities at a time is worth keeping
                self._sorted = {k: v for k, v in self._sorted.items() if not k.startswith(f"{relation} ")}
            self._sorted[key] = (edges, self._sort(relation, edges))
        return self._sorted[key]

    def _base(self, relation: str) -> Edges:
        return {
            "drug_from_drug": lambda: self.tensors.similar_drugs,
            "cell_line_from_cell_line": lambda: self.tensors.similar_cell_lines,
            "cell_line_from_gene": lambda: self.tensors.expresses,
            "gene_from_cell_line": lambda: self.tensors.expresses.reversed(),
        }[relation]()

    def _sort(self, relation: str, edges: Edges) -> Csr:
        src, dst = RELATIONS[relation]
        return Csr.from_edges(edges.src, edges.dst, self._sizes[src], self._sizes[dst])


def _statistics(visible: Visible, dim: int) -> Tensor:
    """Shrunk mean of the signs, and log count of them, over cell lines (0) or drugs (1)."""
    count = visible.measured.sum(dim)
    return torch.stack([visible.sign.sum(dim) / (count + 4), torch.log1p(count) / 3], dim=1)
