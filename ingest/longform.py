"""Reads tables in long form, one fact per row, by the contract of their columns; errors name the row."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmagraph.ingest.contracts import FILES, FileContract, control_character
from pharmagraph.ingest.matrix import existing, open_text, shown
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.user_tables import finite_number


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Parameters
    ----------
    line
        Line number in the file; the header is line 1.
    values
        Column → text, number, or None if the cell is empty; it has all columns of the contract.
    """

    line: int
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


def read_long(path: Path, contract: str, rejections: Rejections, *, kind: str) -> list[Row]:
    """Read a CSV file, or a TSV file, by its contract.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv`` or ``.txt`` (tabs), gzip or not.
    contract
        A key of `ingest.contracts.FILES`.
    rejections
        Collects bad rows.
    kind
        Node label or relationship type that the rows become, for the report.

    Raises
    ------
    InputError
        If the file is missing or lacks a column.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    columns = FILES[contract]
    rows: list[Row] = []
    first_seen: dict[tuple[str, ...], int] = {}
    for line, cells in table_rows(path, columns.required, what=f"a table of {contract} is needed"):
        row = _checked(line, cells, columns, rejections, kind, shown(path))
        if row is None:
            continue
        key = tuple(str(row[c]) for c in columns.key)
        if key and key in first_seen:
            rejections.bad(
                kind,
                shown(path),
                line,
                columns.key[-1],
                ", ".join(key),
                f"is already in row {first_seen[key]}; keep one",
            )
            continue
        first_seen[key] = line
        rows.append(row)
    return rows


def table_rows(path: Path, required: Sequence[str], *, what: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells by column of each row of a table with a header.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or lacks a column.
    """
    existing(path, what=what)
    tabs = any(suffix in {".tsv", ".txt"} for suffix in path.suffixes)
    with open_text(path) as file:
        reader = csv.DictReader(file, delimiter="\t" if tabs else ",", restval="")
        names = [n.strip() for n in reader.fieldnames or ()]
        reader.fieldnames = names
        for column in required:
            if column not in names:
                raise InputError(
                    f'{shown(path)}, row 1: there is no column "{column}"; it has {", ".join(names) or "nothing"}. '
                    f"Needed: {', '.join(required)}"
                )
        for cells in reader:
            yield reader.line_num, {k: (v or "").strip() for k, v in cells.items() if isinstance(k, str)}


def _checked(
    line: int, cells: dict[str, str], contract: FileContract, rejections: Rejections, kind: str, file: str
) -> Row | None:
    values: dict[str, Any] = {}
    for column in contract.columns:
        text = cells.get(column, "")
        if column == "smiles":  # behind a blank or a tab stand a name or extensions, which are no structure
            text = next(iter(text.split()), "")
        if not text:
            if column in contract.required:
                rejections.bad(kind, file, line, column, "", "is empty; fill it or delete the row")
                return None
            values[column] = None
        elif column in contract.numbers or column in contract.integers:
            number = finite_number(text)
            if number is None or (column in contract.integers and number != int(number)):
                whole = "whole number" if column in contract.integers else "finite number"
                rejections.bad(kind, file, line, column, text, f"is not a {whole}")
                return None
            values[column] = int(number) if column in contract.integers else number
        elif sign := control_character(text):
            rejections.bad(kind, file, line, column, text, f"holds the control character {sign}; remove it")
            return None
        else:
            values[column] = text
    return Row(line, values)
