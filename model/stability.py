"""How far a ranking can be trusted: agreement between seeds, and q-values against rankings of permuted responses.

Pure functions of scores and ranks; who makes the seeds and the permutations is the caller.
"""

from __future__ import annotations

import numpy as np

from kg.errors import ShapeError

PERSISTENCE = 0.9
"""Weight that each further rank keeps: the first 20 ranks then carry 95% of the weight of rank-biased overlap."""


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
        Items in order, the best first; at least ``depth`` of them, or all there are.
    depth
        k.
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
        (n_seeds, n_nodes, n_items), larger first; minus infinity for what is no candidate.
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
        Of every edge by every seed, (n_seeds, n_edges), larger first; ties go to the edge that comes first.
    node
        Whose edge it is, int (n_edges,).

    Returns
    -------
    ndarray
        The node's figure on each of its edges, (n_edges,); NaN with one seed.
    """
    found = np.full(weight.shape[1], np.nan)
    order = np.argsort(node, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(node[order]) != 0]) if len(order) else np.empty(0, np.int64)
    for edges in np.split(order, starts[1:]):
        found[edges] = stability(weight[:, None, edges], depth=depth, persistence=persistence)
    return found


def empirical_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of null values at least as large, the observed one counted among them.

    Parameters
    ----------
    observed
        (n,).
    null
        Drawn under no signal, of any shape; all compared with every observed value.

    Returns
    -------
    ndarray
        (n,) in (0, 1]: (1 + number of null values ≥ observed) / (1 + number of null values).
    """
    flat = np.sort(null, axis=None)
    at_least = len(flat) - np.searchsorted(flat, observed, side="left")
    p: np.ndarray = (1 + at_least) / (1 + len(flat))
    return p


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values that control the false discovery rate, in the order given; NaN stays and does not count.

    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289.
    """
    p = np.asarray(p, np.float64)
    q = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    n = len(order)
    scaled = p[order] * n / np.arange(1, n + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def null_q(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """q-value of every score of a node against scores from permuted responses, within the node.

    Parameters
    ----------
    observed
        Scores of each node's candidates, (n_nodes, n_items).
    null
        The same after permuting responses, (n_permutations, n_nodes, n_items). All of a node's candidates are one
        null, so that few permutations resolve small p-values; it takes candidates to be alike under the null.

    Returns
    -------
    ndarray
        In (0, 1], (n_nodes, n_items), Benjamini–Hochberg within each node.
    """
    if null.ndim != 3 or null.shape[1:] != observed.shape:
        wanted = ("n_permutations", *observed.shape)
        raise ShapeError(f"null has shape {null.shape}, wanted {wanted}: one score a permutation and pair.")
    return np.stack(
        [benjamini_hochberg(empirical_p(observed[n], null[:, n])) for n in range(len(observed))]
    ).reshape(observed.shape)
