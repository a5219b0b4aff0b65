"""The GraphStore protocol, and open_store, which picks the engine by URL.

Tables cross it as Arrow, in the columns of `kg.schema`. It holds no Cypher and no engine's client.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

import pyarrow as pa

from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import Ends

DEFAULT_URL = "ladybug://pharmagraph.lbug"
URL_VARIABLE = "PHARMAGRAPH_STORE"


class GraphStore(Protocol):
    """A graph database that holds the graph of `kg.schema`.

    Every write is idempotent: the same call again changes nothing. Every call is whole or not at all on
    the embedded store; on a server a call that was cut off leaves acknowledged batches, and the same call
    finishes the work.
    """

    @property
    def url(self) -> str:
        """Where the store is, without credentials."""
        ...

    def create_schema(self) -> None:
        """Make what the schema needs and record its version; does nothing where it is there.

        Raises
        ------
        SchemaVersionError
            If the store was written by another version.
        """
        ...

    def schema_version(self) -> int | None:
        """The version that wrote the store; None for an empty one."""
        ...

    def counts(self) -> dict[str, int]:
        """Nodes a label, and edges a ``"Source-TYPE-Target"``, in the schema's order, zeros included."""
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
            If an end is missing from the store (the ids are named), or the key repeats within ``table``.
        """
        ...

    def read_nodes(self, label: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All nodes of a label, ordered by id; all columns of the schema unless named."""
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
            Of ``EdgeKind.columns``; all unless named. ``src`` and ``dst`` are the nodes' ids.
        equals
            Keeps edges whose property is the value, or one of the values; ``src`` and ``dst`` count as
            properties here.
        """
        ...

    def delete_edges(self, type_: str, ends: Ends, *, equals: Mapping[str, str | Sequence[str]]) -> int:
        """Delete edges by property; returns how many."""
        ...

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes and their edges; returns how many nodes."""
        ...

    def set_attention(self, type_: str, ends: Ends, table: pa.Table, run_id: str) -> int:
        """Set ``attention`` and ``attention_run`` on base edges, and clear them on all others of the kind.

        Parameters
        ----------
        table
            ``src``, ``dst`` and ``attention``; an edge that several datasets brought gets the same value
            in each.
        """
        ...

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run read-only Cypher.

        Raises
        ------
        QueryError
            If it would write, lacks a parameter, or the engine refuses it.
        """
        ...

    def close(self) -> None:
        """Release the file or the connection; safe to call twice."""
        ...

    def __enter__(self) -> GraphStore: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_store(url: str | None = None, *, read_only: bool = False, create: bool = True) -> GraphStore:
    """Open the store at a URL.

    Parameters
    ----------
    url
        ``ladybug:///absolute/graph.lbug``, ``ladybug://relative.lbug``, or ``bolt``, ``neo4j``,
        ``neo4j+s``, ``neo4j+ssc``, ``bolt+s``, ``bolt+ssc``; the environment's PHARMAGRAPH_STORE, else
        the file ``pharmagraph.lbug`` in the working folder, when None. Neo4j's credentials come from
        the environment or a file, never from the URL.
    read_only
        Open without the right to write; several processes may then share an embedded file.
    create
        Make an embedded file that is not there, unless it is to be read only.

    Raises
    ------
    InputError
        If no engine has that scheme.
    """
    url = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    scheme = url.partition("://")[0]
    if scheme == "ladybug":
        from pharmagraph.kg.ladybug.store import LadybugStore

        return LadybugStore(url, read_only=read_only, create=create)
    if scheme in {"bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"}:
        from pharmagraph.kg.neo4j.store import Neo4jStore

        return Neo4jStore(url, read_only=read_only)
    raise InputError(f'"{url}" is not a store; use ladybug:///graph.lbug, bolt://host:7687 or neo4j+s://host')
