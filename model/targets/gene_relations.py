"""How genes are related to one another, whatever drugs do: by expression, sequence, interactions, pathways and CRISPR.

A relation of which the graph has no edge is 0 throughout.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.model.inputs.tensors import GraphTensors

RESTART = 0.5
N_STEPS = 20


def edges_of(heterograph: Heterograph, src: str, kind: str, dst: str) -> Relation | None:
    """The edges of a kind; None if there are none, as in a graph saved before there was such a kind."""
    edges = heterograph.relations.get((src, kind, dst))
    return edges if edges is not None and len(edges) else None


def walk(links: sparse.csr_matrix, sources: np.ndarray) -> np.ndarray:
    """Random walks with restart: the probability of being at each gene, from each of some genes.

    Parameters
    ----------
    links
        Interactions, symmetric, 0 or 1, CSR (n, n).
    sources
        Genes at which the walks start and restart, int64 (n_sources,).

    Returns
    -------
    ndarray
        Probabilities, float32 (n_sources, n). A walk stays at a gene without links.
    """
    degree = np.asarray(links.sum(1)).ravel()
    step = (
        sparse.diags(1 / np.maximum(degree, 1)) @ links + sparse.diags((degree == 0).astype(float))
    ).T.tocsr()
    start = np.zeros((links.shape[0], len(sources)), np.float32)
    start[sources, np.arange(len(sources))] = 1.0
    at, step = start.copy(), step.astype(np.float32)
    for _ in range(N_STEPS):
        at = RESTART * start + (1 - RESTART) * (step @ at)
    return at.T


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows less their mean, of length 1, so that their products are correlations; a constant row is 0. float32."""
    rows = rows - rows.mean(1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norm > 1e-9, rows / np.maximum(norm, 1e-9), 0).astype(np.float32)


def dependence(heterograph: Heterograph, genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much cell lines need each gene: CRISPR gene effects with the sign turned, as `unit_rows`.

    Parameters
    ----------
    genes
        Node numbers, int64 (n_genes,).

    Returns
    -------
    screened
        Numbers of the cell lines that have an effect, ascending, int64 (n_screened,).
    rows
        float32 (n_genes, n_screened). An effect that the graph leaves out, such as one near 0, counts as 0; of several
        datasets the mean counts.
    """
    edges = edges_of(heterograph, "CellLine", "DEPENDS_ON", "Gene")
    if edges is None:
        return np.empty(0, np.int64), np.zeros((len(genes), 0), np.float32)
    screened, line = np.unique(edges.src.numpy(), return_inverse=True)
    ends = edges.dst.numpy(), line
    shape = (heterograph.n_nodes("Gene"), len(screened))
    effect = np.nan_to_num(edges.features["effect"].numpy())
    total, count = (
        sparse.csr_matrix((v, ends), shape=shape)[genes].toarray() for v in (effect, np.ones(len(line)))
    )
    return screened, unit_rows(-total / np.maximum(count, 1))


def links(tensors: GraphTensors) -> sparse.csr_matrix:
    src, dst = tensors.interacts.src.cpu().numpy(), tensors.interacts.dst.cpu().numpy()
    apart = src != dst
    n = tensors.n_genes
    return sparse.csr_matrix((np.ones(int(apart.sum()), np.float32), (src[apart], dst[apart])), shape=(n, n))


def homology(heterograph: Heterograph, genes: np.ndarray) -> sparse.csr_matrix:
    """Identity between the candidate genes; of a pair that several datasets bring, the largest."""
    n = heterograph.n_nodes("Gene")
    edges = edges_of(heterograph, "Gene", "HOMOLOGOUS", "Gene")
    if edges is None:
        return sparse.csr_matrix((len(genes), len(genes)), dtype=np.float32)
    src, dst = edges.src.numpy(), edges.dst.numpy()
    identity = np.nan_to_num(edges.features["identity"].numpy())
    pair, position = np.unique(np.concatenate([src * n + dst, dst * n + src]), return_inverse=True)
    largest = np.zeros(len(pair), np.float32)
    np.maximum.at(largest, position, np.tile(identity, 2))
    return sparse.csr_matrix((largest, (pair // n, pair % n)), shape=(n, n))[genes][:, genes]


def membership(heterograph: Heterograph, genes: np.ndarray) -> sparse.csr_matrix:
    edges = heterograph.relations["Gene", "MEMBER_OF", "Pathway"]
    shape = (heterograph.n_nodes("Gene"), max(heterograph.n_nodes("Pathway"), 1))
    ends = edges.src.numpy(), edges.dst.numpy()
    member = sparse.csr_matrix((np.ones(len(edges), np.float32), ends), shape=shape)
    member.data[:] = 1.0  # a pair that several datasets bring is one membership
    rarity = 1 / np.log(2 + np.asarray(member.sum(0)).ravel())
    weighted = sparse.csr_matrix(member @ sparse.diags(rarity))[genes]
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(norm, 1e-9)) @ weighted, dtype=np.float32)
