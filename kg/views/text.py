"""Columns of Arrow tables as text, without a Python object a value: a million edges take a second.

Texts repeat much in a graph, so a change of them is made once for each different one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.schema import EdgeKind

Change = Callable[[str], str]


def mapped(column: pa.ChunkedArray | pa.Array, change: Change) -> pa.Array:
    """Each text of a column, changed; nulls stay."""
    encoded = pc.dictionary_encode(_whole(column))
    changed = pa.array([change(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return changed.take(encoded.indices)


def joined(*pieces: pa.Array | pa.ChunkedArray | str) -> pa.Array:
    """Texts put together row by row; a null piece is left out. At least one piece is a column."""
    return pc.binary_join_element_wise(
        *(pa.scalar(p) if isinstance(p, str) else _whole(p) for p in pieces), "", null_handling="skip"
    )


def around(before: str, values: pa.Array, after: str) -> pa.Array:
    """Each text between two others; nulls stay."""
    return pc.binary_join_element_wise(before, values, after, "")


def constant(value: str, rows: int) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def edge_key(kind: EdgeKind, block: pa.Table, change: Change = str) -> pa.Array:
    """What tells an edge from others between the same nodes: its type and its identity."""
    identity = [mapped(block[c], lambda text: f":{change(text)}") for c in kind.identity]
    return joined(kind.type, *identity) if identity else constant(kind.type, block.num_rows)


def plain(column: pa.ChunkedArray) -> pa.Array:
    """Numbers and truth values as text; a float that is whole has ``.0``, as Python writes it."""
    values = _whole(column)
    texts = pc.cast(values, pa.string())
    if not pa.types.is_floating(values.type):
        return texts
    whole = pc.invert(pc.match_substring_regex(texts, "[.eni]"))
    return pc.if_else(whole, around("", texts, ".0"), texts)


def json_objects(table: pa.Table) -> pa.Array:
    """Each row as a JSON object, as `json.dumps` writes it; nulls are left out.

    Parameters
    ----------
    table
        Columns of texts, numbers and truth values; one column at least has no null.
    """
    members = [
        around(f"{json.dumps(name, ensure_ascii=False)}: ", _json_values(table[name]), "")
        for name in table.column_names
    ]
    inner = pc.binary_join_element_wise(*members, ", ", null_handling="skip")
    return around("{", inner, "}")


def write(lines: pa.Array, file: BinaryIO) -> None:
    """Write texts one behind the other: Arrow keeps them so in memory."""
    packed = pa.concat_arrays([lines])  # begins at the start of its buffer
    offsets, content = packed.buffers()[1:]
    if content is not None and len(packed):
        begin, end = (
            int.from_bytes(offsets[at * 4 : at * 4 + 4].to_pybytes(), "little")
            for at in (packed.offset, packed.offset + len(packed))
        )
        file.write(content[begin:end])


def _json_values(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_string(column.type):
        return mapped(column, lambda text: json.dumps(text, ensure_ascii=False))
    texts = plain(column)
    if pa.types.is_floating(column.type):
        for arrow, python in (("nan", "NaN"), ("inf", "Infinity")):
            texts = pc.replace_substring(texts, arrow, python)
    return texts


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
