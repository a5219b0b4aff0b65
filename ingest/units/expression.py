"""Makes expression logarithms: log2(x + 1) of TPM and other linear values, of counts per million, or what is one.

A scale is what the user says, or else what the column's name says (``tpm``, ``counts``, ``z``), or else logarithms.
What no value of that scale can be is refused:

log2      above 25, since 2**25 is more than all of a million, or below -20
z         beyond 40, or half of them beyond 3
tpm, counts, linear   below 0; of `MANY` genes, unless the user and the column's name both say the scale, no value above
          25
counts    a fraction in more than one of a hundred, unless both say it or the name is ``expected_count``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.units import columns
from pharmagraph.ingest.units.given import Given, way
from pharmagraph.kg.errors import InputError

Floats = npt.NDArray[np.float64]
Scale = Literal["log2", "tpm", "counts", "linear", "z"]

LARGEST_LOG2, SMALLEST_LOG2 = 25.0, -20.0
LARGEST_Z, MEDIAN_Z = 40.0, 3.0
MANY = 200
"""Genes of which one is expressed by more than 25."""
PER_MILLION, NEAR = 1e6, 0.02
"""Sum of TPM, and the distance from it, as a share, that is still that sum."""

_DONE = {
    "log2": "logarithms, kept",
    "tpm": "TPM, made log2(TPM + 1)",
    "counts": "counts, made log2(counts per million + 1)",
    "linear": "linear values, made log2(x + 1)",
    "z": "z scores, kept; they tell no mean by which a new cell line could be standardised",
}


def as_log2(values: Floats, scale: Scale, totals: Floats | float = PER_MILLION) -> Floats:
    """Values as logarithms.

    Parameters
    ----------
    values
        Any shape.
    scale
        Their scale.
    totals
        Of counts: the sum over the genes of each value's cell line.
    """
    if scale in ("log2", "z"):
        return values
    scaled = values / totals * PER_MILLION if scale == "counts" else values
    return np.asarray(np.log2(scaled + 1))


@dataclass(frozen=True)
class Measured:
    """Values of expression in one row each.

    Attributes
    ----------
    file, header
        What messages call the table, and the column; that is empty in a matrix.
    values
        ``(n,)``; NaN where not measured.
    cell, gene
        Number of the cell line and of the gene of each, ``(n,)``.
    line
        Gives the row of one in the file.
    """

    file: str
    header: str
    values: Floats
    cell: npt.NDArray[np.integer]
    gene: npt.NDArray[np.integer]
    line: Callable[[int], int]


def in_logarithms(table: LongTable, given: Given) -> tuple[LongTable, Scale]:
    """Expression in long form as logarithms, with a note that says what its values were taken for; and their scale.

    Raises
    ------
    InputError
        If what the user says, the column's name and the values disagree.
    """
    values, cell, gene = table.numbers["value"], table.texts["cell_line"].codes, table.texts["gene"].codes
    header = table.headers.get("value", "value")
    found, scale, note = logarithms(
        Measured(table.file, header, values, cell, gene, lambda at: int(table.lines[at])),
        given.get("expression"),
    )
    return replace(table, numbers={**table.numbers, "value": found}, notes=(*table.notes, note)), scale


def matrix_in_logarithms(
    values: Floats, file: str, lines: Sequence[int], given: str | None, header: str = ""
) -> tuple[Floats, Scale, str]:
    """`logarithms` of a matrix ``(cell lines, genes)``; ``lines`` are the rows of the genes."""
    n_lines, n_genes = values.shape
    cell = np.repeat(np.arange(n_lines, dtype=np.int32), n_genes)
    gene = np.tile(np.arange(n_genes, dtype=np.int32), n_lines)
    flat = Measured(file, header, values.ravel(), cell, gene, lambda at: lines[at % n_genes])
    found, scale, note = logarithms(flat, given)
    return found.reshape(values.shape), scale, note


def logarithms(measured: Measured, given: str | None) -> tuple[Floats, Scale, str]:
    """Values as logarithms ``(n,)``, the scale that they had, and a sentence that says what was done.

    Raises
    ------
    InputError
        If what the user says, the column's name and the values disagree.
    """
    said = columns.expression(measured.header) or None
    if given is not None and said is not None and said != given:
        raise InputError(
            f'{measured.file}: the column "{measured.header}" says {said}, and {way("expression", given)} another '
            "scale; correct the one that is wrong"
        )
    likely = _by_values(measured)
    scale: Scale = given or said or ("z" if likely == "z" else "log2")  # type: ignore[assignment]
    known = given is not None and said is not None
    if (at := _impossible(measured, scale, known)) is not None:
        fits = f", which fits {likely}" if likely not in (None, scale) else ""
        renamed = f"call the column {likely}, or pass" if likely and measured.header else "pass"
        column = f", column {measured.header}" if measured.header else ""
        raise InputError(
            f'{measured.file}, row {measured.line(at)}{column}: "{measured.values[at]:g}" shows '
            f"that the values are not {scale}; they are {_range(measured.values)}{fits}; "
            + (f"{renamed} {way('expression', likely or 'linear')}" if likely != scale else "correct it")
            + (
                f", or {way('expression', scale)} if that is right"
                if _unsure(measured, scale) and not known
                else ""
            )
        )
    totals = np.bincount(measured.cell, weights=np.nan_to_num(measured.values))[measured.cell]
    source = "the option" if given else f'the header "{measured.header}"' if said else "the values"
    note = f"{measured.file}: expression: {_range(measured.values)}, by {source} {_DONE[scale]}"
    return as_log2(measured.values, scale, np.where(totals > 0, totals, 1.0)), scale, note


def _by_values(measured: Measured) -> Scale | None:
    """The scale that values have; None where none fits."""
    values = measured.values[~np.isnan(measured.values)]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if low < 0:
        if low < SMALLEST_LOG2 or high > LARGEST_LOG2:
            return None
        return "z" if _standardised(measured) else "log2"
    if high <= LARGEST_LOG2:
        return "log2"
    if np.equal(np.mod(values, 1), 0).all():
        return "counts"
    sums = np.bincount(measured.cell, weights=np.nan_to_num(measured.values))
    return "tpm" if np.median(np.abs(sums / PER_MILLION - 1)) < NEAR else "linear"


def _standardised(measured: Measured) -> bool:
    """Whether nearly all genes have the mean 0 and the deviation 1."""
    there = ~np.isnan(measured.values)
    gene, values = measured.gene[there], measured.values[there]
    n = np.bincount(gene)
    mean = np.bincount(gene, weights=values) / np.maximum(n, 1)
    square = np.bincount(gene, weights=values**2) / np.maximum(n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (square - mean**2) * n / np.maximum(n - 1, 1)
    one = (np.abs(mean) < 0.05) & (np.abs(variance - 1) < 0.5)
    return bool(one[n > 2].mean() > 0.9) if (n > 2).any() else False


def _impossible(measured: Measured, scale: Scale, known: bool) -> int | None:
    """The position of a value that shows that the values are not of a scale; None where they may be."""
    values = measured.values
    if np.isnan(values).all():
        return None
    largest, smallest = int(np.nanargmax(values)), int(np.nanargmin(values))
    if scale == "log2":
        return (
            largest
            if values[largest] > LARGEST_LOG2
            else smallest
            if values[smallest] < SMALLEST_LOG2
            else None
        )
    if scale == "z":
        size = np.abs(values)
        far = int(np.nanargmax(size))
        return far if size[far] > LARGEST_Z or np.nanmedian(size) > MEDIAN_Z else None
    if values[smallest] < 0:
        return smallest
    if known:
        return None
    if _unsure(measured, scale):
        return largest
    if scale == "counts" and not columns.is_expected(measured.header):
        broken = np.mod(values, 1) > 0
        return int(np.flatnonzero(broken)[0]) if broken.mean() > 0.01 else None
    return None


def _unsure(measured: Measured, scale: Scale) -> bool:
    """Whether values of a linear scale are as small as logarithms."""
    small = float(np.nanmax(measured.values)) <= LARGEST_LOG2 and float(np.nanmin(measured.values)) >= 0
    return scale in ("tpm", "counts", "linear") and small and len(np.unique(measured.gene)) >= MANY


def _range(values: Floats) -> str:
    there = values[~np.isnan(values)]
    return f"{there.min():g} to {there.max():g}" if len(there) else "no value"
