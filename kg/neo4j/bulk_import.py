"""Writes files for ``neo4j-admin database import full``: CSV parts with typed headers, and a script with the command.

This is the fastest way to fill an empty server; `kg.copy` adds to a server that holds something.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pharmagraph.kg.copy import edge_blocks
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.neo4j.statements import VERSION_LABEL
from pharmagraph.kg.schema import NODES, VERSION, Property, Type, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore

SEPARATOR = "\x1f"
"""Separator of a list's values: a character that occurs in no name."""
_TYPES: dict[Type, str] = {
    "string": "string",
    "strings": "string[]",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
}


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


def export(store: GraphStore, folder: Path, *, database: str = "neo4j") -> Import:
    """Write the whole graph as CSV parts with typed headers, and ``import.sh`` that loads them.

    Parameters
    ----------
    store
        An open store of any engine.
    folder
        A new or empty folder.
    database
        Name of the database to be filled.

    Raises
    ------
    InputError
        If the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    arguments = ["database", "import", "full", database, "--overwrite-destination=true", "--id-type=string"]
    arguments += [
        "--array-delimiter=U+001F",
        "--multiline-fields=true",
        f"--report-file={folder / 'import.report'}",
    ]
    nodes = edges = files = 0
    counts = store.counts()
    for node_kind in NODES:
        table = store.read_nodes(node_kind.label)
        header = [_header(p) for p in node_kind.columns[1:]]
        parts = _write(
            folder, node_kind.label, [f"id:ID({node_kind.label})", *header], iter([table]), node_kind.columns
        )
        arguments.append(f"--nodes={node_kind.label}={','.join(parts)}")
        nodes, files = nodes + table.num_rows, files + len(parts)
    for edge_kind, ends in edge_tables():
        key = edge_count_key(edge_kind.type, ends)
        if not counts[key]:
            continue
        header = [
            f":START_ID({ends[0]})",
            f":END_ID({ends[1]})",
            *(_header(p) for p in edge_kind.columns[2:]),
        ]
        blocks = edge_blocks(store, edge_kind.type, ends, edges=counts[key])
        parts = _write(folder, key, header, blocks, edge_kind.columns)
        arguments.append(f"--relationships={edge_kind.type}={','.join(parts)}")
        edges, files = edges + counts[key], files + len(parts)
    version = pa.table({"id": ["schema"], "version": [VERSION]})
    parts = _write(folder, VERSION_LABEL, [f"id:ID({VERSION_LABEL})", "version:long"], iter([version]), ())
    arguments.append(f"--nodes={VERSION_LABEL}={','.join(parts)}")
    script = "#!/bin/sh\n# With the server stopped, as its user. Afterwards, with it running: cli db migrate --store bolt://…\n"
    (folder / "import.sh").write_text(f"{script}exec neo4j-admin {shlex.join(arguments)}\n")
    return Import(arguments, nodes, edges, files + len(parts))


def _header(column: Property) -> str:
    return f"{column.name}:{_TYPES[column.type]}"


def _write(
    folder: Path, name: str, header: list[str], tables: Iterator[pa.Table], columns: tuple[Property, ...]
) -> list[str]:
    """Write a header file and one file per table; returns their paths."""
    first = folder / f"{name}-header.csv"
    first.write_text(",".join(header) + "\n")
    paths = [first]
    lists = {p.name for p in columns if p.type == "strings"}
    for number, table in enumerate(tables, start=1):
        for at, column in enumerate(table.column_names):
            if column in lists:
                table = table.set_column(at, column, pc.binary_join(table.column(column), SEPARATOR))
        path = folder / f"{name}-{number:04}.csv"
        # a missing value is written as nothing, an empty text as ""
        csv.write_csv(table, path, csv.WriteOptions(include_header=False, quoting_style="needed"))
        paths.append(path)
    return [str(path) for path in paths]
