"""Agreement of rankings between seeds, by rank-biased overlap. Pure functions of scores and ranks."""

from __future__ import annotations

import numpy as np

PERSISTENCE = 0.9
"""Factor between the weights of successive ranks: the first 20 ranks have 95% of the weight of rank-biased overlap."""


def rank_biased_overlap(
    first: np.ndarray, second: np.ndarray, *, depth: int, persistence: float = PERSISTENCE
) -> float:
    r"""Agreement of two rankings at their top, between 0 and 1.

    .. math::
        \mathrm{RBO} = \frac{1-p}{1-p^{k}} \sum_{i=1}^{k} p^{i-1} \frac{|A_{1..i} \cap B_{1..i}|}{i}

    Webber, Moffat and Zobel, ACM TOIS 28 (2010) 20, cut at ``depth`` and scaled to reach 1 there.

    Parameters
    ----------
    first, second
        Items in order, the best first; at least ``depth`` items, or all.
    depth
        k, the number of ranks that are compared.
    persistence
        p, in (0, 1).
    """
    depth = min(depth, len(first), len(second))
    if depth < 1:
        return float("nan")
    seen_first: set[object] = set()
    seen_second: set[object] = set()
    common, total, weight, weights = 0, 0.0, 1.0, 0.0
    for i in range(depth):
        a, b = first[i], second[i]
        common += int(a in seen_second) + int(b in seen_first) + int(a == b)
        seen_first.add(a)
        seen_second.add(b)
        total += weight * common / (i + 1)
        weights += weight
        weight *= persistence
    return total / weights


def stability(scores: np.ndarray, *, depth: int = 20, persistence: float = PERSISTENCE) -> np.ndarray:
    """Mean rank-biased overlap of each node's top items over all pairs of seeds.

    Parameters
    ----------
    scores
        (n_seeds, n_nodes, n_items); larger scores rank first, and minus infinity marks items that are no candidates.
    depth, persistence
        As in `rank_biased_overlap`.

    Returns
    -------
    ndarray
        (n_nodes,) in [0, 1]; NaN with one seed.
    """
    n_seeds, n_nodes, n_items = scores.shape
    if n_seeds < 2:
        return np.full(n_nodes, np.nan)
    depth = min(depth, n_items)
    top = np.argsort(-scores, axis=-1, kind="stable")[..., :depth]
    pairs = [(i, j) for i in range(n_seeds) for j in range(i + 1, n_seeds)]
    return np.array(
        [
            np.mean(
                [
                    rank_biased_overlap(top[i, n], top[j, n], depth=depth, persistence=persistence)
                    for i, j in pairs
                ]
            )
            for n in range(n_nodes)
        ]
    )


def edge_stability(
    weight: np.ndarray, node: np.ndarray, *, depth: int = 20, persistence: float = PERSISTENCE
) -> np.ndarray:
    """`stability` of each node's edges, where nodes have different edges.

    Parameters
    ----------
    weight
        Weight of every edge for every seed, (n_seeds, n_edges); larger weights rank first, ties by position.
    node
        Number of the node that each edge belongs to, int (n_edges,).

    Returns
    -------
    ndarray
        The node's stability, repeated on each of its edges, (n_edges,); NaN with one seed.
    """
    found = np.full(weight.shape[1], np.nan)
    order = np.argsort(node, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(node[order]) != 0]) if len(order) else np.empty(0, np.int64)
    for edges in np.split(order, starts[1:]):
        found[edges] = stability(weight[:, None, edges], depth=depth, persistence=persistence)
    return found
