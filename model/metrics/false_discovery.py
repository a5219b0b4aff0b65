"""p-values and q-values of scores against scores without signal, such as those from permuted responses."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.errors import ShapeError


def empirical_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of null values that are at least as large as the observed one, which counts as one of them.

    Parameters
    ----------
    observed
        Observed values, (n,).
    null
        Values without signal, of any shape; each observed value is compared with all of them.

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
    """Adjusted p-values that control the false discovery rate, in the given order; NaN stays NaN and does not count.

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
    """q-values of each node's scores against the node's scores from permuted responses.

    Parameters
    ----------
    observed
        Scores of each node's candidates, (n_nodes, n_items).
    null
        The scores after permuting responses, (n_permutations, n_nodes, n_items). The scores of all candidates of a
        node form one null distribution, so that few permutations resolve small p-values. This assumes that the
        candidates' scores have the same distribution without signal.

    Returns
    -------
    ndarray
        q-values in (0, 1], (n_nodes, n_items), by Benjamini and Hochberg within each node.
    """
    if null.ndim != 3 or null.shape[1:] != observed.shape:
        wanted = ("n_permutations", *observed.shape)
        raise ShapeError(f"null has shape {null.shape}, wanted {wanted}: one score a permutation and pair.")
    return np.stack(
        [benjamini_hochberg(empirical_p(observed[n], null[:, n])) for n in range(len(observed))]
    ).reshape(observed.shape)
