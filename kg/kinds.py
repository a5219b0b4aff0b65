"""What a node kind, an edge kind and a property are, and tables cast to their columns.

The kinds themselves are in `kg.schema`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from pharmagraph.kg.errors import InputError

Type = Literal["string", "strings", "integer", "float", "boolean"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "strings": pa.list_(pa.string()),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class Property:
    """One property of a node or an edge.

    Parameters
    ----------
    name, type
        As the stores and Arrow know it.
    about
        One phrase for the docs.
    unit
        Physical unit, or the empty string for names and unitless numbers.
    required
        Whether a row without it is rejected.
    minimum, maximum
        Inclusive bounds of a number.
    choices
        The only values allowed.
    """

    name: str
    type: Type
    about: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


ATTENTION = (
    Property("attention", "float", "attention of the promoted run, mean over heads", minimum=0, maximum=1),
    Property("attention_run", "string", "id of the promoted Run"),
)
"""Properties that a promoted run sets on every base edge."""

Ends = tuple[str, str]
"""(source label, target label) of an edge."""


@dataclass(frozen=True)
class NodeKind:
    """A label, keyed by its property ``id``."""

    label: str
    about: str
    properties: tuple[Property, ...]

    @property
    def columns(self) -> tuple[Property, ...]:
        """All columns of the kind's table: the key first."""
        return (Property("id", "string", f"key of the {self.label}", required=True), *self.properties)


@dataclass(frozen=True)
class EdgeKind:
    """A relationship type between one or several pairs of labels.

    Parameters
    ----------
    type, ends, about
        The relationship type, every (source, target) pair of labels it joins, and one sentence for the docs.
    properties
        All but ``src`` and ``dst``.
    identity
        Properties that, with ``src`` and ``dst``, make an edge one edge; a second row with the same
        identity is an update.
    symmetric
        Stored once, the smaller id as ``src``.
    base
        Whether the edge is evidence that a model may use as messages; a promoted run then sets
        ``attention`` and ``attention_run`` on it.
    """

    type: str
    ends: tuple[Ends, ...]
    about: str
    properties: tuple[Property, ...]
    identity: tuple[str, ...] = ("dataset",)
    symmetric: bool = False
    base: bool = True

    @property
    def columns(self) -> tuple[Property, ...]:
        """All columns of the kind's table: ``src``, ``dst``, then the properties."""
        ends = (
            Property("src", "string", "id of the source node", required=True),
            Property("dst", "string", "id of the target node", required=True),
        )
        return (*ends, *self.properties, *(ATTENTION if self.base else ()))

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify an edge."""
        return ("src", "dst", *self.identity)


def arrow_schema(columns: Sequence[Property]) -> pa.Schema:
    """The Arrow schema of a kind's ``columns``; required ones are not nullable."""
    return pa.schema([pa.field(p.name, ARROW[p.type], nullable=not p.required) for p in columns])


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
