"""Heterograph → the label-free tensors a network reads: features, similarities and edges. No response enters here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from kg.errors import ModelError
from kg.heterograph import Heterograph


@dataclass(frozen=True)
class Edges:
    """Directed edges of one relation.

    Attributes
    ----------
    src, dst
        int64 (n_edges,).
    weight
        float32 (n_edges, n_features).
    """

    src: Tensor
    dst: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.src)

    def reversed(self) -> Edges:
        """The same edges the other way round."""
        return Edges(self.dst, self.src, self.weight)

    def keep(self, mask: Tensor) -> Edges:
        """Edges where a boolean mask (n_edges,) is true."""
        return Edges(self.src[mask], self.dst[mask], self.weight[mask])

    def to(self, device: torch.device) -> Edges:
        """The same edges on another device."""
        return Edges(self.src.to(device), self.dst.to(device), self.weight.to(device))


@dataclass(frozen=True)
class GraphTensors:
    """What is known without any measured response.

    Attributes
    ----------
    fingerprint
        Morgan bits, float32 (n_drugs, n_bits).
    has_structure
        bool (n_drugs,).
    expression
        Signed z, 0 where the graph has no edge, float32 (n_cell_lines, n_genes).
    mutation
        float32 (n_cell_lines, n_genes), 1 where mutated.
    copy_number
        As the source gives it, 0 where the graph has no edge, float32 (n_cell_lines, n_genes).
    tissue
        Code, -1 unknown, int64 (n_cell_lines,).
    similar_drugs, similar_cell_lines
        As stored, both ways; weight (n_edges, 1), the mean over kernels and datasets.
    expresses
        Gene → cell line, the strongest edges of each cell line; weight is z.
    targets
        Gene → drug, known targets; weight 1.
    interacts
        Gene → gene, both ways; weight 1.
    drug_neighbours, cell_line_neighbours
        Every node's most similar nodes of its kind, by kernels on the features above, weight
        (n_edges, n_kernels), for the axial part.
    """

    fingerprint: Tensor
    has_structure: Tensor
    expression: Tensor
    mutation: Tensor
    copy_number: Tensor
    tissue: Tensor
    similar_drugs: Edges
    similar_cell_lines: Edges
    expresses: Edges
    targets: Edges
    interacts: Edges
    drug_neighbours: Edges
    cell_line_neighbours: Edges

    @property
    def n_drugs(self) -> int:
        """Number of drugs."""
        return len(self.fingerprint)

    @property
    def n_cell_lines(self) -> int:
        """Number of cell lines."""
        return len(self.expression)

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return self.expression.shape[1]

    def to(self, device: torch.device | str) -> GraphTensors:
        """All of it on another device."""
        where = torch.device(device)
        return replace(self, **{f.name: getattr(self, f.name).to(where) for f in fields(self)})


DRUG_KERNELS = ("tanimoto", "cosine", "containment", "rare_bits", "stored")
CELL_LINE_KERNELS = ("components", "cosine", "rbf", "stored", "mutation", "copy_number", "tissue")
N_SHARPENED_CELL_LINE_KERNELS = 2
N_COMPONENTS = 16
"""The first cell-line kernels, which alone set how fast the axial part's attention falls off."""


def graph_tensors(heterograph: Heterograph, *, n_expressed: int, n_neighbours: int) -> GraphTensors:
    """Read a heterograph.

    Parameters
    ----------
    heterograph
        Whole or a subgraph.
    n_expressed
        Expression edges kept a cell line, the largest ``|z|`` first.
    n_neighbours
        Drugs a drug, and cell lines a cell line, for the axial part.

    Raises
    ------
    ModelError
        If a drug with responses has neither a structure nor a stored similarity; the names are in the message.
    """
    graph = heterograph.graph
    n_cell_lines, n_genes = graph.num_nodes("CellLine"), graph.num_nodes("Gene")
    fingerprint = graph.nodes["Drug"].data["fingerprint"].float()
    expression = _dense(heterograph, "EXPRESSES", "z")
    mutation = (_dense(heterograph, "MUTATED", "value") != 0).float()
    copy_number = _dense(heterograph, "COPY_NUMBER", "value")
    similar_drugs = _similar(heterograph, "Drug")
    similar_cell_lines = _similar(heterograph, "CellLine")
    _require_structures(heterograph, fingerprint, similar_drugs)
    tissue = graph.nodes["CellLine"].data["tissue"]

    top = min(n_expressed, n_genes)
    strongest = (
        torch.topk(expression.abs(), top, dim=1).indices
        if top
        else torch.empty((n_cell_lines, 0), dtype=torch.int64)
    )
    cell_line = torch.arange(n_cell_lines).repeat_interleave(top)
    z = expression[cell_line, strongest.flatten()]
    expresses = Edges(strongest.flatten(), cell_line, z[:, None]).keep(z != 0)

    drug, gene = _unique(*graph.edges(etype=("Drug", "TARGETS", "Gene")), n_genes)
    a, b = _unique(*graph.edges(etype=("Gene", "INTERACTS_WITH", "Gene")), n_genes)
    return GraphTensors(
        fingerprint=fingerprint,
        has_structure=graph.nodes["Drug"].data["has_structure"].bool(),
        expression=expression,
        mutation=mutation,
        copy_number=copy_number,
        tissue=tissue,
        similar_drugs=similar_drugs,
        similar_cell_lines=similar_cell_lines,
        expresses=expresses,
        targets=Edges(gene, drug, torch.ones(len(drug), 1)),
        interacts=Edges(torch.cat([a, b]), torch.cat([b, a]), torch.ones(2 * len(a), 1)),
        drug_neighbours=_neighbours(drug_kernels(fingerprint, similar_drugs), n_neighbours, slice(0, 4)),
        cell_line_neighbours=_neighbours(
            cell_line_kernels(expression, mutation, copy_number, tissue, similar_cell_lines),
            n_neighbours,
            slice(0, N_SHARPENED_CELL_LINE_KERNELS),
        ),
    )


def drug_kernels(fingerprint: Tensor, similar: Edges) -> Tensor:
    """Similarities in [0, 1] of all drugs, (n_drugs, n_drugs, 5), in the order of ``DRUG_KERNELS``.

    ``containment`` is the share of the smaller molecule's bits in the larger; ``rare_bits`` is a cosine in which a
    bit counts by how rare it is. A drug without a structure is similar to none but by what is stored.
    """
    common = fingerprint @ fingerprint.T
    size = common.diagonal()
    smaller = torch.minimum(size[:, None], size[None])
    union = size[:, None] + size[None] - common
    rarity = torch.log1p(len(fingerprint) / (1 + fingerprint.sum(0)))
    stored = torch.zeros_like(common)
    stored[similar.dst, similar.src] = similar.weight[:, 0]
    kernels = [
        common / union.clamp(min=1),
        common / torch.sqrt(size[:, None] * size[None]).clamp(min=1),
        common / smaller.clamp(min=1),
        _cosine(fingerprint * rarity),
        stored,
    ]
    return torch.stack(kernels, dim=-1)


def cell_line_kernels(
    expression: Tensor, mutation: Tensor, copy_number: Tensor, tissue: Tensor, similar: Edges
) -> Tensor:
    """Similarities of all cell lines, (n_cell_lines, n_cell_lines, 7), in the order of ``CELL_LINE_KERNELS``.

    ``components`` is a cosine on the main axes of expression; ``rbf`` has the median squared distance as its
    width; cosines are clipped at 0.
    """
    square = (expression**2).sum(1)
    distance = (square[:, None] + square[None] - 2 * expression @ expression.T).clamp(min=0)
    apart = distance[~torch.eye(len(distance), dtype=torch.bool)]
    width = apart.median() if len(apart) else distance.new_tensor(1.0)
    stored = torch.zeros_like(distance)
    stored[similar.dst, similar.src] = similar.weight[:, 0]
    centred = expression - expression.mean(0)
    kernels = [
        _cosine(_components(centred)).clamp(min=0),
        _cosine(centred).clamp(min=0),
        torch.exp(-distance / width.clamp(min=1e-6)),
        stored,
        _cosine(mutation - mutation.mean(0)).clamp(min=0),
        _cosine(copy_number - copy_number.mean(0)).clamp(min=0),
        ((tissue[:, None] == tissue[None]) & (tissue >= 0)[:, None]).float(),
    ]
    return torch.stack(kernels, dim=-1)


def _components(centred: Tensor) -> Tensor:
    """Coordinates on the main axes of variation, (n, 16): what many genes say together, without single genes' noise."""
    values, vectors = torch.linalg.eigh((centred @ centred.T).double())
    k = min(N_COMPONENTS, len(values))
    return (vectors[:, -k:] * values[-k:].clamp(min=0).sqrt()).float()


def _cosine(rows: Tensor) -> Tensor:
    unit = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit @ unit.T


def _neighbours(kernels: Tensor, k: int, ranked_by: slice) -> Edges:
    n = len(kernels)
    mean = kernels[..., ranked_by].mean(-1)
    mean.fill_diagonal_(-1)
    k = min(k, n - 1)
    if k < 1:
        return Edges(
            torch.empty(0, dtype=torch.int64),
            torch.empty(0, dtype=torch.int64),
            torch.empty(0, kernels.shape[-1]),
        )
    src = torch.sort(mean, dim=1, descending=True, stable=True).indices[:, :k].flatten()
    dst = torch.arange(n).repeat_interleave(k)
    return Edges(src, dst, kernels[dst, src])


def _dense(heterograph: Heterograph, type_: str, feature: str) -> Tensor:
    """Cell line × gene matrix of an edge feature, the mean over datasets, 0 where there is no edge."""
    graph = heterograph.graph
    edge_type = ("CellLine", type_, "Gene")
    shape = (graph.num_nodes("CellLine"), graph.num_nodes("Gene"))
    total, count = torch.zeros(shape), torch.zeros(shape)
    if graph.num_edges(edge_type):
        ends = graph.edges(etype=edge_type)
        value = graph.edges[edge_type].data[feature].float()
        finite = torch.isfinite(value)
        where = (ends[0][finite], ends[1][finite])
        total.index_put_(where, value[finite], accumulate=True)
        count.index_put_(where, torch.ones(int(finite.sum())), accumulate=True)
    return total / count.clamp(min=1)


def _similar(heterograph: Heterograph, label: str) -> Edges:
    """Stored similarities both ways, a pair once."""
    graph = heterograph.graph
    edge_type = (label, "SIMILAR_TO", label)
    src, dst = (end.numpy() for end in graph.edges(etype=edge_type))
    n = graph.num_nodes(label)
    value = graph.edges[edge_type].data["similarity"].numpy().astype(np.float64) if len(src) else np.empty(0)
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


def _unique(src: Tensor, dst: Tensor, n_dst: int) -> tuple[Tensor, Tensor]:
    pair = torch.unique(src * max(n_dst, 1) + dst)
    return pair // max(n_dst, 1), pair % max(n_dst, 1)


def cell_lines_without_features(heterograph: Heterograph, tensors: GraphTensors) -> list[str]:
    """Ids of measured cell lines of which nothing but their responses is known: no omics, no similar cell line.

    They can be fitted, by their own responses, but not predicted when those are held out.
    """
    known = torch.zeros(tensors.n_cell_lines, dtype=torch.bool)
    for matrix in (tensors.expression, tensors.mutation, tensors.copy_number):
        known |= matrix.any(dim=1)
    known[tensors.similar_cell_lines.dst] = True
    cell_line = heterograph.graph.edges(etype=("Drug", "TESTED_ON", "CellLine"))[1]
    bare = torch.unique(cell_line[~known[cell_line]])
    return sorted(str(i) for i in heterograph.ids["CellLine"][bare.numpy()])


def _require_structures(heterograph: Heterograph, fingerprint: Tensor, similar_drugs: Edges) -> None:
    drug = heterograph.graph.edges(etype=("Drug", "TESTED_ON", "CellLine"))[0]
    has_kernel = torch.zeros(len(fingerprint), dtype=torch.bool)
    has_kernel[similar_drugs.dst] = True
    bare = (~fingerprint.any(dim=1) & ~has_kernel)[drug]
    if bare.any():
        names = sorted({str(i) for i in heterograph.ids["Drug"][drug[bare].numpy()]})
        raise ModelError(
            f"{some(names)} {'has' if len(names) == 1 else 'have'} responses but neither a structure nor a similar "
            "drug; add SMILES and ingest again, or leave them out of the data"
        )


def some(names: list[str]) -> str:
    """The first names, and how many more."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
