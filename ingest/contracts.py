"""Contracts of all tables: pandera schemas made from `kg.schema`, and the columns of the files that a user writes.

They check tables that the sources have built. Errors with a place in a file come from the sources themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import schema
from pharmagraph.kg.changes import repeated
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import EdgeKind, NodeKind, Property
from pharmagraph.kg.tables import compact

_PANDAS: dict[str, Any] = {
    "string": None,
    "strings": None,
    "integer": "Int64",
    "float": "float64",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class FileContract:
    """The columns of a file in long form (one fact per row) that a user writes.

    Parameters
    ----------
    required, optional
        Column names.
    numbers, integers
        Columns that hold numbers, or whole numbers.
    names
        Columns that hold names of nodes, in which words for nothing are refused.
    annotations
        Columns whose odd values cost the value, not the row.
    any_of
        Columns of which the file must have one.
    valued
        Groups of columns; a row without a value in all columns of a group is skipped.
    bounds
        Smallest and largest value of whole numbers, by column.
    key
        Columns whose combined values may not repeat.
    bounded
        Column of numbers of which a cell may be a bound, as ``>10``; the column ``censored`` then has the side.
    united
        Columns in whose place a table may have one whose name says a unit (`ingest.units.columns`).
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    valued: tuple[tuple[str, ...], ...] = ()
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    bounded: str | None = None
    united: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the required ones first."""
        return self.required + self.optional


_MEASURED = ("ln_ic50", "auc", "response")
_OF_CURVE = ("e_inf", "hill", "r2")
_OF_GENE = FileContract(
    ("cell_line", "gene", "value"),
    numbers=("value",),
    names=("cell_line",),
    valued=(("value",),),
    key=("cell_line", "gene"),
)

FILES: dict[str, FileContract] = {
    "targets": FileContract(("drug", "gene"), ("action", "source", "evidence"), names=("drug",)),
    "drugs": FileContract(
        ("drug",),
        ("smiles", "pubchem_cid", "broad_id", "chembl_id", "max_phase", "mechanism"),
        integers=("pubchem_cid", "max_phase"),
        names=("drug",),
        annotations=("pubchem_cid", "broad_id", "chembl_id", "max_phase", "mechanism"),
        bounds={"pubchem_cid": (1, 2**53), "max_phase": (0, 4)},
        key=("drug",),
    ),
    "cells": FileContract(
        ("cell_line",),
        ("tissue", "cosmic_id", "depmap_id", "cellosaurus_id"),
        integers=("cosmic_id",),
        names=("cell_line",),
        annotations=("tissue", "cosmic_id", "depmap_id", "cellosaurus_id"),
        bounds={"cosmic_id": (1, 2**53)},
        key=("cell_line",),
    ),
    "responses": FileContract(
        ("drug", "cell_line"),
        (*_MEASURED, "censored", "bound", *_OF_CURVE, "flags"),
        numbers=("ln_ic50", "auc", "bound", *_OF_CURVE),
        integers=("response",),
        names=("drug", "cell_line"),
        annotations=(*_OF_CURVE, "flags"),
        any_of=_MEASURED,
        valued=((*_MEASURED, "bound"),),
        key=("drug", "cell_line"),
        bounded="ln_ic50",
        united=("ln_ic50", "auc"),
    ),
    "expression": replace(_OF_GENE, united=("value",)),
    "omics": _OF_GENE,
}
"""Name → contract of the files of `cli ingest tables`, `targets` and `omics`."""


_ROWS = 1 << 18
"""Rows that are checked at once."""

LONGEST_NAME, LONGEST_TEXT = 500, 10_000
"""Characters of a node's name, and of another text; SMILES have a limit of their own (`kg.structures`)."""

CONTROL = r"[\x00-\x1f\x7f-\x9f]"
"""A control character, such as a vertical tab or a line break: no name holds one, and XML does not allow most."""
NAMES = ("id", "name", "src", "dst")
"""Columns that are names of nodes."""


def control_character(text: str) -> str | None:
    """The first control character of a text as people look it up, such as U+000B; None without one."""
    found = re.search(CONTROL, text)
    return f"U+{ord(found[0]):04X}" if found else None


def fault_of_name(text: str, longest: int | None = LONGEST_NAME) -> str:
    """What is wrong with a name or another text, as the end of a sentence that begins with it; empty if nothing is."""
    if sign := control_character(text):
        return f"holds the control character {sign}; remove it"
    if longest is not None and len(text) > longest:
        return f"has {len(text):,} characters, and {longest:,} are allowed; shorten it"
    return ""


def contract(kind: NodeKind | EdgeKind) -> pandera.DataFrameSchema:
    """The pandera schema of a kind's table.

    Columns that are not required may be missing, as in an upsert. That keys do not repeat is checked in `validate`, as
    rows are checked some at a time.
    """
    return pandera.DataFrameSchema({p.name: _column(p) for p in kind.columns}, strict=True, name=_name(kind))


def _name(kind: NodeKind | EdgeKind) -> str:
    return kind.label if isinstance(kind, NodeKind) else kind.type


def _column(p: Property) -> pandera.Column:
    checks = []
    if p.required and p.type == "string":
        checks.append(pandera.Check(lambda s: s.str.len() > 0, name="not empty"))
    if p.minimum is not None:
        checks.append(pandera.Check.ge(p.minimum))
    if p.maximum is not None:
        checks.append(pandera.Check.le(p.maximum))
    if p.choices:
        checks.append(pandera.Check.isin(p.choices))
    if p.type == "float":
        checks.append(pandera.Check(lambda s: s.abs() < float("inf"), name="finite"))
    return pandera.Column(
        _PANDAS[p.type], checks=checks, nullable=not p.required, required=p.required, name=p.name
    )


def validate(kind: NodeKind | EdgeKind, table: pa.Table) -> pa.Table:
    """Check a table against its contract and cast it to the schema's types.

    Parameters
    ----------
    kind
        A kind of `kg.schema`.
    table
        Some of the kind's columns, the required ones among them.

    Returns
    -------
    Table
        The same columns and rows, in the schema's Arrow types.

    Raises
    ------
    InputError
        Naming the kind, the column and the first value that breaks the contract.
    """
    name = _name(kind)
    types = {p.name: schema.ARROW[p.type] for p in kind.columns}
    foreign = [c for c in table.column_names if c not in types]
    if foreign:
        raise InputError(f"{name}: column {foreign[0]} is not in the schema; it has {', '.join(types)}")
    try:
        table = pa.table({c: compact(table.column(c), types[c]) for c in table.column_names})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{name}: a column has the wrong type ({error})") from error
    for p in kind.columns:
        if (
            p.name in table.column_names
            and pa.types.is_floating(table.column(p.name).type)
            and pc.any(pc.is_nan(table.column(p.name))).as_py()
        ):
            raise InputError(f"{name}, column {p.name}: NaN is not a number; leave it empty")
    for column in (c for c in NAMES if c in table.column_names):
        names = pc.unique(table.column(column)).cast(pa.string())
        for text in names.filter(pc.match_substring_regex(names, CONTROL)).to_pylist():
            sign = control_character(text)
            raise InputError(
                f"{name}, column {column}: {text!r} holds the control character {sign}; remove it"
            )
    checks = contract(kind)
    for start in range(0, max(table.num_rows, 1), _ROWS):
        try:
            checks.validate(_frame(kind, table.slice(start, _ROWS)), lazy=False)
        except pandera.errors.SchemaError as error:
            raise InputError(f"{name}: {_first_failure(error)}") from error
    key = ("id",) if isinstance(kind, NodeKind) else kind.key
    found = repeated(table, [c for c in key if c in table.column_names])
    if found is not None:
        named = ", ".join(f"{column} {value}" for column, value in found[0].items())
        raise InputError(f"{name}: {named} is there more than once; keep one")
    return table


def _frame(kind: NodeKind | EdgeKind, table: pa.Table) -> pd.DataFrame:
    """Rows for pandera; texts that repeat are categories, since a million texts would take seconds."""
    columns: dict[str, Any] = {}
    for p in kind.columns:
        column = table.column(p.name) if p.name in table.column_names else None
        if column is not None and (p.required or not pa.types.is_null(column.type)):
            dtype = _PANDAS[p.type]
            columns[p.name] = (
                pd.Series(pd.array(column.to_pandas(), dtype=dtype)) if dtype else column.to_pandas()
            )
    return pd.DataFrame(columns)


def _first_failure(error: pandera.errors.SchemaError) -> str:
    cases = error.failure_cases
    column = getattr(error.schema, "name", None)
    if isinstance(cases, pd.DataFrame) and len(cases):
        value = cases["failure_case"].iloc[0]
        return f'column {column}: "{value}" breaks the rule {error.check}; correct it in the source'
    return f"{str(error).splitlines()[0]}; correct it in the source"
