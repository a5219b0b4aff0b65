"""Finishes or undoes a replacement of tables (`kg.ladybug.replace`) that was cut off; opening a file calls it."""

from __future__ import annotations

from pharmagraph.kg.ladybug import tables as cypher
from pharmagraph.kg.ladybug.file import File
from pharmagraph.kg.schema import EDGES


def half_replaced(file: File) -> bool:
    """Whether tables are missing because a process was killed while it swapped them."""
    names = tables(file)
    return any(cypher.rebuilt(kind) in names and kind.type not in names for kind in EDGES)


def recover(file: File) -> None:
    """Finish or undo a replacement that was cut off."""
    names = tables(file)
    rebuilt = [kind for kind in EDGES if cypher.rebuilt(kind) in names]
    if all(kind.type in names for kind in rebuilt):
        for kind in rebuilt:
            file.statement(cypher.drop(kind, old=False))
        return
    for kind in rebuilt:
        if kind.type in names:
            file.statement(cypher.drop(kind, old=True))
    for kind in rebuilt:
        file.statement(cypher.rename_rebuilt(kind))


def tables(file: File) -> set[str]:
    """Names of the file's tables."""
    with file.reading_rows() as run:
        return {row["name"] for row in run("CALL show_tables() RETURN name")}
