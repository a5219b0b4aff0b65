"""What one step of a network may see: the visible responses and the edges that carry them, nothing that is predicted.

A pair that is to be predicted is in none of its tensors, in either direction; an entity that is to be predicted
sends no message at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pharmagraph.model.inputs.candidates import Screened, association, candidates, near_targets
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.kernels import Csr
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.presets.relations import BETWEEN_DRUGS_AND_GENES, RELATIONS
from pharmagraph.model.responses.visible import NO_MEANS, Means, Visible


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
    gene_attention
        Attention of drugs to candidate genes, (n_drugs, n_candidates), where it was fitted to known targets.
    overlap
        How much of it drugs share, (n_drugs, n_drugs): `model.inputs.similarities.kernel_of` of it.
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
    gene_attention: Tensor | None = None
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
    gene_attention
        Of `Messages`; where it is given, genes reach drugs by it alone, and no relation joins the two.
    """

    def __init__(
        self,
        tensors: GraphTensors,
        config: NetworkConfig,
        means: Means | None = None,
        gene_attention: Tensor | None = None,
    ) -> None:
        self.tensors, self.config, self.means, self.gene_attention = tensors, config, means, gene_attention
        self.overlap = (
            kernel_of(gene_attention) if gene_attention is not None else None
        )  # the same in every step
        self.relations = [
            r for r in config.relations if gene_attention is None or r not in BETWEEN_DRUGS_AND_GENES
        ]
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
            edges, graphs, *statistics, *offsets, visible, spread, self.gene_attention, self.overlap, means_in
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
