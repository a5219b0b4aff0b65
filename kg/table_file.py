"""Writes a large table to a file, a part at a time: CSV or Parquet. The file is whole, or not there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import folders
from pharmagraph.kg.console import no_formula
from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".csv", ".parquet")


def require(path: Path) -> None:
    """Refuse, before long work, a file that cannot be written.

    Raises
    ------
    InputError
        If it has another ending than `ENDINGS`, is a folder, or its folder cannot be made.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file that ends in {' or '.join(ENDINGS)}")
    if path.suffix.lower() not in ENDINGS:
        has = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise InputError(f"{path} {has}; give a file that ends in {' or '.join(ENDINGS)}")
    folders.require_file(path)


def write(path: Path, tables: Iterable[pa.Table]) -> int:
    """Write tables of one schema, one below the other; returns the number of rows.

    In CSV a text that a spreadsheet would run as a formula has an apostrophe in front, as in what commands print.

    Raises
    ------
    InputError
        As `require`.
    """
    require(path)
    n_rows = 0
    with folders.whole(path) as place, ExitStack() as files:
        writer: Any = None
        for table in tables:
            if path.suffix.lower() == ".csv":
                table = _plain(table)
            if writer is None:
                writer = files.enter_context(_writer(path, place, table.schema, files))
            writer.write_table(table)
            n_rows += table.num_rows
    return n_rows


def _writer(path: Path, place: Path, schema: pa.Schema, files: ExitStack) -> Any:
    from pyarrow import csv, parquet

    if path.suffix.lower() == ".parquet":
        return parquet.ParquetWriter(place, schema, compression="zstd")
    file = files.enter_context(place.open("wb"))
    file.write((",".join(schema.names) + "\n").encode())
    return csv.CSVWriter(
        file, schema, write_options=csv.WriteOptions(include_header=False, quoting_style="needed")
    )


def _plain(table: pa.Table) -> pa.Table:
    """The table without dictionaries, which the writer of CSV does not know."""
    import pyarrow as pa

    for at, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            one = column.combine_chunks()
            one = one.chunk(0) if isinstance(one, pa.ChunkedArray) else one
            words = pa.array([no_formula(word) for word in one.dictionary.to_pylist()], pa.string())
            table = table.set_column(at, table.schema.names[at], words.take(one.indices))
    return table
