"""The Neo4j store behind the `GraphStore` protocol: a server, a cluster or Aura, over Bolt.

Every call consists of transactions that are retried after transient faults. A call that is cut off leaves whole
batches, and the same call finishes the work. Connection and errors are in `kg.neo4j.sessions`, constraints and
versions in `kg.neo4j.schema`, edges in `kg.neo4j.edges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

import neo4j
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import changes, statements
from pharmagraph.kg.changes import Change, total
from pharmagraph.kg.errors import InputError, StoreFullError
from pharmagraph.kg.kinds import EdgeFilter
from pharmagraph.kg.neo4j import answers
from pharmagraph.kg.neo4j import edges as neo4j_edges
from pharmagraph.kg.neo4j import schema as neo4j_schema
from pharmagraph.kg.neo4j import statements as cypher
from pharmagraph.kg.neo4j.pipeline import in_flight
from pharmagraph.kg.neo4j.sessions import Connection, run
from pharmagraph.kg.schema import NODES, EdgeKind, Ends, NodeKind, arrow_schema, edge_count_key, edge_tables
from pharmagraph.kg.schema import edge as edge_kind
from pharmagraph.kg.schema import node as node_kind

BATCH_NODES = 5_000
BATCH_BYTES = 4 << 20
"""Of a batch of nodes; profiles are long, and the server holds a whole batch as objects."""
DELETE_EDGES = 20_000
"""Edges deleted in one transaction."""
ATTENTION_WRITERS = 2
"""Number of concurrent writers of attention; they change different edges and never wait for each other's locks."""


class Neo4jStore:
    """A graph in a Neo4j database.

    Parameters
    ----------
    url
        ``bolt://host:7687``, or ``neo4j://`` for routing in a cluster; ``+s`` and ``+ssc`` for TLS. User,
        password and database come from the environment or a file.
    read_only
        Open for reading alone.
    any_version
        Accept a graph of an older schema, in order to migrate it.

    Raises
    ------
    StoreUnavailableError
        If nothing answers, the server refuses the user or the database, or it is older than Neo4j 5.
    SchemaVersionError
        If another version of the schema wrote the graph.
    """

    def __init__(self, url: str, *, read_only: bool = False, any_version: bool = False) -> None:
        self.connection = Connection(url, read_only=read_only)
        try:
            if not any_version:
                neo4j_schema.require_version(self.connection)
        except BaseException:
            self.connection.close()
            raise

    @property
    def url(self) -> str:
        """Where the store is, without credentials."""
        return self.connection.url

    @property
    def folder(self) -> None:
        """None: a server's files are not the user's."""
        return None

    # --- schema -------------------------------------------------------------------------------------------

    def create_schema(self) -> None:
        """Create constraints and indexes and record the version; idempotent."""
        neo4j_schema.create(self.connection)

    def schema_version(self) -> int | None:
        """The schema version that wrote the graph; None for an empty one."""
        return neo4j_schema.version(self.connection)

    def counts(self) -> dict[str, int]:
        """Number of nodes by label, and of edges by ``"Source-TYPE-Target"``; all zeros without the schema."""
        texts = {kind.label: f"MATCH (n:{kind.label}) RETURN count(n)" for kind in NODES}
        texts |= {edge_count_key(k.type, ends): cypher.count_edges(k, ends) for k, ends in edge_tables()}
        if self.schema_version() is None:
            return dict.fromkeys(texts, 0)

        def work(transaction: neo4j.Transaction) -> dict[str, int]:
            return {key: int(run(transaction, text).single(strict=True)[0]) for key, text in texts.items()}

        return self.connection.read(work)

    # --- writing ------------------------------------------------------------------------------------------

    def upsert_nodes(self, label: str, table: pa.Table) -> Change:
        """Insert new nodes and update those whose properties differ, sorted by id, one batch per transaction."""
        kind = node_kind(label)
        table = changes.incoming_nodes(kind, table)
        self.connection.require_writable()
        table = table.sort_by("id")
        n = _batch(table)
        return total(
            self._whole(
                lambda start, stop: self._upsert_nodes(kind, table.slice(start, stop - start)),
                start,
                start + n,
            )
            for start in range(0, table.num_rows, n)
        )

    def _upsert_nodes(self, kind: NodeKind, rows: pa.Table) -> Change:
        names = rows.column_names
        schema = arrow_schema(kind.columns)
        schema = pa.schema([schema.field(name).with_nullable(True) for name in names])

        def work(transaction: neo4j.Transaction) -> Change:
            ids = rows.column("id").to_pylist()
            found = [r.values() for r in run(transaction, cypher.stored_nodes(kind, names), {"ids": ids})]
            stored = pa.table(
                [pa.array([r[i] for r in found], f.type) for i, f in enumerate(schema)], schema=schema
            )
            difference = changes.difference(stored, rows, ("id",))
            changes.require_columns(kind.columns, rows, difference.new, kind.label)
            written = rows.take(pa.array(np.sort(np.concatenate([difference.new, difference.changed]))))
            if written.num_rows:
                run(transaction, cypher.upsert_nodes(kind), {"rows": written.to_pylist()}).consume()
            return Change(len(difference.new), len(difference.changed), difference.unchanged)

        return self.connection.write(work)

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those that differ, grouped by source, one batch per transaction."""
        kind = edge_kind(type_)
        table = changes.incoming_edges(kind, ends, table)
        self.connection.require_writable()
        if not table.num_rows:
            return Change()
        source = neo4j_edges.read_nodes(self.connection, ends[0])
        target = source if ends[0] == ends[1] else neo4j_edges.read_nodes(self.connection, ends[1])
        for column, label, nodes in (("src", ends[0], source), ("dst", ends[1], target)):
            changes.require_known(table.column(column), nodes.ids, f"{type_} {column} ({label})")
        sent = neo4j_edges.batches(kind, ends, table, source, target)

        def upsert(bounds: tuple[int, int]) -> Change:
            return self._whole(
                lambda start, stop: neo4j_edges.upsert(self.connection, sent, start, stop), *bounds
            )

        # one writer: two that share target nodes deadlock, and the retries cost more than a second writer gains
        return total(in_flight(upsert, sent.bounds))

    def _whole(self, send: Callable[[int, int], Change], start: int, stop: int) -> Change:
        """Send rows ``start`` to ``stop``, in halves if the server's memory limit stops the transaction."""
        try:
            return send(start, stop)
        except StoreFullError:
            if stop - start < 2:
                raise
            middle = (start + stop) // 2
            return self._whole(send, start, middle) + self._whole(send, middle, stop)

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property, one batch per transaction; returns how many."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not equals:
            raise InputError(f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}")
        self.connection.require_writable()
        values = cypher.filter_values(kind, equals)
        if not all(values.values()):
            return 0
        deleted = 0
        text = cypher.edge_places(kind, ends, values)
        while places := self.connection.rows(text, **values, limit=10 * DELETE_EDGES)[0][0]:
            for start in range(0, len(places), DELETE_EDGES):
                part = places[start : start + DELETE_EDGES]
                counters = self.connection.change(
                    cypher.delete_edges(kind, ends, values), **values, edges=part
                )
                deleted += counters.relationships_deleted
        return deleted

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes, after their edges, in batches; returns how many nodes."""
        kind = node_kind(label)
        if isinstance(ids, str):
            raise InputError(f'ids of {label} come as a list, not as the text "{ids}"')
        doomed = sorted(str(i) for i in ids)
        edges = (
            f"UNWIND $ids AS id MATCH (n:{kind.label} {{id: id}})-[e]-() "
            f"WITH DISTINCT e LIMIT {DELETE_EDGES} DELETE e"
        )
        nodes = cypher.delete_nodes(kind)
        self.connection.require_writable()
        deleted = 0
        for start in range(0, len(doomed), BATCH_NODES):
            part = doomed[start : start + BATCH_NODES]
            while self.connection.change(edges, ids=part).relationships_deleted:
                pass
            deleted += self.connection.change(nodes, ids=part).nodes_deleted
        return deleted

    def remove(self, edges: Iterable[EdgeFilter], nodes: Mapping[str, Sequence[str]]) -> None:
        """Delete edges by property, and nodes with their edges, in one transaction."""
        self.connection.require_writable()
        filters = []
        for type_, ends, equals in edges:
            kind = edge_kind(type_)
            changes.require_ends(kind, ends)
            if not equals:
                raise InputError(
                    f"deleting {type_} needs a filter, such as equals={{'{kind.identity[0]}': …}}"
                )
            filters.append((kind, ends, cypher.filter_values(kind, equals)))

        def work(transaction: neo4j.Transaction) -> None:
            for kind, ends, values in filters:
                run(transaction, cypher.delete_all_edges(kind, ends, values), values).consume()
            for label, ids in nodes.items():
                run(transaction, cypher.delete_nodes(node_kind(label)), {"ids": list(ids)}).consume()

        self.connection.write(work)

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges and clear the others, in blocks of sources.

        Returns
        -------
        int
            Number of edges that now have an attention.
        """
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        if not kind.base:
            raise InputError(f"{type_} carries no attention of a promoted run; it is not a base edge")
        self.connection.require_writable()
        columns = [p.name for p in kind.columns]
        empty = _schema(kind, columns).empty_table()
        changes.attended(empty, kind, table, run_id)  # a bad table is refused before anything is written
        names = ["src", "dst", "attention", "attention_run"]
        turned = _turned(table, kind)

        def block(stored: pa.Table) -> int:
            rows = turned.filter(pc.is_in(turned.column("src"), pc.unique(stored.column("src"))))
            wanted = changes.attended(stored, kind, rows, run_id)
            neo4j_edges.set_attention(self.connection, kind, stored, wanted, run_id)
            return int(wanted.num_rows - wanted.column("attention_run").null_count)

        blocks = neo4j_edges.edge_blocks(self.connection, kind, ends, names, {}, with_places=True)
        return sum(in_flight(block, blocks, ATTENTION_WRITERS))

    # --- reading ------------------------------------------------------------------------------------------

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id."""
        kind = node_kind(label)
        names = _chosen(kind, columns)
        asked = names if "id" in names else [*names, "id"]
        rows = [row for part in self.connection.rows(cypher.read_nodes(kind, asked)) for row in part[0]]
        schema = _schema(kind, asked)
        table = pa.table(
            [pa.array([r[i] for r in rows], f.type) for i, f in enumerate(schema)], schema=schema
        )
        return table.sort_by("id").select(names)

    def read_edges(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> pa.Table:
        """Edges of a kind between two labels, ordered by source, then target."""
        names = _chosen(edge_kind(type_), columns)
        schema = _schema(edge_kind(type_), names)
        blocks = [b.cast(schema) for b in self.edge_blocks(type_, ends, names, equals=equals)]
        return pa.concat_tables([schema.empty_table(), *blocks]).combine_chunks()

    def edge_blocks(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Iterator[pa.Table]:
        """The edges of `read_edges` in blocks of about 100,000."""
        kind = edge_kind(type_)
        changes.require_ends(kind, ends)
        names = _chosen(kind, columns)
        values = cypher.filter_values(kind, equals or {})
        return neo4j_edges.edge_blocks(self.connection, kind, ends, names, values)

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher in a read-only transaction."""
        return self._read(cypher, parameters)

    def _read(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None,
        most: int | None = None,
        seconds: float | None = None,
    ) -> pa.Table:
        statements.require_reading(cypher)
        bound = statements.bind(cypher, parameters)

        def work(transaction: neo4j.Transaction) -> pa.Table:
            result = run(transaction, cypher, bound)
            names = result.keys()
            rows = [record.values() for record in islice(result, most)]
            return pa.table(
                [answers.column([answers.plain(r[i]) for r in rows]) for i in range(len(names))], names=names
            )

        return self.connection.read(work, seconds)

    def rows(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> list[dict[str, Any]]:
        """Run read-only Cypher as `query` does; each row by column."""
        return self.answer(cypher, parameters, most=most, seconds=seconds)[1]

    def answer(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """The names of the columns, and the rows that `rows` returns."""
        table = self._read(cypher, parameters, most, seconds)
        return table.column_names, table.to_pylist()

    def node_rows(self, label: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Chosen columns of all nodes of a label, ordered by id."""
        return self.read_nodes(label, columns).to_pylist()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self.connection.close()

    def __enter__(self) -> Neo4jStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _turned(table: pa.Table, kind: EdgeKind) -> pa.Table:
    """Pairs with the smaller id as ``src`` if the kind is symmetric, as they are stored."""
    if not kind.symmetric:
        return table
    src, dst = table.column("src").cast(pa.string()), table.column("dst").cast(pa.string())
    turned = pc.greater(src, dst)
    table = table.set_column(table.column_names.index("src"), "src", pc.if_else(turned, dst, src))
    return table.set_column(table.column_names.index("dst"), "dst", pc.if_else(turned, src, dst))


def _batch(table: pa.Table) -> int:
    """Number of nodes in a batch."""
    return max(1, min(BATCH_NODES, BATCH_BYTES * table.num_rows // max(table.nbytes, 1)))


def _chosen(kind: NodeKind | EdgeKind, columns: Sequence[str] | None) -> list[str]:
    known = [p.name for p in kind.columns]
    for name in columns or ():
        if name not in known:
            raise InputError(f"column {name} is not in the schema; it has {', '.join(known)}")
    return known if columns is None else list(columns)


def _schema(kind: NodeKind | EdgeKind, columns: Sequence[str]) -> pa.Schema:
    whole = arrow_schema(kind.columns)
    return pa.schema([whole.field(name).with_nullable(True) for name in columns])
