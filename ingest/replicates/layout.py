"""The columns of a table in several files: how they are separated, that all files have the same, and their types.

Each file is opened by the reader of all tables (`kg.reading`) for its first row alone; the engines read the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmagraph.ingest.replicates.engines import Kind
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.header import Header
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import encoding, shown
from pharmagraph.kg.reading.unpacking import unpacked


@dataclass(frozen=True)
class Layout:
    """What all files of a table have in common.

    Attributes
    ----------
    header
        The names of the columns, as written.
    separator
        Between the cells of CSV: a comma, a tab or a semicolon; empty of Parquet.
    types
        Column → its type in Parquet; empty of CSV, whose cells are texts.
    """

    header: Header
    separator: str
    types: Mapping[str, Any]

    def require_types(self, names: Sequence[str], measures: Sequence[str], others: Sequence[str]) -> None:
        """Refuse columns whose type is none of names, of numbers, or of texts: a date is cast to a large number.

        Raises
        ------
        InputError
            Naming the column and its type.
        """
        from pyarrow import types

        def is_text(kind: Any) -> bool:
            if types.is_dictionary(kind):
                kind = kind.value_type
            return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

        def is_number(kind: Any) -> bool:
            return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal128(kind))

        wanted = [(c, types.is_integer, "text or integers") for c in names]
        wanted += [(c, is_number, "numbers or text") for c in measures]
        wanted += [(c, lambda _: False, "text") for c in others]
        for column, fits, what in wanted:
            kind = self.types.get(column)
            if kind is not None and not (is_text(kind) or types.is_null(kind) or fits(kind)):
                raise InputError(
                    f"{self.header.source}: the column {shortened(column)} is of the type {shortened(str(kind))}; "
                    f"write it as {what}"
                )


def layout(files: Sequence[Path], kind: Kind) -> Layout:
    """What the files have in common.

    Raises
    ------
    InputError
        If one cannot be read, is no UTF-8, has rows above its header, or has other columns than the first.
    """
    read = _of_parquet if kind == "parquet" else _of_text
    first = read(files[0])
    for file in files[1:]:
        _require_alike(files[0], first, file, read(file))
    return first


def _of_text(file: Path) -> Layout:
    called = shown(file)
    with unpacked(file, called) as content:
        found = encoding(content.peek(1 << 12)[: 1 << 12])
    if not found.startswith("utf-8"):
        raise InputError(f"{called} is {found.upper()} text; save it as UTF-8")
    with records(file) as table:
        header, separator = table.header, table.separator
    if not separator:
        raise InputError(f"{called} is neither CSV nor Parquet; save it as one of them")
    if header.top != 1:
        raise InputError(f"{called}: the header is in row {header.top}; delete the rows above it")
    return Layout(Header(called, None, header.names), separator, {})


def _of_parquet(file: Path) -> Layout:
    import pyarrow as pa
    from pyarrow import parquet

    called = shown(file)
    try:
        with file.open("rb") as content:
            schema = parquet.ParquetFile(content).schema_arrow
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InputError(f"{called} cannot be read as Parquet ({reason}); fetch it again") from None
    types = dict(zip(schema.names, schema.types, strict=True))
    return Layout(Header(called, None, tuple(schema.names)), "", types)


def _require_alike(one: Path, first: Layout, other: Path, second: Layout) -> None:
    """Refuse a file with other columns than the first; columns of CSV have to be in one order, too."""
    own, its = first.header.names, second.header.names
    place = f"{other} and {one}"
    for names, lack, has in ((own, set(its), one), (its, set(own), other)):
        if lone := next((name for name in names if name not in lack), None):
            raise InputError(
                f'{place} have other columns: only {has.name} has "{shortened(lone)}"; give files with the same columns'
            )
    if not first.types and own != its:
        raise InputError(f"{place} have their columns in another order; write them in the same order")
    if first.separator != second.separator:
        raise InputError(f"{place} have other signs between their columns; write them with the same")
    for name, kind in first.types.items():
        if second.types[name] != kind:
            raise InputError(
                f"{place} have the column {shortened(name)} in the types {second.types[name]} and {kind}; write it in "
                "the same type"
            )
