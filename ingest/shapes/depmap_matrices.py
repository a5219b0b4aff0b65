"""DepMap's matrices: cell lines (``ACH-…``) down the side, genes (``SYMBOL (ENTREZ)``) along the top.

Files of expression, copy number, gene effects and others have the same header, so their values tell them apart.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.matrix import Matrix, read_matrix
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels
from pharmagraph.ingest.shapes.shape import (
    COPY_NUMBER,
    DEPENDENCY,
    EXPRESSION,
    Companions,
    Head,
    Part,
    Read,
    Shape,
)
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.header import folded
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import shown

_GENE = re.compile(r"(?P<symbol>\S+) \((?:(?P<entrez>\d+)|ENSG\d+)\)")
_LINE = re.compile(r"ACH-\d{6}")
_MODEL = "modelid"
_DEFAULT = ("isdefaultentryformodel", "is_default_entry")
_TRUE = {"yes", "true", "1"}
_LABELS = {
    _MODEL,
    *_DEFAULT,
    "isdefaultentryformc",
    "modelconditionid",
    "sequencingid",
    "profileid",
    "profile_id",
}
_LOGARITHM_BELOW = 25
"""log2(TPM + 1) is below it, since 2**25 is more than all of a million."""

_LARGEST_LOG_RATIO = 8.0
"""log2(ratio + 1) of copy numbers is below it: no gene is there 255 times. Ratios of amplified genes are above it."""

_ENOUGH = 1_000_000
"""Copy numbers of which some are amplified: those of 50 cell lines."""

_SMALLEST_RATIO = 2.0**-6
"""A gene that is gone has no logarithm."""

_LARGEST_EFFECT = 3.0
_DIGITS = 4


def _gene_columns(head: Head) -> list[int]:
    """Where the genes are; none if another column is neither a gene nor a known label."""
    names = head.header.names
    genes = [at for at, name in enumerate(names) if at and _GENE.fullmatch(name)]
    others = [folded(name) for at, name in enumerate(names) if at and not _GENE.fullmatch(name)]
    return genes if set(others) <= _LABELS else []


def _values(head: Head) -> npt.NDArray[np.float64] | None:
    """The numbers of the first rows; None if the file is no matrix of cell lines and genes."""
    genes = _gene_columns(head)
    at = next((n for n, name in enumerate(head.header.names) if folded(name) == _MODEL), 0)
    if not genes or not head.rows or not all(_LINE.fullmatch(row[at]) for row in head.rows):
        return None
    values, _ = numbers.column([row[n] for row in head.rows for n in genes])
    return values[~np.isnan(values)]


@lru_cache(maxsize=1)  # each shape asks for the kind of the same file
def _kind(head: Head) -> str:
    """What the values are; empty if the file is no matrix, or of nothing that is known.

    Gene effects fall below 0 and hardly rise above 1; larger numbers beside negative ones, as logarithms have them, are
    nothing that is known. Probabilities lie between 0 and 1, and calls of mutations are 0, 1 and 2. A relative copy
    number is about 1 in most genes. Of log2(TPM + 1) a tenth or more is above 3, and nothing above 25.
    """
    values = _values(head)
    if values is None or not len(values):
        return ""
    if values.min() < 0:
        return "effect" if np.quantile(values, 0.99) < _LARGEST_EFFECT else ""
    if np.isin(values, (0, 1, 2)).all():
        return "calls"
    if values.max() <= 1:
        return "probability"
    if np.quantile(values, 0.9) > 3:
        whole = np.equal(np.mod(values, 1), 0).all()
        return "expression" if values.max() < _LOGARITHM_BELOW and not whole else "counts"
    return "copy number" if 0.5 < np.median(values) < 2 else ""


def read_levels(path: Path, rejections: Rejections, kind: str) -> Levels:
    """The values of a matrix; of several sequencings of a cell line those of the one that DepMap calls its default.

    Parameters
    ----------
    kind
        Relationship type that they become.

    Raises
    ------
    InputError
        If a cell line is there twice.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    with records(path) as table:
        labels = [name for at, name in enumerate(table.header.names) if at and folded(name) in _LABELS]
    matrix = read_matrix(path, rejections, kind=kind, texts=labels)
    by_label = {folded(name): cells for name, cells in matrix.texts.items()}
    default = next((by_label[c] for c in _DEFAULT if c in by_label), None)
    lines = by_label.get(_MODEL, matrix.rows)
    notes: tuple[str, ...] = ()
    if default is not None:
        mask = np.array([cell.lower() in _TRUE for cell in default])
        lines = tuple(line for line, kept in zip(lines, mask, strict=True) if kept)
        matrix = matrix.keep(mask)
        if not mask.all():
            notes = (
                f"sequencings that are not their cell line's default, and are left out: {int((~mask).sum()):,}",
            )
    line, n = Counter(lines).most_common(1)[0] if lines else ("", 0)
    if n > 1:
        raise InputError(f"{shown(path)}: {line} is there {n} times; keep one")
    return _levels(matrix, lines, shown(path), notes)


def _levels(matrix: Matrix, lines: tuple[str, ...], file: str, notes: tuple[str, ...]) -> Levels:
    found = [_GENE.fullmatch(name) for name in matrix.columns]
    symbols = [m["symbol"] if m else "" for m in found]
    formed = np.array([is_gene_symbol(s) for s in symbols], bool)
    _, of_symbol, count = np.unique(symbols, return_inverse=True, return_counts=True)
    once = count[of_symbol] == 1
    kept = np.flatnonzero(formed & once)
    entrez = [int(m["entrez"]) if m and m["entrez"] else None for m in found]
    return Levels(
        file,
        lines,
        tuple(symbols[i] for i in kept),
        matrix.values[:, kept],
        np.ones(len(kept), np.int64),
        [entrez[i] for i in kept],
        (
            *notes,
            *unmatched_note("genes", {s for s, f, o in zip(symbols, formed, once, strict=True) if f and not o},
                            "stand in several columns, and are left out"),
            *unmatched_note("columns", {n for n, f in zip(matrix.columns, formed, strict=True) if not f},
                            "do not have the form of a gene, and are left out"),
        ),
        as_downloaded=True,
    )  # fmt: skip


def _expression(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """log2(TPM + 1)."""
    return Part(expression=read_levels(path, rejections, "EXPRESSES"))


def _gene_effects(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """0 is no effect, and -1 the median of the genes that all cell lines need."""
    return Part(layer=read_levels(path, rejections, "DEPENDS_ON"))


def _copy_numbers(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """Copies relative to the cell line's mean, which earlier releases have as log2(ratio + 1), become log2(ratio)."""
    levels = read_levels(path, rejections, "COPY_NUMBER")
    largest = float(np.nanmax(levels.values, initial=0))
    if np.nanmin(levels.values, initial=0) < 0:
        raise InputError(f"{levels.file} has copy numbers below 0; give ratios, or log2(ratio + 1)")
    is_ratio = largest > _LARGEST_LOG_RATIO
    n_values = int((~np.isnan(levels.values)).sum())
    if not is_ratio and n_values < _ENOUGH:
        raise InputError(
            f"{levels.file}: no copy number of {n_values:,} is above {_LARGEST_LOG_RATIO:g}; they may be ratios or "
            "log2(ratio + 1); give the whole file, or take it out, and load gains and losses with cli ingest omics"
        )
    ratio = levels.values if is_ratio else np.exp2(levels.values) - 1
    said = "ratios" if is_ratio else "log2(ratio + 1)"
    return Part(
        layer=replace(levels, values=np.round(np.log2(np.maximum(ratio, _SMALLEST_RATIO)), _DIGITS)),
        notes=(f"{levels.file}: copy numbers are taken for {said}, and become log2(ratio)",),
    )


def _shape(name: str, kind: str, *, gives: str = "", read: Read | None = None, instead: str = "") -> Shape:
    return Shape(name, gives, read, tells=lambda head: _kind(head) == kind, instead=instead)


EXPRESSION_MATRIX = _shape(
    "DepMap expression, log2(TPM + 1)", "expression", gives=EXPRESSION, read=_expression
)
GENE_EFFECTS = _shape("DepMap CRISPR gene effects", "effect", gives=DEPENDENCY, read=_gene_effects)
COPY_NUMBERS = _shape("DepMap relative copy numbers", "copy number", gives=COPY_NUMBER, read=_copy_numbers)
PROBABILITIES = _shape(
    "DepMap dependency probabilities",
    "probability",
    instead="gene effects are read in their place, CRISPRGeneEffect.csv",
)
CALLS = _shape(
    "DepMap matrix of mutations",
    "calls",
    instead="mutations are read from OmicsSomaticMutations.csv",
)
COUNTS = _shape(
    "DepMap expression on another scale than log2(TPM + 1)",
    "counts",
    instead="expression is read from the file with TPMLogp1 in its name",
)
