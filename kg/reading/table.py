"""A whole small table of texts that a user gives, as a file or in Python.

A file is read up to a bound: what is larger is no table of this kind, and would fill the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.reading.header import Header
from pharmagraph.kg.reading.records import records

LARGEST = 64 * 2**20
"""Characters that a file may have once it is unpacked; rows of as many take 2 GB of memory. RSEM's table of all genes
with their transcripts has 10 million."""


@dataclass(frozen=True)
class Table:
    """A table as texts.

    Attributes
    ----------
    source
        What messages call it: the path of a file, or the name of an argument.
    header
        Names of the columns.
    rows
        The number of each row for messages, and its cells, as many as the header has.
    """

    source: str
    header: Header
    rows: Sequence[tuple[int, list[str]]]

    @property
    def name(self) -> str:
        """The source without folders."""
        return Path(self.source).name

    @classmethod
    def of_file(cls, path: Path) -> Table:
        """The table in a file.

        Raises
        ------
        InputError
            If it cannot be read, is empty, or larger than `LARGEST`.
        RowError
            At the first bad row.
        """
        rows: list[tuple[int, list[str]]] = []
        with records(path, str(path), LARGEST) as table:
            for batch in table.batches():
                for bad in batch.bad:
                    raise RowError(str(path), bad.line, None, bad.value, bad.reason)
                rows += zip(batch.lines, batch.rows, strict=True)
            return cls(str(path), table.header, rows)

    @classmethod
    def of_frame(cls, source: str, frame: Any) -> Table:
        """A pandas DataFrame without its index; rows are numbered from 0, as ``iloc`` does."""
        names = tuple(str(column).strip() for column in frame.columns)
        values = enumerate(frame.itertuples(index=False, name=None))
        return cls(
            source, Header(source, None, names), [(n, [str(v).strip() for v in row]) for n, row in values]
        )

    @classmethod
    def of_series(cls, source: str, series: Any, names: str) -> Table:
        """A pandas Series as two columns: ``names`` has its index; the other has its name, or ``value`` if that is no
        text.
        """
        header = Header(source, None, (names, series.name if isinstance(series.name, str) else "value"))
        values = enumerate(series.items())
        return cls(source, header, [(n, [str(v).strip() for v in row]) for n, row in values])


def rows(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read a table's columns.

    Parameters
    ----------
    path
        The file.
    required, optional
        Columns that it must have, and may have.

    Returns
    -------
    tuple
        Those of the columns that it has, and for each row its line number and its cells by these columns.

    Raises
    ------
    InputError
        If the file or a column does not exist, a column is there twice, or the file is no table.
    RowError
        At the first bad row.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; a table with columns {' and '.join(required)} is needed"
        )
    table = Table.of_file(path)
    columns = table.header.columns(required, optional)
    return list(columns), [(line, {c: row[at] for c, at in columns.items()}) for line, row in table.rows]
