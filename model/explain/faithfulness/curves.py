"""Whether a ranking of edges says what a prediction uses: take edges away, or leave few, and watch the prediction.

Pure functions of a prediction under a mask. A run's drug–gene edges, and rankings of them, are `message_edges.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

Predict = Callable[[np.ndarray], np.ndarray]
"""Kept edges, bool (n_edges,) → predictions, (n_predictions,)."""


@dataclass(frozen=True)
class Curve:
    """Change of the prediction as edges go.

    Attributes
    ----------
    counts
        Numbers of edges a node, int64 (n_points,).
    ranked
        Mean absolute change with each node's first edges of the ranking removed (or, for insertion, alone left),
        (n_points,).
    random
        The same for random edges of each node, mean over draws, (n_points,).
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
    """Place of each edge among its node's, 0 the most important, int64 (n_edges,); ties go to the first."""
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
    predict: Predict, place: np.ndarray, counts: Sequence[int], random: Sequence[np.ndarray]
) -> Curve:
    """Remove each node's first edges, and as many random ones.

    Parameters
    ----------
    predict
        Of the kept edges.
    place
        `ranks` of the edges, int64 (n_edges,).
    counts
        How many to remove of each node.
    random
        Rankings to compare with, each like ``place``.
    """
    return _curve(predict, place, counts, random, insert=False)


def insertion(
    predict: Predict, place: np.ndarray, counts: Sequence[int], random: Sequence[np.ndarray]
) -> Curve:
    """Leave each node nothing but its first edges, and nothing but as many random ones; smaller is better."""
    return _curve(predict, place, counts, random, insert=True)


def _curve(
    predict: Predict, place: np.ndarray, counts: Sequence[int], random: Sequence[np.ndarray], *, insert: bool
) -> Curve:
    whole = predict(np.ones(len(place), bool))

    def change(of: np.ndarray, k: int) -> float:
        return float(np.abs(predict((of < k) if insert else (of >= k)) - whole).mean())

    return Curve(
        np.array(counts, np.int64),
        np.array([change(place, k) for k in counts]),
        np.array([np.mean([change(draw, k) for draw in random]) for k in counts]),
    )


def agreement(first: np.ndarray, second: np.ndarray, node: np.ndarray) -> float:
    """Spearman's correlation of two importances within each node, mean over nodes with two edges and more."""
    from scipy.stats import spearmanr

    found = []
    order = np.argsort(node, kind="stable")
    for of_node in np.split(order, np.flatnonzero(np.diff(node[order])) + 1):
        if len(of_node) > 1 and np.ptp(first[of_node]) and np.ptp(second[of_node]):
            found.append(float(spearmanr(first[of_node], second[of_node]).statistic))
    return float(np.mean(found)) if found else float("nan")


def rollout(
    layers: Sequence[sparse.spmatrix], nodes: np.ndarray | None = None, *, residual: float = 0.5
) -> sparse.csr_matrix:
    r"""Attention through all layers: where a node's state comes from in the end.

    .. math::
        R = \prod_l \left( r I + (1 - r) A_l \right)

    Abnar and Zuidema, arXiv 2005.00928.

    Parameters
    ----------
    layers
        Of the first layer to the last, each (n, n): row = who draws, column = whom it draws from; rows are scaled to
        sum to 1, and those that draw nothing may be zero and keep their own state.
    nodes
        Rows that are wanted; all unless given.
    residual
        r, the share of its own state that a layer keeps.

    Returns
    -------
    scipy.sparse.csr_matrix
        (n_nodes, n), rows summing to 1.
    """
    n = layers[0].shape[0]
    total = sparse.identity(n, format="csr")[np.arange(n) if nodes is None else nodes]
    for layer in reversed(layers):
        drawn = np.asarray(layer.sum(1)).ravel()
        scaled = sparse.diags(np.where(drawn > 0, (1 - residual) / np.where(drawn > 0, drawn, 1), 0)) @ layer
        own = sparse.diags(np.where(drawn > 0, residual, 1.0))
        total = sparse.csr_matrix(total @ (own + scaled))
    return total
