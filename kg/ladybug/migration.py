"""Applies schema changes to the embedded store one after another, and records the version last.

The engine logs each DDL statement by itself, even within a transaction. So a migration first looks up which changes
are done, and one that was cut off goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pharmagraph.kg import schema
from pharmagraph.kg.ladybug import tables
from pharmagraph.kg.ladybug.file import Run, acquire, release
from pharmagraph.kg.schema_changes import (
    AddKind,
    AddProperty,
    FillProperty,
    RenameProperty,
    SchemaChange,
    is_node,
)

SCHEME = "ladybug://"


def version(url: str) -> int | None:
    """The schema version of the graph at a URL; None if there is no graph."""
    file = acquire(_path(url), read_only=True)
    try:
        with file.reading() as run:
            if tables.VERSION_TABLE not in run("CALL show_tables() RETURN name").column("name").to_pylist():
                return None
            found = run(f"MATCH (v:{tables.VERSION_TABLE}) RETURN v.version AS version").column("version")
            return int(found[0].as_py()) if len(found) else None
    finally:
        release(file)


def lacking(url: str) -> list[str]:
    """Names of missing constraints and indexes: none, since the tables are created with their keys."""
    return []


def apply(url: str, changes: Sequence[SchemaChange]) -> None:
    """Apply changes and record this version."""
    if not changes:
        return
    file = acquire(_path(url), read_only=False)
    try:
        with file.writing() as run:
            for change in changes:
                for statement in _statements(run, change):
                    run(statement)
            run(f"MATCH (v:{tables.VERSION_TABLE}) SET v.version = $version", version=schema.VERSION)
    finally:
        release(file)


def _statements(run: Run, change: SchemaChange) -> list[str]:
    """What is left to do of a change, in order."""
    if isinstance(change, AddKind):
        if change.of in run("CALL show_tables() RETURN name").column("name").to_pylist():
            return []
        if is_node(change.of):
            return [tables.create_node_table(schema.node(change.of))]
        return [tables.create_edge_table(schema.edge(change.of))]
    if isinstance(change, FillProperty):
        source, target = change.ends
        return [
            f"MATCH (:{source})-[x:{change.of}]->(:{target}) WHERE x.{change.name} IS NULL "
            f"SET x.{change.name} = '{change.value}'"
        ]
    there = run(f"CALL table_info('{change.of}') RETURN name").column("name").to_pylist()
    if isinstance(change, AddProperty):
        return [] if change.name in there else [_add(change.of, change.name)]
    if change.old not in there:
        return []
    if isinstance(change, RenameProperty):
        return [f"ALTER TABLE {change.of} RENAME {change.old} TO {change.name}"]
    pattern = f"(x:{change.of})" if is_node(change.of) else f"()-[x:{change.of}]->()"
    return [
        *([] if change.name in there else [_add(change.of, change.name)]),
        f"MATCH {pattern} WHERE x.{change.old} IS NOT NULL SET x.{change.name} = {change.value}",
        f"ALTER TABLE {change.of} DROP {change.old}",
    ]


def _add(of: str, name: str) -> str:
    kind = schema.node(of) if is_node(of) else schema.edge(of)
    column = next(p for p in kind.columns if p.name == name)
    return tables.add_column(of, column)


def _path(url: str) -> Path:
    return Path(url[len(SCHEME) :]).expanduser()
