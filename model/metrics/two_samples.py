"""Compares two samples by ranks: the shift between them, the chance that one is below the other, and a test.

It takes NumPy alone, since importing scipy's statistics takes longer than comparing hundreds of drugs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054
"""Standard deviations to both sides that hold 95% of a normal distribution."""

EXACT = 8
"""Size of the smaller sample up to which p is exact, if no value is there twice."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TwoSamples:
    """How a first sample differs from a second one; intervals are of 95%.

    Attributes
    ----------
    n, n_other
        Sizes.
    median, median_other
        Medians.
    shift, shift_interval
        Hodges–Lehmann estimate, the median of all differences of a first and a second value. The interval is NaN where
        the samples are too small for one.
    auroc, auroc_interval
        Chance that a value of the first sample is below one of the second, ties counted half.
    p
        Of Wilcoxon's rank-sum test, two-sided.
    """

    n: int
    n_other: int
    median: float
    median_other: float
    shift: float
    shift_interval: tuple[float, float]
    auroc: float
    auroc_interval: tuple[float, float]
    p: float

    @property
    def rank_biserial(self) -> float:
        """Correlation of sample and rank, from -1 to 1: 1 where all of the first sample is below the second."""
        return 2 * self.auroc - 1

    @classmethod
    def of(cls, first: Floats, second: Floats) -> TwoSamples:
        """Compare two samples of finite values, none of them empty."""
        first, second = np.sort(first), np.sort(second)
        above = len(second) - np.searchsorted(second, first, "right")
        at_least = len(second) - np.searchsorted(second, first, "left")
        u = float((above + at_least).sum()) / 2
        auroc = u / (len(first) * len(second))
        shift, shift_interval = hodges_lehmann(first, second)
        return cls(
            len(first), len(second), float(np.median(first)), float(np.median(second)), shift, shift_interval,
            auroc, auroc_interval(auroc, len(first), len(second)), rank_sum_p(first, second, u),
        )  # fmt: skip


def hodges_lehmann(first: Floats, second: Floats) -> tuple[float, tuple[float, float]]:
    """The median of all differences between two samples, and Moses' interval by the rank-sum distribution.

    Lehmann, Nonparametrics (1975), chapter 2.
    """
    differences = np.subtract.outer(first, second).ravel()
    n = len(differences)
    half = Z * math.sqrt(n * (len(first) + len(second) + 1) / 12)
    low = math.floor(n / 2 - half)
    middle = {(n - 1) // 2, n // 2}
    ends = {low - 1, n - low} if low >= 1 else set()
    differences.partition(sorted(middle | ends))
    shift = float(np.mean([differences[at] for at in middle]))
    if not ends:
        return shift, (math.nan, math.nan)
    return shift, (float(differences[low - 1]), float(differences[n - low]))


def auroc_interval(auroc: float, n: int, n_other: int) -> tuple[float, float]:
    """Values that a score interval does not reject; it has a width even where the samples do not overlap.

    Method 5 of Newcombe, Statistics in Medicine 25 (2006) 559.
    """
    size = (n + n_other) / 2 - 1

    def inside(value: float) -> bool:
        spread = 1 + size * ((1 - value) / (2 - value) + value / (1 + value))
        return (auroc - value) ** 2 <= Z**2 * value * (1 - value) * spread / (n * n_other)

    def end(outside: float) -> float:
        near, far = auroc, outside
        for _ in range(50):
            middle = (near + far) / 2
            near, far = (middle, far) if inside(middle) else (near, middle)
        return near

    return end(0.0), end(1.0)


def rank_sum_p(first: Floats, second: Floats, u: float) -> float:
    """Two-sided p of Wilcoxon's rank-sum test: exact for a small sample without ties, or else by the normal
    distribution, corrected for ties and continuity.

    Parameters
    ----------
    first, second
        The samples.
    u
        Number of pairs of which the first value is below the second, ties counted half.
    """
    n, m = len(first), len(second)
    _, counts = np.unique(np.concatenate([first, second]), return_counts=True)
    if min(n, m) <= EXACT and counts.max() == 1:
        tail = _chances(min(n, m), max(n, m))[: int(min(u, n * m - u)) + 1].sum()
        return min(1.0, 2 * float(tail))
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 1.0
    z = max(abs(u - n * m / 2) - 0.5, 0.0) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _chances(n: int, m: int) -> Floats:
    """Chance of each number of pairs in order, from 0 to n m: coefficients of the Gaussian binomial, divided by their
    sum.
    """
    counts = np.zeros(n * m + 1)
    counts[0] = 1
    for i in range(1, n + 1):
        counts[m + i :] -= counts[: max(len(counts) - m - i, 0)].copy()
        for start in range(i):
            counts[start::i] = np.cumsum(counts[start::i])
    return counts / math.comb(n + m, n)
