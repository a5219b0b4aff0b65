"""The same graph with one thing otherwise: without some omics, with a new drug or cell line, with one edge changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

from pharmagraph.kg.errors import InputError, ModelError, none_of
from pharmagraph.kg.fingerprints import fingerprints
from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.kg.heterograph.profiles import known
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.model.inputs.changes import NEW_CELL_LINE, NEW_DRUG, Change, require_float32
from pharmagraph.model.inputs.similarities import rbf_of
from pharmagraph.model.inputs.views import N_SIMILAR

EXPRESSES = ("CellLine", "EXPRESSES", "Gene")
MUTATED = ("CellLine", "MUTATED", "Gene")
TARGETS = ("Drug", "TARGETS", "Gene")

SIMILAR_LINES = ("CellLine", "SIMILAR_TO", "CellLine")


def with_omics(heterograph: Heterograph, kept: Collection[str] | None) -> Heterograph:
    """The same nodes, drugs and responses; of omics only those named in ``kept``, some of `choices.OMICS`.

    None keeps all. Similarities of cell lines are made of expression, so they go with it.
    """
    if kept is None:
        return heterograph
    for one in (one for one in LAYERS if one.option not in kept):
        heterograph = heterograph.without_features("CellLine", [one.name])
        of_layer = {("CellLine", one.edges, "Gene")} | (
            {SIMILAR_LINES} if one.name == "expression" else set()
        )
        for edge_type in of_layer & set(heterograph.relations):
            none = heterograph.relations[edge_type].take(torch.empty(0, dtype=torch.int64))
            heterograph = heterograph.with_relation(edge_type, none)
    if "tissue" not in kept:
        unknown = torch.full_like(heterograph.nodes["CellLine"]["tissue"], -1)
        heterograph = heterograph.with_features("CellLine", {"tissue": unknown})
    return heterograph


def with_new_drug(heterograph: Heterograph, smiles: str) -> Heterograph:
    """The graph with one more drug at the end, joined to the drugs of most similar structure."""
    features = {view: torch.from_numpy(row) for view, row in fingerprints([smiles]).items()}
    known, new = heterograph.nodes["Drug"]["fingerprint"], features["fingerprint"]
    similarity = torch.from_numpy(tanimoto(new.numpy(), known.numpy())[0])
    features["has_structure"] = torch.tensor([True])
    features["scaffold"] = torch.tensor([-1])
    return _with_node(heterograph, "Drug", NEW_DRUG, features, similarity)


def with_new_cell_line(heterograph: Heterograph, z: Mapping[str, float]) -> Heterograph:
    """The graph with one more cell line at the end, with its expression and most similar cell lines.

    Raises
    ------
    InputError
        If none of the genes has expression in the graph.
    """
    expression, whole = known(heterograph, "expression"), "expression" in heterograph.profiles
    measured = (
        expression.isfinite().any(dim=0) if whole else torch.ones(expression.shape[1], dtype=torch.bool)
    )
    gene = {str(g): n for n, g in enumerate(heterograph.ids["Gene"]) if measured[n]}
    found = {gene[g]: value for g, value in z.items() if g in gene}
    if not found:
        raise InputError(f"{none_of(len(z), 'gene', 'is')} in the graph of the run; genes go by HGNC symbol")
    for g, value in z.items():
        require_float32(f"z of {g}", value)
    n, n_genes = expression.shape
    row = torch.full((1, n_genes), torch.nan)
    row[0, list(found)] = torch.tensor(list(found.values()), dtype=torch.float32)
    if not whole:  # as many of the strongest genes as the other cell lines have
        share = max(1, len(heterograph.relations[EXPRESSES]) // max(n, 1))
        weakest = torch.topk(torch.nan_to_num(row[0]).abs(), min(share, n_genes)).values[-1]
        row[torch.nan_to_num(row).abs() < weakest] = torch.nan
    matrix = torch.nan_to_num(torch.cat([expression, row]))
    distance = torch.cdist(matrix, matrix) ** 2
    width = distance[:n, :n][~torch.eye(n, dtype=torch.bool)].median()
    similarity = rbf_of(distance[n, :n], width)
    features = {kind: torch.full((1, p.shape[1]), torch.nan) for kind, p in heterograph.profiles.items()}
    if whole:
        features["expression"] = row
    features["tissue"] = torch.tensor([-1])
    graph = _with_node(heterograph, "CellLine", NEW_CELL_LINE, features, similarity)
    if whole:
        return graph
    genes = torch.nonzero(matrix[n]).flatten()
    edge_features = {"z": matrix[n, genes], "dataset": torch.full((len(genes),), -1)}
    expresses = graph.relations[EXPRESSES].append(torch.full((len(genes),), n), genes, edge_features)
    return graph.with_relation(EXPRESSES, expresses)


def _with_node(
    heterograph: Heterograph, kind: str, id_: str, features: dict[str, torch.Tensor], similarity: torch.Tensor
) -> Heterograph:
    similar = (kind, "SIMILAR_TO", kind)
    best = torch.sort(similarity, descending=True, stable=True).indices[:N_SIMILAR]
    edge_features = {"similarity": similarity[best].float(), "dataset": torch.full((len(best),), -1)}
    new = torch.full((len(best),), heterograph.n_nodes(kind))
    edges = heterograph.relations[similar].append(best, new, edge_features)
    return heterograph.with_node(kind, id_, features).with_relation(similar, edges)


def changed(heterograph: Heterograph, change: Change, drug: int, cell_line: int, gene: int) -> Heterograph:
    """The graph with one change; the gene is given by number, so that the same change can be made of another.

    Raises
    ------
    ModelError
        If there is nothing to change: a gene without expression is silenced, or no target is taken away.
    """
    if change.kind == "target":
        targets = heterograph.relations[TARGETS]
        there = _between(targets, drug, gene)
        if change.value and not there.any():
            new = {"dataset": torch.tensor([-1])}
            targets = targets.append(torch.tensor([drug]), torch.tensor([gene]), new)
        elif not change.value:
            if not there.any():
                raise ModelError(f"{change.gene} is no known target of this drug in the run's graph")
            targets = targets.take(~there)
        return heterograph.with_relation(TARGETS, targets)
    if change.value is not None:
        require_float32(f"{'z' if change.kind == 'expression' else 'value'} of {change.gene}", change.value)
    value = _least(heterograph, change, gene) if change.value is None else float(change.value)
    if change.kind == "expression" and "expression" in heterograph.profiles:
        profile = heterograph.profiles["expression"].clone()
        profile[cell_line, gene] = value
        return heterograph.with_features("CellLine", {"expression": profile})
    edge_type, feature = (EXPRESSES, "z") if change.kind == "expression" else (MUTATED, "value")
    edges = heterograph.relations[edge_type]
    there = _between(edges, cell_line, gene)
    if there.any():
        values = edges.features[feature].masked_fill(there, value)
        edges = edges.with_features({feature: values})
    else:
        new = {feature: torch.tensor([value]), "dataset": torch.tensor([-1])}
        edges = edges.append(torch.tensor([cell_line]), torch.tensor([gene]), new)
    return heterograph.with_relation(edge_type, edges)


def _least(heterograph: Heterograph, change: Change, gene: int) -> float:
    """The least expression of a gene that any cell line has, and at most 0, its mean."""
    of_gene = known(heterograph, "expression")[:, gene]
    of_gene = of_gene[of_gene.isfinite()]
    if not len(of_gene):
        raise ModelError(f"{change.gene} has no expression in the run's graph; nothing would change")
    return min(float(of_gene.min()), 0.0)


def _between(edges: Relation, src: int, dst: int) -> torch.Tensor:
    """True for the edges of one pair of nodes."""
    return (edges.src == src) & (edges.dst == dst)
