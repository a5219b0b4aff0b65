"""Expression in GCT, versions 1.2 and 1.3: genes down the side, cell lines along the top, as CCLE's files are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.gene_words import other_kind
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels
from pharmagraph.ingest.shapes.shape import EXPRESSION, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import line_name
from pharmagraph.ingest.units.expression import LARGEST_LOG2, as_log2
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.header import folded
from pharmagraph.kg.reading.text import opened, shown, tidy

_VERSIONS = ("#1.2", "#1.3")
_SYMBOL_COLUMNS = ("pr_gene_symbol", "gene_symbol", "symbol", "hgnc_symbol", "gene_name", "description")


def read_gct(path: Path, rejections: Rejections) -> Levels:
    """The expression in a file, as logarithms.

    Raises
    ------
    InputError
        If the file is not as its second line says, or has negative numbers on a linear scale.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    file = shown(path)
    with opened(path) as text:
        lines = enumerate((line.rstrip("\n").split("\t") for line in text), start=1)
        (_, version), (_, sizes), (_, header) = (next(lines, (0, [""])) for _ in range(3))
        n_rows, n_lines, n_texts, n_above = _sizes(sizes, version[0].strip(), file)
        if len(header) != n_texts + n_lines:
            raise InputError(
                f"{file}, row 3: the header has {len(header)} columns where row 2 says {n_texts + n_lines}"
            )
        for _ in range(n_above):
            next(lines, None)
        symbol_at = _symbol_column(header[:n_texts], version[0].strip())
        genes, rows, values = _rows(lines, n_texts, symbol_at, len(header), file, rejections)
    if len(rows) + sum(r.kind == "EXPRESSES" and r.file == file for r in rejections.rejected) < n_rows:
        raise InputError(f"{file} has {len(rows):,} rows where row 2 says {n_rows:,}; fetch it again")
    _, of_gene, count = np.unique(genes, return_inverse=True, return_counts=True)
    once = count[of_gene] == 1
    kept = np.flatnonzero(once)
    levels, note = _logarithms(values.T, file)
    return Levels(
        file,
        tuple(line_name(tidy(name)) for name in header[n_texts:]),
        tuple(genes[i] for i in kept),
        levels[:, kept],
        np.array(rows, np.int64)[kept],
        (),
        (
            note,
            *unmatched_note(
                "genes", {genes[i] for i in np.flatnonzero(~once)}, "stand in several rows, and are left out"
            ),
        ),
        as_downloaded=True,
    )


def _sizes(cells: list[str], version: str, file: str) -> tuple[int, int, int, int]:
    """Rows, cell lines, columns of texts, and rows of texts below the header."""
    wanted = 2 if version == "#1.2" else 4
    filled = [c.strip() for c in cells if c.strip()]
    if len(filled) != wanted or not all(c.isdecimal() for c in filled):
        raise InputError(f"{file}, row 2: {wanted} whole numbers are needed behind {version}; fetch it again")
    n_rows, n_lines, *more = map(int, filled)
    return (n_rows, n_lines, 1 + more[0], more[1]) if more else (n_rows, n_lines, 2, 0)


def _symbol_column(names: list[str], version: str) -> int:
    """Where symbols may stand beside the first column; that itself if nowhere."""
    if version == "#1.2":
        return 1
    found = [folded(name) for name in names]
    return next((found.index(c) for c in _SYMBOL_COLUMNS if c in found), 0)


def _rows(
    lines: Iterator[tuple[int, list[str]]],
    n_texts: int,
    symbol_at: int,
    width: int,
    file: str,
    rejections: Rejections,
) -> tuple[list[str], list[int], npt.NDArray[np.float64]]:
    """Gene, line and values of each row: the symbol where it has the form of one, or else the name."""
    genes: list[str] = []
    numbers_of: list[int] = []
    values: list[npt.NDArray[np.float64]] = []
    for line, cells in lines:
        if not any(cells):
            continue
        name, symbol = tidy(cells[0]), tidy(cells[symbol_at]) if len(cells) > symbol_at else ""
        if len(cells) != width:
            reason = f"has {len(cells)} cells where the header has {width}"
            rejections.bad("EXPRESSES", file, line, None, name, reason)
            continue
        row, wrong = numbers.column(cells[n_texts:])
        if wrong:
            at = min(wrong)
            rejections.bad("EXPRESSES", file, line, None, cells[n_texts + at], wrong[at])
            continue
        genes.append(symbol if is_gene_symbol(symbol) and not other_kind(symbol) else name)
        numbers_of.append(line)
        values.append(row)
    return genes, numbers_of, np.array(values).reshape(len(values), width - n_texts)


def _logarithms(values: npt.NDArray[np.float64], file: str) -> tuple[npt.NDArray[np.float64], str]:
    """Values ``(cell lines, genes)`` on a scale of logarithms, and a sentence that says what they were taken for."""
    largest = np.nanmax(values, initial=0)
    if largest <= LARGEST_LOG2:
        return values, f"{file}: no value is above {LARGEST_LOG2:g}; they are taken for logarithms"
    if np.nanmin(values, initial=0) < 0:
        raise InputError(
            f"{file} has values below 0 and above {LARGEST_LOG2:g}, which are no expression; give TPM or counts"
        )
    if np.equal(np.mod(np.nan_to_num(values), 1), 0).all():
        note = f"{file}: whole numbers are taken for counts, and become log2(counts per million + 1)"
        return as_log2(values, "counts", np.nansum(values, axis=1, keepdims=True)), note
    return as_log2(values, "linear"), f"{file}: values are taken for TPM or RPKM, and become log2(x + 1)"


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    return Part(expression=read_gct(path, rejections))


GCT = Shape("expression in GCT", EXPRESSION, _read, tells=lambda head: head.first.strip() in _VERSIONS)
