"""Handles rows that cannot be loaded: an error at the first one, or a list with reasons. It reads no file."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.kg.console import no_formula
from pharmagraph.kg.errors import InputError, NothingLeftError, RowError
from pharmagraph.kg.folders import file_name, require_possible, whole
from pharmagraph.kg.reading.text import stem

FOLDER = Path("rejected")

_REASONS = 3
"""Reasons that an error names."""

NO_VALUE = "row without a value"
"""Why a row is skipped that is not bad; it is counted."""


@dataclass(frozen=True)
class Rejected:
    """One place in a file that was not loaded.

    Parameters
    ----------
    kind
        Node label or relationship type that it would have become.
    file, row, column, value
        The place and its content; the header is row 1.
    reason
        The end of a sentence that begins with the value, or a phrase.
    rows
        Number of rows or cells that are not loaded for this reason.
    """

    kind: str
    file: str
    row: int | None
    column: str | None
    value: str
    reason: str
    rows: int = 1


@dataclass(frozen=True)
class ColumnsRead:
    """What became of a file's columns.

    Parameters
    ----------
    file
        What messages call it.
    used
        Column as the file calls it → what it is read as.
    unused
        Columns that are not read.
    """

    file: str
    used: Mapping[str, str]
    unused: tuple[str, ...] = ()


@dataclass
class Rejections:
    """Collects rows that are not loaded, and which columns are.

    Parameters
    ----------
    keep_going
        Whether bad rows are collected; otherwise the first one raises an error.
    told
        Called with each bad row that is collected, when it is found.
    columns
        What became of the columns of each file that was read.
    name
        Name of the load, where its source says one before anything is rejected.
    """

    keep_going: bool = False
    rejected: list[Rejected] = field(default_factory=list)
    told: Callable[[RowError], None] = lambda error: None
    columns: list[ColumnsRead] = field(default_factory=list)
    name: str = ""

    def bad(
        self,
        kind: str,
        file: str,
        row: int | None,
        column: str | None,
        value: object,
        expected: str,
        *,
        rows: int = 1,
    ) -> None:
        """Report a bad row.

        Raises
        ------
        RowError
            Unless rows are being rejected.
        """
        error = RowError(file, row, column, value, expected)
        if not self.keep_going:
            raise error
        self.told(error)
        self.rejected.append(Rejected(kind, file, row, column, str(value), expected, rows))

    def set_aside(
        self, kind: str, file: str, row: int | None, value: object, reason: str, *, rows: int
    ) -> None:
        """Report valid rows that are not needed; they never stop a load."""
        if rows:
            self.rejected.append(Rejected(kind, file, row, None, str(value), reason, rows))

    def counted(self) -> str:
        """How many rows were rejected, and why the first were."""
        n = sum(one.rows for one in self.rejected)
        them = "1 row was" if n == 1 else f"{n:,} rows were"
        return f"{them} rejected: {first_reasons(self.rejected)}"

    def ending(self, message: str) -> NothingLeftError:
        """The error of a load that ends after rows were rejected."""
        name = self.name or stem(Path(self.rejected[0].file))
        return NothingLeftError(message, name, self.rejected)


def first_reasons(rejected: Sequence[Rejected]) -> str:
    """The first of the reasons, each once with its first place, as sentences."""
    first: dict[tuple[str | None, str], Rejected] = {}
    for one in rejected:
        first.setdefault((one.column, one.reason), one)
    shown = [_sentence(one) for one in list(first.values())[:_REASONS]]
    more = len(first) - len(shown)
    return " ".join(shown) + (f" {more} more {'reason' if more == 1 else 'reasons'}." if more else "")


def _sentence(one: Rejected) -> str:
    if one.value:
        return str(RowError(one.file, one.row, one.column, one.value, one.reason))
    place = f", row {one.row}" if one.row is not None else ""
    return f"{one.file}{place}: {one.reason}."


def nothing_left(file: str, what: str, rejections: Rejections, *, unit: str = "row") -> InputError:
    """The error that a file has nothing left to load: all was rejected, or nothing stands below its header.

    Parameters
    ----------
    file
        What messages call it.
    what
        What it should have, in the singular.
    unit
        What is rejected: ``row``, or ``cell`` of a wide table.
    """
    of_file = [one for one in rejections.rejected if one.file == file]
    n = sum(one.rows for one in of_file)
    if not n:
        return InputError(f"{file} has no {what} below its header; add rows to it, and run the command again")
    all_of = f"the only {unit}" if n == 1 else f"both {unit}s" if n == 2 else f"all {n:,} {unit}s"
    was, it = ("was", "it") if n == 1 else ("were", "them")
    return rejections.ending(
        f"{all_of} of {file} {was} rejected, so no {what} is left. Correct {it}, and run the same command again: "
        f"{first_reasons(of_file)}"
    )


def count(rejected: Iterable[Rejected], kind: str) -> Counter[str]:
    """Number of rejected rows of a kind by reason."""
    reasons: Counter[str] = Counter()
    for one in rejected:
        if one.kind == kind:
            reasons[one.reason] += one.rows
    return reasons


def require_place(folder: Path = FOLDER) -> None:
    """Refuse a folder in which rejected rows cannot be written, before anything is loaded.

    Raises
    ------
    InputError
        If it cannot be made, or not be written to.
    """
    require_possible(folder)
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be written to; free the place or work in another folder")


def write(rejected: Sequence[Rejected], name: str, folder: Path = FOLDER) -> Path:
    """Write the rejected rows with their reasons to ``folder/name.csv``, without signs of the name that lead elsewhere.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = folder / f"{file_name(name)}.csv"
    try:
        with whole(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["kind", "file", "row", "column", "value", "reason", "rows"])
            writer.writerows(
                [
                    r.kind,
                    r.file,
                    "" if r.row is None else r.row,
                    r.column or "",
                    no_formula(r.value),
                    r.reason,
                    r.rows,
                ]
                for r in rejected
            )
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); free the place or work in another folder"
        ) from error
    return path
