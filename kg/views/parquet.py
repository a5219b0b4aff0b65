"""Writes the graph as one Parquet file a label and an edge kind."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import edge_count_key
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views.parts import Part


def write_parquet(store: GraphStore, folder: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write one Parquet file per label and per edge kind, types and lists as stored. Returns rows by file."""
    with whole_folder(folder) as place:
        part, written = Part(store, choice), {}
        for kind, table in part.tables(named=True):
            name = f"{kind.label}.parquet"
            pq.write_table(table, place / name)
            written[name] = table.num_rows
        with ExitStack() as files:
            writers: dict[str, pq.ParquetWriter] = {}
            for edge_kind, ends, block in part.edges():
                name = f"{edge_count_key(edge_kind.type, ends)}.parquet"
                if name not in writers:
                    writers[name] = files.enter_context(pq.ParquetWriter(place / name, block.schema))
                writers[name].write_table(block)
                written[name] = written.get(name, 0) + block.num_rows
    return written
