"""Writes the graph as one CSV file a label and an edge kind."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import edge_count_key
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views.parts import Part


def write_csv(store: GraphStore, folder: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write one CSV file per label and per edge kind; lists become JSON. Returns the number of rows by file."""
    with whole_folder(folder) as place:
        part, written = Part(store, choice), {}
        for kind, table in part.tables():
            name = f"{kind.label}.csv"
            csv.write_csv(_flat(table), place / name)
            written[name] = table.num_rows
        with ExitStack() as files:
            writers: dict[str, csv.CSVWriter] = {}
            for edge_kind, ends, block in part.edges():
                name = f"{edge_count_key(edge_kind.type, ends)}.csv"
                if name not in writers:
                    writers[name] = files.enter_context(csv.CSVWriter(place / name, block.schema))
                writers[name].write_table(_flat(block))
                written[name] = written.get(name, 0) + block.num_rows
    return written


def _flat(table: pa.Table) -> pa.Table:
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            lists = table.column(at).to_pylist()
            texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in lists]
            table = table.set_column(at, field.name, pa.array(texts, pa.string()))
    return table
