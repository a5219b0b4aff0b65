"""Reads columns of a plain table with Arrow, a batch at a time and without a Python object for each row.

Plain is a text whose rows have as many cells as the header and whose quotes are around whole cells, without a quote or
a line break inside; or a Parquet file; if all numbers are written as such. What is not plain is an error; the table is
then read row by row (`records`), which finds the place.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.columnar import PARQUET
from pharmagraph.kg.reading.rows import Records
from pharmagraph.kg.reading.text import encoding, first_bytes, shown, tidy
from pharmagraph.kg.reading.unpacking import unpacked

EMPTY = sorted({form for word in numbers.NO_VALUE for form in (word, word.upper())})
"""How no value is written."""

_BLOCK = 1 << 24
"""Bytes of text that are parsed at once."""

_ROWS = 1 << 18
"""Rows of a Parquet file that are read at once."""


class NotPlainError(Exception):
    """The table is not plain."""


@dataclass(frozen=True)
class PlainBatch:
    """Some rows of a table, by column.

    Attributes
    ----------
    lines
        Of each row, (n,).
    texts
        Column → its different texts, and which of them each row has, (n,).
    numbers
        Column → its values, NaN for none, (n,).
    """

    lines: npt.NDArray[np.int64]
    texts: dict[str, tuple[list[str], npt.NDArray[np.int64]]]
    numbers: dict[str, npt.NDArray[np.float64]]


def plain_batches(
    path: Path, table: Records, texts: Mapping[str, int], numbers: Mapping[str, int]
) -> Iterator[PlainBatch]:
    """The rows of a table that is open, of which no row has been read.

    Parameters
    ----------
    texts, numbers
        Column → where it is; of what a column is read as.

    Raises
    ------
    NotPlainError
        Also after some batches.
    """
    import pyarrow as pa

    width, top = len(table.header.names), table.header.top or 0
    places = [*texts.values(), *numbers.values()]
    if width < 2 or not places or len(set(places)) != len(places):
        raise NotPlainError
    try:
        found = (
            _of_text(path, table, top, width, texts, numbers)
            if table.separator
            else _of_parquet(path, table, texts, numbers)
        )
        line = top + 1
        for batch in found:
            n = len(batch[next(iter((*texts, *numbers)))])
            made = PlainBatch(
                np.arange(line, line + n),
                {c: _coded(batch[c]) for c in texts},
                {c: _values(batch[c]) for c in numbers},
            )
            if _has_empty_row(made):
                raise NotPlainError
            line += n
            yield made
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise NotPlainError from error


class Watched(io.RawIOBase):
    """A file of bytes that knows whether it read a quote that is not around a whole cell."""

    def __init__(self, content: io.BufferedReader, separator: str) -> None:
        self._content, self._rest, self.has_odd_quote = content, b"", False
        sign = re.escape(separator.encode())
        self._cell = re.compile(rb'(?:^|(?<=%s))"[^"\r\n]*"(?=%s|\r|\n|\Z)' % (sign, sign), re.MULTILINE)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._content.read(size)
        lines = self._rest + data
        end = lines.rfind(b"\n") + 1 if data else len(lines)
        self._rest = lines[end:]
        if b'"' in lines[:end] and b'"' in self._cell.sub(b"", lines[:end]):
            self.has_odd_quote = True
        return data


def _of_text(
    path: Path, table: Records, top: int, width: int, texts: Mapping[str, int], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    from pyarrow import csv

    at = {c: str(n) for c, n in (*texts.items(), *numbers.items())}
    types = {str(n): pa.dictionary(pa.int32(), pa.string()) for n in texts.values()}
    types |= {str(n): pa.float64() for n in numbers.values()}
    with unpacked(path, shown(path)) as content:
        if not encoding(content.peek(1 << 12)[: 1 << 12]).startswith("utf-8"):
            raise NotPlainError
        watched = Watched(content, table.separator)
        reader = csv.open_csv(
            watched,
            read_options=csv.ReadOptions(
                column_names=[str(n) for n in range(width)], skip_rows=top, block_size=_BLOCK
            ),
            parse_options=csv.ParseOptions(delimiter=table.separator, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=EMPTY, strings_can_be_null=False
            ),
        )
        for batch in reader:
            if watched.has_odd_quote:
                raise NotPlainError
            yield {c: batch.column(name) for c, name in at.items()}


def _of_parquet(
    path: Path, table: Records, texts: Mapping[str, int], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    if not first_bytes(path).startswith(PARQUET):
        raise NotPlainError
    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if len(set(names)) != len(names):
            raise NotPlainError
        at = {c: names[n] for c, n in (*texts.items(), *numbers.items())}
        types = {c: file.schema_arrow.field(name).type for c, name in at.items()}
        for batch in file.iter_batches(_ROWS, columns=list(dict.fromkeys(at.values()))):
            columns = {c: batch.column(name) for c, name in at.items()}
            for c in texts:
                if pa.types.is_integer(types[c]):
                    columns[c] = pc.cast(columns[c], pa.string())
                elif not _is_text(types[c]):
                    raise NotPlainError
                columns[c] = pc.fill_null(columns[c], "")
            for c in numbers:
                if pa.types.is_float32(
                    types[c]
                ):  # as few digits as tell it from others, as `columnar` reads it
                    columns[c] = pc.cast(columns[c], pa.string())
                elif not (pa.types.is_float64(types[c]) or pa.types.is_integer(types[c])):
                    raise NotPlainError
                columns[c] = pc.cast(columns[c], pa.float64())
            yield columns


def _is_text(type_: Any) -> bool:
    import pyarrow as pa

    kind = type_.value_type if pa.types.is_dictionary(type_) else type_
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _coded(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    encoded = column if hasattr(column, "dictionary") else column.dictionary_encode()
    return [tidy(text) for text in encoded.dictionary.to_pylist()], encoded.indices.to_numpy().astype(
        np.int64
    )


def _values(column: Any) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    if np.isinf(values).any() or int(np.isnan(values).sum()) != column.null_count:
        raise NotPlainError
    return values


def _has_empty_row(batch: PlainBatch) -> bool:
    """Whether all that is read of a row is empty."""
    empty = np.ones(len(batch.lines), bool)
    for texts, codes in batch.texts.values():
        if "" not in texts:
            return False
        empty &= np.array([not text for text in texts], bool)[codes]
    for values in batch.numbers.values():
        empty &= np.isnan(values)
    return bool(empty.any())
