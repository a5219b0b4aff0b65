"""From which distance on a drug or a cell line is unlike training: where held-out coverage gives way."""

from __future__ import annotations

import numpy as np

from pharmagraph.model.certainty.conformal import units_needed
from pharmagraph.model.certainty.situation import Array

PARTS = 10
"""Parts of the hidden entities by distance, each with as many entities."""

TESTED_AT, TOLERATED = 0.9, 0.05
"""Level of the intervals, and by how much coverage may fall short of it beyond the threshold. Set by hand."""


def threshold(at: np.ndarray, distance: Array, error: Array) -> float | None:
    """The distance beyond which intervals that suit near entities cover too little.

    The near half of the hidden entities gives one width, that of the quantile of their absolute errors at `TESTED_AT`.
    The threshold is the smallest distance, in tenths of the entities beyond the near half, from which on every tenth
    has a coverage that is lower by more than `TOLERATED`.

    Parameters
    ----------
    at, distance, error
        Hidden entity of every pair, its distance to the nearest visible one, and the absolute error, (n,).

    Returns
    -------
    float
        None where coverage gives way nowhere, or there are too few entities to tell.
    """
    which, first = np.unique(at, return_index=True)
    if len(which) < 2 * PARTS:
        return None
    edges = np.quantile(distance[first], np.arange(PARTS) / PARTS)
    middle = edges[PARTS // 2]
    near = error[distance <= middle]
    if len(near) < units_needed(TESTED_AT):
        return None
    width = np.quantile(near, TESTED_AT)
    found = None
    for low, high in zip(edges[:0:-1], [np.inf, *edges[:0:-1]], strict=False):
        part = error[(distance > low) & (distance <= high)]
        if low < middle or not len(part) or (part <= width).mean() >= TESTED_AT - TOLERATED:
            break
        found = float(low)
    return found
