"""Finishes or undoes a replacement of tables (`kg.ladybug.replace`) that was cut off; opening a file calls it.

A replacement is undone while all old tables are there, and finished once one of them is dropped. Nodes that go with it
are noted in a table of their own, which is dropped last, or, where the replacement is undone, first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.file import File
from pharmagraph.kg.schema import EDGES
from pharmagraph.kg.schema import node as node_kind

_DOOMED = "Doomed"


def half_replaced(file: File) -> bool:
    """Whether a process was killed after it dropped the first of the old tables, and before it was done."""
    names = tables(file)
    rebuilt = [kind for kind in EDGES if cypher.rebuilt(kind) in names]
    return any(kind.type not in names for kind in rebuilt) or (not rebuilt and _DOOMED in names)


def recover(file: File) -> None:
    """Finish or undo a replacement that was cut off."""
    names = tables(file)
    rebuilt = [kind for kind in EDGES if cypher.rebuilt(kind) in names]
    if rebuilt and all(kind.type in names for kind in rebuilt):
        if _DOOMED in names:
            forget_doomed(file)
        for kind in rebuilt:
            file.statement(cypher.drop(kind, old=False))
        return
    for kind in rebuilt:
        if kind.type in names:
            file.statement(cypher.drop(kind, old=True))
    for kind in rebuilt:
        file.statement(cypher.rename_rebuilt(kind))
    if _DOOMED in names:
        with file.writing() as run:
            doomed: dict[str, list[str]] = {}
            rows = run(f"MATCH (d:{_DOOMED}) RETURN d.label AS label, d.node AS node").to_pylist()
            for row in rows:
                doomed.setdefault(row["label"], []).append(row["node"])
            delete_nodes(run, doomed)
        forget_doomed(file)


def note_doomed(file: File, nodes: Mapping[str, Sequence[str]]) -> None:
    """Note the nodes that are deleted once the tables are swapped."""
    file.statement(f"CREATE NODE TABLE {_DOOMED}(id SERIAL, label STRING, node STRING, PRIMARY KEY(id))")
    with file.writing() as run:
        for label, ids in nodes.items():
            run(
                f"UNWIND $ids AS id CREATE (:{_DOOMED} {{label: $label, node: id}})",
                ids=list(ids),
                label=label,
            )


def delete_nodes(run: Any, nodes: Mapping[str, Sequence[str]]) -> None:
    """Delete nodes that have no edges; those that are gone already are no error."""
    for label, ids in nodes.items():
        if ids:
            run(cypher.delete_nodes(node_kind(label)), ids=list(ids))


def forget_doomed(file: File) -> None:
    """Drop the note of nodes."""
    file.statement(f"DROP TABLE {_DOOMED}")


def tables(file: File) -> set[str]:
    """Names of the file's tables."""
    with file.reading_rows() as run:
        return {row["name"] for row in run("CALL show_tables() RETURN name")}
