"""Fills an edge kind of the embedded store from blocks of edges, of which some at a time are in memory.

The new table is filled beside the old one and takes its place at the end, as in `kg.ladybug.replace`: a killed process
leaves the old edges or the new ones. Nothing is compared with what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import changes
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.edges import read_places
from pharmagraph.kg.ladybug.file import BUFFER_POOL, File
from pharmagraph.kg.ladybug.recovery import recover
from pharmagraph.kg.schema import EdgeKind, Ends, conform
from pharmagraph.kg.schema import edge as edge_kind

LEAST_AT_ONCE, MOST_AT_ONCE = 1 << 18, max(1 << 18, BUFFER_POOL // 512)
"""Edges of the smallest and of the largest COPY: the engine holds about 350 bytes for each."""
COPIES = 8
"""Number of COPYs that a kind is divided into, as far as each keeps to these bounds. Each one rewrites what is there,
so with COPYs of one size time would grow with the square of the edges; with larger ones, memory grows faster."""

Blocks = Mapping[Ends, Iterable[pa.Table]]
"""Labels → edges in blocks, ordered by source and the rest of the key."""


def fill_edges(file: File, type_: str, blocks: Blocks, *, about: Mapping[Ends, float]) -> dict[Ends, int]:
    """Put the edges of blocks in the place of all edges of a kind, as `kg.store.FilledByBlocks.fill_edges` says.

    All blocks of a kind have the columns of its first one, and are put together by the approximate number of edges. An
    error has the numbers of the rows.
    """
    kind = edge_kind(type_)
    for ends in blocks:
        changes.require_ends(kind, ends)
    with file.alone():
        recover(file)
        try:
            written = _fill(file, kind, blocks, about)
            with file.writing() as run:
                run(cypher.drop(kind, old=True))
                run(cypher.rename_rebuilt(kind))
        except BaseException:
            with suppress(StoreError):  # may fail on a full disk; done again on opening
                recover(file)
            raise
    return written


def at_once(about: float) -> int:
    """Edges of one COPY of about so many."""
    return int(np.clip(about / COPIES, LEAST_AT_ONCE, MOST_AT_ONCE))


def _fill(file: File, kind: EdgeKind, blocks: Blocks, about: Mapping[Ends, float]) -> dict[Ends, int]:
    name, columns = cypher.rebuilt(kind), None
    written = dict.fromkeys(blocks, 0)
    for ends, of_ends in blocks.items():
        for rows in _together(_checked(file, kind, ends, of_ends), at_once(about.get(ends, 0))):
            if columns is None:
                columns = [c for c in kind.columns[2:] if c.name in rows.column_names]
                file.statement(cypher.create_edge_table(kind, name, columns))
            give_back()
            whole = conform(rows, (*kind.columns[:2], *columns))
            file.statement(cypher.copy_edges(kind, ends, name, columns), rows=whole)
            written[ends] += rows.num_rows
    if columns is None:
        columns = list(kind.columns[2:])
        file.statement(cypher.create_edge_table(kind, name, columns))
    for column in kind.columns[2:]:  # an empty column would take as much memory and time as any other
        if column not in columns:
            file.statement(cypher.add_column(name, column))
    return written


def _checked(file: File, kind: EdgeKind, ends: Ends, blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Blocks in the schema's types, each checked by itself, and that it begins behind the last source of the former."""
    with file.reading() as run:
        places = read_places(run, ends)
    known = {column: places[label].column("id") for label, column in zip(ends, ("src", "dst"), strict=True)}
    n, last = 0, None
    for block in blocks:
        where = f"{kind.type} {ends[0]}→{ends[1]}, rows {n + 1:,} to {n + block.num_rows:,}"
        try:
            table = changes.incoming_edges(kind, ends, block)
            changes.require_columns(kind.columns, table, np.arange(table.num_rows), kind.type)
            for column, ids in known.items():
                changes.require_known(table.column(column), ids, column)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if table.num_rows:
            sources = pc.unique(table.column("src")).cast(pa.string())
            bounds = pc.min_max(sources).as_py()
            if last is not None and bounds["min"] <= last:
                raise InputError(
                    f"{where}: source {bounds['min']} comes after {last}; give whole sources in order of their ids"
                )
            last = bounds["max"]
            n += table.num_rows
            yield table


def _together(blocks: Iterable[pa.Table], least: int) -> Iterator[pa.Table]:
    """Blocks put together until they have so many rows."""
    held: list[pa.Table] = []
    for block in blocks:
        held.append(block)
        if sum(one.num_rows for one in held) >= least:
            yield _one(held)
            held = []
    if held:
        yield _one(held)


def _one(blocks: list[pa.Table]) -> pa.Table:
    """One table of several; dictionaries are written out, which is where the texts of a COPY are needed."""
    plain = []
    for block in blocks:
        columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in block.columns]
        plain.append(pa.table(columns, names=block.column_names))
    return pa.concat_tables(plain)
