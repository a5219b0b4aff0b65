"""Reads the rows of Parquet and Arrow files as texts, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.typed_cells import text_of

PARQUET, ARROW = b"PAR1", b"ARROW1"
"""First bytes of the files."""

_BATCH = 1 << 14


def is_columnar(head: bytes) -> bool:
    """Whether a file that begins so is Parquet or Arrow, which is Feather's second version."""
    return head.startswith((PARQUET, ARROW))


@contextmanager
def opened_columns(path: Path, called: str) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The names of the columns and the rows.

    Raises
    ------
    InputError
        If the file is damaged or encrypted; also while rows are read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with path.open("rb") as file:
        is_parquet = file.read(len(PARQUET)) == PARQUET
        file.seek(0)
        try:
            if is_parquet:
                source = parquet.ParquetFile(file)
                names, batches = _index_first(source.schema_arrow), source.iter_batches(_BATCH)
            else:
                reader = pa.ipc.open_file(file)
                names = _index_first(reader.schema)
                batches = (reader.get_batch(n) for n in range(reader.num_record_batches))
            yield [n for n, _ in names], _rows(batches, [at for _, at in names])
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            kind = "Parquet" if is_parquet else "Arrow"
            reason = (str(error).splitlines() or ["damaged"])[0]
            raise InputError(f"{called} cannot be read as {kind} ({reason}); fetch it again") from None


def _index_first(schema: Any) -> list[tuple[str, int]]:
    """Names of columns and where they are; what was the index of a DataFrame, which is written last, comes first."""
    index = [n for n in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(n, str)]
    named = [
        (("" if n.startswith("__index_level_") else n), at, n in index) for at, n in enumerate(schema.names)
    ]
    return [(n, at) for n, at, _ in sorted(named, key=lambda one: not one[2])]


def _rows(batches: Any, order: Sequence[int]) -> Iterator[list[str]]:
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH):
            part = batch.slice(start, _BATCH)
            columns = [_texts(part.column(at)) for at in order]
            yield from (list(row) for row in zip(*columns, strict=True))


def _texts(column: Any) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        column = pc.cast(column, pa.string())  # a number of 32 bits with as few digits as tell it from others
    return [text_of(value) for value in column.to_pylist()]
