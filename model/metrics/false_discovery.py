from __future__ import annotations

import numpy as np

from pharmagraph.kg.errors import ShapeError


def empirical_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of null values at least as large, the observed one counted among them.

    Parameters
    ----------
    observed
        (n,).
    null
        Contributions under no signal, of any shape; all compared with every observed value.

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
