r"""Finds what sets a whole profile of expression apart from the run's cell lines, and takes out what can be taken out.

A profile of another platform or pipeline differs from the run's by more than its cell line does. A shift and a scale
are taken out by a straight line (`runs.standardising`). What bends the whole distribution, such as the background of
an array or values that are no logarithms, is not: after the line, the sorted profile is still far from the mean
sorted profile of the run's cell lines. Where it is farther than that of any of them, its genes get the values that
genes of the same rank have in that mean profile (quantile normalisation; Bolstad et al., 2003). The test of this module
bends real profiles in several ways.

What is in single genes cannot be told from the cell line's own biology.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST = 200
"""Cell lines of the run that a profile is compared with, evenly spaced among them."""

FEWEST = 20
"""Cell lines of the run without which nothing is compared. Set by hand."""

FEWEST_GENES = 50
"""Shared genes without which nothing is compared. Set by hand."""

NORMAL_MAD = 0.6745
"""Median absolute deviation of a standard normal distribution."""

VALUES = 0.5
"""Correlation with the gene means above which z scores are none, but values. Set by hand."""

BEYOND = 0.25
"""By how much a median or a spread of z scores may be outside those of the run's lines, in standard deviations and as a
share. Set by hand."""


@dataclass(frozen=True)
class Lines:
    """Cell lines of the run, on the genes that a profile shares with them.

    Attributes
    ----------
    z
        Their z scores, 0 where none, (n_lines, n_genes).
    mean, deviation
        Of each gene, (n_genes,).
    """

    z: Floats
    mean: Floats
    deviation: Floats

    @property
    def enough(self) -> bool:
        """Whether a profile can be compared with them."""
        return self.z.shape[0] >= FEWEST and self.z.shape[1] >= FEWEST_GENES

    @cached_property
    def _values(self) -> Floats:
        found: Floats = self.mean + self.deviation * self.z
        return found

    @cached_property
    def typical(self) -> Floats:
        """The mean of their sorted values, ascending, (n_genes,)."""
        found: Floats = np.sort(self._values, axis=1).mean(0)
        return found

    def bend(self, values: Floats) -> float:
        """Root mean square distance of a profile's sorted values from the typical ones, once they are on one line."""
        aligned = np.sort(on_one_line(values, self.mean, self.deviation))
        return float(np.sqrt(np.mean((aligned - self.typical) ** 2)))

    @cached_property
    def most_bent(self) -> float:
        """The largest of `bend` among them."""
        return max(self.bend(values) for values in self._values)

    def by_quantiles(self, values: Floats) -> Floats:
        """The typical values of the same ranks, (n_genes,); equal values get that of their mean rank."""
        _, which, count = np.unique(values, return_inverse=True, return_counts=True)
        rank = (np.cumsum(count) - (count + 1) / 2)[which]
        found: Floats = np.interp(rank, np.arange(len(values)), self.typical)
        return found

    def nearest(self, z: Floats) -> float:
        """The largest correlation of z scores with a line's."""
        return float(_correlations(z[None], self.z).max())

    @cached_property
    def least_near(self) -> float:
        """Of all lines the smallest correlation with the nearest other one."""
        among = _correlations(self.z, self.z)
        np.fill_diagonal(among, -1)
        return float(among.max(1).min())

    def off(self, z: Floats) -> tuple[float, float] | None:
        """Median and spread of z scores where one of them is of no line; None where both may be of one."""
        own = median_and_spread(z)
        of_lines = np.array([median_and_spread(line) for line in self.z])
        low, high = of_lines.min(0), of_lines.max(0)
        inside = low[0] - BEYOND <= own[0] <= high[0] + BEYOND
        inside &= low[1] * (1 - BEYOND) <= own[1] <= high[1] * (1 + BEYOND)
        return None if inside else own

    def recentred(self, z: Floats, off: tuple[float, float]) -> Floats:
        """z scores with the median and the spread that lines have on average; ``off`` is what they have."""
        median, spread = np.mean([median_and_spread(line) for line in self.z], axis=0)
        found: Floats = (z - off[0]) * (spread / off[1]) + median
        return found


def on_one_line(values: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Values without the shift and the scale by which they differ from the gene means, (n_genes,).

    Least squares with the weights 1/deviation²: genes that hardly vary, as housekeeping genes do, count most.
    """
    weight = deviation**-2 / (deviation**-2).sum()
    centre, level = weight @ mean, weight @ values
    slope = (weight * (mean - centre)) @ (values - level) / (weight @ (mean - centre) ** 2)
    found: Floats = (values - level) / slope + centre if slope else values - level + centre
    return found


def median_and_spread(z: Floats) -> tuple[float, float]:
    """Median and robust standard deviation of z scores."""
    median = float(np.median(z))
    return median, float(np.median(np.abs(z - median))) / NORMAL_MAD


def checked_z(lines: Lines, z: Floats, shared: npt.NDArray[np.bool_], note: Callable[[str], None]) -> Floats:
    """z scores of a file with the shift and the scale of a batch taken out; what is found is told.

    z scores that go with the gene means are values of another unit, and stay: that is told elsewhere. ``shared`` are
    the genes that the lines are on, (n,).
    """
    own = z[shared]
    if not lines.enough or not own.std():
        return z
    goes_with_means = abs(float(np.corrcoef(own, lines.mean)[0, 1])) > VALUES
    off = lines.off(own)
    if off is not None and off[1] and not goes_with_means:
        z = lines.recentred(z, off)
        note(
            f"its z scores have a median of {off[0]:.3g} and spread {off[1]:.3g}, as those of none of the run's lines: "
            f"a batch effect; shift and scale were taken out over {len(own):,} shared genes"
        )
    tell_strange(lines, z[shared], note)
    return z


def tell_strange(lines: Lines, z: Floats, note: Callable[[str], None]) -> None:
    """Say where a profile goes with no line of the run, which nothing here can correct."""
    if lines.enough and z.std() and (near := lines.nearest(z)) < lines.least_near / 2:
        note(
            f"its z scores correlate by at most {near:.2f} with a line of the run, where each of these has one with "
            f"{lines.least_near:.2f} or more: genes may be shuffled or misnamed, or the sample is of another kind; "
            "this cannot be corrected, so do not trust the prediction"
        )


def _correlations(left: Floats, right: Floats) -> Floats:
    """Pearson's r of rows, (n_left, n_right)."""
    sides = [side - side.mean(1, keepdims=True) for side in (left, right)]
    sides = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in sides]
    found: Floats = sides[0] @ sides[1].T
    return found
