"""Standardises expression by gene, and finds each cell line's genes farthest from the mean, which become edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, ShapeError
from pharmagraph.kg.wording import named

_DIGITS = 4


@dataclass(frozen=True)
class Statistics:
    """What z scores are made with: mean and standard deviation (of the population) of each gene, ``(genes,)``."""

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]


def statistics(expression: npt.NDArray[np.floating]) -> Statistics:
    """Mean and standard deviation of each gene over the cell lines that have it.

    Parameters
    ----------
    expression
        ``(cell lines, genes)``, any unit; NaN where not measured.

    Raises
    ------
    ShapeError
        If a gene has the same value everywhere; find such genes first with `has_spread`.
    """
    wide = np.asarray(expression, dtype=np.float64)
    if not has_spread(wide).all():
        raise ShapeError("a gene has the same expression in every cell line; it has no z score")
    measured = ~np.isnan(wide)
    n = measured.sum(axis=0)
    mean = np.where(measured, wide, 0).sum(axis=0) / n
    centred = np.where(measured, wide - mean, 0)
    return Statistics(mean, np.sqrt((centred**2).sum(axis=0) / n))


def z_scores(expression: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Standardise each gene over the cell lines that have it.

    Parameters
    ----------
    expression
        ``(cell lines, genes)``, any unit; NaN where not measured.

    Returns
    -------
    ndarray
        Same shape, in standard deviations (of the population, ``ddof=0``) to four digits; NaN stays NaN.

    Raises
    ------
    ShapeError
        If a gene has the same value everywhere; find such genes first with `has_spread`.
    """
    of_genes = statistics(expression)
    wide = np.asarray(expression, dtype=np.float64)
    return np.round((wide - of_genes.mean) / of_genes.deviation, _DIGITS)


def has_spread(expression: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Whether each gene, ``(genes,)``, has two different finite values among the ``(cell lines, genes)``."""
    if expression.shape[0] == 0:
        return np.zeros(expression.shape[1], dtype=bool)
    low = np.fmin.reduce(expression, axis=0)
    high = np.fmax.reduce(expression, axis=0)
    return np.asarray(high > low)  # False for NaN, too


def strongest_tails(
    z: npt.NDArray[np.floating], share: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The genes farthest from their mean, for each cell line.

    Parameters
    ----------
    z
        ``(cell lines, genes)``; NaN is never chosen.
    share
        Share of the genes kept for each cell line, above 0 and at most 1; ties go to the smaller index.

    Returns
    -------
    rows, columns
        Cell line and gene numbers, ordered by cell line, then gene.

    Raises
    ------
    InputError
        If ``share`` is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InputError(
            f"{named('share')} {share:g} is not above 0 and at most 1; 0.05 keeps a twentieth of the genes"
        )
    n_genes = z.shape[1]
    k = max(1, round(share * n_genes)) if n_genes else 0
    rows, columns = [], []
    for row, values in enumerate(z):
        strength = np.nan_to_num(np.abs(values), nan=-1.0)
        keep = min(k, int((strength >= 0).sum()))
        if not keep:
            continue
        limit = np.partition(strength, n_genes - keep)[n_genes - keep]
        above = np.flatnonzero(strength > limit)
        tied = np.flatnonzero(strength == limit)[: keep - len(above)]
        rows.append(np.full(keep, row, dtype=np.int64))
        columns.append(np.sort(np.concatenate([above, tied])))
    empty = np.zeros(0, dtype=np.int64)
    return np.concatenate([empty, *rows]), np.concatenate([empty, *columns])
