"""What is known of cell lines, one kind at a time: a heterograph from which the other kinds are taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.fingerprints import fingerprints
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.presets.choices import Omics

OMICS = tuple(omics.value for omics in Omics)

_EDGES = {
    "expression": (("CellLine", "EXPRESSES", "Gene"), ("CellLine", "SIMILAR_TO", "CellLine")),
    "mutation": (("CellLine", "MUTATED", "Gene"),),
    "copy-number": (("CellLine", "COPY_NUMBER", "Gene"),),
    "tissue": (),
}
"""Similarities of cell lines are made of expression, so they go with it."""


def with_omics(heterograph: Heterograph, kept: Sequence[str]) -> Heterograph:
    """The same nodes, drugs and responses; of omics only those named in ``kept``, some of `OMICS`."""
    graph = heterograph.graph.clone()
    for kind in OMICS:
        if kind in kept:
            continue
        for edge_type in _EDGES[kind]:
            graph.remove_edges(graph.edges(form="eid", etype=edge_type), etype=edge_type)
        if kind == "tissue":
            tissue = graph.nodes["CellLine"].data["tissue"]
            graph.nodes["CellLine"].data["tissue"] = torch.full_like(tissue, -1)
    return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)


N_SIMILAR = 15
"""SIMILAR_TO edges given to a new drug or cell line, as ingest does."""

NEW_DRUG, NEW_CELL_LINE = "(new drug)", "(new cell line)"


def with_new_drug(heterograph: Heterograph, smiles: str) -> Heterograph:
    """The graph with one more drug at the end, joined to the drugs of most similar structure."""
    features = {view: torch.from_numpy(row) for view, row in fingerprints([smiles]).items()}
    known = heterograph.graph.nodes["Drug"].data["fingerprint"].float()
    new = features["fingerprint"][0].float()
    common = known @ new
    tanimoto = common / (known.sum(1) + new.sum() - common).clamp(min=1)
    features["has_structure"] = torch.tensor([True])
    features["scaffold"] = torch.tensor([-1])
    return _with_node(heterograph, "Drug", NEW_DRUG, features, tanimoto)


def with_new_cell_line(heterograph: Heterograph, z: Mapping[str, float]) -> Heterograph:
    """The graph with one more cell line at the end, with its expression edges and most similar cell lines.

    Raises
    ------
    InputError
        If none of the genes is in the graph.
    """
    gene = {str(g): n for n, g in enumerate(heterograph.ids["Gene"])}
    known = {gene[g]: value for g, value in z.items() if g in gene}
    if not known:
        raise InputError(f"none of the {len(z)} genes is in the graph of the run; genes go by HGNC symbol")
    src, dst = heterograph.graph.edges(etype=("CellLine", "EXPRESSES", "Gene"))
    n, n_genes = heterograph.graph.num_nodes("CellLine"), len(gene)
    matrix = torch.zeros(n + 1, n_genes)
    matrix[src, dst] = heterograph.graph.edges["CellLine", "EXPRESSES", "Gene"].data["z"].float()
    index = torch.tensor(sorted(known))
    matrix[n, index] = torch.tensor([known[int(i)] for i in index])
    share = max(1, len(src) // max(n, 1))  # as many of the strongest genes as the other cell lines have
    weakest = torch.topk(matrix[n].abs(), min(share, n_genes)).values[-1]
    matrix[n][matrix[n].abs() < weakest] = 0
    distance = torch.cdist(matrix, matrix) ** 2
    width = distance[:n, :n][~torch.eye(n, dtype=torch.bool)].median()
    similarity = torch.exp(-distance[n, :n] / width.clamp(min=1e-6))
    graph = _with_node(heterograph, "CellLine", NEW_CELL_LINE, {"tissue": torch.tensor([-1])}, similarity)
    genes = torch.nonzero(matrix[n]).flatten()
    edge_features = {"z": matrix[n, genes], "dataset": torch.full((len(genes),), -1)}
    graph.graph.add_edges(
        torch.full((len(genes),), n), genes, edge_features, etype=("CellLine", "EXPRESSES", "Gene")
    )
    return graph


def _with_node(
    heterograph: Heterograph, kind: str, id_: str, features: dict[str, torch.Tensor], similarity: torch.Tensor
) -> Heterograph:
    graph = heterograph.graph.clone()
    n = graph.num_nodes(kind)
    have = graph.nodes[kind].data  # a saved graph has its booleans back as bytes
    graph.add_nodes(1, {k: value.to(have[k].dtype) for k, value in features.items() if k in have}, ntype=kind)
    best = torch.sort(similarity, descending=True, stable=True).indices[:N_SIMILAR]
    edge_features = {"similarity": similarity[best].float(), "dataset": torch.full((len(best),), -1)}
    graph.add_edges(best, torch.full((len(best),), n), edge_features, etype=(kind, "SIMILAR_TO", kind))
    ids = {**heterograph.ids, kind: np.append(heterograph.ids[kind], id_)}
    return Heterograph(graph, ids, heterograph.datasets, heterograph.tissues)


EXPRESSES = ("CellLine", "EXPRESSES", "Gene")
MUTATED = ("CellLine", "MUTATED", "Gene")
TARGETS = ("Drug", "TARGETS", "Gene")


@dataclass(frozen=True)
class Change:
    """One change of the graph.

    Attributes
    ----------
    gene
        Symbol.
    kind
        ``expression`` in the cell line, ``mutation`` of it there, or ``target``: whether it is a known one of the drug.
    value
        z (standard deviations) for expression, None for the least that any cell line has; 1 or 0 otherwise.
    """

    gene: str
    kind: Literal["expression", "mutation", "target"]
    value: float | None

    def __str__(self) -> str:
        if self.kind == "expression":
            return f"{self.gene} {'silenced' if self.value is None else f'z = {self.value:g}'}"
        if self.kind == "mutation":
            return f"{self.gene} {'mutated' if self.value else 'not mutated'}"
        return f"{self.gene} {'a' if self.value else 'no'} target"


def changed(heterograph: Heterograph, change: Change, drug: int, cell_line: int, gene: int) -> Heterograph:
    """The graph with one change; the gene is given by number, so that the same change can be made of another.

    Raises
    ------
    ModelError
        If there is nothing to change: a gene without expression is silenced, or no target is taken away.
    """
    graph = heterograph.graph.clone()
    if change.kind == "target":
        there = _edges(graph, TARGETS, drug, gene)
        if change.value and not len(there):
            graph.add_edges(drug, gene, {"dataset": torch.tensor([-1])}, etype=TARGETS)
        elif not change.value:
            if not len(there):
                raise ModelError(f"{change.gene} is no known target of this drug in the run's graph")
            graph.remove_edges(there, etype=TARGETS)
        return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)
    edge_type, feature = (EXPRESSES, "z") if change.kind == "expression" else (MUTATED, "value")
    value = change.value
    if value is None:
        of_gene = graph.edges[edge_type].data[feature][graph.edges(etype=edge_type)[1] == gene]
        if not len(of_gene):
            raise ModelError(f"{change.gene} has no expression in the run's graph; nothing would change")
        value = min(float(of_gene.min()), 0.0)
    there = _edges(graph, edge_type, cell_line, gene)
    if len(there):
        values = graph.edges[edge_type].data[feature].clone()  # a clone of the graph shares its features
        values[there] = float(value)
        graph.edges[edge_type].data[feature] = values
    else:
        features = {feature: torch.tensor([float(value)]), "dataset": torch.tensor([-1])}
        graph.add_edges(cell_line, gene, features, etype=edge_type)
    return Heterograph(graph, heterograph.ids, heterograph.datasets, heterograph.tissues)


def _edges(graph: Any, edge_type: tuple[str, str, str], src: int, dst: int) -> torch.Tensor:
    sources, targets = graph.edges(etype=edge_type)
    return torch.nonzero((sources == src) & (targets == dst)).flatten()
