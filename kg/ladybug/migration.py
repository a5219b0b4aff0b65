"""Applies schema changes to the embedded store one after another, and records the version last.

The engine logs each DDL statement by itself, even within a transaction. So a migration first looks up which changes
are done, and one that was cut off goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pharmagraph.kg import schema
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.folders import whole
from pharmagraph.kg.ladybug import tables
from pharmagraph.kg.ladybug.file import Run, acquire, release
from pharmagraph.kg.ladybug.file_format import older_format
from pharmagraph.kg.ladybug.room import ROOM, require_room
from pharmagraph.kg.schema_changes import (
    AddKind,
    AddProperty,
    FillProperty,
    RenameProperty,
    SchemaChange,
    is_node,
)

SCHEME = "ladybug://"
BEFORE = ".before"
"""What the name of the copy ends in that stands beside a store while its file is brought to the engine's format."""


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


def of_engine(url: str) -> str | None:
    """What `upgrade` will do; None if nothing."""
    path = _path(url).resolve()
    if path.with_name(path.name + BEFORE).exists():
        return "an upgrade that was cut off is finished"
    return older_format(path)


def upgrade(url: str) -> None:
    """Bring the file of an earlier engine to this engine's format, and compare every row with a copy of it.

    The copy stands beside the file until both are the same. If they differ, it takes the file's place.

    Raises
    ------
    StoreError
        If a row differs afterwards.
    StoreFullError
        If there is no room for the copy.
    """
    path = _path(url).resolve()
    kept = path.with_name(path.name + BEFORE)
    if not (cut_off := kept.exists()):
        require_room(path, _path(url), ROOM + path.stat().st_size)
        with whole(kept) as new:
            shutil.copyfile(path, new)
    release(acquire(path, read_only=False))  # the engine writes the file anew when it is closed
    now, before = (sorted(_rows_by_table(file)) for file in (path, kept))
    if now != before and cut_off:  # somebody may have written to it since
        raise StoreError(
            f"{path} has other rows than {kept}, its copy from before an upgrade that was cut off; "
            "compare both, and remove the one that you do not need"
        )
    if now != before:
        os.replace(kept, path)
        raise StoreError(
            f"{path} would have other rows in this engine's format, and was put back as it was; "
            "copy it with the version of pharmagraph that wrote it: cli export"
        )
    kept.unlink()


def _rows_by_table(path: Path) -> Iterator[tuple[str, int, int]]:
    """Each table of a file, the number of its rows, and the sum of their digests, which has no order."""
    file = acquire(path, read_only=True)
    try:
        with file.reading() as run:
            names = run("CALL show_tables() RETURN name, type").to_pylist()
        for table in names:
            name = table["name"]
            matched = (
                f"(x:{name}) RETURN x.*"
                if table["type"] == "NODE"
                else f"(a)-[x:{name}]->(b) RETURN a.id, b.id, x.*"
            )
            with file.reading() as run:
                rows = run(f"MATCH {matched}")
            total = 0
            for batch in rows.to_batches(max_chunksize=10_000):
                for row in batch.to_pylist():
                    total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest())
            yield name, len(rows), total
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
