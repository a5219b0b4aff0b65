"""What a network may see in one step: the visible responses, and all edges that pass messages.

A pair that is predicted in the step is in none of these tensors, in either direction. An entity that is predicted as
unseen sends no message at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pharmagraph.model.inputs.candidates import Screened, association, candidates, near_targets
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.gene_pairs import GenePairBuilder, GenePairs
from pharmagraph.model.inputs.last_step import LastStep
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.kernels import Csr
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.presets.relations import BETWEEN_DRUGS_AND_GENES, RELATIONS
from pharmagraph.model.responses.visible import NO_MEANS, Means, Offsets, Visible

KEPT_PAIRS = 6
"""Sets of visible responses whose gene pairs are kept: the chunks of a network, and all its training pairs."""

LOG_COUNT_UNIT = 3
"""Divides log counts of responses, so that features are of order 1. Set by hand."""


@dataclass(frozen=True)
class Messages:
    """The edges of every relation, and what is known of each node, for one step.

    Attributes
    ----------
    edges
        Relation → its edges, in the order in which attention is read back.
    graphs
        Relation → the same edges sorted for the kernels.
    drug_statistics, cell_line_statistics
        Mean sign, shrunk towards 0, and log count of the visible responses of each entity, float32 (n, 2).
    offsets
        Means that were taken out of the visible values in regression; 0 for classes.
    visible
        The responses these messages were made of, without those means.
    drug_scale
        Scale of each drug's values without its mean (`Visible.drug_scales`), (n_drugs,); 1 where means stay in.
    gene_attention
        Attention of drugs to candidate genes, (n_drugs, n_candidates), where it was fitted to known targets.
    overlap
        Overlap of the gene attention of two drugs (`kernel_of`), (n_drugs, n_drugs).
    gene_pairs
        Genes that drugs may attend to for their response, with the evidence of the visible responses; None where the
        network has no gene part.
    drug_means_in
        Whether drug means are left in the values of a regression, since they have to be predicted, too.
    last_step
        Of learning on the same responses; None where nothing is learned.
    """

    edges: dict[str, Edges]
    graphs: dict[str, Csr]
    drug_statistics: Tensor
    cell_line_statistics: Tensor
    offsets: Offsets
    visible: Visible
    drug_scale: Tensor
    gene_attention: Tensor | None = None
    overlap: Tensor | None = None
    gene_pairs: GenePairs | None = None
    drug_means_in: bool = False
    last_step: LastStep | None = None

    def offset(self, drug: Tensor, cell_line: Tensor) -> Tensor:
        """The means that were taken out of responses, for pairs given by node numbers, (n_pairs,).

        A network predicts the rest; the prediction is the sum of both.
        """
        return self.offsets.of_pairs(drug, cell_line)


class MessageBuilder:
    """Makes `Messages` of visible responses; edges that depend on no response are sorted once.

    Parameters
    ----------
    tensors
        Tensors of the heterograph.
    config
        Names the relations and the numbers of candidate genes.
    means
        Means that are taken out of values before their sign is taken; None where signs are those of classes.
    gene_attention
        As in `Messages`. Where it is given, drugs read genes through it alone: relations between drugs and genes are
        left out.
    genes
        Node numbers of its candidate genes, int64 (n_candidates,).
    """

    def __init__(
        self,
        tensors: GraphTensors,
        config: NetworkConfig,
        means: Means | None = None,
        gene_attention: Tensor | None = None,
        genes: Tensor | None = None,
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
        attended = None if gene_attention is None or genes is None else (gene_attention, genes)
        self.pair_builder = (
            GenePairBuilder(tensors, config.n_response_genes, attended) if config.uses_gene_part else None
        )
        self._pairs: dict[int, GenePairs] = {}

    def offsets(self, visible: Visible) -> Offsets:
        """Means that `build` takes out of the visible values."""
        return visible.offsets(self.means or NO_MEANS)

    def build(self, visible: Visible) -> Messages:
        """The messages of one step."""
        if self.means is None:
            offsets = self.offsets(visible)
        else:
            visible, offsets = visible.without_means(self.means)
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
        drug_scale = visible.drug_scales(self.means or NO_MEANS)
        means_in = self.means is not None and not self.means.drugs
        return Messages(
            edges,
            graphs,
            *statistics,
            offsets,
            visible,
            drug_scale,
            self.gene_attention,
            self.overlap,
            self._gene_pairs(visible),
            means_in,
        )

    def _gene_pairs(self, visible: Visible) -> GenePairs | None:
        """Made once for each set of visible responses, as long as only a few sets take turns."""
        if self.pair_builder is None:
            return None
        key = hash((visible.measured.cpu().numpy().tobytes(), visible.value.cpu().numpy().tobytes()))
        if key not in self._pairs:
            while len(self._pairs) >= KEPT_PAIRS:
                del self._pairs[next(iter(self._pairs))]
            self._pairs[key] = self.pair_builder.build(visible)
        return self._pairs[key]

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
    """Mean sign and log count of the visible responses over cell lines (0) or drugs (1), (n, 2)."""
    count = visible.measured.sum(dim)
    return torch.stack([visible.sign_means(dim), torch.log1p(count) / LOG_COUNT_UNIT], dim=1)
