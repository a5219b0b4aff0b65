"""The embedded store: a graph in one file, without a server, behind the `GraphStore` protocol.

A killed write leaves the file either as it was or with the whole change. The file and its transactions are in
`kg.ladybug.file`, statements in `kg.ladybug.tables`, rebuilding of tables in `kg.ladybug.replace`, and comparisons in
`kg.changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import statements
from pharmagraph.kg.errors import InputError, QueryError, SchemaVersionError, StoreError
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.file import File, Rows, acquire, release
from pharmagraph.kg.ladybug.recovery import half_replaced, recover, tables
from pharmagraph.kg.schema import NODES, VERSION, Ends, edge_count_key, edge_tables
from pharmagraph.kg.schema import edge as edge_kind
from pharmagraph.kg.schema import node as node_kind

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.kg.changes import Change
    from pharmagraph.kg.kinds import EdgeFilter

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

    @property
    def folder(self) -> Path:
        """The folder of the store's file."""
        return self.path.absolute().parent

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
        with self._opened().reading_rows() as run:
            versions = run(f"MATCH (v:{cypher.VERSION_TABLE}) RETURN v.version AS version")
            return int(versions[0]["version"]) if versions else None

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
        with self._opened().reading_rows() as run:
            counted = [run(f"MATCH (n:{kind.label}) RETURN count(n) AS n") for kind in NODES]
            counted += [run(cypher.count_edges(kind, ends)) for kind, ends in edge_tables()]
        return {key: int(rows[0]["n"]) for key, rows in zip(keys, counted, strict=True)}

    # --- writing --------------------------------------------------------------------------------------

    def upsert_nodes(self, label: str, table: pa.Table) -> Change:
        """Insert new nodes and update those whose properties differ; one transaction."""
        return _writes().upsert_nodes(self._writable(), label, table)

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those whose properties differ; all of them or none."""
        return _writes().upsert_edges(self._writable(), type_, ends, table)

    def fill_edges(
        self, type_: str, blocks: Mapping[Ends, Iterable[pa.Table]], *, about: Mapping[Ends, float]
    ) -> dict[Ends, int]:
        """Put the edges of blocks in the place of all edges of a kind; all of them or none (`kg.ladybug.fill`)."""
        from pharmagraph.kg.ladybug.fill import fill_edges

        return fill_edges(self._writable(), type_, blocks, about=about)

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property, all of them or none; returns how many."""
        return _writes().delete_edges(self._writable(), type_, ends, equals)

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges, all of them or none; returns how many nodes."""
        return _writes().delete_nodes(self._writable(), label, ids)

    def remove(self, edges: Iterable[EdgeFilter], nodes: Mapping[str, Sequence[str]]) -> None:
        """Delete edges by property, and nodes with their edges, all of them or none."""
        _writes().remove(self._writable(), edges, nodes)

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges and clear the others; all of them or none.

        Returns
        -------
        int
            Number of edges that now have an attention.
        """
        return _writes().set_attention(self._writable(), type_, ends, table, run_id)

    # --- reading --------------------------------------------------------------------------------------

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id."""
        from pharmagraph.kg.ladybug.edges import columns_schema

        kind = node_kind(label)
        schema = columns_schema(kind, columns)
        with self._opened().reading() as run:
            return run(cypher.read_nodes(kind, schema.names)).cast(schema)

    def node_rows(self, label: str, columns: Sequence[str]) -> Rows:
        """Chosen columns of all nodes of a label, ordered by id, without Arrow."""
        kind = node_kind(label)
        cypher.require_columns_of(kind.columns, columns)
        with self._opened().reading_rows() as run:
            return run(cypher.read_nodes(kind, columns))

    def read_edges(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> pa.Table:
        """Edges of a kind between two labels, ordered by source, then target."""
        from pharmagraph.kg.changes import require_ends
        from pharmagraph.kg.ladybug.edges import read_edges

        kind = edge_kind(type_)
        require_ends(kind, ends)
        with self._opened().reading() as run:
            return read_edges(run, kind, ends, columns, cypher.filter_values(kind.columns, equals or {}))

    def edge_blocks(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Iterator[pa.Table]:
        """The edges of `read_edges` in blocks that hold whole destinations, in any order of these."""
        from pharmagraph.kg.changes import require_ends
        from pharmagraph.kg.ladybug.edges import blocks_of_destinations

        kind = edge_kind(type_)
        require_ends(kind, ends)
        values = cypher.filter_values(kind.columns, equals or {})
        return blocks_of_destinations(self._opened(), kind, ends, columns, values)

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher in a read-only transaction."""
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)
        with self._opened().reading(QueryError) as run:
            return run(cypher, **bound)

    def rows(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> Rows:
        """Run read-only Cypher as `query` does; each row by column, without Arrow."""
        return self.answer(cypher, parameters, most=most, seconds=seconds)[1]

    def answer(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> tuple[list[str], Rows]:
        """The names of the columns, and the rows that `rows` returns."""
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)
        with self._opened().answering(most=most, seconds=seconds) as run:
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


def _writes() -> ModuleType:
    """`kg.ladybug.writes`, imported by the first write: comparing tables takes NumPy and Arrow, a query neither."""
    from pharmagraph.kg.ladybug import writes

    return writes
