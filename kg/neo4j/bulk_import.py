"""Writes files for ``neo4j-admin database import full``: CSV parts with typed headers, and a script with the command.

This is the fastest way to fill an empty server; `kg.copy` adds to a server that holds something.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.neo4j.statements import VERSION_LABEL
from pharmagraph.kg.schema import VERSION, Property, Type, edge_count_key
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views.parts import Part

SEPARATOR = "\x1f"
"""Separator of a list's values: a character that occurs in no name."""
_TYPES: dict[Type, str] = {
    "string": "string",
    "strings": "string[]",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
}

_ABOUT = """#!/bin/sh
# With the server stopped, as its user. Afterwards, with it running: cli db migrate --store bolt://…
"""


@dataclass(frozen=True)
class Import:
    """Files that were written, and how to load them.

    Attributes
    ----------
    arguments
        Arguments of ``neo4j-admin``, with absolute paths.
    nodes, edges
        Numbers of rows written.
    files
        Number of files.
    """

    arguments: list[str]
    nodes: int
    edges: int
    files: int


class _Written(NamedTuple):
    files: list[str]
    rows: int

    def argument(self, folder: Path) -> str:
        """The files as an argument of ``neo4j-admin``, once they are in a folder."""
        return ",".join(str(folder / file) for file in self.files)


def export(
    store: GraphStore, folder: Path, choice: Choice = EVERYTHING, *, database: str = "neo4j"
) -> Import:
    """Write the graph as CSV parts with typed headers, and ``import.sh`` that loads them.

    Parameters
    ----------
    store
        An open store of any engine.
    folder
        A new or empty folder.
    choice
        The part of the graph.
    database
        Name of the database to be filled.

    Raises
    ------
    InputError
        If the folder is not empty.
    """
    part = Part(store, choice)
    folder = folder.resolve()
    arguments = ["database", "import", "full", database, "--overwrite-destination=true", "--id-type=string"]
    arguments += [
        "--array-delimiter=U+001F",
        "--multiline-fields=true",
        f"--report-file={folder / 'import.report'}",
    ]
    nodes = edges = files = 0
    with whole_folder(folder) as place:
        for node_kind, table in part.tables():
            header = [f"id:ID({node_kind.label})", *(_header(p) for p in node_kind.columns[1:])]
            written = _write(place, node_kind.label, header, [table], node_kind.columns)
            arguments.append(f"--nodes={node_kind.label}={written.argument(folder)}")
            nodes, files = nodes + written.rows, files + len(written.files)
        for (edge_kind, ends), blocks in groupby(part.edges(), key=lambda block: block[:2]):
            header = [f":START_ID({ends[0]})", f":END_ID({ends[1]})"]
            header += [_header(p) for p in edge_kind.columns[2:]]
            tables = (table for _, _, table in blocks)
            written = _write(place, edge_count_key(edge_kind.type, ends), header, tables, edge_kind.columns)
            arguments.append(f"--relationships={edge_kind.type}={written.argument(folder)}")
            edges, files = edges + written.rows, files + len(written.files)
        version = pa.table({"id": ["schema"], "version": [VERSION]})
        written = _write(place, VERSION_LABEL, [f"id:ID({VERSION_LABEL})", "version:long"], [version], ())
        arguments.append(f"--nodes={VERSION_LABEL}={written.argument(folder)}")
        (place / "import.sh").write_text(
            f"{_ABOUT}exec neo4j-admin {shlex.join(arguments)}\n", encoding="utf-8"
        )
    return Import(arguments, nodes, edges, files + len(written.files))


def _header(column: Property) -> str:
    return f"{column.name}:{_TYPES[column.type]}"


def _write(
    folder: Path, name: str, header: list[str], tables: Iterable[pa.Table], columns: tuple[Property, ...]
) -> _Written:
    """Write a header file and one file per table."""
    first = folder / f"{name}-header.csv"
    first.write_text(",".join(header) + "\n", encoding="utf-8")
    paths, rows = [first], 0
    lists = {p.name for p in columns if p.type == "strings"}
    for number, table in enumerate(tables, start=1):
        for at, column in enumerate(table.column_names):
            if column in lists:
                table = table.set_column(at, column, pc.binary_join(table.column(column), SEPARATOR))
        path = folder / f"{name}-{number:04}.csv"
        # a missing value is written as nothing, an empty text as ""
        csv.write_csv(table, path, csv.WriteOptions(include_header=False, quoting_style="needed"))
        paths.append(path)
        rows += table.num_rows
    return _Written([path.name for path in paths], rows)
