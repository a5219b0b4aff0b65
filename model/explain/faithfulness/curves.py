"""Deletion and insertion curves of a ranking of edges, and other arithmetic on rankings.

Pure functions of predictions under a mask; which edges a run has, and how it predicts without some, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

Predict = Callable[[np.ndarray], np.ndarray]
"""Mask of the edges that stay, bool (n_edges,) → predictions, (n_predictions,)."""


@dataclass(frozen=True)
class Curve:
    """Change of the predictions as edges are removed, or as few are left.

    Attributes
    ----------
    counts
        Numbers of edges a node, int64 (n_points,).
    ranked
        Mean absolute change of the predictions without each node's first edges of the ranking (for insertion, with
        these edges only), (n_points,).
    random
        The same for random edges of each node, mean over random rankings, (n_points,).
    """

    counts: np.ndarray
    ranked: np.ndarray
    random: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Ranked over random; NaN where neither changes anything."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.random > 0, self.ranked / self.random, np.nan)


def ranks(importance: np.ndarray, node: np.ndarray) -> np.ndarray:
    """Place of each edge among the edges of its node, 0 for the most important, int64 (n_edges,).

    Of edges of equal importance the first comes first.
    """
    if not len(node):
        return np.empty(0, np.int64)
    length = np.diff(np.flatnonzero(np.r_[True, np.diff(node) != 0, True]))
    if (node[1:] >= node[:-1]).all() and (length == length[0]).all():  # a table: sorting its rows is faster
        table = importance.reshape(len(length), length[0])
        within = np.argsort(-table, axis=1, kind="stable")
        places = np.empty_like(within)
        np.put_along_axis(places, within, np.arange(length[0])[None], axis=1)
        return places.ravel()
    order = np.lexsort((-importance, node))
    first = np.flatnonzero(np.r_[True, np.diff(node[order]) != 0])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    return place


def deletion(
    predict: Predict,
    place: np.ndarray,
    counts: Sequence[int],
    random: Sequence[np.ndarray],
    *,
    whole: np.ndarray | None = None,
) -> Curve:
    """Remove each node's first edges, and as many random ones.

    Parameters
    ----------
    predict
        Predictions from the edges that stay.
    place
        `ranks` of the edges, int64 (n_edges,).
    counts
        How many edges of each node are removed.
    random
        Random rankings to compare with, each like ``place``.
    whole
        Predictions from all edges, (n_predictions,); computed by ``predict`` unless given.
    """
    return _curve(predict, place, counts, random, whole, insert=False)


def insertion(
    predict: Predict,
    place: np.ndarray,
    counts: Sequence[int],
    random: Sequence[np.ndarray],
    *,
    whole: np.ndarray | None = None,
) -> Curve:
    """Leave each node only its first edges, and only as many random ones; a smaller change is better.

    Arguments are those of `deletion`.
    """
    return _curve(predict, place, counts, random, whole, insert=True)


def _curve(
    predict: Predict,
    place: np.ndarray,
    counts: Sequence[int],
    random: Sequence[np.ndarray],
    whole: np.ndarray | None,
    *,
    insert: bool,
) -> Curve:
    whole = predict(np.ones(len(place), bool)) if whole is None else whole

    def change(of: np.ndarray, k: int) -> float:
        return float(np.abs(predict((of < k) if insert else (of >= k)) - whole).mean())

    return Curve(
        np.array(counts, np.int64),
        np.array([change(place, k) for k in counts]),
        np.array([np.mean([change(sample, k) for sample in random]) for k in counts]),
    )


def agreement(first: np.ndarray, second: np.ndarray, node: np.ndarray) -> float:
    """Spearman's correlation of two importances within each node, mean over nodes with two edges and more."""
    from scipy.stats import rankdata

    if not len(node):
        return float("nan")
    order = np.argsort(node, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(node[order]) != 0])
    length = np.diff(np.r_[starts, len(node)])

    def places(importance: np.ndarray) -> np.ndarray:
        if (length == length[0]).all():  # a table: ranking its rows at once is faster
            found = rankdata(importance[order].reshape(len(length), length[0]), axis=1).ravel()
        else:
            found = np.concatenate([rankdata(one) for one in np.split(importance[order], starts[1:])])
        return found - np.repeat((length + 1) / 2, length)

    a, b = places(first), places(second)
    shared, of_a, of_b = (np.add.reduceat(product, starts) for product in (a * b, a * a, b * b))
    usable = (of_a > 0) & (of_b > 0)  # a node with one edge, or whose edges are all alike, says nothing
    found = shared[usable] / np.sqrt(of_a[usable] * of_b[usable])
    return float(found.mean()) if len(found) else float("nan")


def rollout(
    layers: Sequence[sparse.spmatrix], nodes: np.ndarray | None = None, *, residual: float = 0.5
) -> sparse.csr_matrix:
    r"""Attention rollout: the part of each node's last state that comes from each node's first state.

    .. math::
        R = \prod_l \left( r I + (1 - r) A_l \right)

    Abnar and Zuidema, arXiv 2005.00928.

    Parameters
    ----------
    layers
        Attention of the first layer to the last, each (n, n): the row attends to the column. Rows are scaled to sum to
        1; a node that attends to none has a row of zeros and keeps its own state.
    nodes
        Rows that are wanted; all unless given.
    residual
        r, the fraction of its own state that a node keeps in each layer.

    Returns
    -------
    scipy.sparse.csr_matrix
        (n_nodes, n), rows summing to 1.
    """
    n = layers[0].shape[0]
    total = sparse.identity(n, format="csr")[np.arange(n) if nodes is None else nodes]
    for layer in reversed(layers):
        sums = np.asarray(layer.sum(1)).ravel()
        scaled = sparse.diags(np.where(sums > 0, (1 - residual) / np.where(sums > 0, sums, 1), 0)) @ layer
        own = sparse.diags(np.where(sums > 0, residual, 1.0))
        total = sparse.csr_matrix(total @ (own + scaled))
    return total
