"""Reads a table with a header that a user gives, as a file or in Python; its columns are checked before any row.

A file is read up to a bound: what is larger is no table of this kind, and would fill the memory.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, TextIO

from pharmagraph.kg.errors import InputError, RowError

LARGEST = 64 * 2**20
"""Characters that a file may have once it is unpacked; rows of as many take 2 GB of memory. RSEM's table of all genes
with their transcripts has 10 million."""


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A file of a table, open for reading; one that is called ``.gz`` is unpacked.

    Raises
    ------
    InputError
        If the file may not be read, or what is read is not whole, not UTF-8, or no table.
    """
    try:
        packed = path.suffix.lower() == ".gz"
        with (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be unpacked to its end ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} {_packing(path) or f'is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8'}"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); give another file") from None
    except csv.Error as error:
        raise InputError(f"{path} is no table ({error}); save it as CSV") from None


def _packing(path: Path) -> str:
    """What a file that is no text is, by its first bytes, and the way out; empty where that is not known."""
    with path.open("rb") as file:
        first = file.read(4)
    if first.startswith(b"\x1f\x8b"):
        return "is packed with gzip; give it a name that ends in .gz"
    if first == b"PK\x03\x04":
        return "is a zip archive or a workbook; unpack it, or save its sheet as CSV"
    return ""


def finite_number(text: str) -> float | None:
    """A finite number, or None; an underscore between digits, which Python's own code may have, makes none."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    left = LARGEST
    while line := file.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise InputError(f"{path} has more than {LARGEST:,} characters; give a smaller table")
        yield line


def cells(path: Path) -> list[tuple[int, list[str]]]:
    """The number of the first line and the cells of every row of a table, the header first, without blanks around them.

    Lines that begin with ``#`` above the header are comments, and empty lines are left out. The delimiter is a tab
    where the header has one, or where the file is called ``.tsv`` or ``.txt`` and the header has no comma; else it is
    a comma.

    Raises
    ------
    InputError
        If the file is not UTF-8, no table, or larger than `LARGEST`.
    RowError
        If a row has more cells than the header.
    """
    found: list[tuple[int, list[str]]] = []
    with opened(path) as file:
        lines = _lines(file, path)
        above, header = 0, next(lines, "")
        while header.startswith("#"):
            above, header = above + 1, next(lines, "")
        named_for_tabs = path.name.removesuffix(".gz").endswith((".tsv", ".txt"))
        tabs = "\t" in header or (named_for_tabs and "," not in header)
        reader = csv.reader(chain([header], lines), delimiter="\t" if tabs else ",")
        first = above + 1
        for row in reader:
            if row:
                found.append((first, [cell.strip() for cell in row]))
                _require_no_more(path, first, found[-1][1], len(found[0][1]))
            first = above + reader.line_num + 1
    return found


def _require_no_more(path: Path, line: int, row: Sequence[str], n_columns: int) -> None:
    """Refuse cells beyond the header's: what is behind a decimal comma would be dropped."""
    if any(row[n_columns:]):
        raise RowError(
            str(path), line, None, ",".join(row),
            f"has {len(row)} cells, the header {n_columns}; write decimals with a point, and quote cells with commas",
        )  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table as texts.

    Attributes
    ----------
    source
        What messages call it: the path of a file, or the name of an argument.
    rows
        The number of each row for messages, and its cells; the header first, which has no number in a DataFrame.
    """

    source: str
    rows: Sequence[tuple[int | None, list[str]]]

    @property
    def name(self) -> str:
        """The source without folders."""
        return Path(self.source).name

    @classmethod
    def of_file(cls, path: Path) -> Table:
        """What `cells` reads."""
        return cls(str(path), cells(path))

    @classmethod
    def of_frame(cls, source: str, frame: Any) -> Table:
        """A pandas DataFrame without its index; rows are numbered from 0, as ``iloc`` does."""
        header = [str(column).strip() for column in frame.columns]
        values = enumerate(frame.itertuples(index=False, name=None))
        return cls(source, [(None, header), *((n, [str(v).strip() for v in row]) for n, row in values)])

    @classmethod
    def of_series(cls, source: str, series: Any, names: str) -> Table:
        """A pandas Series as two columns: ``names`` has its index; the other has its name, or ``value`` if that is no
        text.
        """
        header = [names, series.name if isinstance(series.name, str) else "value"]
        values = enumerate(series.items())
        return cls(source, [(None, header), *((n, [str(v).strip() for v in row]) for n, row in values)])


def rows(path: Path, wanted: Sequence[str]) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read a table with commas or tabs, as `cells` does.

    Parameters
    ----------
    path
        The file.
    wanted
        Columns that it must have.

    Returns
    -------
    tuple
        The columns, and for each row its line number and its cells by column.

    Raises
    ------
    InputError
        If the file or a column does not exist, a column is there twice, or the file is no table.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; a table with columns {' and '.join(wanted)} is needed"
        )
    first, *rest = cells(path) or [(1, [])]
    columns = first[1]
    for name in wanted:
        if name not in columns:
            raise InputError(
                f'{path}, row {first[0]}: there is no column "{name}"; it has {", ".join(columns) or "nothing"}'
            )
        if columns.count(name) > 1:
            raise InputError(f'{path}, row {first[0]}: the column "{name}" is there twice; keep one')
    return columns, [
        (line, dict(zip_longest(columns, row[: len(columns)], fillvalue=""))) for line, row in rest
    ]
