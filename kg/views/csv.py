"""Writes the graph as one CSV file a label and an edge kind."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from pharmagraph.kg.console import no_formula
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.one_file_each import write_files


def write_csv(
    store: GraphStore, folder: Path, choice: Choice = EVERYTHING, *, spreadsheet: bool = False
) -> dict[str, int]:
    """Write one CSV file per label and per edge kind; lists become JSON. Returns the number of rows by file.

    With ``spreadsheet``, an apostrophe leads texts that a spreadsheet would run as formulas; who reads the files with a
    program gets other texts than the store's then.
    """
    return write_files(store, folder, choice, ".csv", csv.CSVWriter, lambda table: _flat(table, spreadsheet))


def _flat(table: pa.Table, spreadsheet: bool) -> pa.Table:
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            lists = table.column(at).to_pylist()
            texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in lists]
            table = table.set_column(at, field.name, pa.array(texts, pa.string()))
        elif spreadsheet and pa.types.is_string(field.type):
            table = table.set_column(at, field.name, text.mapped(table.column(at), no_formula))
    return table
