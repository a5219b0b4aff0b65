"""Compares a stored table with an incoming one, by key and column by column; both engines use it.

Nothing here reads or writes a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import EdgeKind, Ends, NodeKind, Property
from pharmagraph.kg.tables import ARROW, compact

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Difference:
    """Row numbers of what an upsert has to insert and to update.

    Parameters
    ----------
    new
        Rows of the incoming table whose key is not stored, sorted by the first key column: the embedded
        engine copies sorted rows in half the time.
    changed
        Rows of the incoming table whose key is stored with other values.
    changed_stored
        Rows of the stored table in the order of ``changed``.
    unchanged
        Number of incoming rows that are stored with the same values.
    """

    new: Rows
    changed: Rows
    changed_stored: Rows
    unchanged: int


def incoming_nodes(kind: NodeKind, table: pa.Table) -> pa.Table:
    """Put a table's columns into the schema's types and order; columns that it lacks stay absent.

    Raises
    ------
    InputError
        If a column is not in the schema or of the wrong type, or the key is missing, empty or repeated.
    """
    table = _typed(table, kind.columns, ("id",), kind.label)
    for i, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):  # nodes are few, and Arrow cannot sort by dictionaries
            table = table.set_column(i, table.column_names[i], column.cast(column.type.value_type))
    _refuse_repeats(table, ("id",), kind.label)
    return table


def incoming_edges(kind: EdgeKind, ends: Ends, table: pa.Table) -> pa.Table:
    """Do the same as `incoming_nodes` for edges; a symmetric edge is turned so that the smaller id is ``src``.

    Raises
    ------
    InputError
        If the kind does not join ``ends``, a column is not in the schema or of the wrong type, or the key is
        incomplete or repeated.
    """
    require_ends(kind, ends)
    for p in kind.columns:
        if p.name in kind.identity and not p.required and p.name not in table.column_names:  # absent is null
            table = table.append_column(p.name, pa.nulls(table.num_rows, pa.string()))
    table = _typed(table, kind.columns, kind.key, kind.type)
    if kind.symmetric and table.num_rows:
        src, dst = table.column("src").cast(pa.string()), table.column("dst").cast(pa.string())
        turned = pc.greater(src, dst)
        table = table.set_column(0, "src", pc.if_else(turned, dst, src))
        table = table.set_column(1, "dst", pc.if_else(turned, src, dst))
    _refuse_repeats(table, kind.key, kind.type)
    return table


def repeated(table: pa.Table, key: Sequence[str]) -> tuple[dict[str, str], int] | None:
    """The first key that several rows of a table have, and the number of rows too many; None where each has its own."""
    codes = _codes([table.column(c) for c in key])
    ordered = np.sort(codes)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    _, first, count = np.unique(codes, return_index=True, return_counts=True)
    at = int(first[count > 1].min())
    return table.slice(at, 1).select(list(key)).to_pylist()[0], len(codes) - len(first)


def require_ends(kind: EdgeKind, ends: Ends) -> None:
    """Refuse a pair of labels that the edge kind does not join.

    Raises
    ------
    InputError
        Naming the pairs it does join.
    """
    if tuple(ends) not in kind.ends:
        joins = ", ".join(f"{a}→{b}" for a, b in kind.ends)
        raise InputError(f"{kind.type} does not join {ends[0]}→{ends[1]}; it joins {joins}")


def require_columns(columns: Sequence[Property], table: pa.Table, new: Rows, what: str) -> None:
    """Refuse new rows that lack a column the schema requires.

    Raises
    ------
    InputError
        Naming the column.
    """
    missing = [p.name for p in columns if p.required and p.name not in table.column_names]
    if missing and len(new):
        raise InputError(f"{what}: {len(new)} new rows lack the required column {missing[0]}")


def require_known(ids: pa.Array | pa.ChunkedArray, known: pa.Array | pa.ChunkedArray, what: str) -> None:
    """Refuse ids that are not among the known.

    Raises
    ------
    InputError
        Naming the first three ids and how many there are.
    """
    unique = pc.unique(ids).cast(pa.string())
    strangers = unique.filter(pc.invert(pc.is_in(unique, value_set=_array(known)))).to_pylist()
    if strangers:
        named = ", ".join(f'"{s}"' for s in sorted(strangers)[:3]) + (" …" if len(strangers) > 3 else "")
        raise InputError(
            f"{what}: {len(strangers)} ids are not in the graph ({named}); load the nodes before their edges"
        )


def difference(stored: pa.Table, incoming: pa.Table, key: Sequence[str]) -> Difference:
    """Compare tables by key.

    Parameters
    ----------
    stored
        Has at least the columns of ``incoming``, its key unique.
    incoming
        Its key unique; a null in it is a value like any other, and NaN counts as null.
    key
        String columns.
    """
    n = stored.num_rows
    codes = _codes([_joined(stored.column(c), incoming.column(c)) for c in key])
    where = _positions(codes[:n], codes[n:])
    matched = np.flatnonzero(where >= 0)
    at = where[matched]
    differs = np.zeros(len(matched), bool)
    for name in incoming.column_names:
        if name not in key and len(matched):
            differs |= _differs(stored.column(name), at, incoming.column(name), matched)
    new = np.flatnonzero(where < 0)
    return Difference(
        new=new[np.argsort(codes[n:][new], kind="stable")],
        changed=matched[differs],
        changed_stored=at[differs],
        unchanged=int(len(matched) - differs.sum()),
    )


def lacking(stored: pa.Table, incoming: pa.Table, key: Sequence[str]) -> pa.Table:
    """The stored rows whose key is not in ``incoming``; keys are compared as in `difference`."""
    n = stored.num_rows
    codes = _codes([_joined(stored.column(c), incoming.column(c)) for c in key])
    return stored.filter(pa.array(_positions(codes[n:], codes[:n]) < 0))


def replaced(stored: pa.Table, rows: Rows, incoming: pa.Table, from_rows: Rows) -> pa.Table:
    """The stored table with ``incoming``'s values in some rows; columns that it lacks are kept."""
    take = np.arange(stored.num_rows)
    take[rows] = stored.num_rows + np.arange(len(rows))
    indices = pa.array(take)
    for i, name in enumerate(stored.column_names):
        if name in incoming.column_names:
            values = incoming.column(name).take(pa.array(from_rows)).cast(stored.column(name).type)
            stored = stored.set_column(i, name, _joined(stored.column(name), values).take(indices))
    return stored


def without(stored: pa.Table, values: Mapping[str, Sequence[str]]) -> pa.Table:
    """The rows that do not match a filter; a row matches if each named column has one of the values."""
    doomed = np.ones(stored.num_rows, bool)
    for name, among in values.items():
        kept = pc.is_in(stored.column(name), value_set=pa.array(among, pa.string()))
        doomed &= kept.to_numpy()
    return stored.filter(pa.array(~doomed))


def _typed(table: pa.Table, columns: Sequence[Property], key: Sequence[str], what: str) -> pa.Table:
    known = [p.name for p in columns]
    for name in table.column_names:
        if name not in known:
            raise InputError(f"{what}: column {name} is not in the schema; it has {', '.join(known)}")
    for name in key:
        if name not in table.column_names:
            raise InputError(f"{what}: the key column {name} is missing")
    present = [p for p in columns if p.name in table.column_names]
    arrays = []
    for p in present:
        try:
            column = compact(table.column(p.name), ARROW[p.type])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"{what}: column {p.name} is not {p.type}: {str(error).splitlines()[0]}"
            ) from None
        if p.required and column.null_count:
            raise InputError(f"{what}: column {p.name} is required and is empty in {column.null_count} rows")
        arrays.append(_without_nan(column))
    return pa.table(arrays, names=[p.name for p in present])


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace NaN by null, since the engines disagree on whether NaN equals itself."""
    if not pa.types.is_floating(column.type) or not pc.any(pc.is_nan(column)).as_py():
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _refuse_repeats(table: pa.Table, key: Sequence[str], what: str) -> None:
    found = repeated(table, key)
    if found is not None:
        named = ", ".join(f"{k}={v}" for k, v in found[0].items())
        raise InputError(f"{what}: {found[1]} rows repeat a key, the first is {named}")


def _array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _joined(a: pa.ChunkedArray, b: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(b.type):
        a = a.dictionary_encode().cast(b.type)
        return _array(pa.chunked_array([*a.chunks, *b.chunks], b.type).unify_dictionaries())
    chunks = [*a.chunks, *b.cast(a.type).chunks]
    return pa.concat_arrays(chunks) if chunks else pa.array([], a.type)


def _codes(columns: Sequence[pa.Array | pa.ChunkedArray]) -> Rows:
    """One integer for each distinct row of string columns."""
    codes = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        encoded = _array(column).dictionary_encode()
        values = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy().astype(np.int64)
        radix = len(encoded.dictionary) + 1
        if size * radix >= 2**62:
            distinct, codes = np.unique(codes, return_inverse=True)
            size = len(distinct)
        codes = codes * radix + values
        size *= radix
    return codes


def _positions(stored: Rows, incoming: Rows) -> Rows:
    """Position of each incoming code among the stored ones, -1 if it is not stored."""
    if not len(stored):
        return np.full(len(incoming), -1, np.int64)
    order = np.argsort(stored, kind="stable")
    ordered = stored[order]
    at = np.minimum(np.searchsorted(ordered, incoming), len(stored) - 1)
    return np.where(ordered[at] == incoming, order[at], -1)


def _differs(
    stored: pa.ChunkedArray, at: Rows, incoming: pa.ChunkedArray, rows: Rows
) -> npt.NDArray[np.bool_]:
    if pa.types.is_list(stored.type):
        old, new = stored.to_pylist(), incoming.to_pylist()
        return np.array([old[i] != new[j] for i, j in zip(at, rows, strict=True)], bool)
    if pa.types.is_string(stored.type):
        codes = _codes([_joined(stored, incoming)])
        return np.asarray(codes[: len(stored)][at] != codes[len(stored) :][rows])
    old, new = _array(stored), _array(incoming.cast(stored.type))
    old_null, new_null = (a.is_null(nan_is_null=True).to_numpy(zero_copy_only=False) for a in (old, new))
    zero = pa.scalar(0).cast(stored.type) if not pa.types.is_boolean(stored.type) else pa.scalar(False)
    old_values, new_values = (a.fill_null(zero).to_numpy(zero_copy_only=False) for a in (old, new))
    both = ~old_null[at] & ~new_null[rows]
    return np.asarray((old_null[at] != new_null[rows]) | (both & (old_values[at] != new_values[rows])))


def attended(stored: pa.Table, kind: EdgeKind, table: pa.Table, run_id: str) -> pa.Table:
    """Base edges with a run's attention, which replaces that of any other run.

    Parameters
    ----------
    stored
        All columns of the edges of a kind between two labels.
    table
        ``src``, ``dst`` and ``attention``, each pair once; every edge between the pair gets the value.

    Raises
    ------
    InputError
        If a column is missing or ill-typed, or a pair repeats.
    """
    ends = tuple(p for p in kind.columns if p.name in ("src", "dst", "attention"))
    table = _typed(table, ends, ("src", "dst", "attention"), kind.type)
    src, dst = table.column("src"), table.column("dst")
    if kind.symmetric:
        turned = pc.greater(src, dst)
        src, dst = pc.if_else(turned, dst, src), pc.if_else(turned, src, dst)
    _refuse_repeats(pa.table({"src": src, "dst": dst}), ("src", "dst"), kind.type)
    codes = _codes([_joined(stored.column("src"), src), _joined(stored.column("dst"), dst)])
    n = stored.num_rows
    at = _positions(codes[n:], codes[:n])
    found = pa.array(at, mask=at < 0)
    attention = _array(table.column("attention")).take(found)
    runs = pc.if_else(attention.is_valid(), pa.scalar(run_id), pa.scalar(None, pa.string()))
    names = stored.column_names
    stored = stored.set_column(names.index("attention"), "attention", attention)
    return stored.set_column(names.index("attention_run"), "attention_run", runs)


@dataclass(frozen=True)
class Change:
    """Numbers of rows that an upsert inserted, updated and left unchanged."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Change) -> Change:
        return Change(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )

    @property
    def total(self) -> int:
        """Number of rows that were sent, all of which the store now holds."""
        return self.inserted + self.updated + self.unchanged


def total(changes: Iterable[Change]) -> Change:
    """The sum of several changes."""
    result = Change()
    for change in changes:
        result = result + change
    return result
