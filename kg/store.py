"""The GraphStore protocol, and open_store, which chooses the engine by URL.

Tables go in and out as Arrow, in the columns of `kg.schema`. It holds no Cypher and imports no database client.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import EdgeFilter
from pharmagraph.kg.left_out import left_out
from pharmagraph.kg.schema import Ends

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.kg.changes import Change

DEFAULT_URL = "ladybug://pharmagraph.lbug"
URL_VARIABLE = "PHARMAGRAPH_STORE"


class GraphStore(Protocol):
    """A graph database that holds the graph of `kg.schema`.

    Every write is idempotent: the same call again changes nothing. On the embedded store a call is written
    as a whole or not at all. On a server a call that was cut off leaves the batches that were committed, and
    the same call finishes the work.
    """

    @property
    def url(self) -> str:
        """Where the store is, without credentials."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder of an embedded store's file; None on a server."""
        ...

    def create_schema(self) -> None:
        """Create tables, constraints or indexes and record the schema's version; idempotent.

        Raises
        ------
        SchemaVersionError
            If the store was written by another version.
        """
        ...

    def schema_version(self) -> int | None:
        """The schema version that wrote the store; None for an empty one."""
        ...

    def counts(self) -> dict[str, int]:
        """Number of nodes by label, and of edges by ``"Source-TYPE-Target"``, in the schema's order, with zeros."""
        ...

    def upsert_nodes(self, label: str, table: pa.Table) -> Change:
        """Insert new nodes and update those whose properties differ.

        Columns that ``table`` lacks keep their stored values; a null in a column that it has is written.
        """
        ...

    def upsert_edges(self, type_: str, ends: Ends, table: pa.Table) -> Change:
        """Insert new edges and update those whose properties differ, by the kind's key.

        Raises
        ------
        InputError
            If the node at an end is not in the store (the message names the ids), or a key repeats in ``table``.
        """
        ...

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id; by default with all columns of the schema."""
        ...

    def node_rows(self, label: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Chosen columns of all nodes of a label, ordered by id, as `read_nodes`, but without Arrow."""
        ...

    def read_edges(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> pa.Table:
        """Edges of a kind between two labels, ordered by source, then target.

        Parameters
        ----------
        columns
            Some of ``EdgeKind.columns``, by default all. ``src`` and ``dst`` are the nodes' ids.
        equals
            Column → a value or several; keeps edges that have one of them. ``src`` and ``dst`` are allowed.
        """
        ...

    def edge_blocks(
        self,
        type_: str,
        ends: Ends,
        columns: Sequence[str] | None = None,
        *,
        equals: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Iterator[pa.Table]:
        """The edges of `read_edges` in blocks, so that memory holds some at a time.

        Either each block holds all edges of its destinations, or blocks are ordered by source. ``src`` and ``dst`` are
        texts, or dictionaries of all ids of the label in their order.
        """
        ...

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property; returns how many."""
        ...

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges; returns how many nodes."""
        ...

    def remove(self, edges: Iterable[EdgeFilter], nodes: Mapping[str, Sequence[str]]) -> None:
        """Delete edges by property, and nodes with their edges: all of them or none, on every engine.

        Parameters
        ----------
        edges
            Types, ends and filters, as `delete_edges` takes them.
        nodes
            Label → ids.

        Raises
        ------
        StoreFullError
            If a server's memory does not hold all of it in one transaction; nothing is deleted then.
        """
        ...

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges, and clear them on all others of the kind.

        Parameters
        ----------
        table
            ``src``, ``dst`` and ``attention``; if several datasets have an edge between a pair, each edge gets
            the value.
        """
        ...

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher.

        Raises
        ------
        QueryError
            If the query would write, a parameter has no value, or the engine refuses it.
        """
        ...

    def rows(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> list[dict[str, Any]]:
        """Run read-only Cypher as `query` does; each row by column, without Arrow.

        Parameters
        ----------
        most
            Rows that are fetched; all unless given.
        seconds
            Time after which the engine stops the query; none unless given.

        Raises
        ------
        QueryError
            As of `query`, and if the query takes longer.
        """
        ...

    def answer(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """The names of the columns, and the rows that `rows` returns."""
        ...

    def close(self) -> None:
        """Release the file or the connection; safe to call twice."""
        ...

    def __enter__(self) -> GraphStore: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class FilledByBlocks(GraphStore, Protocol):
    """A store whose edge kinds can be filled from blocks of edges; a server cannot do it as a whole or not at all."""

    def fill_edges(
        self, type_: str, blocks: Mapping[Ends, Iterable[pa.Table]], *, about: Mapping[Ends, float]
    ) -> dict[Ends, int]:
        """Put the edges of blocks in the place of all edges of a kind; all of them or none.

        Parameters
        ----------
        blocks
            Labels → edges in blocks of whole sources, ordered by the id of the source.
        about
            Labels → approximate number of edges.

        Returns
        -------
        dict
            Labels → number of edges that were written.

        Raises
        ------
        InputError
            If a block breaks the order or the schema, or an end is not in the store.
        """
        ...


def folder_of(url: str | None) -> Path | None:
    """The folder of the file that a URL of an embedded store names, or None for a server; the store is not opened."""
    url = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    scheme, _, path = url.partition("://")
    return Path(path).expanduser().absolute().parent if scheme == "ladybug" else None


def open_store(url: str | None = None, *, read_only: bool = False, create: bool = True) -> GraphStore:
    """Open the store at a URL, in its engine's own class.

    ``pharmagraph.open_store``, which adds cards of nodes, describes arguments and errors.
    """
    return open_as(lambda engine: engine, url, read_only=read_only, create=create)


def open_as(
    extended: Callable[[type[Any]], type[Any]],
    url: str | None = None,
    *,
    read_only: bool = False,
    create: bool = True,
) -> Any:
    """Open a store as `open_store` does, in a class that ``extended`` makes of the engine's."""
    if url is not None and not isinstance(url, str):
        raise TypeError(f"url is of type {type(url).__name__}; give a text, such as ladybug://graph.lbug")
    url = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    scheme = url.partition("://")[0]
    if scheme == "ladybug":
        from pharmagraph.kg.ladybug.store import LadybugStore

        return extended(LadybugStore)(url, read_only=read_only, create=create)
    if scheme in {"bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"}:
        with left_out("pandas"):  # half a second; its values are no parameters of a query, on neither engine
            from pharmagraph.kg.neo4j.store import Neo4jStore

        return extended(Neo4jStore)(url, read_only=read_only)
    raise InputError(f'"{url}" is not a store; use ladybug:///graph.lbug, bolt://host:7687 or neo4j+s://host')
