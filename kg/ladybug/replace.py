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

import pyarrow as pa

from pharmagraph.kg import changes
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.edges import read_edges
from pharmagraph.kg.ladybug.file import File
from pharmagraph.kg.ladybug.recovery import delete_nodes, forget_doomed, note_doomed, recover
from pharmagraph.kg.schema import EdgeKind, Ends
from pharmagraph.kg.schema import edge as edge_kind

REBUILD_ROWS = 20_000
"""Number of edges from which rebuilding a table is faster than changing it in place."""

Contents = Mapping[tuple[str, Ends], pa.Table]
"""Edge type and ends → all its edges, in all columns."""
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
            replace(file, contents, nodes)
        elif found or nodes:
            with file.writing() as run:
                for one in found:
                    run(cypher.delete_edges(*one), **one[2])
                delete_nodes(run, nodes or {})
    return sum(counts)


def _fill(file: File, kind: EdgeKind, contents: Contents) -> None:
    file.statement(cypher.create_edge_table(kind, cypher.rebuilt(kind)))
    for ends in kind.ends:
        table = contents.get((kind.type, ends))
        if table is None:
            with file.reading() as run:
                table = read_edges(run, kind, ends)
        if table.num_rows:
            file.statement(cypher.copy_edges(kind, ends, cypher.rebuilt(kind)), rows=table)
