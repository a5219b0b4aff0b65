"""Reads edges of the embedded store as Arrow, at once or in blocks; it never writes.

The query returns the positions of both end nodes in their tables, and the ids are looked up here. This takes half
the time of a query for ids, and edges are sorted by integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.file import File, Run
from pharmagraph.kg.schema import EdgeKind, Ends, NodeKind, arrow_schema

BLOCK = 1 << 20
"""Edges that are read at once, if each source has as many: the engine holds the result of a query in memory."""

BLOCK_OF_DESTINATIONS = 1 << 17
"""Edges in a block of `blocks_of_destinations`; one destination may have more."""

Rows = npt.NDArray[np.int64]
Places = dict[str, pa.Table]
"""Label → ``place`` and ``id`` of its nodes, ordered by id."""


def read_places(run: Run, ends: Ends) -> Places:
    """Positions of the nodes of both labels in their tables."""
    return {label: run(cypher.read_places(label)) for label in dict.fromkeys(ends)}


def read_edges(
    run: Run,
    kind: EdgeKind,
    ends: Ends,
    columns: Sequence[str] | None = None,
    values: Mapping[str, Sequence[str]] | None = None,
    *,
    places: Places | None = None,
) -> pa.Table:
    """Edges ordered by source, then target.

    Parameters
    ----------
    columns
        Some of ``kind.columns``, by default all.
    values
        Column → values; keeps the edges that have one of the values in each of these columns.
    places
        The result of `read_places`, if the caller has it.
    """
    schema = columns_schema(kind, columns)
    values = values or {}
    if not all(values.values()):
        return schema.empty_table()
    n = int(run(cypher.count_edges(kind, ends, values), **values)["n"][0].as_py())
    if not n:
        return schema.empty_table()
    places = places or read_places(run, ends)
    statement = cypher.read_edges(kind, ends, schema.names, values)
    end = int(pc.max(places[ends[0]].column("place")).as_py()) + 1
    bounds = np.linspace(0, end, n // BLOCK + 2).astype(np.int64).tolist()
    found = pa.concat_tables(
        [run(statement, **values, low=low, high=high) for low, high in pairwise(bounds)]
    ).combine_chunks()
    nodes = {"src": places[ends[0]], "dst": places[ends[1]]}
    ranks = {column: _ranks(nodes[column])[found.column(column).to_numpy()] for column in nodes}
    order = np.argsort(ranks["src"] * nodes["dst"].num_rows + ranks["dst"], kind="stable")
    arrays = []
    for field in schema:
        if field.name in ranks:
            ids = nodes[field.name].column("id").combine_chunks()
            arrays.append(ids.take(pa.array(ranks[field.name][order])))
        else:
            arrays.append(found.column(field.name).combine_chunks().take(pa.array(order)).cast(field.type))
    return pa.table(arrays, schema=schema)


def blocks_of_destinations(
    file: File,
    kind: EdgeKind,
    ends: Ends,
    columns: Sequence[str] | None = None,
    values: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[pa.Table]:
    """The edges of `read_edges` in blocks of about `BLOCK_OF_DESTINATIONS`, each with all edges of its destinations.

    Within a block edges are ordered by destination, then source. Columns of ids are dictionaries of all nodes of the
    label in the order of their ids, so that an index there is the node's number. Memory holds one block.
    """
    schema = columns_schema(kind, columns)
    values = values or {}
    if not all(values.values()):
        return
    with file.reading() as run:
        counts = run(cypher.count_by_destination(kind, ends, values), **values)
        if not counts.num_rows:
            return
        places = read_places(run, ends)
        nodes = {"src": places[ends[0]], "dst": places[ends[1]]}
        ids = {column: table.column("id").combine_chunks() for column, table in nodes.items()}
        ranks = {column: _ranks(table) for column, table in nodes.items()}
        statement = cypher.read_edges(kind, ends, schema.names, values, by="dst")
        for low, high in _ranges(counts["place"].to_numpy(), counts["n"].to_numpy()):
            found = run(statement, **values, low=low, high=high)
            numbers = {column: of[found.column(column).to_numpy()] for column, of in ranks.items()}
            order = np.lexsort((numbers["src"], numbers["dst"]))
            arrays = []
            for field in schema:
                if field.name in numbers:
                    index = pa.array(numbers[field.name][order].astype(np.int32))
                    arrays.append(pa.DictionaryArray.from_arrays(index, ids[field.name]))
                else:
                    values_ = found.column(field.name).combine_chunks()
                    arrays.append(values_.take(pa.array(order)).cast(field.type))
            yield pa.table(arrays, names=schema.names)


def _ranges(place: Rows, n: Rows) -> Iterator[tuple[int, int]]:
    """Positions of destinations from which to which there are about as many edges as a block has."""
    block = (np.cumsum(n) - 1) // BLOCK_OF_DESTINATIONS
    starts = place[np.flatnonzero(np.diff(block, prepend=-1))].tolist()
    yield from pairwise([*starts, int(place[-1]) + 1])


def columns_schema(kind: NodeKind | EdgeKind, columns: Sequence[str] | None) -> pa.Schema:
    """The Arrow schema of chosen columns, as the store returns them: nullable.

    Raises
    ------
    InputError
        If the kind has no such column.
    """
    whole = arrow_schema(kind.columns)
    names = whole.names if columns is None else list(columns)
    cypher.require_columns_of(kind.columns, names)
    return pa.schema([whole.field(name).with_nullable(True) for name in names])


def _ranks(nodes: pa.Table) -> Rows:
    """The rank by id of the node at each position; positions of deleted nodes are unused."""
    place = nodes.column("place").to_numpy()
    ranks = np.zeros(int(place.max()) + 1, np.int64)
    ranks[place] = np.arange(len(place))
    return ranks
