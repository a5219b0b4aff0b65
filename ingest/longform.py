"""Reads tables in long form, one fact per row, by the contract of their columns; errors name the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.cells_with_bounds import CENSORED, with_sides
from pharmagraph.ingest.contracts import FILES, LONGEST_NAME, LONGEST_TEXT, FileContract, fault_of_name
from pharmagraph.ingest.gene_words import is_nothing
from pharmagraph.ingest.long_table import Codes, LongTable, Numbers, Texts, repeated, without_repeats
from pharmagraph.ingest.rejections import NO_VALUE, ColumnsRead, Rejections
from pharmagraph.ingest.units.columns import called
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.header import Header, folded, meant, way_out
from pharmagraph.kg.reading.plain import NotPlainError, PlainBatch, plain_batches
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.rows import Batch, Records
from pharmagraph.kg.reading.text import existing, shown


def read_long(path: Path, contract: str, rejections: Rejections, *, kind: str) -> LongTable:
    """Read a table by its contract.

    Parameters
    ----------
    path
        Text with commas, tabs or semicolons, packed or not; a workbook, Parquet or Arrow.
    contract
        A key of `ingest.contracts.FILES`.
    rejections
        Collects bad rows, and counts rows without a value.
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
    existing(path, what=f"a table of {contract} is needed")
    with records(path) as table:
        names = called(table.header, columns.united)
        found = columns_of(table.header, columns)
        unused = table.header.unused([names.get(c, c) for c in found], columns.columns)
        return _good_rows(table, path, kind, columns, found, rejections, (unused,) if unused else (), names)


def columns_of(header: Header, contract: FileContract) -> dict[str, int]:
    """Where the columns of a contract are that a table has, also those whose name says a unit.

    Raises
    ------
    InputError
        If a required one is not there, none of those is of which one is needed, or one is there twice.
    """
    found = {
        c: at for c, name in called(header, contract.united).items() if (at := header.find(name)) is not None
    }
    found |= header.columns([c for c in contract.required if c not in found], contract.optional)
    if contract.any_of and not found.keys() & set(contract.any_of):
        raise header.lacks(contract.any_of, taken=found)
    return found


def read_named(
    path: Path, columns: FileContract, names: Mapping[str, str], rejections: Rejections, *, kind: str
) -> LongTable:
    """Read a table whose columns have other names than their contract.

    Parameters
    ----------
    names
        Column of the contract → its name in the file. What has no name here is not read.
    path, rejections, kind
        As in `read_long`. Columns that the contract does not have are skipped without a note.

    Raises
    ------
    InputError
        If the file lacks a required column.
    RowError
        At the first bad row, unless rows are being rejected; it names the column as the file does.
    """
    required = {c: names[c] for c in columns.required}
    optional = {c: names[c] for c in columns.optional if c in names}
    with records(path) as table:
        at = table.header.columns(list(required.values()), list(optional.values()))
        found = {c: at[name] for c, name in (required | optional).items() if name in at}
        return _good_rows(table, path, kind, columns, found, rejections, (), names)


def _good_rows(
    table: Records,
    path: Path,
    kind: str,
    columns: FileContract,
    found: dict[str, int],
    rejections: Rejections,
    notes: tuple[str, ...],
    names: Mapping[str, str] | None = None,
) -> LongTable:
    reader = _Reader(shown(path), kind, columns, found, rejections, names or {})
    try:
        for plain in plain_batches(path, table, *reader.places()):
            reader.add_plain(plain)
    except NotPlainError:
        reader = _Reader(shown(path), kind, columns, found, rejections, names or {})
        for batch in table.batches(_multiline(table, found)):
            reader.add(batch)
    header = table.header
    used = {
        header.names[at]: meant(column) if folded(header.names[at]) == column else column
        for column, at in found.items()
    }
    left = tuple(name for at, name in enumerate(header.names) if at not in found.values())
    rejections.columns.append(ColumnsRead(shown(path), used, left))
    return reader.table((*notes, *surplus_note(table, shown(path))))


def table_rows(
    path: Path,
    required: Sequence[str],
    rejections: Rejections,
    *,
    kind: str,
    what: str,
    optional: Sequence[str] = (),
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells by column of each row of a table with a header.

    Without columns all are yielded, by their folded names. A bad row goes to ``rejections``.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or lacks a column.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    existing(path, what=what)
    with records(path) as table:
        if required:
            found = table.header.columns(required, optional)
        else:
            found = {name.lower(): at for at, name in reversed(list(enumerate(table.header.names)))}
        for batch in table.batches(
            range(len(table.header.names)) if not required else _multiline(table, found)
        ):
            for bad in batch.bad:
                rejections.bad(kind, shown(path), bad.line, None, bad.value, bad.reason)
            for line, row in zip(batch.lines, batch.rows, strict=True):
                yield line, {c: row[at] for c, at in found.items()}


def surplus_note(table: Records, file: str) -> tuple[str, ...]:
    """A sentence that counts rows with empty cells behind the last column."""
    n = table.surplus
    return (f"{file} has empty cells behind the last column in {n:,} rows; they are skipped",) if n else ()


def _multiline(table: Records, found: dict[str, int]) -> set[int]:
    """Columns that are not read: what is in them may have several lines."""
    return set(range(len(table.header.names))) - set(found.values())


class _Reader:
    """Checks batches of rows and puts them together."""

    def __init__(
        self,
        file: str,
        kind: str,
        contract: FileContract,
        found: dict[str, int],
        rejections: Rejections,
        called: Mapping[str, str],
    ) -> None:
        self._file, self._kind, self._contract = file, kind, contract
        self._found = {CENSORED: -1, **found} if contract.bounded in found else found
        self._called = called
        self._rejections = rejections
        numeric = {*contract.numbers, *contract.integers}
        self._texts = [c for c in contract.columns if c not in numeric]
        self._numeric = [c for c in contract.columns if c in numeric]
        self._names: dict[str, dict[str, int]] = {c: {} for c in self._texts}
        self._faults: dict[str, dict[str, str]] = {c: {} for c in self._texts}
        self._lines: list[Codes] = []
        self._codes: dict[str, list[Codes]] = {c: [] for c in self._texts}
        self._values: dict[str, list[Numbers]] = {c: [] for c in self._numeric}
        self._without_value: list[int] = []
        self._left_out: list[tuple[int, str, str, str]] = []

    def add(self, batch: Batch) -> None:
        """Check a batch; its first bad row stops the load, unless rows are being rejected."""
        bad: dict[int, tuple[str | None, str, str]] = {b.line: (None, b.value, b.reason) for b in batch.bad}
        cells: list[Sequence[str]] = list(zip(*batch.rows, strict=True))
        cells = cells or [()] * (max(self._found.values()) + 1)
        if self._contract.bounded in self._found:
            cells = with_sides(cells, self._found[self._contract.bounded or ""], self._found[CENSORED])
        lines, n = np.array(batch.lines, np.int64), len(batch.lines)
        good = np.ones(n, bool)

        def refuse(at: int, column: str, text: str, reason: str) -> None:
            if column in self._contract.annotations:
                self._left_out.append((batch.lines[at], column, text, reason))
                return
            good[at] = False
            bad.setdefault(batch.lines[at], (self._called.get(column, column), text, reason))

        for column in self._texts:
            if column in self._found:
                texts_of = cells[self._found[column]]
                if column == "smiles" or column in self._contract.annotations:
                    texts_of = [self._meant(column, text) for text in texts_of]
                self._codes[column].append(self._coded(column, texts_of, refuse))
        for column in self._numeric:
            if column in self._found:
                texts = cells[self._found[column]]
                values, wrong = numbers.column(texts)
                if column in self._contract.integers:
                    wrong |= self._not_whole(column, values)
                for at, reason in wrong.items():
                    values[at] = np.nan
                    refuse(at, column, texts[at], reason + way_out(column))
                self._values[column].append(values)
        for line in sorted(bad):
            column_of, text, reason = bad[line]
            self._rejections.bad(self._kind, self._file, line, column_of, text, reason)
        self._keep(lines, good)

    def _meant(self, column: str, text: str) -> str:
        """What a cell says: of a SMILES the structure, and nothing where an annotation has a word for nothing."""
        if column == "smiles":  # behind a blank stand a name or extensions, which are no structure
            return "" if text.lower() in numbers.NO_VALUE else next(iter(text.split()), "")
        return "" if column in self._contract.annotations and is_nothing(text) else text

    def places(self) -> tuple[dict[str, int], dict[str, int]]:
        """Where the columns of texts are, and those of numbers."""
        texts, numeric = (
            {c: self._found[c] for c in of if self._found.get(c, -1) >= 0}
            for of in (self._texts, self._numeric)
        )
        return texts, numeric

    def add_plain(self, batch: PlainBatch) -> None:
        """Add a batch of a plain table.

        Raises
        ------
        NotPlainError
            If anything is wrong with it.
        """
        for column, (texts, of_row) in batch.texts.items():
            texts = [self._meant(column, text) for text in texts]
            self._number(column, texts)
            if self._faults[column]:
                raise NotPlainError
            codes = np.array([self._names[column][text] for text in texts], np.int64)[of_row]
            self._codes[column].append(codes)
        for column, values in batch.numbers.items():
            if column in self._contract.integers and self._not_whole(column, values):
                raise NotPlainError
            self._values[column].append(values)
        self._keep(batch.lines, np.ones(len(batch.lines), bool))

    def _keep(self, lines: Codes, good: npt.NDArray[np.bool_]) -> None:
        """Of the last batch, keep the good rows that have a value."""
        without = np.zeros(len(lines), bool)
        for group in self._contract.valued:
            none = good.copy()
            for column in group:
                if self._values[column]:
                    none &= np.isnan(self._values[column][-1])
            without |= none
        self._without_value += lines[without].tolist()
        kept = good & ~without
        self._lines.append(lines[kept])
        columns: list[list[Any]] = [*self._codes.values(), *self._values.values()]
        for parts in columns:
            if parts and not kept.all():
                parts[-1] = parts[-1][kept]

    def _coded(
        self, column: str, cells: Sequence[str], refuse: Callable[[int, str, str, str], None]
    ) -> Codes:
        """Number of each cell's text; what is wrong with a text is found once."""
        self._number(column, cells)
        names, faults = self._names[column], self._faults[column]
        if faults and not faults.keys().isdisjoint(cells):
            for at, text in enumerate(cells):
                if text in faults:
                    refuse(at, column, text, faults[text])
        return np.fromiter(map(names.__getitem__, cells), np.int64, len(cells))

    def _number(self, column: str, cells: Iterable[str]) -> None:
        """Number the texts that are new, and find what is wrong with them."""
        names = self._names[column]
        for text in dict.fromkeys(cells):
            if text not in names:
                names[text] = len(names)
                reason = fault(text, column, self._contract)
                if reason:
                    self._faults[column][text] = reason

    def _not_whole(self, column: str, values: Numbers) -> dict[int, str]:
        low, high = self._contract.bounds.get(column, (-(2**53), 2**53))
        measured = ~np.isnan(values)
        whole = np.equal(np.mod(values, 1, where=measured, out=np.ones_like(values)), 0)
        wrong = {int(at): "is not a whole number" for at in np.flatnonzero(measured & ~whole)}
        beyond = measured & whole & ((values < low) | (values > high))
        said = (
            f"is not from {low:,} to {high:,}"
            if high < 2**31
            else f"is no number from {low:,} up that can be stored"
        )
        return wrong | {int(at): said for at in np.flatnonzero(beyond)}

    def table(self, notes: tuple[str, ...]) -> LongTable:
        """All good rows; a repeated key is a bad row."""
        lines = np.concatenate([np.zeros(0, np.int64), *self._lines])
        texts = {c: _compact(self._names[c], _whole(p, -1, len(lines))) for c, p in self._codes.items()}
        values = {c: _whole(p, np.nan, len(lines)) for c, p in self._values.items()}
        for column in self._contract.annotations:
            gone = self._left_out_of(column)
            if gone and column in texts:
                codes = texts[column].codes
                codes[np.isin(lines, gone)] = -1
        self._count()
        united = {c: self._called.get(c, c) for c in self._contract.united if c in self._found}
        table = LongTable(self._file, lines, texts, values, self._contract.integers, notes, united)
        key = self._contract.key
        return without_repeats(
            table, [table.texts[c].codes for c in key], self._rejections, self._kind, key[-1], "; keep one",
            [table.texts[c] for c in key],
        ) if key else table  # fmt: skip

    def _left_out_of(self, column: str) -> list[int]:
        return [line for line, c, *_ in self._left_out if c == column]

    def _count(self) -> None:
        """Report rows without a value, and annotations that are left out; neither stops a load."""
        if self._without_value:
            self._rejections.set_aside(
                self._kind, self._file, self._without_value[0], "", NO_VALUE, rows=len(self._without_value)
            )
        for line, column, text, reason in self._left_out:
            self._rejections.set_aside(
                self._kind,
                self._file,
                line,
                text,
                f"{reason}, in column {self._called.get(column, column)}; the value is left out",
                rows=1,
            )


def _whole(parts: list[Any], value: float, n: int) -> npt.NDArray[Any]:
    """A column of all batches, whose memory is given back; one value for all rows where the file lacks it."""
    if not parts:
        return repeated(value, n)
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _compact(names: dict[str, int], codes: Codes) -> Texts:
    """Texts of the rows that are left, numbered in the order of their first rows."""
    if not names:
        return Texts((), codes)
    first = np.full(len(names), len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # of several values for one place the last stays
    number = np.full(len(names), -1, np.int64)
    listed, kept = list(names), list[str]()
    for code in np.argsort(first, kind="stable").tolist():
        if first[code] < len(codes) and listed[code]:
            number[code] = len(kept)
            kept.append(listed[code])
    return Texts(tuple(kept), number[codes])


def fault(text: str, column: str, contract: FileContract) -> str:
    """What is wrong with a text in a column, as the end of a sentence that begins with it; empty if nothing is."""
    if not text:
        return "is empty; fill it or delete the row" if column in contract.required else ""
    longest = LONGEST_NAME if column in contract.key or column in contract.names else LONGEST_TEXT
    if reason := fault_of_name(text, None if column == "smiles" else longest):
        return reason
    if column in contract.names and is_nothing(text):
        return "is a word for nothing, not a name; if it is a name, add a word to it, as in NA (cell line)"
    return ""
