"""Arrow tables in the columns of a kind of `kg.schema`: their types, and tables cast to them.

They are apart from the schema because importing Arrow takes as long as a query.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import Property, Type

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "strings": pa.list_(pa.string()),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
}


def arrow_schema(columns: Sequence[Property]) -> pa.Schema:
    """The Arrow schema of a kind's ``columns``; required ones are not nullable."""
    return pa.schema([pa.field(p.name, ARROW[p.type], nullable=not p.required) for p in columns])


def compact(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """A column cast to a type; a dictionary of texts, or a column of nulls alone, takes less memory and stays one."""
    if pa.types.is_null(column.type):
        return column
    if pa.types.is_dictionary(column.type) and column.type.value_type == type_ and column.num_chunks:
        column = column.unify_dictionaries()
        texts = column.chunk(0).dictionary
        if not texts.null_count and len(texts.unique()) == len(texts):
            return column
    return column.cast(type_)


def conform(table: pa.Table, columns: Sequence[Property]) -> pa.Table:
    """Cast a table to a kind's columns, adding the ones it lacks as nulls.

    Parameters
    ----------
    table
        Any subset of the columns that holds all required ones, in any order.
    columns
        ``NodeKind.columns`` or ``EdgeKind.columns``.

    Raises
    ------
    InputError
        If a required column is missing or has nulls, or if there is a column the kind does not have.
    """
    known = {p.name for p in columns}
    foreign = [name for name in table.column_names if name not in known]
    if foreign:
        raise InputError(f"column {foreign[0]} is not in the schema; it has {', '.join(sorted(known))}")
    arrays = []
    for p in columns:
        if p.name in table.column_names:
            array = table.column(p.name).cast(ARROW[p.type])
        else:
            array = pa.nulls(table.num_rows, ARROW[p.type])
        if p.required and array.null_count:
            raise InputError(f"column {p.name} is required and is empty in {array.null_count} rows")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema([pa.field(p.name, ARROW[p.type]) for p in columns]))
