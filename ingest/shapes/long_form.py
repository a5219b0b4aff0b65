"""The long layout: tables with one fact a row, whose columns have the project's own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pharmagraph.ingest.contracts import FILES
from pharmagraph.ingest.long_table import LongTable, require_rows, without_repeats
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed
from pharmagraph.ingest.shapes.bounds import with_bounds
from pharmagraph.ingest.shapes.shape import CELLS, DRUGS, EXPRESSION, RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.sides import NAMING
from pharmagraph.ingest.shapes.tables import valid
from pharmagraph.ingest.units.expression import in_logarithms
from pharmagraph.ingest.units.responses import in_graph_units

_SPELLING = " under another spelling; keep one"


def _responses(path: Path, companions: Companions, rejections: Rejections) -> Part:
    table = in_graph_units(_read(path, RESPONSES, rejections, "TESTED_ON"), companions.units, rejections)
    table = with_bounds(valid(table, rejections), rejections)
    require_rows(table, "response", rejections)
    return Part(responses=table)


def _drugs(path: Path, companions: Companions, rejections: Rejections) -> Part:
    return Part(drugs=Listed.of(_read(path, DRUGS, rejections, "Drug")))


def _cells(path: Path, companions: Companions, rejections: Rejections) -> Part:
    return Part(cells=Listed.of(_read(path, CELLS, rejections, "CellLine")))


def _expression(path: Path, companions: Companions, rejections: Rejections) -> Part:
    table = _read(path, EXPRESSION, rejections, "EXPRESSES")
    require_rows(table, "value", rejections)
    table, scale = in_logarithms(table, companions.units)
    return Part(expression=Levels.of(table, z=scale == "z"))


def _read(path: Path, contract: str, rejections: Rejections, kind: str) -> LongTable:
    return distinct(read_long(path, contract, rejections, kind=kind), rejections, kind)


def distinct(table: LongTable, rejections: Rejections, kind: str) -> LongTable:
    """A table's rows; further rows with the same names, once folded, are bad rows."""
    folding: dict[str, Callable[[str], str]] = {"drug": drug_id, "cell_line": cell_line_id, "gene": str}
    columns = [c for c in folding if c in table.texts]
    codes = [table.texts[c].numbered(folding[c])[1] for c in columns]
    shown = [table.texts[c] for c in columns]
    return without_repeats(table, codes, rejections, kind, None, _SPELLING, shown)


def _shape(part: str, read: Callable[[Path, Companions, Rejections], Part], *telling: str) -> Shape:
    contract = FILES[part]
    any_of = contract.any_of or (() if contract.valued else contract.optional)
    columns = (*contract.required, *telling)
    naming: dict[str, str] = {c: c for c in NAMING if c in contract.columns}
    return Shape(
        f"{part} in long form", part, read, columns, any_of=any_of, united=contract.united, naming=naming
    )


BY_NAME = {
    RESPONSES: _shape(RESPONSES, _responses),
    EXPRESSION: _shape(EXPRESSION, _expression),
    DRUGS: _shape(DRUGS, _drugs, "smiles"),
    CELLS: _shape(CELLS, _cells),
}
"""A file of one of these names has this shape unless it is a download of another one."""
