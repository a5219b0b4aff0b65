"""Prints rows as table, JSON or CSV, and progress, for all commands; it does not choose what is printed."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from pharmagraph.kg import bars, terminal

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a formula begins with in a spreadsheet; numbers are no texts here."""


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    csv = "csv"


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    format: Format = Format.table,
    *,
    columns: Sequence[str] | None = None,
    title: str | None = None,
    wide: bool = False,
    empty: str = "see: cli status",
) -> None:
    """Print rows on standard output.

    Parameters
    ----------
    rows
        Mappings with the same keys.
    format
        ``table`` fits the terminal's width: where it is too narrow, each row is a block of lines; ``json`` is one
        array; ``csv`` has a header.
    columns
        The columns to print, in order; by default those of the first row. If they are given, an empty
        result still has a header.
    title
        Printed above a table, and left out for JSON and CSV.
    wide
        Print a table with a line a row even where the terminal is narrower.
    empty
        What a table without rows tells the user to do next.
    """
    rows = list(rows)
    columns = list(columns or (rows[0].keys() if rows else ()))
    if format is Format.json:
        json.dump(
            [{c: plain(row.get(c)) for c in columns} for row in rows],
            sys.stdout,
            indent=2,
            ensure_ascii=not _holds_unicode(sys.stdout),
        )
        print()
    elif format is Format.csv:
        write_csv(sys.stdout, rows, columns)
    else:
        _print_table(rows, columns, title, wide, empty)


def print_bars(parts: Sequence[tuple[str, float]], *, title: str) -> None:
    """Print the parts of a sum, the sum last, as signed bars that fit the terminal.

    Parameters
    ----------
    parts
        Name and value of each.
    title
        Printed above them.
    """
    *shown, total = parts
    width, encoding = shutil.get_terminal_size().columns, getattr(sys.stdout, "encoding", None) or "utf-8"
    print_text(title, width)
    print("\n".join([*bars.lines(shown, total, width, encoding), ""]))


def print_text(text: str, width: int | None = None) -> None:
    """Print lines, each broken between words where it is wider than the terminal, or than a width; 0 is no limit."""
    columns = shutil.get_terminal_size().columns if width is None else width
    for line in text.split("\n"):
        print("\n".join(terminal.wrapped(line, columns) if columns else [line]))


def write_csv(file: TextIO, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows with a header as CSV, numbers whole, no text as a formula."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([no_formula(flat(row.get(c))) for c in columns] for row in rows)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a DataFrame, what is missing as None."""
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    return [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()} for row in rows
    ]


def _print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str | None, wide: bool, empty: str
) -> None:
    if not rows:
        print(f"{title}: no rows; {empty}" if title else f"no rows; {empty}")
        return
    numeric = [all(isinstance(row.get(c), (int, float, type(None))) for row in rows) for c in columns]
    width = None if wide else shutil.get_terminal_size().columns
    cells = [[cell(row.get(c)) for c in columns] for row in rows]
    if title:
        print_text(title, width or 0)
    print("\n".join([*terminal.lines(columns, cells, numeric, width), ""]))


def _holds_unicode(stream: Any) -> bool:
    """Whether a stream writes every character as it is."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def cell(value: Any) -> str:
    """A value as a table shows it: four significant digits, yes and no, lists with semicolons."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value + 0.0:.4g}"  # a negative zero is a zero
    return str(flat(value))


def flat(value: Any) -> Any:
    """A value as CSV has it: numbers whole, lists with semicolons, mappings as JSON."""
    if isinstance(value, (list, tuple)):
        return "; ".join(str(flat(part)) for part in value)
    if isinstance(value, dict):
        return json.dumps(plain(value), ensure_ascii=False)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(plain(value))


def no_formula(value: Any) -> Any:
    """A cell of CSV that no spreadsheet runs: an apostrophe leads a text that begins as a formula does."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def plain(value: Any) -> Any:
    """A value for JSON: NaN becomes null, a decimal a number, a time ISO text, bytes hexadecimal text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:  # a sum of whole numbers
        return int(value)
    if isinstance(value, (float, Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, timedelta):
        return f"P{value.days}DT{value.seconds + value.microseconds / 1e6:g}S"
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def note(message: str) -> None:
    """Print a line for the user on standard error, so that piped rows stay clean."""
    text = message.lstrip("\n")
    print("\n" * (len(message) - len(text)) + terminal.one_line(text), file=sys.stderr)


def next_command(command: str, store: str | None) -> str:
    """A command to run next, on the same store: with ``--store`` where the environment does not name it.

    Parameters
    ----------
    command
        Such as ``cli train``.
    store
        The URL that was given; None for the default store.
    """
    from pharmagraph.kg.store import DEFAULT_URL, URL_VARIABLE

    without = os.environ.get(URL_VARIABLE) or DEFAULT_URL
    return command if store in (None, without) else f"{command} --store {store}"


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress display on standard error; silent with ``quiet`` or if standard error is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        yield bar
