"""Prints, or writes to a file, what `cli predict` predicts of files and matrices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pharmagraph.kg.console import Format
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.shown_names import OF_COLUMNS, all_shown, row_shown

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.kg.store import GraphStore
    from pharmagraph.model.runs.many import Predicted
    from pharmagraph.run import Run

SHOWN = 20
"""Rows that are printed unless others are asked for."""

_LONGEST = 40
"""Characters of a new drug's SMILES in a table."""

_CLASHES = (
    ("pairs", ("drugs", "cells", "drug", "smiles", "cell", "tissue", "top"), "which pairs are asked for"),
    ("tissue", ("cell", "cells"), "which cell lines are asked for"),
    ("no-interval", ("level", "at-least", "pilot", "write"), "that no interval is told"),
    ("pilot", ("drugs", "cells", "out", "top", "write"), "responses of one drug or one cell line"),
    (
        "suggest-pilots", ("drugs", "cells", "out", "top", "tissue", "write"),
        "what to measure of one drug or one cell line",
    ),
    ("write", ("out",), "that predictions go into the graph"),
)  # fmt: skip
"""An option, others that it cannot go with, and what it says."""


_CYPHER = """cli query --cypher "MATCH (d:Drug)-[p:PREDICTED {{run_id: '{}'}}]->(c:CellLine) RETURN d.id, c.id, \
p.low, p.high, p.level LIMIT 5\""""
"""What reads the edges that were written."""


def require_options(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other, and a file for results that cannot be written.

    Raises
    ------
    InputError
        If two do, or `kg.table_file.require` refuses the file.
    """
    for name, others, says in _CLASHES:
        for other in others:
            if given.get(name) is not None and given.get(other) is not None:
                raise InputError(f"--{name} says {says}; leave --{other} out, or --{name}")
    if given.get("out") is not None:
        from pharmagraph.kg.table_file import require

        require(given["out"])
    elif (
        given.get("top") is not None
        and given.get("write") is None
        and all(given.get(n) is None for n in ("drug", "smiles", "drugs", "cell", "cells", "tissue"))
    ):
        raise InputError(
            "--top without a drug or a cell line is the whole matrix; give --out FILE.csv or FILE.parquet"
        )


def predict(
    store: str | None,
    run: str | None,
    asked: Mapping[str, Any],
    *,
    out: Path | None,
    into_graph: bool,
    limit: int | None,
    quiet: bool,
    format: Format,
) -> None:
    """Predict with a run of a store, and print the rows, or write them to a file, or the store, and print how many.

    ``asked`` is what `rows.predict_many` is given.
    """
    from pharmagraph import rows
    from pharmagraph.kg.console import next_command, note, print_rows, progress
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    begun = time.perf_counter()

    with open_store(store, read_only=not into_graph) as graph:
        opened = Run.open(graph, run)
        predicted = rows.predict_many(opened, **asked, note=note)
        with progress(quiet) as bar:
            task = bar.add_task("predicting", total=predicted.n_pairs, note="")
            tables = _counted(predicted.tables, lambda n: bar.advance(task, n))
            if out is not None:
                summary = _write(out, tables, predicted, limit, begun)
            elif into_graph:
                summary = _write_edges(opened, replace(predicted, tables=tables), limit, begun)
            else:
                found, n_rows = _best(tables, limit or SHOWN)
        if out is None and not into_graph and format is Format.table:
            found = for_people(graph, found, with_level=asked["level"] is not None)
    if out is not None or into_graph:
        print_rows([summary], format)
        if format is Format.table:
            print(
                f"Next: {_next(out) if out is not None else next_command(_CYPHER.format(opened.id), store)}"
            )
        return
    print_rows(found, format)
    if n_rows > len(found):
        note(
            f"{n_rows:,} pairs were predicted, of which the {len(found):,} most sensitive are shown; to write all "
            "to a file: --out predicted.csv"
        )


def _write(
    out: Path, tables: Iterator[pa.Table], predicted: Predicted, limit: int | None, begun: float
) -> dict[str, Any]:
    from pharmagraph.kg.table_file import write
    from pharmagraph.model.runs.many import best

    n_rows = write(out, tables if limit is None else iter([best(tables, limit)]))
    return {
        "file": str(out), "rows": n_rows, "drugs": predicted.n_drugs, "cell_lines": predicted.n_cell_lines,
        "seconds": round(time.perf_counter() - begun, 1),
    }  # fmt: skip


def _write_edges(run: Run, predicted: Predicted, limit: int | None, begun: float) -> dict[str, Any]:
    from pharmagraph.kg.predicted import write
    from pharmagraph.model.runs.many import best

    if limit is not None:
        predicted = replace(predicted, tables=iter([best(predicted.tables, limit)]))
    change = write(run.store, run.id, predicted.edges())
    return {
        "run": run.id, "inserted": change.inserted, "updated": change.updated, "unchanged": change.unchanged,
        "seconds": round(time.perf_counter() - begun, 1),
    }  # fmt: skip


def _best(tables: Iterator[pa.Table], limit: int) -> tuple[list[dict[str, Any]], int]:
    """The rows that are printed, and how many there are in all."""
    from pharmagraph.model.runs.many import best

    n_rows = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal n_rows
        for table in tables:
            n_rows += table.num_rows
            yield table

    found: list[dict[str, Any]] = best(counted(), limit).to_pylist()
    return found, n_rows


def _counted(tables: Iterator[pa.Table], advance: Any) -> Iterator[pa.Table]:
    for table in tables:
        yield table
        advance(table.num_rows)


def _next(out: Path) -> str:
    read = "read_csv" if out.suffix.lower() == ".csv" else "read_parquet"
    return f"python -c 'import pandas; print(pandas.{read}(\"{out}\"))'"


def for_people(graph: GraphStore, found: list[dict[str, Any]], *, with_level: bool) -> list[dict[str, Any]]:
    """Rows for people: names in place of ids, a long SMILES cut, and no column that says nothing."""
    names = all_shown(graph)
    said = {"unlike": any(row.get("unlike") for row in found), "level": with_level}
    return [
        {
            column: value
            for column, value in _shortened(row_shown(row, names)).items()
            if said.get(column, True)
        }
        for row in found
    ]


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    return row | {c: shortened(row[c], _LONGEST) for c in OF_COLUMNS if isinstance(row.get(c), str)}
