"""How alike two structures are, for sources, features and splits alike. Arrays in, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[Any]


def tanimoto(a: Counts, b: Counts) -> npt.NDArray[np.float32]:
    """Tanimoto similarity of fingerprints: the sum of smaller counts over the sum of larger ones.

    For bits that is the number of common bits over the number of bits that either has. Two empty fingerprints have the
    similarity 0.

    Parameters
    ----------
    a, b
        Bits or counts, whole numbers from 0, ``(n, width)`` and ``(m, width)``.

    Returns
    -------
    ndarray
        ``(n, m)``, unitless in [0, 1].
    """
    # A count of c is c bits that are all set, so the smaller of two counts is the number of bits that both have.
    # Sums stay far below 2**24, so float32 products are exact and BLAS does the work.
    common = np.zeros((len(a), len(b)), np.float32)
    highest_of_a, highest_of_b = a.max(0, initial=0), b.max(0, initial=0)
    for level in range(1, int(min(highest_of_a.max(initial=0), highest_of_b.max(initial=0))) + 1):
        columns = (highest_of_a >= level) & (highest_of_b >= level)
        left, right = ((side[:, columns] >= level).astype(np.float32) for side in (a, b))
        common += left @ right.T
    union = a.sum(1, dtype=np.float32)[:, None] + b.sum(1, dtype=np.float32)[None, :] - common
    similarity: npt.NDArray[np.float32] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return similarity
