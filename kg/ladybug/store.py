"""The embedded store: a graph in one file, without a server, behind the `GraphStore` protocol.

A killed write leaves the file either as it was or with the whole change. The file and its transactions are in
`kg.ladybug.file`, statements in `kg.ladybug.tables`, rebuilding of tables in `kg.ladybug.replace`, and comparisons in
`kg.changes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from pharmagraph.kg import changes, statements
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, QueryError, SchemaVersionError, StoreError
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.edges import columns_schema, read_edges, read_places
from pharmagraph.kg.ladybug.file import File, Run, acquire, release
from pharmagraph.kg.ladybug.replace import REBUILD_ROWS, delete, half_replaced, recover, replace, tables
from pharmagraph.kg.schema import NODES, VERSION, Ends, conform, edge_count_key, edge_tables
from pharmagraph.kg.schema import edge as edge_kind
from pharmagraph.kg.schema import node as node_kind

SCHEME = "ladybug://"


class LadybugStore:
    """A graph in a Ladybug file.

    Parameters
    ----------
    url
        ``ladybug:///absolute/graph.lbug`` or ``ladybug://relative.lbug``.
    read_only
        Open for reading alone; the file must exist.
    create
        Create the file if it does not exist.

    Raises
    ------
    StoreLockedError
        If another process has the file open for writing.
    SchemaVersionError
        If another version of the schema wrote the file.
    StoreError
        If the file does not exist and may not be created, is not a Ladybug file, or its folder does not exist.
    """

    def __init__(self, url: str, *, read_only: bool = False, create: bool = True) -> None:
        if not url.startswith(SCHEME) or len(url) == len(SCHEME) or "\0" in url:
            raise InputError(
                f'"{url}" names no file; use ladybug:///folder/graph.lbug or ladybug://graph.lbug'
            )
        self.path = Path(url[len(SCHEME) :]).expanduser()
        self._read_only = read_only
        self._file: File | None = acquire(self.path, read_only=read_only, create=create)
        try:
            if not read_only:
                with self._file.alone():
                    recover(self._file)
            elif half_replaced(self._file):  # tables are missing, and recovery needs write access
                self.close()
                LadybugStore(url).close()
                self._file = acquire(self.path, read_only=True)
            self._require_version()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """URL of the store."""
        return f"{SCHEME}{self.path}"

    # --- schema ---------------------------------------------------------------------------------------

    def create_schema(self) -> None:
        """Create the tables of the schema and record its version; idempotent."""
        if self.schema_version() is not None:
            self._require_version()
            return
        with self._writable().writing() as run:
            for statement in cypher.create_statements():
                run(statement)
            run(f"CREATE (:{cypher.VERSION_TABLE} {{id: 'schema', version: $version}})", version=VERSION)

    def schema_version(self) -> int | None:
        """The schema version that wrote the file; None for an empty one."""
        if cypher.VERSION_TABLE not in tables(self._opened()):
            return None
        with self._opened().reading() as run:
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
                f"ingest into a new file, or see what would change with: cli db migrate --dry-run --store {self.url}"
            )

    def counts(self) -> dict[str, int]:
        """Number of nodes by label, and of edges by ``"Source-TYPE-Target"``; all zeros for an empty file."""
        keys = [kind.label for kind in NODES] + [edge_count_key(k.type, ends) for k, ends in edge_tables()]
        if self.schema_version() is None:
            return dict.fromkeys(keys, 0)
        with self._opened().reading() as run:
            counted = [run(f"MATCH (n:{kind.label}) RETURN count(n) AS n") for kind in NODES]
            counted += [run(cypher.count_edges(kind, ends)) for kind, ends in edge_tables()]
        return {key: int(t.column("n")[0].as_py()) for key, t in zip(keys, counted, strict=True)}

    # --- writing --------------------------------------------------------------------------------------

    def upsert_nodes(self, label: str, table: pa.Table) -> Change:
        """Insert new nodes and update those whose properties differ; one transaction."""
        kind = node_kind(label)
        table = changes.incoming_nodes(kind, table)
        file = self._writable()
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
                    _from_rows(run, cypher.update_nodes(kind, names), table.take(pa.array(found.changed)))
                    if new.num_rows:
                        _from_rows(run, cypher.create_nodes(kind, names), new)
            elif new.num_rows:
                file.statement(cypher.copy_nodes(kind), rows=conform(new, kind.columns))
        return Change(len(found.new), len(found.changed), found.unchanged)

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those whose properties differ; all of them or none."""
        kind = edge_kind(type_)
        table = changes.incoming_edges(kind, ends, table)
        file = self._writable()
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
                rebuild = len(found.changed) and len(found.changed) + len(found.new) >= REBUILD_ROWS
                whole = read_edges(run, kind, ends, places=places) if rebuild else None
            changes.require_columns(kind.columns, table, found.new, type_)
            new = table.take(pa.array(found.new))
            if whole is not None:
                whole = changes.replaced(whole, found.changed_stored, table, found.changed)
                whole = pa.concat_tables([whole, conform(new, kind.columns)])
                replace(file, {(kind.type, ends): whole})
            elif len(found.changed):
                with file.writing() as run:
                    names = table.column_names
                    _from_rows(
                        run, cypher.update_edges(kind, ends, names), table.take(pa.array(found.changed))
                    )
                    if new.num_rows:
                        _from_rows(run, cypher.create_edges(kind, ends, names), new)
            elif new.num_rows:
                file.statement(cypher.copy_edges(kind, ends), rows=conform(new, kind.columns))
        return Change(len(found.new), len(found.changed), found.unchanged)

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property, all of them or none; returns how many."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not equals:
            raise InputError(f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}")
        file = self._writable()
        values = cypher.filter_values(kind.columns, equals)
        if not all(values.values()):
            return 0
        return delete(file, [(kind, ends, values)])

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges, all of them or none; returns how many nodes."""
        kind = node_kind(label)
        if isinstance(ids, str):
            raise InputError(f'ids of {label} come as a list, not as the text "{ids}"')
        file = self._writable()
        with file.alone():
            with file.reading() as run:
                doomed = run(cypher.known_ids(kind), ids=[str(i) for i in ids]).column("id").to_pylist()
            if not doomed:
                return 0
            touched = [
                (edges, ends, {column: doomed})
                for edges, ends in edge_tables()
                for column, end in zip(("src", "dst"), ends, strict=True)
                if end == label
            ]
            delete(file, touched, lambda run: run(cypher.delete_nodes(kind), ids=doomed))
        return len(doomed)

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
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
        file = self._writable()
        with file.alone():
            with file.reading() as run:
                stored = read_edges(run, kind, ends)
            attended = changes.attended(stored, kind, table, run_id)
            if not attended.equals(stored):
                replace(file, {(type_, ends): attended})
        return int(attended.num_rows - attended.column("attention_run").null_count)

    # --- reading --------------------------------------------------------------------------------------

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id."""
        kind = node_kind(label)
        schema = columns_schema(kind, columns)
        with self._opened().reading() as run:
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
        with self._opened().reading() as run:
            return read_edges(run, kind, ends, columns, cypher.filter_values(kind.columns, equals or {}))

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher in a read-only transaction."""
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)
        with self._opened().reading(QueryError) as run:
            return run(cypher, **bound)

    # --- the file -------------------------------------------------------------------------------------

    def _opened(self) -> File:
        if self._file is None:
            raise StoreError(f"{self.path} is closed; open it again")
        return self._file

    def _writable(self) -> File:
        if self._read_only:
            raise StoreError(f"{self.path} is open read-only; open it for writing to change it")
        return self._opened()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        if self._file is not None:
            release(self._file)
            self._file = None

    def __enter__(self) -> LadybugStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _from_rows(run: Run, statement: str, rows: pa.Table) -> None:
    run(statement, rows=rows.rename_columns(cypher.incoming_names(rows.column_names)))
