"""Replaces and deletes edges of the embedded store by rebuilding tables; a killed process leaves the old or the new.

Changing a million edges in place takes minutes, and deleting them runs out of memory; rebuilding their table takes
seconds. The engine does not log a COPY and logs each table definition by itself, so one transaction is not enough.
The new tables are filled beside the old ones, then all old tables are dropped, then all new ones renamed. Nodes that
are to go with their edges are noted in a table before that, and deleted after it.
`kg.ladybug.recovery` sees from the missing tables how far a killed process had come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.kg import changes
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.edges import read_edges
from pharmagraph.kg.ladybug.file import File
from pharmagraph.kg.ladybug.recovery import delete_nodes, forget_doomed, note_doomed, recover
from pharmagraph.kg.schema import EdgeKind, Ends, conform
from pharmagraph.kg.schema import edge as edge_kind

REBUILD_ROWS = 20_000
"""Number of edges from which rebuilding a table is faster than changing it in place."""

AT_ONCE = 1 << 19
"""Edges that are copied at once. The engine holds them in memory, with 400 to 600 bytes for each, and one COPY of ten
million fails for lack of memory; but each COPY also rewrites what is there."""

Part = tuple[pa.Table, npt.NDArray[np.int64] | None]
"""A table, and which of its rows are meant, in order; all of them where that is None."""
Contents = Mapping[tuple[str, Ends], Sequence[Part]]
"""Edge type and ends → all its edges, in all columns that are not empty."""
Filter = tuple[EdgeKind, Ends, dict[str, list[str]]]
"""Edges whose properties are among the values."""


def replace(file: File, contents: Contents, doomed: Mapping[str, Sequence[str]] | None = None) -> None:
    """Replace edges by new ones; edges of the same kind between other labels are kept.

    Parameters
    ----------
    doomed
        Label → ids of nodes that are deleted with it; none of them may have an edge left.
    """
    kinds = [edge_kind(type_) for type_ in dict.fromkeys(type_ for type_, _ in contents)]
    nodes = dict(doomed or {})
    with file.alone():
        recover(file)
        try:
            for kind in kinds:
                _fill(file, kind, contents)
            if nodes:
                note_doomed(file, nodes)
            with file.writing() as run:
                for kind in kinds:
                    run(cypher.drop(kind, old=True))
                for kind in kinds:
                    run(cypher.rename_rebuilt(kind))
                delete_nodes(run, nodes)
            if nodes:
                forget_doomed(file)
        except BaseException:
            with suppress(StoreError):  # may fail on a full disk; done again on opening
                recover(file)
            raise


def delete(file: File, edges: Sequence[Filter], nodes: Mapping[str, Sequence[str]] | None = None) -> int:
    """Delete the edges that match any of the filters, and nodes without further edges; returns the number of edges.

    Where there are many edges of one kind, the tables of all kinds are rebuilt: statements and rebuilt tables do not
    become valid at one moment.
    """
    with file.alone():
        contents: dict[tuple[str, Ends], pa.Table] = {}
        with file.reading() as run:
            counts = [int(run(cypher.count_edges(*one), **one[2])["n"][0].as_py()) for one in edges]
            found = [one for one, count in zip(edges, counts, strict=True) if count]
            if max(counts, default=0) >= REBUILD_ROWS:
                for kind, ends, values in found:
                    table = contents.get((kind.type, ends))
                    table = read_edges(run, kind, ends) if table is None else table
                    contents[kind.type, ends] = changes.without(table, values)
        if contents:
            replace(file, {key: [(table, None)] for key, table in contents.items()}, nodes)
        elif found or nodes:
            with file.writing() as run:
                for one in found:
                    run(cypher.delete_edges(*one), **one[2])
                delete_nodes(run, nodes or {})
    return sum(counts)


def _fill(file: File, kind: EdgeKind, contents: Contents) -> None:
    """Make the new table and copy edges into it, some at a time; a column that is empty is added afterwards.

    An empty column would take as much memory and time as any other.
    """
    whole = dict(contents)
    for ends in kind.ends:
        if (kind.type, ends) not in whole:
            with file.reading() as run:
                whole[kind.type, ends] = [(read_edges(run, kind, ends), None)]
    parts = [(ends, part) for ends in kind.ends for part in whole[kind.type, ends]]
    columns = kind.columns[2:]
    if sum(table.num_rows for _, (table, _) in parts) > AT_ONCE:
        columns = tuple(c for c in columns if any(_has(table, c.name) for _, (table, _) in parts))
    name = cypher.rebuilt(kind)
    file.statement(cypher.create_edge_table(kind, name, columns))
    for ends, (table, rows) in parts:
        table = table.select([c for c in table.column_names if _has(table, c)])
        statement = cypher.copy_edges(kind, ends, name, columns)
        for start in range(0, table.num_rows if rows is None else len(rows), AT_ONCE):
            give_back()
            file.statement(statement, rows=conform(_some(table, rows, start), (*kind.columns[:2], *columns)))
    for column in kind.columns[2:]:
        if column not in columns:
            file.statement(cypher.add_column(name, column))


def _some(table: pa.Table, rows: npt.NDArray[np.int64] | None, start: int) -> pa.Table:
    if rows is None:
        return table.slice(start, AT_ONCE)
    return table.take(pa.array(rows[start : start + AT_ONCE]))


def _has(table: pa.Table, column: str) -> bool:
    return column in table.column_names and table.column(column).null_count < table.num_rows
