"""Heterograph → the label-free tensors a network reads: features, similarities and edges. No response enters here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.kg.heterograph.profiles import known
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.similarities import cell_line_kernels, drug_kernels, k_nearest
from pharmagraph.model.inputs.views import (
    DESCRIBED_BY,
    N_SHARPENED_CELL_LINE_KERNELS,
    N_SHARPENED_DRUG_KERNELS,
    OF_FURTHER_LAYERS,
)
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.runtime import reproducible


def baseline_tensors(heterograph: Heterograph) -> GraphTensors:
    """The tensors that baselines read, with no edges for messages."""
    return graph_tensors(heterograph, n_expressed=0, n_neighbours=1)


@dataclass(frozen=True)
class GraphTensors:
    """All that is known of a graph's entities without any measured response.

    Attributes
    ----------
    structure
        Logarithms of counts of atom environments and of structural keys, float32 (n_drugs, width).
    has_structure
        bool (n_drugs,).
    fingerprint
        Morgan bits, float32 (n_drugs, 2048); zeros without a structure.
    expression
        Signed z, 0 where not known, float32 (n_cell_lines, n_genes).
    expression_mean, expression_deviation
        Of each gene in the unit of the source, float32 (n_genes,); 0 and 1 where the graph does not have them.
    mutation
        float32 (n_cell_lines, n_genes), 1 where mutated.
    copy_number
        As the source gives it, 0 where not known, float32 (n_cell_lines, n_genes).
    dependency
        Gene effect by CRISPR, 0 where not known, float32 (n_cell_lines, n_genes).
    expression_known, copy_number_known
        Whether a gene was measured in any cell line, bool (n_genes,).
    tissue
        Code, -1 unknown, int64 (n_cell_lines,).
    similar_drugs, similar_cell_lines
        As stored, both ways; weight (n_edges, 1), the mean over kernels and datasets.
    expresses
        Gene → cell line, the genes of each cell line with the largest ``|z|``; weight is z.
    targets
        Gene → drug, known targets; weight 1.
    interacts
        Gene → gene, both ways; weight 1.
    drug_kernels, cell_line_kernels
        Similarities in the order of `DRUG_KERNELS`, and of `CELL_LINE_KERNELS` and then `OF_FURTHER_LAYERS`, float32
        (n, n, n_kernels).
    drug_neighbours, cell_line_neighbours
        Every node's most similar nodes of its kind, by those kernels, weight (n_edges, n_kernels), for the axial
        component.
    """

    structure: Tensor
    has_structure: Tensor
    fingerprint: Tensor
    expression: Tensor
    expression_mean: Tensor
    expression_deviation: Tensor
    mutation: Tensor
    copy_number: Tensor
    dependency: Tensor
    expression_known: Tensor
    copy_number_known: Tensor
    tissue: Tensor
    similar_drugs: Edges
    similar_cell_lines: Edges
    expresses: Edges
    targets: Edges
    interacts: Edges
    drug_kernels: Tensor
    cell_line_kernels: Tensor
    drug_neighbours: Edges
    cell_line_neighbours: Edges

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.structure.device

    @property
    def n_drugs(self) -> int:
        """Number of drugs."""
        return len(self.structure)

    @property
    def n_cell_lines(self) -> int:
        """Number of cell lines."""
        return len(self.expression)

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return self.expression.shape[1]

    @property
    def sizes(self) -> dict[str, int]:
        """Label → number of its nodes."""
        return {"Drug": self.n_drugs, "CellLine": self.n_cell_lines, "Gene": self.n_genes}

    def to(self, device: torch.device | str) -> GraphTensors:
        """The same tensors on another device."""
        where = torch.device(device)
        return replace(self, **{f.name: getattr(self, f.name).to(where) for f in fields(self)})


@reproducible()
def graph_tensors(heterograph: Heterograph, *, n_expressed: int, n_neighbours: int) -> GraphTensors:
    """Read a heterograph.

    Parameters
    ----------
    heterograph
        Whole or a subgraph.
    n_expressed
        Genes of each cell line that are joined to it by expression, the largest ``|z|`` first.
    n_neighbours
        Similar nodes of each drug and cell line, for the axial component.
    """
    n_cell_lines, n_genes = heterograph.n_nodes("CellLine"), heterograph.n_nodes("Gene")
    views = {name: heterograph.nodes["Drug"][name].float() for name in FINGERPRINTS}
    expression, expression_known = _measured(heterograph, "expression")
    copy_number, copy_number_known = _measured(heterograph, "copy_number")
    mutation = _mutated(heterograph)
    similar_drugs = _similar(heterograph, "Drug")
    similar_cell_lines = _similar(heterograph, "CellLine")
    tissue = heterograph.nodes["CellLine"]["tissue"]

    top = min(n_expressed, n_genes)
    strongest = (
        torch.topk(expression.abs(), top, dim=1).indices
        if top
        else torch.empty((n_cell_lines, 0), dtype=torch.int64)
    )
    cell_line = torch.arange(n_cell_lines).repeat_interleave(top)
    z = expression[cell_line, strongest.flatten()]
    expresses = Edges(strongest.flatten(), cell_line, z[:, None]).keep(z != 0)

    drug, gene = _unique(heterograph.relations["Drug", "TARGETS", "Gene"], n_genes)
    a, b = _unique(heterograph.relations["Gene", "INTERACTS_WITH", "Gene"], n_genes)
    of_drugs = drug_kernels(views, similar_drugs)
    profiles = heterograph.profiles
    further = [profiles[name].float() for name in OF_FURTHER_LAYERS if name in profiles]
    of_cell_lines = cell_line_kernels(expression, mutation, copy_number, tissue, similar_cell_lines, further)
    return GraphTensors(
        structure=torch.log1p(torch.cat([views[name] for name in DESCRIBED_BY], dim=1)),
        has_structure=heterograph.nodes["Drug"]["has_structure"].bool(),  # DGL saves booleans as bytes
        fingerprint=views["fingerprint"],
        expression=expression,
        expression_mean=_of_genes(heterograph, "expression_mean", 0.0),
        expression_deviation=_of_genes(heterograph, "expression_deviation", 1.0),
        mutation=mutation,
        copy_number=copy_number,
        dependency=_measured(heterograph, "dependency")[0],
        expression_known=expression_known,
        copy_number_known=copy_number_known,
        tissue=tissue,
        similar_drugs=similar_drugs,
        similar_cell_lines=similar_cell_lines,
        expresses=expresses,
        targets=Edges(gene, drug, torch.ones(len(drug), 1)),
        interacts=Edges(torch.cat([a, b]), torch.cat([b, a]), torch.ones(2 * len(a), 1)),
        drug_kernels=of_drugs,
        cell_line_kernels=of_cell_lines,
        drug_neighbours=k_nearest(of_drugs, n_neighbours, N_SHARPENED_DRUG_KERNELS),
        cell_line_neighbours=k_nearest(of_cell_lines, n_neighbours, N_SHARPENED_CELL_LINE_KERNELS),
    )


def network_tensors(heterograph: Heterograph, network: NetworkConfig) -> GraphTensors:
    """`graph_tensors` with the numbers of expression edges and neighbours that a network's options give."""
    return graph_tensors(
        heterograph, n_expressed=network.n_expressed_genes, n_neighbours=network.axial_neighbours
    )


def _measured(heterograph: Heterograph, kind: str) -> tuple[Tensor, Tensor]:
    """A kind of profile, 0 where not known, and which genes were measured."""
    values = known(heterograph, kind)
    is_known = values.isfinite()
    return torch.where(is_known, values, 0), is_known.any(dim=0)


def _mutated(heterograph: Heterograph) -> Tensor:
    """1 where an edge has a value other than 0, (n_cell_lines, n_genes)."""
    mutation = torch.zeros(heterograph.n_nodes("CellLine"), heterograph.n_nodes("Gene"))
    edges = heterograph.relations["CellLine", "MUTATED", "Gene"]
    if not len(edges):
        return mutation
    value = torch.nan_to_num(edges.features["value"].float())
    mutation.index_put_((edges.src, edges.dst), value, accumulate=True)
    return (mutation != 0).float()


def _of_genes(heterograph: Heterograph, feature: str, unknown: float) -> Tensor:
    """A feature of genes, (n_genes,), with a value where it is missing."""
    values = heterograph.nodes.get("Gene", {}).get(feature)
    if values is None:
        return torch.full((heterograph.n_nodes("Gene"),), unknown)
    return torch.nan_to_num(values.float(), nan=unknown)


def _similar(heterograph: Heterograph, label: str) -> Edges:
    """Stored similarities both ways, a pair once."""
    edges = heterograph.relations[label, "SIMILAR_TO", label]
    src, dst = edges.src.numpy(), edges.dst.numpy()
    n = heterograph.n_nodes(label)
    value = edges.features["similarity"].numpy().astype(np.float64)
    both = np.concatenate([src * n + dst, dst * n + src])
    pair, position = np.unique(both, return_inverse=True)
    mean = np.bincount(position, np.tile(value, 2), minlength=len(pair)) / np.maximum(
        np.bincount(position, minlength=len(pair)), 1
    )
    return Edges(
        torch.from_numpy(pair // max(n, 1)),
        torch.from_numpy(pair % max(n, 1)),
        torch.from_numpy(mean.astype(np.float32))[:, None],
    )


def _unique(edges: Relation, n_dst: int) -> tuple[Tensor, Tensor]:
    """The ends of edges of several datasets, each pair once."""
    pair = torch.unique(edges.src * max(n_dst, 1) + edges.dst)
    return pair // max(n_dst, 1), pair % max(n_dst, 1)


def drugs_without_features(heterograph: Heterograph, tensors: GraphTensors) -> list[str]:
    """Ids of measured drugs of which nothing but their responses is known: no structure, no similar drug.

    They can be fitted, by their own responses, but not predicted when those are held out.
    """
    known = tensors.structure.any(dim=1)
    known[tensors.similar_drugs.dst] = True
    drug = heterograph.relations["Drug", "TESTED_ON", "CellLine"].src
    bare = torch.unique(drug[~known[drug]])
    return sorted(str(i) for i in heterograph.ids["Drug"][bare.numpy()])


def cell_lines_without_features(heterograph: Heterograph, tensors: GraphTensors) -> list[str]:
    """Ids of measured cell lines of which nothing but their responses is known: no omics, no similar cell line.

    They can be fitted, by their own responses, but not predicted when those are held out.
    """
    known = torch.zeros(tensors.n_cell_lines, dtype=torch.bool)
    for matrix in (tensors.expression, tensors.mutation, tensors.copy_number):
        known |= matrix.any(dim=1)
    known[tensors.similar_cell_lines.dst] = True
    cell_line = heterograph.relations["Drug", "TESTED_ON", "CellLine"].dst
    bare = torch.unique(cell_line[~known[cell_line]])
    return sorted(str(i) for i in heterograph.ids["CellLine"][bare.numpy()])
