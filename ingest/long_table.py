"""The good rows of a table in long form, by column: texts as numbers of names, and numbers. It reads no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.rejections import Rejections, nothing_left

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Cells = TypeVar("Cells", bound=npt.NDArray[Any])


def repeated(value: float, n: int) -> npt.NDArray[Any]:
    """A column of one value, (n,), which takes no memory and cannot be written to."""
    return np.broadcast_to(np.asarray(value), n)


def _kept(cells: Cells, mask: npt.NDArray[np.bool_]) -> Cells:
    """The cells where a mask is true; a column that is `repeated` stays one."""
    if cells.strides == (0,):
        return cells[: np.count_nonzero(mask)]  # type: ignore[return-value]
    return cells[mask]  # type: ignore[return-value]


@dataclass(frozen=True)
class Texts:
    """A column of texts.

    Parameters
    ----------
    names
        The different texts, in the order of their first rows.
    codes
        Number of each row's text, -1 for an empty cell, ``(n,)``.
    """

    names: tuple[str, ...]
    codes: Codes

    def cells(self) -> list[str | None]:
        """The text of each row."""
        names = [*self.names, None]
        return [names[code] for code in self.codes]

    def cell(self, row: int) -> str | None:
        """The text of one row."""
        code = self.codes[row]
        return self.names[code] if code >= 0 else None

    def numbered(self, id_of: Callable[[str], str]) -> tuple[list[str], Codes]:
        """Different ids of the texts, and the number of each row's id."""
        ids = [id_of(name) for name in self.names]
        number = {id_: n for n, id_ in enumerate(dict.fromkeys(ids))}
        return list(number), np.array([number[i] for i in ids] or [0], np.int64)[self.codes]


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


@dataclass(frozen=True)
class LongTable:
    """The good rows of a file, by column.

    Parameters
    ----------
    file
        What messages call it.
    lines
        Line of each row, ``(n,)``.
    texts, numbers
        Column → its cells. A number is NaN where there is no value. All columns of the contract are there.
    integers
        Those of the numbers that are whole.
    notes
        Sentences about columns that are not read, and cells that were left out.
    headers
        Column that may be in several units → its name in the file, while its numbers are as in the file.
    """

    file: str
    lines: Codes
    texts: dict[str, Texts]
    numbers: dict[str, Numbers]
    integers: tuple[str, ...]
    notes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def screen(self) -> Codes:
        """Number of the screen of each row, where those of several are in one table, ``(n,)``."""
        return self.texts["dataset"].codes if "dataset" in self.texts else np.zeros(len(self), np.int64)

    def keep(self, mask: npt.NDArray[np.bool_]) -> LongTable:
        """The rows where a mask is true."""
        if mask.all():
            return self
        texts = {c: Texts(t.names, _kept(t.codes, mask)) for c, t in self.texts.items()}
        values = {c: _kept(v, mask) for c, v in self.numbers.items()}
        return replace(self, lines=self.lines[mask], texts=texts, numbers=values)

    def with_texts(self, note: Sequence[str] = (), **texts: Texts) -> LongTable:
        """The table with other columns of texts, and further notes."""
        return replace(self, texts={**self.texts, **texts}, notes=(*self.notes, *note))

    def __iter__(self) -> Iterator[Row]:
        columns: dict[str, list[Any]] = {c: t.cells() for c, t in self.texts.items()}
        for c, values in self.numbers.items():
            whole = int if c in self.integers else float
            columns[c] = [None if v != v else whole(v) for v in values.tolist()]
        cells = zip(*columns.values(), strict=True) if columns else ()
        for line, row in zip(self.lines.tolist(), cells, strict=True):
            yield Row(line, dict(zip(columns, row, strict=True)))


def is_unique(numbers: Codes) -> bool:
    """Whether no number is there twice."""
    ordered = np.sort(numbers)
    return not bool((ordered[1:] == ordered[:-1]).any())


def without_repeats(
    table: LongTable,
    codes: Sequence[Codes],
    rejections: Rejections,
    kind: str,
    column: str | None,
    end: str,
    shown_as: Sequence[Texts],
) -> LongTable:
    """The table with the first row of each key in a screen; further rows are bad rows.

    Parameters
    ----------
    codes
        Numbers whose combination may not repeat, each ``(n,)``.
    column, end
        Of the message: its column, and how the sentence ends behind the number of the first row.
    shown_as
        Texts that the message shows of a row.
    """
    whole = np.zeros(len(table), np.int64)
    for code in (table.screen, *codes):
        whole = whole * (int(code.max(initial=0)) + 1) + code
    if is_unique(whole):
        return table
    _, first, of_row = np.unique(whole, return_index=True, return_inverse=True)
    earliest = first[of_row]
    repeated = np.flatnonzero(earliest != np.arange(len(table)))
    for at in repeated.tolist():
        text = ", ".join(t.names[t.codes[at]] for t in shown_as)
        before = table.lines[earliest[at]]
        rejections.bad(
            kind, table.file, int(table.lines[at]), column, text, f"is already in row {before}{end}"
        )
    mask = np.ones(len(table), bool)
    mask[repeated] = False
    return table.keep(mask)


def require_rows(table: LongTable, what: str, rejections: Rejections) -> None:
    """Refuse a table of which no row is left.

    Raises
    ------
    InputError
        With the file; if rows were rejected, with their number and the first reasons.
    """
    if not len(table):
        raise nothing_left(table.file, what, rejections)
