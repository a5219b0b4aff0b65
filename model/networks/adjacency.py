"""What the published network drGT reads: its genes, rows of similarity, and one adjacency over all nodes.

Each is made as the published code makes it. The network itself is `drgt.py`. Inoue et al., arXiv 2405.08979.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.similarities import squared_distances
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.presets.relations import RELATIONS

ADJACENT = ("cell_line_from_gene", "drug_from_gene", "drug_from_sensitive")
"""Relations whose edges, in both directions, are the adjacency: expression, targets, and sensitive training pairs."""


def varying_genes(tensors: GraphTensors, share: float) -> Tensor:
    """Numbers of the genes whose expression varies most, in the unit of the source, and of all known targets.

    Parameters
    ----------
    tensors
        The graph.
    share
        Share of the genes with expression that is kept. Ties go to the smaller number.

    Returns
    -------
    Tensor
        Ascending, int64 (n_kept,).
    """
    variance = (tensors.expression**2).sum(0) * tensors.expression_deviation**2
    expressed = int((variance > 0).sum())
    best = torch.sort(variance, descending=True, stable=True).indices[: round(share * expressed)]
    return torch.unique(torch.cat([best, tensors.targets.src]))


def similarity_rows(tensors: GraphTensors, genes: Tensor, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """Similarities of drugs (n_drugs, n_drugs), of cell lines, and of the network's genes, each in [0, 1].

    RBF kernels of Morgan bits, of expression standardised within the cell line, and of expression standardised within
    the gene. The squared width is the number of columns, times ``width`` for expression.
    """
    z = tensors.expression[:, genes]
    expression = z * tensors.expression_deviation[genes] + tensors.expression_mean[genes]
    centred = expression - expression.mean(1, keepdim=True)
    of_cell_lines = centred / centred.std(1, correction=0, keepdim=True).clamp(min=1e-9)
    return _scaled_rbf(tensors.fingerprint), _scaled_rbf(of_cell_lines, width), _scaled_rbf(z.T, width)


def _scaled_rbf(rows: Tensor, width: float = 1.0) -> Tensor:
    similarity = torch.exp(-squared_distances(rows) / (width * max(rows.shape[1], 1)))
    if not len(similarity):
        return similarity
    least = similarity.min()
    scaled: Tensor = (similarity - least) / (similarity.max() - least).clamp(min=1e-9)
    return scaled


def among(gene_place: Tensor, edges: Edges) -> Edges:
    """Edges from genes that are the network's."""
    return edges.keep(gene_place[edges.src] >= 0)


def expressed_more(gene_place: Tensor, edges: Edges) -> Edges:
    """Edges from the network's genes to cell lines that express them above the mean."""
    return among(gene_place, edges.keep(edges.weight[:, 0] > 0))


@dataclass(frozen=True)
class Adjacency:
    """The edges between all nodes of the network: drugs, then cell lines, then its genes.

    Attributes
    ----------
    edges
        Those of each relation of `ADJACENT` in that order, the same edges reversed, edges between drugs and genes that
        are no known targets, if there are any, and one loop for each node. The weight is z of an expression edge, 1 of
        a target and of a sensitive pair, and of a loop the mean over the node's edges, (n_edges, 1).
    given
        Relation of `ADJACENT` → which of the messages' edges the adjacency has.
    """

    edges: Edges
    given: dict[str, Edges]

    @classmethod
    def of(
        cls,
        messages: Messages,
        expressed: Edges,
        gene_place: Tensor,
        offsets: dict[str, int],
        n_nodes: int,
        other_genes: float,
    ) -> Adjacency:
        """The adjacency of a network.

        Parameters
        ----------
        messages
            What passes messages.
        expressed
            Of their edges gene → cell line, those of `expressed_more`.
        gene_place
            Number of a gene in the graph → its place among the network's genes, -1 for none.
        offsets, n_nodes
            Kind → number of its first node, and the number of all nodes.
        other_genes
            Weight of an edge between a drug and a gene that is no known target; 0 for no edge.
        """
        given, forward = {}, []
        for relation in ADJACENT:
            source, destination = RELATIONS[relation]
            if relation == "cell_line_from_gene":
                edges = expressed
            elif source == "Gene":
                edges = among(gene_place, messages.edges[relation])
            else:
                edges = messages.edges[relation]
            given[relation] = edges
            src = gene_place[edges.src] if source == "Gene" else edges.src
            weight = edges.weight if relation == "cell_line_from_gene" else torch.ones_like(edges.weight)
            forward.append(Edges(src + offsets[source], edges.dst + offsets[destination], weight))
        if other_genes:
            forward.append(_untargeted(forward[1], offsets, n_nodes, other_genes))
        both = forward[:3] + [edges.reversed() for edges in forward[:3]] + forward[3:]
        both += [edges.reversed() for edges in forward[3:]]
        src, dst = torch.cat([edges.src for edges in both]), torch.cat([edges.dst for edges in both])
        weight = torch.cat([edges.weight for edges in both])
        node = torch.arange(n_nodes, device=dst.device)
        total = weight.new_zeros(n_nodes).index_add(0, dst, weight[:, 0])
        mean = total / torch.bincount(dst, minlength=n_nodes).clamp(min=1)
        return cls(
            Edges(torch.cat([src, node]), torch.cat([dst, node]), torch.cat([weight, mean[:, None]])), given
        )


def _untargeted(targets: Edges, offsets: dict[str, int], n_nodes: int, weight: float) -> Edges:
    """Edges to every drug from every gene of the network that is not among its known targets."""
    n_drugs, n_genes = offsets["CellLine"], n_nodes - offsets["Gene"]
    free = torch.ones(n_drugs, n_genes, dtype=torch.bool, device=targets.dst.device)
    free[targets.dst, targets.src - offsets["Gene"]] = False
    drug, gene = torch.nonzero(free, as_tuple=True)
    return Edges(gene + offsets["Gene"], drug, targets.weight.new_full((len(drug), 1), weight))
