"""Writes the graph as one Parquet file a label and an edge kind."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views.one_file_each import write_files


def write_parquet(store: GraphStore, folder: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write one Parquet file per label and per edge kind, types and lists as stored. Returns rows by file."""
    return write_files(store, folder, choice, ".parquet", pq.ParquetWriter)
