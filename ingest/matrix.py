"""Reads wide tables, with names in the first column and the first row; errors name the cell.

Arrow reads the numbers. Only if it fails is the file read again, cell by cell, to find the place.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.user_tables import finite_number

_BLOCK = 1 << 25
"""Bytes of a CSV file that Arrow parses at once: a few blocks even of 18,000 columns, each of which costs memory."""


@dataclass(frozen=True)
class Matrix:
    """A table of numbers with named rows and columns.

    Parameters
    ----------
    rows, columns
        Names as written in the file.
    values
        ``(rows, columns)``, NaN where the cell is empty.
    lines
        Line number of each row in its file; the header is line 1.
    file
        Name of the file each row comes from.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: npt.NDArray[np.float64]
    lines: tuple[int, ...]
    file: tuple[str, ...]

    def keep(self, mask: npt.NDArray[np.bool_]) -> Matrix:
        """The rows where a mask is true."""
        chosen = np.flatnonzero(mask)
        return Matrix(
            tuple(self.rows[i] for i in chosen),
            self.columns,
            self.values[chosen],
            tuple(self.lines[i] for i in chosen),
            tuple(self.file[i] for i in chosen),
        )


def shown(path: Path) -> str:
    """A file's name in error messages: its folder and name."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def existing(path: Path, *, what: str) -> Path:
    """The path, if it is a file.

    Raises
    ------
    InputError
        If it is not.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file; {what}")
    return path


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, compressed with gzip or not.

    Raises
    ------
    InputError
        If it is truncated, is named ``.gz`` but is not gzip, is not UTF-8, or is no table.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
                yield file
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield file
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise InputError(f"{shown(path)} cannot be read to its end ({error}); fetch it again") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{shown(path)} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise InputError(f"{shown(path)} is no table ({error}); save it as CSV") from error


def read_matrix(
    path: Path,
    rejections: Rejections,
    *,
    kind: str,
    expected: str = "is not a number or empty",
    allowed: Callable[[float], bool] | None = None,
) -> Matrix:
    """Read a wide CSV file.

    Parameters
    ----------
    path
        ``.csv`` or ``.csv.gz``, where the first column holds the rows' names; or ``.parquet``, where the one column
        of texts does.
    rejections
        Collects bad cells, which are then empty, and bad rows, which are left out.
    kind
        Relationship type that the cells become, for the report.
    expected
        End of the error message about a cell.
    allowed
        Whether a finite number is valid; by default all are.

    Raises
    ------
    RowError
        At the first bad cell or row, unless rows are being rejected.
    InputError
        If there is no header, or a column's name repeats.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path)
    fast = _read_fast(path, allowed)
    return fast if fast is not None else _read_slow(path, rejections, kind, expected, allowed)


def _read_fast(path: Path, allowed: Callable[[float], bool] | None) -> Matrix | None:
    """Read the file with Arrow; None if it fails or if anything in the file is irregular."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = header(path)
    if len(names) < 2 or len(set(names)) != len(names):
        return None
    types = {name: pa.float64() for name in names[1:]} | {names[0]: pa.string()}
    try:
        table = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError):
        return None
    rows = tuple(table.column(0).to_pylist())
    columns = [table.column(i) for i in range(1, table.num_columns)]
    values = (
        np.column_stack([c.to_numpy() for c in columns]).astype(np.float64, copy=False)
        if rows
        else np.zeros((0, len(columns)))
    )
    n_missing = sum(c.null_count for c in columns)
    usual = (
        len(set(rows)) == len(rows)
        and all(r.strip() for r in rows)
        and int(np.isnan(values).sum()) == n_missing
        and not np.isinf(values).any()
        and not np.isnan(values).all(axis=1).any()
        and (allowed is None or all(allowed(v) for v in np.unique(values[~np.isnan(values)])))
    )
    if not usual:
        return None
    return Matrix(rows, tuple(names[1:]), values, tuple(range(2, len(rows) + 2)), (shown(path),) * len(rows))


def _read_parquet(path: Path) -> Matrix:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{shown(path)} is no whole Parquet file ({reason}); fetch it again") from error
    texts = [
        n
        for n, f in enumerate(table.schema)
        if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
    ]
    numbers = [n for n, f in enumerate(table.schema) if pa.types.is_floating(f.type)]
    columns = [table.schema.field(n).name for n in numbers]
    if len(texts) != 1 or len(numbers) + 1 != table.num_columns or not numbers or not table.num_rows:
        raise InputError(
            f"{shown(path)} has {table.num_columns} columns, {len(texts)} of texts and {len(numbers)} of numbers, and "
            f"{table.num_rows} rows; one column of names and the rest numbers are needed"
        )
    rows = table.column(texts[0]).to_pylist()
    for what, names in (("column", columns), ("row", rows)):
        for name, n in Counter(names).items():
            if n > 1 or not name:
                raise InputError(
                    f'{shown(path)}: the {what} "{name}" is there {n} times; name each, keep one'
                )
    values = np.column_stack([table.column(n).to_numpy().astype(np.float64, copy=False) for n in numbers])
    if np.isinf(values).any():
        raise InputError(f"{shown(path)} has an infinite number; leave it empty")
    lines = tuple(range(1, len(rows) + 1))
    return Matrix(tuple(rows), tuple(columns), values, lines, (shown(path),) * len(rows))


def header(path: Path) -> list[str]:
    """The names in the first line of a CSV file.

    Raises
    ------
    InputError
        If the file is empty or cannot be read.
    """
    with open_text(path) as file:
        names = next(csv.reader(file), [])
    if not names:
        raise InputError(f"{shown(path)} is empty; it needs a header and rows")
    return names


def _read_slow(
    path: Path, rejections: Rejections, kind: str, expected: str, allowed: Callable[[float], bool] | None
) -> Matrix:
    name = shown(path)
    names = header(path)
    if len(names) < 2:
        raise InputError(
            f'{name} has one column, "{names[0]}"; it needs names down the side and along the top'
        )
    for column, n in Counter(names[1:]).items():
        if n > 1:
            raise InputError(f'{name}, row 1: column "{column}" is there {n} times; keep one')
    rows: list[str] = []
    lines: list[int] = []
    values: list[list[float]] = []
    first_seen: dict[str, int] = {}
    with open_text(path) as file:
        reader = csv.reader(file)
        next(reader)
        for cells in reader:
            line = reader.line_num
            if not cells:
                continue
            if len(cells) != len(names):
                rejections.bad(
                    kind,
                    name,
                    line,
                    None,
                    cells[0],
                    f"has {len(cells)} cells where the header has {len(names)}",
                )
                continue
            label = cells[0].strip()
            if not label:
                rejections.bad(kind, name, line, names[0] or None, "", "is not a name; give the row one")
                continue
            if label in first_seen:
                rejections.bad(
                    kind,
                    name,
                    line,
                    names[0] or None,
                    label,
                    f"is already in row {first_seen[label]}; keep one",
                )
                continue
            numbers = [
                _number(cell, rejections, kind, name, line, column, expected, allowed)
                for cell, column in zip(cells[1:], names[1:], strict=True)
            ]
            if all(math.isnan(n) for n in numbers):
                rejections.bad(
                    kind, name, line, None, label, "has no value in any column; fill the row or delete it"
                )
                continue
            first_seen[label] = line
            rows.append(label)
            lines.append(line)
            values.append(numbers)
    array = np.array(values, dtype=np.float64).reshape(len(rows), len(names) - 1)
    return Matrix(tuple(rows), tuple(names[1:]), array, tuple(lines), (name,) * len(rows))


def _number(
    cell: str,
    rejections: Rejections,
    kind: str,
    file: str,
    line: int,
    column: str,
    expected: str,
    allowed: Callable[[float], bool] | None,
) -> float:
    text = cell.strip()
    if not text:
        return math.nan
    number = finite_number(text)
    if number is None or (allowed is not None and not allowed(number)):
        rejections.bad(kind, file, line, column, cell, expected)
        return math.nan
    return number


def join_parts(parts: Sequence[Matrix]) -> Matrix:
    """Concatenate the row blocks of one matrix.

    Raises
    ------
    InputError
        If their columns differ.
    RowError
        If a row is in two parts.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.columns != first.columns:
            odd = sorted(set(part.columns) ^ set(first.columns))
            which = f"{odd[0]} is in one of them only" if odd else "their order differs"
            raise InputError(
                f"{part.file[0] if part.file else 'a part'} and {first.file[0]} have different columns: {which}"
            )
    seen: dict[str, str] = {}
    for part in parts:
        for row, line, file in zip(part.rows, part.lines, part.file, strict=True):
            if row in seen:
                raise RowError(file, line, None, row, f"is already in {seen[row]}; keep one")
            seen[row] = file
    return Matrix(
        tuple(r for p in parts for r in p.rows),
        first.columns,
        np.concatenate([p.values for p in parts]),
        tuple(line for p in parts for line in p.lines),
        tuple(f for p in parts for f in p.file),
    )
