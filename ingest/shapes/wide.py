"""Reads wide tables: names down the side and along the top, a value where they meet.

What lies down the side is told in `ingest.shapes.sides`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pharmagraph.ingest.contracts import FILES
from pharmagraph.ingest.long_table import LongTable, Texts
from pharmagraph.ingest.matrix import Matrix, read_matrix
from pharmagraph.ingest.names import cell_line_id
from pharmagraph.ingest.rejections import ColumnsRead, Rejections, nothing_left
from pharmagraph.ingest.screen import Levels, Mutations
from pharmagraph.ingest.shapes.bounds import SIDES
from pharmagraph.ingest.shapes.long_form import distinct
from pharmagraph.ingest.shapes.shape import EXPRESSION, RESPONSES, Companions, Head, Part, Shape
from pharmagraph.ingest.shapes.sides import WAY, known_beside, side_of
from pharmagraph.ingest.shapes.tables import valid
from pharmagraph.ingest.units import columns
from pharmagraph.ingest.units.expression import in_logarithms
from pharmagraph.ingest.units.responses import in_graph_units
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.header import folded
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import shown

MEASURES = ("ic50", "auc", "response")
"""What the values of a wide table of responses may be."""

NO_NUMBER = "column without a number"
"""Why a column is left out; it is counted."""

_FEWEST = 3
_MOST = 0.8
"""Share of the cells that are numbers in a wide table; others are bad cells."""
_ENTREZ = re.compile(r"(\S+) \((\d+)\)")


@dataclass(frozen=True)
class Layout:
    """What is said of a wide table.

    Parameters
    ----------
    rows
        What lies down the side: ``drug``, ``cell_line`` or ``gene``; empty where the names have to tell.
    values
        Of responses: one of `MEASURES`; empty where the first column's name has to tell.
    skip
        Columns that are not read.
    """

    rows: str = ""
    values: str = ""
    skip: tuple[str, ...] = ()


def is_wide(head: Head, part: str) -> bool:
    """Whether a file that begins so is a wide table of this part of a screen: names, and numbers beside them."""
    names = head.header.names
    long_names = FILES[part].columns
    if len(names) < 2 or not head.rows or any(head.header.find(c) not in (None, 0) for c in long_names):
        return False
    labels, *cells = zip(*head.rows, strict=True)
    texts = [text for column in cells for text in column if text.lower() not in numbers.NO_VALUE]
    bounded = part == RESPONSES
    numeric = [
        text for text in texts if numbers.finite_number(text) is not None or (bounded and numbers.bound(text))
    ]
    named = all(label and (label.isdecimal() or numbers.finite_number(label) is None) for label in labels)
    return named and bool(numeric) and len(numeric) >= _MOST * len(texts)


def why_not_wide(head: Head, part: str) -> str:
    """The end of a sentence that says why a file that lacks columns is no wide table either; empty if none tells."""
    names = head.header.names
    if (
        len(names) < _FEWEST
        or not names[0]
        or any(head.header.find(c) not in (None, 0) for c in FILES[part].columns)
    ):
        return ""
    for row in head.rows:
        for name, text in zip(names[1:], row[1:], strict=True):
            try:
                numbers.as_number(text)
            except numbers.NotANumberError as error:
                return (
                    f'; as a wide table it has "{shortened(text)}" in column {shortened(name)}, which {error}'
                )
    return ""


def read_responses(path: Path, beside: Companions, rejections: Rejections, layout: Layout) -> Part:
    """A value for each drug and cell line.

    Raises
    ------
    InputError
        If it is not clear what the values or the sides are, or a unit is not.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    matrix, corner = _matrix(path, "TESTED_ON", rejections, layout, bounded=True)
    measure, header = _measure(matrix, corner, layout, shown(path))
    if measure != "ic50":
        matrix = _without_bounds(matrix, measure, rejections)
    side = _side(matrix, corner, layout, ("drug", "cell_line"), beside, path)
    other = "cell_line" if side == "drug" else "drug"
    _tell(path, rejections, corner, side, f"{other}, {header} where they meet", matrix, layout)
    at, along = np.nonzero(~np.isnan(matrix.values))
    texts = {side: Texts(matrix.rows, at), other: Texts(matrix.columns, along)}
    if matrix.sides is not None and matrix.sides.any():
        of_cell = matrix.sides[at, along]
        texts["censored"] = Texts(tuple(SIDES), np.where(of_cell == 0, -1, np.where(of_cell > 0, 0, 1)))
    values = {c: np.full(len(at), np.nan) for c in ("ln_ic50", "auc", "response")}
    column = {"ic50": "ln_ic50"}.get(measure, measure)
    values[column] = matrix.values[at, along]
    lines = np.array(matrix.lines, np.int64)[at]
    headers = {column: header} if measure != "response" else {}
    table = LongTable(shown(path), lines, texts, values, ("response",), headers=headers)
    table = in_graph_units(distinct(table, rejections, "TESTED_ON"), beside.units, rejections)
    return Part(responses=valid(table, rejections))


def read_expression(path: Path, beside: Companions, rejections: Rejections, layout: Layout) -> Part:
    """A value for each cell line and gene.

    Raises
    ------
    InputError
        If it is not clear what the sides are, the scale is not, or a cell line or a gene is there twice.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    levels = _levels(path, "EXPRESSES", beside, rejections, layout, "expression")
    at, along = np.nonzero(~np.isnan(levels.values))
    texts = {"cell_line": Texts(levels.cell_lines, at), "gene": Texts(levels.genes, along)}
    number = {"value": levels.values[at, along]}
    long = LongTable(levels.file, levels.lines[along], texts, number, (), headers={"value": "value"})
    long, scale = in_logarithms(long, beside.units)
    values = np.full(levels.values.shape, np.nan)
    values[at, along] = long.numbers["value"]
    return Part(expression=replace(levels, values=values, notes=long.notes, z=scale == "z"))


def read_layer(path: Path, beside: Companions, rejections: Rejections, layout: Layout, *, kind: str) -> Part:
    """A value for each cell line and gene as it is in the file, which becomes edges of a kind.

    Raises
    ------
    InputError
        If it is not clear what the sides are, or a cell line or a gene is there twice.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    return Part(layer=_levels(path, kind, beside, rejections, layout, "value"))


def read_mutations(path: Path, beside: Companions, rejections: Rejections, layout: Layout) -> Part:
    """Genes of cell lines whose value is not 0.

    Raises
    ------
    InputError
        If it is not clear what the sides are, or a cell line or a gene is there twice.
    RowError
        At the first bad cell, unless rows are being rejected.
    """
    levels = _levels(path, "MUTATED", beside, rejections, layout, "mutated unless 0")
    at, along = np.nonzero(np.nan_to_num(levels.values))
    return Part(
        mutations=Mutations(
            levels.file,
            tuple(levels.cell_lines[i] for i in at),
            tuple(levels.genes[j] for j in along),
            tuple(levels.lines[along].tolist()),
        )
    )


def _without_bounds(matrix: Matrix, measure: str, rejections: Rejections) -> Matrix:
    """The table without bounds, which are bad cells where no IC50 is: a share or a class has none."""
    if matrix.sides is None or not matrix.sides.any():
        return matrix
    values = matrix.values.copy()
    for at, along in zip(*np.nonzero(matrix.sides), strict=True):
        text = f"{'>' if matrix.sides[at, along] > 0 else '<'}{values[at, along]:g}"
        reason = f"is a bound, and this table holds {measure}; bounds are read of IC50s alone"
        rejections.bad("TESTED_ON", matrix.file[at], matrix.lines[at], matrix.columns[along], text, reason)
        values[at, along] = np.nan
    return replace(matrix, values=values, sides=None)


def _matrix(
    path: Path, kind: str, rejections: Rejections, layout: Layout, *, bounded: bool = False
) -> tuple[Matrix, str]:
    """The numbers, and the name of the first column."""
    with records(path) as table:
        names = table.header.names
    at = {folded(name): name for name in names}
    for column in layout.skip:
        if folded(column) not in at:
            raise InputError(f"{shown(path)} has no column {column}; take it out of skip in manifest.yaml")
    matrix = read_matrix(
        path, rejections, kind=kind, texts=[at[folded(c)] for c in layout.skip], bounded=bounded
    )
    if not matrix.rows or np.isnan(matrix.values).all():
        raise nothing_left(shown(path), "number", rejections, unit="cell")
    matrix = _valued(matrix, kind, rejections)
    if "" in matrix.columns:
        nameless = names.index("", 1) + 1
        raise InputError(f"{shown(path)}: column {nameless:,} has values and no name; name it, or delete it")
    return matrix, names[0] if names[0] not in matrix.columns else ""


def _valued(matrix: Matrix, kind: str, rejections: Rejections) -> Matrix:
    """The table without columns that have no number, such as one of descriptions: they are no drug, line or gene."""
    there = np.asarray(~np.isnan(matrix.values).all(axis=0))
    if there.all():
        return matrix
    for at in np.flatnonzero(~there):
        rejections.set_aside(kind, matrix.file[0], None, matrix.columns[at], NO_NUMBER, rows=1)
    columns = tuple(name for name, kept in zip(matrix.columns, there, strict=True) if kept)
    sides = None if matrix.sides is None else matrix.sides[:, there]
    return replace(matrix, columns=columns, values=matrix.values[:, there], sides=sides)


def _levels(
    path: Path, kind: str, beside: Companions, rejections: Rejections, layout: Layout, what: str
) -> Levels:
    """Values of cell lines and genes as they are in the file."""
    matrix, corner = _matrix(path, kind, rejections, layout)
    side = _side(matrix, corner, layout, ("gene", "cell_line"), beside, path)
    other = "cell_line" if side == "gene" else "gene"
    _tell(path, rejections, corner, side, f"{other}, {what} where they meet", matrix, layout)
    lines, names = (matrix.columns, matrix.rows) if side == "gene" else (matrix.rows, matrix.columns)
    first = np.array(matrix.lines, np.int64) if side == "gene" else np.ones(len(names), np.int64)
    values = matrix.values.T if side == "gene" else matrix.values
    found = [_ENTREZ.fullmatch(name) for name in names]
    genes = tuple(m[1] if m else name for m, name in zip(found, names, strict=True))
    _once(lines, cell_line_id, "cell line", shown(path))
    _once(genes, str, "gene", shown(path))
    entrez = [int(m[2]) if m else None for m in found]
    return Levels(shown(path), lines, genes, values, first, entrez if any(entrez) else ())


def _once(names: Sequence[str], id_of: Callable[[str], str], what: str, file: str) -> None:
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if (other := first.setdefault(id_of(name), at)) != at:
            raise InputError(f"{file}: {names[other]} and {name} are the same {what}; keep one")


def _measure(matrix: Matrix, corner: str, layout: Layout, file: str) -> tuple[str, str]:
    """What the values of responses are, and the name that says in which unit."""
    said = layout.values or corner
    if layout.values == "response" or (not layout.values and folded(corner) == "response"):
        return "response", "response"
    if layout.values == "ic50" or columns.ic50(said) is not None:
        return "ic50", corner if columns.ic50(corner) is not None else "ic50"
    if layout.values == "auc" or columns.auc(said) is not None:
        return "auc", corner if columns.auc(corner) is not None else "auc"
    there = matrix.values[~np.isnan(matrix.values)]
    if np.isin(there, (0, 1)).all():
        return "response", "response"
    raise InputError(
        f"{file} is a wide table, and nothing says what its values are ({there.min():g} to {there.max():g}): "
        f"call its first column ln_ic50, auc or response, or {WAY}"
    )


def _side(
    matrix: Matrix, corner: str, layout: Layout, kinds: tuple[str, str], beside: Companions, path: Path
) -> str:
    names, known = (matrix.rows, matrix.columns), known_beside(beside.named, path)
    return side_of(names, corner, kinds, known, shown(path), layout.rows)[0]


def _tell(
    path: Path, rejections: Rejections, corner: str, side: str, rest: str, matrix: Matrix, layout: Layout
) -> None:
    """Say what became of the columns."""
    used = {corner or "first column": side, f"{len(matrix.columns):,} columns": rest}
    rejections.columns.append(ColumnsRead(shown(path), used, layout.skip))


_READ = {RESPONSES: read_responses, EXPRESSION: read_expression}


def wide_shape(part: str) -> Shape:
    """The shape of a wide table of responses or expression, of which nothing is said."""
    return Shape(f"{part} as a wide table", part, partial(_READ[part], layout=Layout()))
