"""Copies a whole store into another, in blocks; it adds to what the target holds and removes nothing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.schema import NODES, Ends, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore

BLOCK_EDGES = 200_000
"""Approximate number of edges in a block."""
LAST = ("Dataset", "Run")
"""Labels copied after the edges: a data set or a run is listed by its node, so all of its edges go first."""

Advance = Callable[[str, int], None]
"""Called with a kind and the number of its rows that were written."""


@dataclass(frozen=True)
class Copied:
    """Rows of one kind that were new to the target, differed, or were there already."""

    kind: str
    change: Change


def copy(
    source: GraphStore, target: GraphStore, *, advance: Advance = lambda kind, rows: None
) -> list[Copied]:
    """Copy every node and edge, with all properties.

    Parameters
    ----------
    source, target
        Open stores of any engine; the target gets the schema when it has none.
    advance
        Called to show progress.

    Raises
    ------
    InputError
        If both are the same store, or the source is empty.
    StoreError
        If the target afterwards holds less of a kind than was sent.
    """
    if source.url == target.url:
        raise InputError(f"{source.url} cannot be copied onto itself; give another store as the second")
    counts = source.counts()
    if not any(counts.values()):
        raise InputError(f"{source.url} holds nothing to copy; see: cli status --store {source.url}")
    target.create_schema()
    done = []
    for label in (kind.label for kind in NODES if kind.label not in LAST):
        done.append(_copy_nodes(source, target, label, advance))
    for kind, ends in edge_tables():
        key = edge_count_key(kind.type, ends)
        change = Change()
        if counts[key]:
            for block in edge_blocks(source, kind.type, ends, edges=counts[key]):
                change = change + target.upsert_edges(kind.type, ends, block)
                advance(key, block.num_rows)
        done.append(Copied(key, change))
    done.extend(_copy_nodes(source, target, label, advance) for label in LAST)
    held = target.counts()
    for copied in done:
        if held[copied.kind] < counts[copied.kind]:
            raise StoreError(
                f"{target.url} holds {held[copied.kind]:,} of {counts[copied.kind]:,} {copied.kind}; "
                "somebody changes one of the stores; run the copy again"
            )
    return done


def _copy_nodes(source: GraphStore, target: GraphStore, label: str, advance: Advance) -> Copied:
    table = source.read_nodes(label)
    change = target.upsert_nodes(label, table)
    advance(label, table.num_rows)
    return Copied(label, change)


def edge_blocks(
    store: GraphStore,
    type_: str,
    ends: Ends,
    *,
    edges: int | None = None,
    sources: Sequence[str] | None = None,
    equals: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[pa.Table]:
    """Edges of a kind between two labels, in blocks of whole source nodes, ordered by source and target.

    Parameters
    ----------
    edges
        The number of edges of the kind, if the caller knows it.
    sources
        Only edges from these nodes, given in order.
    equals
        A filter as `GraphStore.read_edges` takes it.
    """
    if edges is None:
        edges = store.counts()[edge_count_key(type_, ends)]
    if sources is None:
        sources = store.read_nodes(ends[0], ["id"]).column("id").to_pylist()
    if not edges or not sources:
        return
    size = max(1, BLOCK_EDGES * len(sources) // edges)
    for start in range(0, len(sources), size):
        block = store.read_edges(type_, ends, equals={**(equals or {}), "src": sources[start : start + size]})
        if block.num_rows:
            yield block
