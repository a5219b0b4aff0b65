"""Writes the graph as one file a label and an edge kind, whatever the form of a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import edge_count_key
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import Choice
from pharmagraph.kg.views.parts import Part

Writer = Callable[[Path, pa.Schema], AbstractContextManager[Any]]
"""Opens a file for tables of a schema, and closes it; it has ``write_table``."""


def write_files(
    store: GraphStore,
    folder: Path,
    choice: Choice,
    ending: str,
    writer: Writer,
    as_written: Callable[[pa.Table], pa.Table] = lambda table: table,
) -> dict[str, int]:
    """Write a file for each label and each edge kind.

    Parameters
    ----------
    store, choice
        The graph, and the part of it that is written.
    folder
        New, or empty; nothing is left there if a file fails.
    ending
        Of the files' names, with its dot.
    writer
        Writes a file.
    as_written
        What of a table goes into the file.

    Returns
    -------
    dict
        Name of a file → number of its rows.
    """
    with whole_folder(folder) as place, ExitStack() as files:
        part, written = Part(store, choice), dict[str, int]()
        writers: dict[str, Any] = {}

        def write(name: str, rows: pa.Table) -> None:
            if name not in writers:
                writers[name] = files.enter_context(writer(place / f"{name}{ending}", rows.schema))
            writers[name].write_table(rows)
            written[f"{name}{ending}"] = written.get(f"{name}{ending}", 0) + rows.num_rows

        for kind, table in part.tables(named=True):
            write(kind.label, as_written(table))
        for edge_kind, ends, block in part.edges():
            write(edge_count_key(edge_kind.type, ends), as_written(block))
        files.close()
    return written
