"""Schema changes on the embedded store: all of them and the version in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kg import ladybug_tables as tables
from kg import schema
from kg.ladybug_file import acquire, release
from kg.migrations import AddKind, AddProperty, SchemaChange, is_node

SCHEME = "ladybug://"


def version(url: str) -> int | None:
    """The schema version of the graph there; None without one."""
    file = acquire(_path(url), read_only=True)
    try:
        with file.reading() as run:
            if tables.VERSION_TABLE not in run("CALL show_tables() RETURN name").column("name").to_pylist():
                return None
            found = run(f"MATCH (v:{tables.VERSION_TABLE}) RETURN v.version AS version").column("version")
            return int(found[0].as_py()) if len(found) else None
    finally:
        release(file)


def apply(url: str, changes: Sequence[SchemaChange]) -> None:
    """Apply changes and record this version."""
    if not changes:
        return
    file = acquire(_path(url), read_only=False)
    try:
        with file.writing() as run:
            for change in changes:
                run(_statement(change))
            run(f"MATCH (v:{tables.VERSION_TABLE}) SET v.version = $version", version=schema.VERSION)
    finally:
        release(file)


def _statement(change: SchemaChange) -> str:
    if isinstance(change, AddKind):
        if is_node(change.of):
            return tables.create_node_table(schema.node(change.of))
        return tables.create_edge_table(schema.edge(change.of))
    if isinstance(change, AddProperty):
        kind = schema.node(change.of) if is_node(change.of) else schema.edge(change.of)
        type_ = next(p.type for p in kind.columns if p.name == change.name)
        return f"ALTER TABLE {change.of} ADD {change.name} {tables._TYPES[type_]}"
    return f"ALTER TABLE {change.of} RENAME {change.old} TO {change.name}"


def _path(url: str) -> Path:
    return Path(url[len(SCHEME) :]).expanduser()
