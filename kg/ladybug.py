"""The embedded store: a graph in one file, no server, behind the `GraphStore` protocol.

Writes are single transactions, so a call that is killed leaves the file as it was before. Statements are
made in `kg.ladybug_tables`, comparisons in `kg.changes`; no other module imports the engine's client.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import ladybug
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from kg.schema import EDGES, NODES, VERSION, EdgeKind, Ends, NodeKind, arrow_schema, conform, edge_tables
from kg.schema import edge as edge_kind
from kg.schema import node as node_kind
from kg.store import Change, edge_count_key

SCHEME = "ladybug://"
BUFFER_POOL = min(2 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
"""Bytes of page cache; the engine's own default is 80 % of the machine's memory."""
REBUILD_ROWS = 20_000
"""Edges from which rebuilding a table is quicker than changing it in place (and deleting stays in memory)."""

Run = Callable[..., pa.Table]
"""Runs one statement with its parameters and returns its rows."""


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
        self._writing = threading.RLock()
        self._database: ladybug.Database | None = _acquire(self.path, read_only)
        try:
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
        with self._write() as run:
            stored = run(cypher.read_nodes(kind, table.column_names))
            found = changes.difference(stored, table, ("id",))
            changes.require_columns(kind.columns, table, found.new, label)
            if len(found.changed):
                rows = table.take(pa.array(found.changed))
                run(
                    cypher.update_nodes(kind, table.column_names),
                    rows=rows.rename_columns(cypher.incoming_names(table.column_names)),
                )
            if len(found.new):
                run(cypher.copy_nodes(kind), rows=conform(table.take(pa.array(found.new)), kind.columns))
        return Change(len(found.new), len(found.changed), found.unchanged)

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those whose properties differ; one transaction."""
        kind = edge_kind(type_)
        table = changes.incoming_edges(kind, ends, table)
        if not table.num_rows:
            return Change()
        with self._write() as run:
            places = self._places(run, ends)
            for side, column in ((0, "src"), (1, "dst")):
                known = places[ends[side]].column("id")
                changes.require_known(table.column(column), known, f"{type_} {column} ({ends[side]})")
            stored = self._edges(run, kind, ends, table.column_names, {}, places)
            found = changes.difference(stored, table, kind.key)
            changes.require_columns(kind.columns, table, found.new, type_)
            new = conform(table.take(pa.array(found.new)), kind.columns)
            if len(found.changed) >= REBUILD_ROWS:
                whole = self._edges(run, kind, ends, [p.name for p in kind.columns], {}, places)
                whole = changes.replaced(whole, found.changed_stored, table, found.changed)
                self._rebuild(run, kind, {ends: pa.concat_tables([whole, new])})
            else:
                if len(found.changed):
                    rows = table.take(pa.array(found.changed))
                    run(
                        cypher.update_edges(kind, ends, table.column_names),
                        rows=rows.rename_columns(cypher.incoming_names(table.column_names)),
                    )
                if new.num_rows:
                    run(cypher.copy_edges(kind.type, ends), rows=new)
        return Change(len(found.new), len(found.changed), found.unchanged)

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property; one transaction; returns how many."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not equals:
            raise InputError(f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}")
        with self._write() as run:
            return self._delete(run, kind, ends, equals)

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges; one transaction; returns how many nodes."""
        kind = node_kind(label)
        if isinstance(ids, str):
            raise InputError(f'ids of {label} come as a list, not as the text "{ids}"')
        with self._write() as run:
            found = run(
                f"MATCH (n:{kind.label}) WHERE n.id IN $ids RETURN n.id AS id", ids=[str(i) for i in ids]
            )
            doomed = found.column("id").to_pylist()
            if not doomed:
                return 0
            for edges, ends in edge_tables():
                for side, column in ((0, "src"), (1, "dst")):
                    if ends[side] == label:
                        self._delete(run, edges, ends, {column: doomed})
            run(f"MATCH (n:{kind.label}) WHERE n.id IN $ids DELETE n", ids=doomed)
            return len(doomed)

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges and clear the others; one transaction.

        Returns
        -------
        int
            Edges that now carry the attention.
        """
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not kind.base:
            raise InputError(f"{type_} carries no attention of a promoted run; it is not a base edge")
        with self._write() as run:
            stored = self._edges(run, kind, ends, [p.name for p in kind.columns], {})
            with_attention = changes.attended(stored, kind, table, run_id)
            count = with_attention.num_rows - with_attention.column("attention_run").null_count
            if not with_attention.equals(stored):
                self._rebuild(run, kind, {ends: with_attention})
        return count

    def _delete(self, run: Run, kind: EdgeKind, ends: Ends, equals: Mapping[str, str | Sequence[str]]) -> int:
        values = cypher.filter_values(kind.columns, equals)
        if not all(values.values()):
            return 0
        count = int(run(cypher.count_edges(kind, ends, values), **values).column("n")[0].as_py())
        if count >= REBUILD_ROWS:
            whole = self._edges(run, kind, ends, [p.name for p in kind.columns], {})
            doomed = np.ones(whole.num_rows, bool)
            for name, allowed in values.items():
                doomed &= pc.is_in(whole.column(name), value_set=pa.array(allowed)).to_numpy()
            self._rebuild(run, kind, {ends: whole.filter(pa.array(~doomed))})
        elif count:
            run(cypher.delete_edges(kind, ends, values), **values)
        return count

    def _rebuild(self, run: Run, kind: EdgeKind, contents: Mapping[Ends, pa.Table]) -> None:
        """Replace a table's edges between some labels; those between its other labels are kept."""
        rebuilt = f"{kind.type}_rebuilt"
        run(cypher.create_edge_table(kind, rebuilt))
        for ends in kind.ends:
            table = contents.get(ends)
            if table is None:
                table = self._edges(run, kind, ends, [p.name for p in kind.columns], {})
            if table.num_rows:
                run(cypher.copy_edges(rebuilt, ends), rows=table)
        run(f"DROP TABLE {kind.type}")
        run(f"ALTER TABLE {rebuilt} RENAME TO {kind.type}")

    # --- reading --------------------------------------------------------------------------------------

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id."""
        kind = node_kind(label)
        names = _chosen(kind, columns)
        with self._read() as run:
            return run(cypher.read_nodes(kind, names)).cast(_schema(kind, names))

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
        names = _chosen(kind, columns)
        values = cypher.filter_values(kind.columns, equals or {})
        with self._read() as run:
            return self._edges(run, kind, ends, names, values)

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher, in a transaction that the engine lets nothing be written in."""
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)
        try:
            with self._read() as run:
                return run(cypher, **bound)
        except StoreFullError:
            raise
        except StoreError as error:
            raise QueryError(f"the engine refused the query: {error}") from error.__cause__

    def _places(self, run: Run, ends: Ends) -> dict[str, pa.Table]:
        return {label: run(cypher.read_places(label)) for label in dict.fromkeys(ends)}

    def _edges(
        self,
        run: Run,
        kind: EdgeKind,
        ends: Ends,
        columns: Sequence[str],
        values: Mapping[str, Sequence[str]],
        places: Mapping[str, pa.Table] | None = None,
    ) -> pa.Table:
        """Edges with the ids of their ends; reading places and taking ids is quicker than reading ids."""
        places = places or self._places(run, ends)
        schema = _schema(kind, columns)
        if not all(values.values()):
            return schema.empty_table()
        found = run(cypher.read_edges(kind, ends, columns, values), **values)
        if not found.num_rows:
            return schema.empty_table()
        ranks = {}
        for column, label in (("src", ends[0]), ("dst", ends[1])):
            place = places[label].column("place").to_numpy()
            rank = np.zeros(place.max() + 1, np.int64)
            rank[place] = np.arange(len(place))
            ranks[column] = rank[found.column(column).to_numpy()]
        order = np.argsort(ranks["src"] * places[ends[1]].num_rows + ranks["dst"], kind="stable")
        arrays = []
        for field in schema:
            if field.name in ranks:
                ids = places[ends[0] if field.name == "src" else ends[1]].column("id").combine_chunks()
                arrays.append(ids.take(pa.array(ranks[field.name][order])))
            else:
                arrays.append(
                    found.column(field.name).combine_chunks().take(pa.array(order)).cast(field.type)
                )
        return pa.table(arrays, schema=schema)

    # --- the file -------------------------------------------------------------------------------------

    @contextmanager
    def _read(self) -> Iterator[Run]:
        with self._transaction("BEGIN TRANSACTION READ ONLY") as run:
            yield run

    @contextmanager
    def _write(self) -> Iterator[Run]:
        if self._read_only:
            raise StoreError(f"{self.path} is open read-only; open it for writing to change it")
        with self._writing, self._transaction("BEGIN TRANSACTION") as run:
            yield run

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Run]:
        """One connection for one transaction: its cache of prepared statements would keep our tables."""
        if self._database is None:
            raise StoreError(f"{self.path} is closed; open it again")
        connection = ladybug.Connection(self._database)

        def run(statement: str, **parameters: Any) -> pa.Table:
            result = connection.execute(statement, parameters)
            table = result.get_as_arrow() if result.get_column_names() else pa.table({})
            result.close()
            return table

        try:
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

    def close(self) -> None:
        """Release the file; safe to call twice."""
        if self._database is not None:
            self._database = None
            _release(self.path)

    def __enter__(self) -> LadybugStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chosen(kind: NodeKind | EdgeKind, columns: Sequence[str] | None) -> list[str]:
    known = [p.name for p in kind.columns]
    for name in columns or ():
        if name not in known:
            raise InputError(f"column {name} is not in the schema; it has {', '.join(known)}")
    return known if columns is None else list(columns)


def _schema(kind: NodeKind | EdgeKind, columns: Sequence[str]) -> pa.Schema:
    whole = arrow_schema(kind.columns)
    return pa.schema([whole.field(name).with_nullable(True) for name in columns])


def _roll_back(run: Run) -> None:
    """Undo; the engine has done it already when a statement failed."""
    try:
        run("ROLLBACK")
    except RuntimeError:
        return


# --- one Database an actual file: two of them in one process corrupt it -----------------------------------


class _Open:
    """A file that this process has open, and how many stores use it."""

    def __init__(self, database: ladybug.Database, read_only: bool) -> None:
        self.database, self.read_only, self.users = database, read_only, 1


_open: dict[Path, _Open] = {}
_opening = threading.Lock()


def _acquire(path: Path, read_only: bool) -> ladybug.Database:
    real = path.resolve()
    with _opening:
        held = _open.get(real)
        if held is not None:
            if held.read_only and not read_only:
                raise StoreLockedError(f"{path} is open read-only in this process; close that store first")
            held.users += 1
            return held.database
        if read_only and not real.exists():
            raise StoreError(
                f"there is no store at {path}; make one with `cli ingest` or `cli demo`, or pass --store"
            )
        if not real.parent.is_dir():
            raise StoreError(
                f"the folder {real.parent} of the store does not exist; make it, or pass --store"
            )
        try:
            database = ladybug.Database(str(real), buffer_pool_size=BUFFER_POOL, read_only=read_only)
        except RuntimeError as error:
            raise _translated(error, path) from error
        _open[real] = _Open(database, read_only)
        return database


def _release(path: Path) -> None:
    real = path.resolve()
    with _opening:
        held = _open[real]
        held.users -= 1
        if not held.users:
            del _open[real]
            held.database.close()


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
