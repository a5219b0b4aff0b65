"""Reads edges as Arrow in blocks of source nodes, and writes them in batches, over Bolt.

Blocks and batches are of bounded size, sorted and grouped by source node, so memory stays bounded on both sides and
two loaders do not deadlock. Statements are in `kg.neo4j.statements`; `kg.changes` finds what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import neo4j
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import changes
from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.neo4j import statements as cypher
from pharmagraph.kg.neo4j.pipeline import ahead
from pharmagraph.kg.neo4j.sessions import Connection, run
from pharmagraph.kg.schema import ARROW, EdgeKind, Ends, Property, conform

BLOCK_EDGES = 100_000
"""Approximate number of edges in one block of a read: some 10 MB on each side."""
BATCH_EDGES = 20_000
"""Edges in one transaction of a write: with fewer, commits take most of the time; more fill the server's memory."""

Places = npt.NDArray[np.int64]
EDGE = "edge"
"""Column of internal edge ids, in tables that do not leave the store."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a label; a node's rank is its position in the order of ids.

    Attributes
    ----------
    ids
        Public ids, sorted, (n,).
    places
        Internal ids, sorted, (n,); valid until the nodes are deleted.
    ranks
        Rank of each of ``places``, (n,).
    """

    ids: pa.Array
    places: Places
    ranks: Places

    def rank(self, places: Places) -> Places:
        """Ranks of internal ids; -1 for nodes of other labels and for nodes created later."""
        if not len(self.places):
            return np.full(len(places), -1, np.int64)
        at = np.minimum(np.searchsorted(self.places, places), len(self.places) - 1)
        return np.where(self.places[at] == places, self.ranks[at], -1)


def read_nodes(connection: Connection, label: str) -> Nodes:
    """Read internal and public ids of a label."""
    rows = connection.rows(cypher.read_places(label))
    places = np.concatenate([np.array(r[0], np.int64) for r in rows]) if rows else np.empty(0, np.int64)
    ids = pa.array([i for r in rows for i in r[1]], pa.string())
    order = pc.sort_indices(ids).to_numpy()
    by_rank = places[order]
    by_place = np.argsort(by_rank)
    return Nodes(ids.take(pa.array(order)), by_rank[by_place], by_place)


# --- reading ----------------------------------------------------------------------------------------------


def edge_blocks(
    connection: Connection,
    kind: EdgeKind,
    ends: Ends,
    columns: Sequence[str],
    equals: Mapping[str, Sequence[str]],
    *,
    with_places: bool = False,
) -> Iterator[pa.Table]:
    """Edges in blocks; over all blocks they are ordered by source, target and the rest of the key.

    Parameters
    ----------
    equals
        Column → values; keeps the edges that have one of the values in each of these columns.
    with_places
        Add the column ``edge``: internal ids, valid until the edges are deleted.
    """
    if not all(equals.values()):
        return
    source = read_nodes(connection, ends[0])
    target = source if ends[0] == ends[1] else read_nodes(connection, ends[1])
    properties = [p for p in kind.columns if p.name in {*columns, *kind.identity}]
    wanted = [*columns, EDGE] if with_places else list(columns)
    if "src" not in equals and ({"dst", "run_id"} & set(equals)):
        text = cypher.edges_where(kind, ends, properties, equals, with_places=with_places)
        yield _rows_to_table(connection.rows(text, **equals), kind, properties, source, target).select(wanted)
        return
    text = cypher.edges_of_sources(kind, ends, properties, equals, with_places=with_places)
    chosen = source.ids
    if "src" in equals:
        chosen = chosen.filter(pc.is_in(chosen, pa.array(equals["src"], pa.string())))
    listed = 1 + len(cypher.grouping(kind, properties))
    for rows in ahead(_blocks_of_rows(connection, text, equals, chosen, listed)):
        block = _rows_to_table(rows, kind, properties, source, target)
        if "dst" in equals:
            block = block.filter(pc.is_in(block.column("dst"), pa.array(equals["dst"], pa.string())))
        if block.num_rows:
            yield block.select(wanted)


def _blocks_of_rows(
    connection: Connection, text: str, equals: Mapping[str, Sequence[str]], src: pa.Array, listed: int
) -> Iterator[list[list[Any]]]:
    """Rows with about `BLOCK_EDGES` edges per block; ``listed`` is the first column that lists edges."""
    at, size = 0, 32
    while at < len(src):
        rows = connection.rows(text, **{**equals, "src": src.slice(at, size).to_pylist()})
        yield rows
        at += size
        n_edges = sum(len(row[listed]) for row in rows)
        size = int(np.clip(size * BLOCK_EDGES / max(n_edges, 1), max(size // 2, 1), size * 4))


def _rows_to_table(
    rows: Sequence[Sequence[Any]], kind: EdgeKind, columns: Sequence[Property], source: Nodes, target: Nodes
) -> pa.Table:
    """A sorted table from the rows of `statements.edges_of_sources`; it has internal edge ids if the rows have them.

    Edges to nodes of other labels are left out.
    """
    grouping, listed = cypher.grouping(kind, columns), cypher.listed(kind, columns)
    first = 1 + len(grouping)
    sizes = np.array([len(r[first]) for r in rows], np.int64)
    group = np.repeat(np.arange(len(rows)), sizes)
    src = source.rank(np.array([r[0] for r in rows], np.int64))[group]
    dst = target.rank(_joined(rows, first))
    kept = np.flatnonzero((dst >= 0) & (src >= 0))
    texts = {p.name: pa.array([r[1 + i] for r in rows], pa.string()) for i, p in enumerate(grouping)}
    keys = [_text_rank(texts[name])[group][kept] for name in reversed(kind.identity)]
    order = kept[np.lexsort((*keys, dst[kept], src[kept]))]
    arrays: dict[str, pa.Array] = {
        "src": source.ids.take(pa.array(src[order])),
        "dst": target.ids.take(pa.array(dst[order])),
    }
    for p in grouping:
        arrays[p.name] = texts[p.name].take(pa.array(group[order]))
    for i, p in enumerate(listed):
        arrays[p.name] = _column(rows, first + 1 + i, p).take(pa.array(order))
    places = first + 1 + len(listed)
    if not rows or len(rows[0]) > places:
        arrays[EDGE] = pa.array(_joined(rows, places)[order])
    return pa.table(arrays)


def _joined(rows: Sequence[Sequence[Any]], at: int) -> Places:
    return np.concatenate([np.array(r[at], np.int64) for r in rows]) if rows else np.empty(0, np.int64)


def _column(rows: Sequence[Sequence[Any]], at: int, column: Property) -> pa.Array:
    type_ = ARROW[column.type]
    if column.required and column.type == "float":
        return pa.array(np.concatenate([np.array(r[at], float) for r in rows]) if rows else [], type_)
    # 0 == False, so a missing value is told from a zero by identity
    return pa.array([None if value is False else value for r in rows for value in r[at]], type_)


def _text_rank(texts: pa.Array) -> Places:
    rank: Places = pc.rank(texts, tiebreaker="dense").to_numpy().astype(np.int64)
    return rank


# --- writing ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EdgeBatches:
    """A table of edges to be upserted, and the order in which its rows are sent.

    Attributes
    ----------
    table
        The result of `changes.incoming_edges`.
    order
        Rows of ``table`` by source, then target, (e,).
    bounds
        Start and end of every batch in ``order``; a source's edges are split only if there are more of them
        than a batch holds.
    """

    kind: EdgeKind
    ends: Ends
    table: pa.Table
    source: Nodes
    target: Nodes
    order: Places
    bounds: list[tuple[int, int]]


def batches(kind: EdgeKind, ends: Ends, table: pa.Table, source: Nodes, target: Nodes) -> EdgeBatches:
    """Sort edges by source, then target, and divide them into batches that end with a source's last edge."""
    src = pc.index_in(table.column("src"), source.ids).to_numpy()
    dst = pc.index_in(table.column("dst"), target.ids).to_numpy()
    order = np.lexsort((dst, src))
    firsts = np.flatnonzero(np.diff(src[order], prepend=-1))
    bounds, start = [], 0
    while start < len(order):
        stop = min(start + BATCH_EDGES, len(order))
        if stop < len(order):
            cut = firsts[np.searchsorted(firsts, stop, side="right") - 1]
            stop = int(cut) if cut > start else stop
        bounds.append((start, stop))
        start = stop
    return EdgeBatches(kind, ends, table, source, target, order, bounds)


def upsert(connection: Connection, sent: EdgeBatches, start: int, stop: int) -> Change:
    """Upsert rows ``start`` to ``stop`` in one transaction, which locks their source nodes first."""
    kind, ends = sent.kind, sent.ends
    rows = sent.table.take(pa.array(sent.order[start:stop]))
    rows = conform(rows, [p for p in kind.columns if p.name in rows.column_names])
    src = pc.unique(rows.column("src")).to_pylist()
    known = [p for p in kind.columns if p.name in rows.column_names]
    read = cypher.edges_of_sources(kind, ends, known, (), with_places=True)

    def work(transaction: neo4j.Transaction) -> Change:
        run(transaction, cypher.lock_sources(ends[0]), {"src": src}).consume()
        found = [r.values() for r in run(transaction, read, {"src": src})]
        stored = _rows_to_table(found, kind, known, sent.source, sent.target)
        difference = changes.difference(stored, rows, kind.key)
        changes.require_columns(kind.columns, rows, difference.new, kind.type)
        if len(difference.new):
            _create(transaction, kind, ends, rows.take(pa.array(difference.new)))
        if len(difference.changed):
            places = stored.column(EDGE).to_numpy()[difference.changed_stored]
            _set(transaction, kind, places, rows.take(pa.array(difference.changed)))
        return Change(len(difference.new), len(difference.changed), difference.unchanged)

    return connection.write(work)


def _create(transaction: neo4j.Transaction, kind: EdgeKind, ends: Ends, rows: pa.Table) -> None:
    columns = [p for p in kind.columns if p.name in rows.column_names and p.name not in {"src", "dst"}]
    lists, texts = _lists(columns, rows)
    target = rows.column("dst").combine_chunks().dictionary_encode()
    dst, src = target.indices.to_numpy(), rows.column("src").to_pylist()
    starts = [i for i in range(len(src)) if i == 0 or src[i] != src[i - 1]]
    groups = []
    for first, last in zip(starts, [*starts[1:], len(src)], strict=True):
        group: dict[str, Any] = {"src": src[first], "dst": dst[first:last].tolist()}
        group.update((name, values[first:last]) for name, values in lists.items())
        groups.append(group)
    parameters = {"nodes": target.dictionary.to_pylist(), "groups": groups, "texts": texts}
    counters = run(transaction, cypher.create_edges(kind, ends, columns), parameters).consume().counters
    _require_all(counters.relationships_created, len(src), kind)


def _set(transaction: neo4j.Transaction, kind: EdgeKind, places: Places, rows: pa.Table) -> None:
    columns = [p for p in kind.columns if p.name in rows.column_names and p.name not in kind.key]
    lists, texts = _lists(columns, rows)
    parameters = {"edge": places.tolist(), **lists, "texts": texts}
    record = run(transaction, cypher.set_edges(kind, columns), parameters).single(strict=True)
    _require_all(record[0], len(places), kind)


def _lists(columns: Sequence[Property], rows: pa.Table) -> tuple[dict[str, list[Any]], dict[str, list[str]]]:
    """Columns as lists; a text column becomes positions in a list of its distinct texts."""
    lists, texts = {}, {}
    for p in columns:
        values = rows.column(p.name).combine_chunks()
        if p.type == "string":
            values = values.dictionary_encode()
            texts[p.name] = values.dictionary.to_pylist()
            values = values.indices
        lists[p.name] = values.to_pylist()
    return lists, texts


def _require_all(written: int, sent: int, kind: EdgeKind) -> None:
    if written != sent:
        raise StoreError(
            f"{kind.type}: {sent:,} edges were sent and {written:,} written; a node was deleted meanwhile. "
            "Nothing of this batch is kept; run it again"
        )


def set_attention(
    connection: Connection, kind: EdgeKind, stored: pa.Table, wanted: pa.Table, run_id: str
) -> None:
    """Write the attention of a block of edges where it differs from the stored one.

    Parameters
    ----------
    stored
        Stored ``attention``, ``attention_run`` and ``edge``.
    wanted
        The same rows as returned by `changes.attended`.
    """
    old, new = (_floats(t.column("attention")) for t in (stored, wanted))
    differs = ~((old == new) | (np.isnan(old) & np.isnan(new)))
    runs = [t.column("attention_run").combine_chunks().fill_null("") for t in (stored, wanted)]
    differs |= pc.not_equal(*runs).to_numpy(zero_copy_only=False)
    places = wanted.column(EDGE).to_numpy()
    text = cypher.set_attention(kind)
    for rows, run_of_rows in ((differs & ~np.isnan(new), run_id), (differs & np.isnan(new), None)):
        chosen = np.flatnonzero(rows)
        for start in range(0, len(chosen), BATCH_EDGES):
            part = chosen[start : start + BATCH_EDGES]
            parameters = {
                "edge": places[part].tolist(),
                "attention": new[part].tolist() if run_of_rows else [None] * len(part),
                "run": run_of_rows,
            }

            def work(transaction: neo4j.Transaction, parameters: Mapping[str, Any] = parameters) -> int:
                return int(run(transaction, text, parameters).single(strict=True)[0])

            _require_all(connection.write(work), len(part), kind)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return np.asarray(column.to_numpy(), np.float64)
