"""The embedded store: a graph in one file, no server, behind the `GraphStore` protocol.

Writes are single transactions, so a call that is killed leaves the file as it was before. Statements are
made in `kg.ladybug_tables`, comparisons in `kg.changes`; no other module imports the engine's client.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import ladybug
import pyarrow as pa

from kg import changes, statements
from kg import ladybug_tables as cypher
from kg.errors import (
    InputError,
    PharmagraphError,
    QueryError,
    SchemaVersionError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from kg.ladybug_edges import Run, columns_schema, read_edges, read_places
from kg.schema import EDGES, NODES, VERSION, EdgeKind, Ends, conform, edge_tables
from kg.schema import edge as edge_kind
from kg.schema import node as node_kind
from kg.store import Change, edge_count_key

SCHEME = "ladybug://"
_log = logging.getLogger("pharmagraph.store")
BUFFER_POOL = min(2 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
"""Bytes of page cache; the engine's own default is 80 % of the machine's memory."""
REBUILD_ROWS = 20_000
"""Edges from which rebuilding a table is quicker than changing it in place (and deleting stays in memory)."""


class LadybugStore:
    """A graph in a Ladybug file.

    Parameters
    ----------
    url
        ``ladybug:///absolute/graph.lbug`` or ``ladybug://relative.lbug``.
    read_only
        Open without the right to write; the file must be there.

    Raises
    ------
    StoreLockedError
        If another process has the file open for writing.
    SchemaVersionError
        If another version of the schema wrote the file.
    StoreError
        If the file is missing (read-only), is not a Ladybug file, or its folder does not exist.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        if not url.startswith(SCHEME) or len(url) == len(SCHEME):
            raise InputError(
                f'"{url}" names no file; use ladybug:///folder/graph.lbug or ladybug://graph.lbug'
            )
        self.path = Path(url[len(SCHEME) :]).expanduser()
        self._read_only = read_only
        self._file: _File | None = _acquire(self.path, read_only)
        try:
            if not read_only:
                with self._alone():
                    self._recover()
            self._require_version()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where the store is."""
        return f"{SCHEME}{self.path}"

    # --- schema ---------------------------------------------------------------------------------------

    def create_schema(self) -> None:
        """Make the tables of the schema and record its version; does nothing where they are."""
        if self.schema_version() is not None:
            self._require_version()
            return
        with self._write() as run:
            for statement in cypher.create_statements():
                run(statement)
            run(f"CREATE (:{cypher.VERSION_TABLE} {{id: 'schema', version: $version}})", version=VERSION)

    def schema_version(self) -> int | None:
        """The version that wrote the file; None for an empty one."""
        with self._read() as run:
            names = run("CALL show_tables() RETURN name").column("name").to_pylist()
            if cypher.VERSION_TABLE not in names:
                return None
            versions = run(f"MATCH (v:{cypher.VERSION_TABLE}) RETURN v.version AS version").column("version")
            return int(versions[0].as_py()) if len(versions) else None

    def _require_version(self) -> None:
        found = self.schema_version()
        if found is not None and found > VERSION:
            raise SchemaVersionError(
                f"{self.path} was written by schema version {found}, this program knows version {VERSION}; "
                "update pharmagraph, or pass --store with another file"
            )
        if found is not None and found < VERSION:
            raise SchemaVersionError(
                f"{self.path} was written by schema version {found}, this program needs version {VERSION}; "
                "ingest into a new file, or open it with the version of pharmagraph that wrote it"
            )

    def counts(self) -> dict[str, int]:
        """Nodes a label, and edges a ``"Source-TYPE-Target"``; all zeros for an empty file."""
        keys = [kind.label for kind in NODES] + [edge_count_key(k.type, ends) for k, ends in edge_tables()]
        if self.schema_version() is None:
            return dict.fromkeys(keys, 0)
        with self._read() as run:
            counted = [run(f"MATCH (n:{kind.label}) RETURN count(n) AS n") for kind in NODES]
            counted += [run(cypher.count_edges(kind, ends)) for kind, ends in edge_tables()]
        return {key: int(t.column("n")[0].as_py()) for key, t in zip(keys, counted, strict=True)}

    # --- writing --------------------------------------------------------------------------------------

    def upsert_nodes(self, label: str, table: pa.Table) -> Change:
        """Insert new nodes and update those whose properties differ; one transaction."""
        kind = node_kind(label)
        table = changes.incoming_nodes(kind, table)
        if not table.num_rows:
            return Change()
        with self._alone():
            with self._read() as run:
                stored = run(cypher.read_nodes(kind, table.column_names))
            found = changes.difference(stored, table, ("id",))
            changes.require_columns(kind.columns, table, found.new, label)
            new = table.take(pa.array(found.new))
            if len(found.changed):
                with self._write() as run:
                    names = table.column_names
                    _from_rows(run, cypher.update_nodes(kind, names), table.take(pa.array(found.changed)))
                    if new.num_rows:
                        _from_rows(run, cypher.create_nodes(kind, names), new)
            elif new.num_rows:
                self._copy(cypher.copy_nodes(kind), conform(new, kind.columns))
        return Change(len(found.new), len(found.changed), found.unchanged)

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those whose properties differ; whole or not at all."""
        kind = edge_kind(type_)
        table = changes.incoming_edges(kind, ends, table)
        if not table.num_rows:
            return Change()
        with self._alone():
            with self._read() as run:
                places = read_places(run, ends)
                for label, column in zip(ends, ("src", "dst"), strict=True):
                    known = places[label].column("id")
                    changes.require_known(table.column(column), known, f"{type_} {column} ({label})")
                stored = read_edges(run, kind, ends, table.column_names, places=places)
                found = changes.difference(stored, table, kind.key)
                rebuild = len(found.changed) and len(found.changed) + len(found.new) >= REBUILD_ROWS
                whole = read_edges(run, kind, ends, places=places) if rebuild else None
            changes.require_columns(kind.columns, table, found.new, type_)
            new = table.take(pa.array(found.new))
            if whole is not None:
                whole = changes.replaced(whole, found.changed_stored, table, found.changed)
                whole = pa.concat_tables([whole, conform(new, kind.columns)])
                self._replace({(kind.type, ends): whole})
            elif len(found.changed):
                with self._write() as run:
                    names = table.column_names
                    _from_rows(
                        run, cypher.update_edges(kind, ends, names), table.take(pa.array(found.changed))
                    )
                    if new.num_rows:
                        _from_rows(run, cypher.create_edges(kind, ends, names), new)
            elif new.num_rows:
                self._copy(cypher.copy_edges(kind.type, ends), conform(new, kind.columns))
        return Change(len(found.new), len(found.changed), found.unchanged)

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property, whole or not at all; returns how many."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not equals:
            raise InputError(f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}")
        values = cypher.filter_values(kind.columns, equals)
        if not all(values.values()):
            return 0
        return self._delete([(kind, ends, values)])

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges, whole or not at all; returns how many nodes."""
        kind = node_kind(label)
        if isinstance(ids, str):
            raise InputError(f'ids of {label} come as a list, not as the text "{ids}"')
        with self._alone():
            with self._read() as run:
                doomed = run(cypher.known_ids(kind), ids=[str(i) for i in ids]).column("id").to_pylist()
            if not doomed:
                return 0
            touched = [
                (edges, ends, {column: doomed})
                for edges, ends in edge_tables()
                for column, end in zip(("src", "dst"), ends, strict=True)
                if end == label
            ]
            self._delete(touched, lambda run: run(cypher.delete_nodes(kind), ids=doomed))
        return len(doomed)

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges and clear the others; whole or not at all.

        Returns
        -------
        int
            Edges that now carry the attention.
        """
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not kind.base:
            raise InputError(f"{type_} carries no attention of a promoted run; it is not a base edge")
        with self._alone():
            with self._read() as run:
                stored = read_edges(run, kind, ends)
            attended = changes.attended(stored, kind, table, run_id)
            if not attended.equals(stored):
                self._replace({(type_, ends): attended})
        return int(attended.num_rows - attended.column("attention_run").null_count)

    def _delete(self, doomed: Sequence[_Filter], also: Callable[[Run], object] = lambda run: None) -> int:
        """Delete the edges that any of the filters keeps, and do one more thing in the same transaction."""
        with self._alone():
            contents: dict[_Table, pa.Table] = {}
            with self._read() as run:
                counts = [int(run(cypher.count_edges(*one), **one[2])["n"][0].as_py()) for one in doomed]
                for (kind, ends, values), count in zip(doomed, counts, strict=True):
                    if count >= REBUILD_ROWS:
                        table = contents.get((kind.type, ends))
                        table = read_edges(run, kind, ends) if table is None else table
                        contents[kind.type, ends] = changes.without(table, values)
            rebuilt = {type_ for type_, _ in contents}

            def rest(run: Run) -> None:
                # after the swap, so that small deletions in a rebuilt table are done in the new one
                for one, count in zip(doomed, counts, strict=True):
                    if count and (count < REBUILD_ROWS or (one[0].type, one[1]) not in contents):
                        run(cypher.delete_edges(*one), **one[2])
                also(run)

            if rebuilt or any(counts) or doomed:
                self._replace(contents, rest)
        return sum(counts)

    def _copy(self, statement: str, rows: pa.Table) -> None:
        """Append rows, alone in its transaction.

        What COPY brings is not in the engine's log: it is there from the checkpoint on that ends the
        transaction. A transaction that did more would be half there for a process killed before it.
        """
        with self._alone(), self._transaction(None) as run:
            run(statement, rows=rows)

    def _replace(
        self, contents: Mapping[_Table, pa.Table], also: Callable[[Run], object] = lambda run: None
    ) -> None:
        """Put new edges in the place of the old, for some edge kinds between some labels.

        The new tables are filled beside the old ones and then swapped, all old ones dropped first:
        `_recover` sees by what is missing whether a killed process had come to the swap.
        """
        kinds = [edge_kind(type_) for type_ in dict.fromkeys(type_ for type_, _ in contents)]
        with self._alone():
            try:
                for kind in kinds:
                    self._fill(kind, contents)
                with self._write() as run:
                    for kind in kinds:
                        run(cypher.drop(kind, old=True))
                    for kind in kinds:
                        run(cypher.rename_rebuilt(kind))
                    also(run)
            except BaseException:
                self._recover()
                raise

    def _fill(self, kind: EdgeKind, contents: Mapping[_Table, pa.Table]) -> None:
        """Make and fill the table that will replace a kind's; edges between its other labels are copied."""
        with self._transaction(None) as run:
            run(cypher.create_edge_table(kind, cypher.rebuilt(kind)))
        for ends in kind.ends:
            table = contents.get((kind.type, ends))
            if table is None:
                table = self.read_edges(kind.type, ends)
            if table.num_rows:
                self._copy(cypher.copy_edges(cypher.rebuilt(kind), ends), table)

    def _recover(self) -> None:
        """Finish or undo a replacement of tables that was cut off."""
        with self._read() as run:
            names = set(run("CALL show_tables() RETURN name").column("name").to_pylist())
        rebuilt = [kind for kind in EDGES if cypher.rebuilt(kind) in names]
        swapping = any(kind.type not in names for kind in rebuilt)
        for kind in rebuilt:
            with self._transaction(None) as run:
                if not swapping:
                    run(cypher.drop(kind, old=False))
                elif kind.type in names:
                    run(cypher.drop(kind, old=True))
            if swapping:
                with self._transaction(None) as run:
                    run(cypher.rename_rebuilt(kind))

    # --- reading --------------------------------------------------------------------------------------

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id."""
        kind = node_kind(label)
        schema = columns_schema(kind, columns)
        with self._read() as run:
            return run(cypher.read_nodes(kind, schema.names)).cast(schema)

    def read_edges(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> pa.Table:
        """Edges of a kind between two labels, ordered by source, then target."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        with self._read() as run:
            return read_edges(run, kind, ends, columns, cypher.filter_values(kind.columns, equals or {}))

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher, in a transaction that the engine lets nothing be written in."""
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)
        try:
            with self._read() as run:
                return run(cypher, **bound)
        except StoreError as error:
            raise QueryError(f"the engine refused the query: {error}") from error.__cause__

    # --- the file -------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread writes meanwhile, through this store or another one on the file."""
        if self._read_only:
            raise StoreError(f"{self.path} is open read-only; open it for writing to change it")
        with self._opened().writing:
            yield

    @contextmanager
    def _read(self) -> Iterator[Run]:
        with self._transaction("BEGIN TRANSACTION READ ONLY") as run:
            yield run

    @contextmanager
    def _write(self) -> Iterator[Run]:
        with self._alone(), self._transaction("BEGIN TRANSACTION") as run:
            yield run

    @contextmanager
    def _transaction(self, begin: str | None) -> Iterator[Run]:
        """A connection for one transaction, or for one statement that is its own.

        A connection caches its prepared statements, and those keep the Arrow tables bound to them.
        """
        connection = ladybug.Connection(self._opened().database)

        def run(statement: str, **parameters: Any) -> pa.Table:
            # prepared, because the engine prepares single statements only
            prepared = ladybug.PreparedStatement(connection, statement, parameters)
            result: Any = connection.execute(prepared, parameters)
            return result.get_as_arrow() if result.get_column_names() else pa.table({})

        try:
            if begin is None:
                yield run
                return
            run(begin)
            try:
                yield run
                run("COMMIT")
            except BaseException:
                _roll_back(run)
                raise
        except RuntimeError as error:
            raise _translated(error, self.path) from error
        finally:
            connection.close()

    def _opened(self) -> _File:
        if self._file is None:
            raise StoreError(f"{self.path} is closed; open it again")
        return self._file

    def close(self) -> None:
        """Release the file; safe to call twice."""
        if self._file is not None:
            _release(self._file)
            self._file = None

    def __enter__(self) -> LadybugStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_Table = tuple[str, Ends]
_Filter = tuple[EdgeKind, Ends, dict[str, list[str]]]


def _from_rows(run: Run, statement: str, rows: pa.Table) -> None:
    run(statement, rows=rows.rename_columns(cypher.incoming_names(rows.column_names)))


def _roll_back(run: Run) -> None:
    """Undo; the engine has done it already when a statement failed."""
    try:
        run("ROLLBACK")
    except RuntimeError:
        return


# --- one Database an actual file: two of them in one process corrupt it -----------------------------------


class _File:
    """A file that this process has open, the stores that use it, and the lock of those that write."""

    def __init__(self, real: Path, database: ladybug.Database, read_only: bool) -> None:
        self.real, self.database, self.read_only = real, database, read_only
        self.users = 1
        self.writing = threading.RLock()


_files: dict[Path, _File] = {}
_opening = threading.Lock()


def _acquire(path: Path, read_only: bool) -> _File:
    real = path.resolve()
    with _opening:
        held = _files.get(real)
        if held is not None:
            if held.read_only and not read_only:
                raise StoreLockedError(f"{path} is open read-only in this process; close that store first")
            held.users += 1
            return held
        if read_only and not real.exists():
            raise StoreError(
                f"there is no store at {path}; make one with `cli ingest` or `cli demo`, or pass --store"
            )
        if not real.parent.is_dir():
            raise StoreError(
                f"the folder {real.parent} of the store does not exist; make it, or pass --store"
            )
        try:
            database = _database(real, read_only)
        except RuntimeError as error:
            raise _translated(error, path) from error
        _files[real] = _File(real, database, read_only)
        return _files[real]


def _database(real: Path, read_only: bool) -> ladybug.Database:
    try:
        return ladybug.Database(str(real), buffer_pool_size=BUFFER_POOL, read_only=read_only)
    except RuntimeError as error:
        if "WAL file is corrupted" not in str(error):
            raise
    # a process was killed while it wrote the log: the engine refuses the torn end unless told to leave it
    _log.warning("%s: the last write was cut off; it is undone", real)
    return ladybug.Database(
        str(real), buffer_pool_size=BUFFER_POOL, read_only=read_only, throw_on_wal_replay_failure=False
    )


def _release(file: _File) -> None:
    with _opening:
        file.users -= 1
        if not file.users:
            del _files[file.real]
            file.database.close()


def _translated(error: RuntimeError, path: Path) -> PharmagraphError:
    """The project's error for one of the engine's."""
    message = str(error).splitlines()[0]
    if "Could not set lock" in message:
        return StoreLockedError(
            f"{path} is open for writing in another process; close that one, or open the store read-only"
        )
    if any(sign in message for sign in ("No space left", "File too large", "Disk quota", "disk is full")):
        return StoreFullError(f"the disk of {path} is full; nothing was written; make room and run it again")
    if "not a valid Lbug database" in message or "cannot be a directory" in message:
        return StoreError(f"{path} is not a pharmagraph store; pass --store with another file")
    if "does not exist" in message and message.startswith("Binder exception: Table"):
        label = message.split("Table ", 1)[1].split(" ", 1)[0]
        if label in {k.label for k in NODES} | {k.type for k in EDGES}:
            return StoreError(f"{path} holds no graph yet; load one with `cli ingest` or `cli demo`")
    return StoreError(message)
