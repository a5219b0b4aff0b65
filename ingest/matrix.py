"""Reads wide tables, with names in the first column and the first row; errors name the cell.

Arrow reads the numbers. Only if anything in the file is irregular is it read again, row by row, to find the place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.rejections import NO_VALUE, Rejections
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.columnar import PARQUET
from pharmagraph.kg.reading.plain import EMPTY, Watched
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.rows import Records
from pharmagraph.kg.reading.text import first_bytes, shown
from pharmagraph.kg.reading.unpacking import unpacked

_BLOCK = 1 << 25
"""Bytes of a CSV file that Arrow parses at once: a few blocks even of 18,000 columns, each of which costs memory."""

_ROWS = 256
"""Rows that are read at once where a file is irregular."""


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
    texts
        Columns of texts by name, ``(rows,)``.
    sides
        Where values may be bounds: 1 for a value that the true one is above, -1 below, 0 for others,
        ``(rows, columns)``; else None.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: npt.NDArray[np.float64]
    lines: tuple[int, ...]
    file: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sides: npt.NDArray[np.int8] | None = None

    def keep(self, mask: npt.NDArray[np.bool_]) -> Matrix:
        """The rows where a mask is true."""
        chosen = np.flatnonzero(mask)
        return Matrix(
            tuple(self.rows[i] for i in chosen),
            self.columns,
            self.values[chosen],
            tuple(self.lines[i] for i in chosen),
            tuple(self.file[i] for i in chosen),
            {name: tuple(cells[i] for i in chosen) for name, cells in self.texts.items()},
            None if self.sides is None else self.sides[chosen],
        )


def read_matrix(
    path: Path,
    rejections: Rejections,
    *,
    kind: str,
    expected: str = "is not a number or empty",
    allowed: Callable[[float], bool] | None = None,
    texts: Sequence[str] = (),
    bounded: bool = False,
) -> Matrix:
    """Read a wide CSV file.

    Parameters
    ----------
    path
        With commas, tabs or semicolons, packed or not, where the first column holds the rows' names; or a
        workbook like that; or Parquet, where the one column of texts does.
    rejections
        Collects bad cells, which are then empty, and bad rows, which are left out; counts rows without a value.
    kind
        Relationship type that the cells become, for the report.
    expected
        End of the error message about a cell.
    allowed
        Whether a finite number is valid; by default all are.
    texts
        Further columns that hold no numbers, as their names are written.
    bounded
        Whether a cell may be a bound, as ``>10``; otherwise such a cell is bad.

    Raises
    ------
    RowError
        At the first bad cell or row, unless rows are being rejected.
    InputError
        If there is no header, or a column's name repeats.
    """
    if first_bytes(path).startswith(PARQUET):
        return _read_parquet(path)
    with records(path) as table:
        names = table.header.names
        if len(names) < 2:
            raise InputError(
                f'{shown(path)} has one column, "{names[0]}"; it needs names down the side and along the top'
            )
        fast = _read_fast(path, table, allowed, texts) if table.separator else None
        if fast is not None:
            return fast
        return _read_slow(table, rejections, kind, expected, allowed, texts, bounded)


def _read_fast(
    path: Path, table: Records, allowed: Callable[[float], bool] | None, texts: Sequence[str]
) -> Matrix | None:
    """Read the file with Arrow; None if it fails or if anything in the file is irregular."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = list(table.header.names)
    if len(set(names)) != len(names):
        return None
    types = {name: pa.float64() for name in names} | dict.fromkeys((names[0], *texts), pa.string())
    try:
        with unpacked(path, shown(path)) as content:
            watched = Watched(content, table.separator)
            read = arrow_csv.read_csv(
                watched,
                read_options=arrow_csv.ReadOptions(
                    column_names=names, skip_rows=table.header.top or 1, block_size=_BLOCK
                ),
                parse_options=arrow_csv.ParseOptions(delimiter=table.separator, ignore_empty_lines=False),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types, null_values=EMPTY, strings_can_be_null=False
                ),
            )
    except (pa.ArrowException, OSError, EOFError):
        return None
    rows = tuple(read.column(0).to_pylist())
    numeric = [i for i in range(1, read.num_columns) if names[i] not in texts]
    columns = [read.column(i) for i in numeric]
    beside = {name: tuple(c.strip() for c in read.column(names.index(name)).to_pylist()) for name in texts}
    values = (
        np.column_stack([c.to_numpy() for c in columns]).astype(np.float64, copy=False)
        if rows
        else np.zeros((0, len(columns)))
    )
    n_missing = sum(c.null_count for c in columns)
    usual = (
        not watched.has_odd_quote
        and len(set(rows)) == len(rows)
        and all(r.strip() and r.isascii() and '"' not in r for r in rows)
        and not any('"' in cell for cells in beside.values() for cell in cells)
        and int(np.isnan(values).sum()) == n_missing
        and not np.isinf(values).any()
        and not np.isnan(values).all(axis=1).any()
        and (allowed is None or all(allowed(v) for v in np.unique(values[~np.isnan(values)])))
    )
    if not usual:
        return None
    top = table.header.top or 1
    lines = tuple(range(top + 1, top + 1 + len(rows)))
    along = tuple(names[i] for i in numeric)
    return Matrix(tuple(r.strip() for r in rows), along, values, lines, (shown(path),) * len(rows), beside)


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


def _read_slow(
    table: Records,
    rejections: Rejections,
    kind: str,
    expected: str,
    allowed: Callable[[float], bool] | None,
    texts: Sequence[str],
    bounded: bool,
) -> Matrix:
    name, names = table.header.source, table.header.names
    numeric = [at for at in range(1, len(names)) if names[at] not in texts]
    beside: dict[str, list[str]] = {text: [] for text in texts}
    for column, n in Counter(names[1:]).items():
        if n > 1:
            raise InputError(f'{table.header.place}: column "{column}" is there {n} times; keep one')
    first_seen: dict[str, int] = {}
    values: list[npt.NDArray[np.float64]] = []
    sides: list[npt.NDArray[np.int8]] = []
    without: list[int] = []
    for batch in table.batches(size=_ROWS):
        bad = {one.line: one for one in batch.bad}
        rows = dict(zip(batch.lines, batch.rows, strict=True))
        for line in sorted({*bad, *rows}):
            if line in bad:
                rejections.bad(kind, name, line, None, bad[line].value, bad[line].reason)
                continue
            label, cells = rows[line][0], [rows[line][at] for at in numeric]
            if not label:
                rejections.bad(kind, name, line, names[0] or None, "", "is not a name; give the row one")
                continue
            if label in first_seen:
                before = first_seen[label]
                rejections.bad(
                    kind, name, line, names[0] or None, label, f"is already in row {before}; keep one"
                )
                continue
            row, wrong = numbers.column(cells)
            side = np.zeros(len(row), np.int8)
            for at in [at for at in wrong if bounded]:
                if split := numbers.bound(cells[at]):
                    row[at], side[at] = split[0], 1 if split[1] == "above" else -1
                    del wrong[at]
            if allowed is not None:
                for at in np.flatnonzero(~np.isnan(row)).tolist():
                    if not allowed(row[at]):
                        row[at], wrong[at] = np.nan, numbers.NO_NUMBER
            for at in sorted(wrong):
                reason = numbers.instead(wrong[at], expected)
                rejections.bad(kind, name, line, names[numeric[at]], cells[at], reason)
            if np.isnan(row).all():
                without += [] if wrong else [line]
                continue
            first_seen[label] = line
            values.append(row)
            sides.append(side)
            for text, cells_of in beside.items():
                cells_of.append(rows[line][names.index(text)])
    if without:
        rejections.set_aside(kind, name, without[0], "", NO_VALUE, rows=len(without))
    array = np.array(values, dtype=np.float64).reshape(len(values), len(numeric))
    lines, along = tuple(first_seen.values()), tuple(names[at] for at in numeric)
    whole = {text: tuple(column) for text, column in beside.items()}
    of_cells = np.array(sides, dtype=np.int8).reshape(array.shape) if bounded else None
    return Matrix(tuple(first_seen), along, array, lines, (name,) * len(values), whole, of_cells)


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
