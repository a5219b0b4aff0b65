"""Makes rows of a table's lines: finds the header, the separator and the quotes, and tells bad rows from good ones.

A line without a quote is a row by itself. A quote that is open at the end of its line is closed by a later line only
where the column may hold several lines; else it is a bad row, and the next line is a row again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.columnar import is_columnar, opened_columns
from pharmagraph.kg.reading.header import Header
from pharmagraph.kg.reading.lines import Lines
from pharmagraph.kg.reading.rows import BATCH, MOST_EMPTY, SEPARATORS, BadRow, Batch, Records
from pharmagraph.kg.reading.text import first_bytes, located, opened, shown, tidy
from pharmagraph.kg.reading.unpacking import unpacked_copy
from pharmagraph.kg.reading.workbook import OLD, ZIP, is_workbook, sheet_names, sheet_rows

ABOVE = 20
"""Rows of titles that may stand above a header that is looked for."""

MOST_LINES = 50
"""Lines that a cell in quotes may have."""

IsHeader = Callable[[Sequence[str]], bool]

_TOO_LONG = "field limit"
_QUOTED = re.compile(r'"[^"]*"')


class _CellRecords(Records):
    """Of a file that has cells of its own: a workbook, or columns with types.

    Parameters
    ----------
    rows
        Their numbers and texts.
    names
        Of the columns; None where the first row has them.
    """

    separator = ""

    def __init__(
        self,
        rows: Iterator[tuple[int, list[str]]],
        called: str,
        names: Sequence[str] | None,
        largest: int | None,
        is_header: IsHeader | None = None,
    ) -> None:
        self._rows, self._called, self._largest, self._left = rows, called, largest, largest
        top = None
        if names is None and is_header is not None:
            first = islice(rows, ABOVE)
            top, names = next((row for row in first if is_header([tidy(c) for c in row[1]])), (None, ()))
        elif names is None:
            top, names = next((row for row in rows if not row[1][0].startswith("#")), (None, ()))
        tidied = [" ".join(tidy(n).split()) for n in names]
        while tidied and not tidied[-1]:
            tidied.pop()
        if not tidied:
            raise InputError(f"{called} is empty; it needs a header and rows")
        self.header = Header(called, top, tuple(tidied))

    def batches(self, multiline: Collection[int] = (), size: int = BATCH) -> Iterator[Batch]:
        width = len(self.header.names)
        while rows := list(islice(self._rows, size)):
            batch = Batch()
            for number, row in rows:
                cells = [tidy(cell) for cell in row]
                if self._left is not None:
                    self._left -= sum(map(len, cells))
                    if self._left < 0:
                        raise InputError(
                            f"{self._called} has more than {self._largest:,} characters; give a smaller table"
                        )
                while len(cells) > width and not cells[-1]:
                    cells.pop()
                broken = next((c for at, c in enumerate(cells) if "\n" in c and at not in multiline), None)
                if broken is not None:
                    batch.bad.append(
                        BadRow(number, broken.replace("\n", " "), "has a line break; take it out")
                    )
                else:
                    self.keep(batch, number, cells + [""] * (width - len(cells)))
            yield batch


class _TextRecords(Records):
    """Of a file of text."""

    def __init__(
        self,
        file: TextIO,
        called: str,
        name: str,
        largest: int | None = None,
        is_header: IsHeader | None = None,
    ) -> None:
        self._lines = Lines(file, called, largest)
        self._called = called
        if is_header is not None:
            self._skip_to(is_header)
        self.separator, names, top = self._header(name)
        self.header = Header(called, top, tuple(names))
        self._width = len(names)

    def _skip_to(self, is_header: IsHeader) -> None:
        """Leave the rows above the header out."""
        for line in islice(self._lines, ABOVE):
            try:
                cells = next(csv.reader([line], delimiter=_separator(line, line, "")), [])
            except csv.Error:  # a cell is longer than any name
                continue
            if is_header([tidy(cell) for cell in cells]):
                self._lines.give_back([line])
                return
        raise InputError(f"{self._called} has no header in its first {ABOVE} rows")

    def batches(self, multiline: Collection[int] = (), size: int = BATCH) -> Iterator[Batch]:
        while True:
            batch = Batch()
            for line in islice(self._lines, size):
                self._add(batch, line, multiline)
            if not batch.rows and not batch.bad and self._at_end():
                return
            yield batch

    def _at_end(self) -> bool:
        line = next(self._lines, None)
        if line is not None:
            self._lines.give_back([line])
        return line is None

    def _add(self, batch: Batch, line: str, multiline: Collection[int]) -> None:
        number = self._lines.number
        if '"' in line:
            cells, reason = self._quoted(line, multiline)
            if reason:
                batch.bad.append(BadRow(number, line.strip(), reason))
                return
        else:
            cells = line.split(self.separator)
        cells = [c.strip() for c in cells] if line.isascii() else [tidy(c) for c in cells]
        self.keep(batch, number, cells)

    def _quoted(self, line: str, multiline: Collection[int]) -> tuple[list[str], str]:
        """The cells of a line with quotes, or why it has none."""
        taken: list[str] = []

        def following() -> Iterator[str]:
            for more in islice(self._lines, MOST_LINES):
                taken.append(more)
                yield f"\n{more}"

        reader = csv.reader(
            chain([line], following()), delimiter=self.separator, skipinitialspace=True, strict=True
        )
        try:
            cells = next(reader)
        except csv.Error as error:
            self._lines.give_back(taken)
            if _TOO_LONG in str(error):
                return [], f"has a cell of more than {csv.field_size_limit():,} characters; shorten it"
            if taken or "unexpected end" in str(error):
                return [], "opens a quote that is not closed in its row; close it"
            return [], "has text behind a closing quote; double the quotes inside a cell"
        if not taken:
            stray = line.count('"') % 2 and {at for at, cell in enumerate(cells) if '"' in cell} - set(
                multiline
            )
            return (
                cells,
                "has a quote that nothing opens; take it out, or double it inside quotes" if stray else "",
            )
        broken = [at for at, cell in enumerate(cells) if "\n" in cell]
        rows_of_their_own = any(len(more.split(self.separator)) == self._width > 1 for more in taken)
        if rows_of_their_own or len(cells) != self._width or not set(broken) <= set(multiline):
            self._lines.give_back(taken)
            return [], "opens a quote that is not closed in its row; close it, or take the line break out"
        return cells, ""

    def _header(self, name: str) -> tuple[str, list[str], int]:
        line, following = self._first_lines()
        if line.lower().startswith("sep=") and len(line) == 5:  # what Excel writes, and reads, above a header
            separator, line = line[4], next(self._lines, "")
            if separator not in SEPARATORS:
                raise InputError(
                    f'{self._called} has the separator "{separator}"; save it with commas or tabs'
                )
        else:
            separator = _separator(line, following, name)
        top = self._lines.number
        try:
            names = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True), [])
        except csv.Error as error:
            fault = (
                "a name that is too long; shorten it"
                if _TOO_LONG in str(error)
                else "a quote that is not closed; close it"
            )
            raise InputError(f"{self._called}, row {top}: the header has {fault}") from None
        names = [" ".join(tidy(n).split()) for n in names]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise InputError(f"{self._called} is empty; it needs a header and rows")
        return separator, names, top

    def _first_lines(self) -> tuple[str, str]:
        """The header's line and the one behind it, without the comments above."""
        for line in self._lines:
            if not line.strip():
                if self._lines.number > MOST_EMPTY:
                    raise InputError(
                        f"{self._called} has {MOST_EMPTY:,} empty rows above its header; delete them"
                    )
                continue
            after = next(self._lines, None)
            if after is not None:
                self._lines.give_back([after])
            following = after or ""
            if not line.startswith("#"):
                return line, following
            separator = _separator(line[1:], following, "")
            n = line.count(separator)
            if (
                n
                and line[1:2].isalpha()
                and n == following.count(separator)
                and not following.startswith("#")
            ):
                return line[1:], following  # a header that is marked, as #gene
        return "", ""


def _separator(header: str, following: str, name: str) -> str:
    """The separator that the row behind the header has as often, or else the most frequent one."""
    count = {s: _QUOTED.sub("", header).count(s) for s in SEPARATORS}
    agree = {s: n and n == _QUOTED.sub("", following).count(s) for s, n in count.items()}
    if not any(count.values()):
        return "\t" if {".tsv", ".txt", ".tab"} & set(Path(name).suffixes) else ","
    if count["\t"]:
        return "\t"
    return max(count, key=lambda s: (bool(agree[s]), count[s]))


@contextmanager
def records(
    path: Path,
    called: str | None = None,
    largest: int | None = None,
    is_header: IsHeader | None = None,
) -> Iterator[Records]:
    """Open a table: text, a workbook, Parquet or Arrow, told apart by their first bytes.

    Parameters
    ----------
    path
        The file, or a sheet of a workbook: ``screen.xlsx/Responses``.
    called
        What messages call it; by default its folder and name.
    largest
        Characters that it may have.
    is_header
        Whether a row with these cells is the header, which is then among the first `ABOVE` rows; the first row
        otherwise.

    Raises
    ------
    InputError
        If it cannot be read, is no table, is empty, or larger; or if a workbook has several sheets and none is named.
    """
    called = called or shown(path)
    named, sheet = located(path)
    with _unpacked_cells(named, called) as file:
        head = first_bytes(file)
        if is_columnar(head):
            with opened_columns(file, called) as (names, rows):
                yield _CellRecords(enumerate(rows, start=1), called, names, largest)
        elif is_workbook(file, head):
            with closing(sheet_rows(file, called, sheet)) as numbered:
                yield _CellRecords(numbered, called, None, largest, is_header)
        elif sheet is not None:
            raise InputError(f"{path} is no sheet; {named} is no workbook")
        else:
            with opened(path, called) as text:
                yield _TextRecords(text, called, path.name, largest, is_header)


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets; none of another file.

    Raises
    ------
    InputError
        If it is a workbook that cannot be read, or a file that is damaged.
    """
    with _unpacked_cells(path, shown(path)) as file:
        return sheet_names(file, shown(path)) if is_workbook(file, first_bytes(file)) else []


@contextmanager
def _unpacked_cells(path: Path, called: str) -> Iterator[Path]:
    """The file, or a temporary one with its content where this is a workbook, Parquet or Arrow and packed."""
    head = first_bytes(path)
    packed = head and not is_columnar(head) and not is_workbook(path, head)
    copy = (
        unpacked_copy(path, called, lambda h: is_columnar(h) or h.startswith((ZIP, OLD))) if packed else None
    )
    with copy or nullcontext():
        yield Path(copy.name) if copy is not None else path
