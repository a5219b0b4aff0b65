"""Tanimoto and RBF similarities, and k nearest neighbours computed in blocks of rows so that memory stays bounded.

All functions take and return arrays; they do not know what a row stands for. Distances are computed with one thread:
the last digits of a matrix product depend on the number of threads, and they decide between neighbours that are
equally near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.one_thread import one_blas_thread
from pharmagraph.kg.similarity import tanimoto

TANIMOTO = "tanimoto:morgan2:2048"
RBF = "rbf:expression"

_BLOCK = 512
_MEDIAN_SAMPLE = 2_000
_DIGITS = 6

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class EdgeList:
    """Undirected weighted pairs, each once.

    Parameters
    ----------
    src, dst
        Row numbers, ``src < dst``, ordered by ``src``, then ``dst``; ``(m,)``.
    similarity
        Unitless in [0, 1], ``(m,)``.
    """

    src: npt.NDArray[np.int64]
    dst: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.src)


@one_blas_thread()
def median_distance(features: Floats) -> float:
    """The median heuristic for the width of an RBF kernel.

    Parameters
    ----------
    features
        ``(n, d)``, in any unit.

    Returns
    -------
    float
        Median Euclidean distance between pairs of rows, in the features' unit. With more than 2,000 rows, it is
        taken over 2,000 evenly spaced ones. 1 if fewer than two rows differ.
    """
    n = len(features)
    chosen = (
        np.unique(np.linspace(0, n - 1, min(n, _MEDIAN_SAMPLE)).astype(np.int64))
        if n
        else np.zeros(0, np.int64)
    )
    sample = np.ascontiguousarray(features[chosen], dtype=np.float32)
    distances = _squared_distances(sample, sample)[np.triu_indices(len(sample), 1)]
    median = float(np.sqrt(np.median(distances))) if len(distances) else 0.0
    return median if median > 0 else 1.0


def tanimoto_neighbours(fingerprints: npt.NDArray[np.uint8], k: int) -> EdgeList:
    """The k nearest neighbours of each row by Tanimoto similarity; pairs without a common bit are dropped.

    Parameters
    ----------
    fingerprints
        ``(n, bits)``, 0 or 1.
    k
        Neighbours kept a row; ties go to the smaller index.
    """
    found = [
        _nearest_of_block(tanimoto(fingerprints[start:stop], fingerprints), start, k)
        for start, stop in _blocks(len(fingerprints))
    ]

    def exact(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        common = np.sum(fingerprints[a] & fingerprints[b], axis=1, dtype=np.int64)
        union = np.sum(fingerprints[a] | fingerprints[b], axis=1, dtype=np.int64)
        return np.divide(common, union, out=np.zeros(len(a)), where=union > 0)

    edges = _undirected(*_joined(found), exact)
    keep = edges.similarity > 0
    return EdgeList(edges.src[keep], edges.dst[keep], edges.similarity[keep])


@one_blas_thread()
def rbf_neighbours(features: Floats, k: int, *, sigma: float | None = None) -> EdgeList:
    """The k nearest neighbours of each row by the RBF kernel, of which only a block of rows is in memory.

    Parameters
    ----------
    features
        ``(n, d)``, finite, such as z scores.
    k
        Neighbours kept a row; ties go to the smaller index.
    sigma
        Width in the features' unit; the median heuristic when None.
    """
    sigma = median_distance(features) if sigma is None else sigma
    narrow = np.ascontiguousarray(features, dtype=np.float32)
    norms = np.einsum("ij,ij->i", narrow, narrow)
    found = [
        _nearest_of_block(-_squared_distances(narrow[start:stop], narrow, norms[start:stop], norms), start, k)
        for start, stop in _blocks(len(narrow))
    ]

    def exact(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        # Computed again pair by pair: differences lose fewer digits than norms and products.
        difference = narrow[a]
        difference -= narrow[b]
        squared = np.einsum("ij,ij->i", difference, difference).astype(np.float64)
        kernel: npt.NDArray[np.float64] = np.exp(-squared / (2 * sigma**2))
        return kernel

    return _undirected(*_joined(found), exact)


def _squared_distances(
    a: Floats, b: Floats, a_norms: Floats | None = None, b_norms: Floats | None = None
) -> Floats:
    a_norms = np.einsum("ij,ij->i", a, a) if a_norms is None else a_norms
    b_norms = np.einsum("ij,ij->i", b, b) if b_norms is None else b_norms
    squared = a @ b.T
    squared *= -2
    squared += a_norms[:, None]
    squared += b_norms[None, :]
    return np.maximum(squared, 0, out=squared)


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, _BLOCK):
        yield start, min(start + _BLOCK, n)


def _nearest_of_block(
    scores: Floats, first: int, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column numbers of each row's k highest scores, without itself; overwrites the diagonal of ``scores``."""
    height, n = scores.shape
    scores[np.arange(height), first + np.arange(height)] = -np.inf
    k = min(k, n - 1)
    if k < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    limit = np.partition(scores, n - k, axis=1)[:, n - k]
    rows, columns = np.nonzero(scores >= limit[:, None])  # k per row, and more where the last one is tied
    order = np.lexsort((columns, -scores[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    starts = np.searchsorted(rows, np.arange(height))
    keep = np.arange(len(rows)) - starts[rows] < k
    return rows[keep] + first, columns[keep].astype(np.int64)


def _joined(
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _undirected(
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    similarity: Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Floats],
) -> EdgeList:
    """Each pair once; its similarity is computed in pieces and rounded to its significant digits."""
    width = int(max(rows.max(initial=0), columns.max(initial=0))) + 1
    pairs = np.unique(np.minimum(rows, columns) * width + np.maximum(rows, columns))
    src, dst = pairs // width, pairs % width
    values = np.empty(len(src))
    for start in range(0, len(src), 4 * _BLOCK):
        piece = slice(start, start + 4 * _BLOCK)
        values[piece] = similarity(src[piece], dst[piece])
    return EdgeList(src, dst, np.clip(np.round(values, _DIGITS), 0, 1))
