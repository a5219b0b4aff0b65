"""The writing calls of the embedded store: compare a table with what is stored, then write what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from pharmagraph.kg import changes
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import EdgeFilter
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.edges import read_edges, read_places
from pharmagraph.kg.ladybug.file import File, Run
from pharmagraph.kg.ladybug.replace import AT_ONCE, REBUILD_ROWS, Filter, delete, replace
from pharmagraph.kg.schema import EdgeKind, Ends, NodeKind, conform, edge_tables
from pharmagraph.kg.schema import edge as edge_kind
from pharmagraph.kg.schema import node as node_kind


def upsert_nodes(file: File, label: str, table: pa.Table) -> Change:
    """Insert new nodes and update those whose properties differ; one transaction."""
    kind = node_kind(label)
    table = changes.incoming_nodes(kind, table)
    if not table.num_rows:
        return Change()
    with file.alone():
        with file.reading() as run:
            stored = run(cypher.read_nodes(kind, table.column_names))
        found = changes.difference(stored, table, ("id",))
        changes.require_columns(kind.columns, table, found.new, label)
        new = table.take(pa.array(found.new))
        if len(found.changed):
            with file.writing() as run:
                names = table.column_names
                _from_rows(run, cypher.update_nodes(kind, names), table.take(pa.array(found.changed)), kind)
                if new.num_rows:
                    _from_rows(run, cypher.create_nodes(kind, names), new, kind)
        elif new.num_rows:
            file.statement(cypher.copy_nodes(kind), rows=conform(new, kind.columns))
    return Change(len(found.new), len(found.changed), found.unchanged)


def upsert_edges(file: File, type_: str, ends: Ends, table: pa.Table) -> Change:
    """Insert new edges and update those whose properties differ; all of them or none."""
    kind = edge_kind(type_)
    table = changes.incoming_edges(kind, ends, table)
    if not table.num_rows:
        return Change()
    with file.alone():
        with file.reading() as run:
            places = read_places(run, ends)
            for label, column in zip(ends, ("src", "dst"), strict=True):
                known = places[label].column("id")
                changes.require_known(table.column(column), known, f"{type_} {column} ({label})")
            stored = read_edges(run, kind, ends, table.column_names, places=places)
            found = changes.difference(stored, table, kind.key)
            n = len(found.changed) + len(found.new)
            rebuild = (len(found.changed) and n >= REBUILD_ROWS) or len(found.new) > AT_ONCE
            whole = read_edges(run, kind, ends, places=places) if rebuild else None
        changes.require_columns(kind.columns, table, found.new, type_)
        if whole is not None:
            del stored
            whole = changes.replaced(whole, found.changed_stored, table, found.changed)
            in_order = np.array_equal(found.new, np.arange(table.num_rows))
            replace(file, {(kind.type, ends): [(whole, None), (table, None if in_order else found.new)]})
            return Change(len(found.new), len(found.changed), found.unchanged)
        new = table.take(pa.array(found.new))
        if len(found.changed):
            with file.writing() as run:
                names = table.column_names
                changed = table.take(pa.array(found.changed))
                _from_rows(run, cypher.update_edges(kind, ends, names), changed, kind)
                if new.num_rows:
                    _from_rows(run, cypher.create_edges(kind, ends, names), new, kind)
        elif new.num_rows:
            file.statement(cypher.copy_edges(kind, ends), rows=conform(new, kind.columns))
    return Change(len(found.new), len(found.changed), found.unchanged)


def delete_edges(file: File, type_: str, ends: Ends, equals: Mapping[str, str | Sequence[str]]) -> int:
    """Delete edges by property, all of them or none; returns how many."""
    return delete(file, _filters([(type_, ends, equals)]))


def delete_nodes(file: File, label: str, ids: Sequence[str]) -> int:
    """Delete nodes and their edges, all of them or none; returns how many nodes."""
    kind = node_kind(label)
    if isinstance(ids, str):
        raise InputError(f'ids of {label} come as a list, not as the text "{ids}"')
    with file.alone():
        with file.reading() as run:
            doomed = run(cypher.known_ids(kind), ids=[str(i) for i in ids]).column("id").to_pylist()
        remove(file, (), {label: doomed})
    return len(doomed)


def remove(file: File, edges: Iterable[EdgeFilter], nodes: Mapping[str, Sequence[str]]) -> None:
    """Delete edges by property, and nodes with their edges, all of them or none."""
    doomed = {label: [str(i) for i in ids] for label, ids in nodes.items() if ids}
    touched: list[Filter] = [
        (kind, ends, {column: doomed[end]})
        for kind, ends in edge_tables()
        for column, end in zip(("src", "dst"), ends, strict=True)
        if end in doomed
    ]
    delete(file, [*_filters(edges), *touched], doomed)


def _filters(edges: Iterable[EdgeFilter]) -> list[Filter]:
    found = []
    for type_, ends, equals in edges:
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not equals:
            raise InputError(f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}")
        values = cypher.filter_values(kind.columns, equals)
        if all(values.values()):
            found.append((kind, ends, values))
    return found


def set_attention(file: File, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
    """Set ``attention`` and ``attention_run`` on base edges and clear the others; all of them or none.

    Returns
    -------
    int
        Number of edges that now have an attention.
    """
    kind = edge_kind(type_)
    changes.require_ends(kind, ends)
    if not kind.base:
        raise InputError(f"{type_} carries no attention of a promoted run; it is not a base edge")
    with file.alone():
        with file.reading() as run:
            stored = read_edges(run, kind, ends)
        attended = changes.attended(stored, kind, table, run_id)
        if not attended.equals(stored):
            replace(file, {(type_, ends): [(attended, None)]})
    return int(attended.num_rows - attended.column("attention_run").null_count)


def _from_rows(run: Run, statement: str, rows: pa.Table, kind: NodeKind | EdgeKind) -> None:
    rows = conform(rows, [c for c in kind.columns if c.name in rows.column_names])
    run(statement, rows=rows.rename_columns(cypher.incoming_names(rows.column_names)))
