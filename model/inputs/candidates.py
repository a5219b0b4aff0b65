"""Chooses the genes that a drug may attend to: known targets, genes near them, genes associated with its response.

Association reads the responses that the caller gives: training pairs that pass messages, never pairs that are being
predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.responses.visible import SHRINKAGE, residuals


@dataclass(frozen=True)
class Screened:
    """Genes that are screened for association with response, and their expression.

    Attributes
    ----------
    genes
        Node numbers of the genes, ascending, int64 (n_screened,).
    z, z_squared
        Expression and its square, (n_screened, n_cell_lines).
    """

    genes: Tensor
    z: Tensor
    z_squared: Tensor

    @classmethod
    def of(cls, expression: Tensor, n_genes: int) -> Screened:
        """Screen the genes with most signal, which is the sum of squared z over cell lines; ties go to the smaller
        number.

        Parameters
        ----------
        expression
            Signed z, 0 where not known, (n_cell_lines, n_genes).
        n_genes
            Largest number of genes.
        """
        genes = genes_with_signal(expression, n_genes)
        z = expression.T[genes].contiguous()
        return cls(genes, z, z**2)


def genes_with_signal(expression: Tensor, n_genes: int) -> Tensor:
    """Numbers of the genes with the largest sums of squared z over cell lines, at most ``n_genes``, ascending.

    Ties go to the smaller number; genes without expression have no signal. ``expression`` is (n_cell_lines, n_genes).
    """
    signal = (expression**2).sum(0)
    best = torch.sort(signal, descending=True, stable=True).indices[:n_genes]
    return torch.sort(best[signal[best] > 0]).values


def association(screened: Screened, response: Tensor, measured: Tensor) -> Tensor:
    """Correlation of every screened gene's expression with every drug's response, shrunk by the number of pairs.

    Drug and cell-line means of the response are taken out first, so that a gene that marks generally
    sensitive cell lines does not lead every drug's list.

    Parameters
    ----------
    screened
        Genes and their expression.
    response
        Larger is more sensitive, (n_cell_lines, n_drugs); ignored where not measured.
    measured
        0 or 1, (n_cell_lines, n_drugs).

    Returns
    -------
    Tensor
        In [-1, 1], (n_drugs, n_screened); 0 for a drug without responses.
    """
    residual = residuals(response, measured)
    n_pairs = measured.sum(0)
    norm = (residual**2).sum(0).sqrt() * (n_pairs + SHRINKAGE) / n_pairs.clamp(min=1)
    scale = (screened.z_squared @ measured).sqrt_().mul_(norm).clamp_(min=1e-6)
    return (
        (screened.z @ residual).div_(scale).clamp_(-1, 1).T.contiguous()
    )  # in place: the largest matrix there is


def near_targets(tensors: GraphTensors, n_near: int) -> Edges:
    """Genes that interact with known targets: for each drug the ``n_near`` with the highest score.

    A gene scores by its links to targets, each divided by the square root of both genes' numbers of links,
    so that hubs are not near everything.

    Returns
    -------
    Edges
        Gene → drug, weight the score (n_edges, 1); targets themselves are not among them.
    """
    targets = _matrix(tensors.targets.dst, tensors.targets.src, (tensors.n_drugs, tensors.n_genes))
    links = _matrix(tensors.interacts.dst, tensors.interacts.src, (tensors.n_genes, tensors.n_genes))
    root = sparse.diags(1 / np.sqrt(np.maximum(np.asarray(links.sum(1)).ravel(), 1)))
    near = sparse.csr_matrix(targets @ (root @ links @ root))
    near = sparse.csr_matrix(near - near.multiply(targets))
    near.eliminate_zeros()
    drug = np.repeat(np.arange(tensors.n_drugs), np.diff(near.indptr))
    order = np.lexsort((near.indices, -near.data, drug))
    rank = np.arange(len(order)) - np.repeat(near.indptr[:-1], np.diff(near.indptr))
    best = order[rank < n_near]
    return Edges(
        torch.from_numpy(near.indices[best].astype(np.int64)),
        torch.from_numpy(drug[best].astype(np.int64)),
        torch.from_numpy(near.data[best].astype(np.float32))[:, None],
    )


def candidates(score: Tensor, genes: Tensor, always: Edges, n_associated: int, *, n_genes: int) -> Edges:
    """Candidate genes of each drug: the given ones, and those most associated with its response in either direction.

    Parameters
    ----------
    score
        `association` with the screened genes, (n_drugs, n_screened).
    genes
        Numbers of the screened genes, ascending, (n_screened,).
    always
        Gene → drug edges that are candidates whatever the score: known targets and genes near them.
    n_associated
        Number of associated genes for each drug.
    n_genes
        Number of genes in the graph.

    Returns
    -------
    Edges
        Gene → drug, each pair once, ordered by drug, then gene; weight is the score, 0 for genes that were not
        screened (n_edges, 1). A drug without any response gets none beyond ``always``.
    """
    k = min(n_associated, len(genes))
    strength, best = torch.topk(score.abs(), k, dim=1)
    drug = torch.arange(len(score), device=score.device).repeat_interleave(k)
    found = strength.flatten() > 0
    pairs = [drug[found] * n_genes + genes[best.flatten()[found]], always.dst * n_genes + always.src]
    pair = torch.unique(torch.cat(pairs), sorted=True)
    drug, gene = pair // max(n_genes, 1), pair % max(n_genes, 1)
    position = torch.searchsorted(genes, gene).clamp(max=max(len(genes) - 1, 0))
    weight = score.new_zeros(len(gene))
    if len(genes):
        screened = genes[position] == gene
        weight[screened] = score[drug[screened], position[screened]]
    return Edges(gene, drug, weight[:, None])


def _matrix(rows: Tensor, columns: Tensor, shape: tuple[int, int]) -> sparse.csr_matrix:
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_matrix((ones, (rows.cpu().numpy(), columns.cpu().numpy())), shape=shape)
