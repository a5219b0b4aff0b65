"""What a table's rows are: as many cells as the header, and not the header again. It opens no file."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.header import Header

BATCH = 1 << 16
"""Rows that are read at once."""

MOST_EMPTY = 2**21
"""Empty rows that may follow one another: twice as many as a sheet of a spreadsheet has."""

SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon"}
"""Signs between cells, and what messages call them."""

_WHOLE, _DIGITS = re.compile(r"[+-]?[0-9]+"), re.compile(r"[0-9]+")


@dataclass(frozen=True)
class BadRow:
    """A line that is no row: its number, its first cell, and the end of a sentence that begins with that."""

    line: int
    value: str
    reason: str


@dataclass
class Batch:
    """Rows with as many cells as the header, the line of each, and the bad rows among them."""

    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


class Records(ABC):
    """The header and the rows of a table.

    Attributes
    ----------
    header
        Names of the columns.
    separator
        Between cells; empty where a file has cells of its own.
    surplus
        Rows so far with empty cells behind the last column, as spreadsheets write them.
    """

    header: Header
    separator: str
    surplus = 0
    _empty = 0

    @abstractmethod
    def batches(self, multiline: Collection[int] = (), size: int = BATCH) -> Iterator[Batch]:
        """The rows, some at a time.

        Parameters
        ----------
        multiline
            Columns whose cells may have several lines.
        size
            Lines of a batch.
        """

    def keep(self, batch: Batch, number: int, cells: list[str]) -> None:
        """Add a row, or a bad row if it has more or fewer cells than the header; an empty one is skipped."""
        width = len(self.header.names)
        if not any(cells):
            self._empty += 1
            if self._empty > MOST_EMPTY:
                raise InputError(
                    f"{self.header.source}, row {number}: {MOST_EMPTY:,} empty rows stand above it; delete them"
                )
            return
        self._empty = 0
        if len(cells) != width:
            if len(cells) < width or any(cells[width:]):
                batch.bad.append(BadRow(number, next(filter(None, cells)), self._miscounted(cells)))
                return
            self.surplus += 1
            del cells[width:]
        if reason := self.header.misplaced(number, cells):
            batch.bad.append(BadRow(number, next(filter(None, cells)), reason))
            return
        batch.lines.append(number)
        batch.rows.append(cells)

    def _miscounted(self, cells: list[str]) -> str:
        width = len(self.header.names)
        counts = f"has {len(cells)} cells where the header has {width}"
        if len(cells) < width:
            return counts
        if self.separator == ",":
            for whole, rest in pairwise(cells):
                if _WHOLE.fullmatch(whole) and _DIGITS.fullmatch(rest):
                    return f"{counts}: {whole},{rest} has a decimal comma; write {whole}.{rest}"
        if not self.separator:
            return f"{counts}; give each column a name"
        return f"{counts}; put a cell with a {SEPARATORS[self.separator]} in quotes"
