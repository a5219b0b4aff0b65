"""The datasets of a graph: `cli ingest remove` and `cli ingest history`."""

from __future__ import annotations

from typing import Annotated

import typer

from pharmagraph.ingest.commands.options import FormatOption, Store
from pharmagraph.kg import completion
from pharmagraph.kg.console import Format, next_command, note, print_rows


def remove(
    datasets: Annotated[
        list[str],
        typer.Argument(metavar="DATASET…", help="Ids; see: cli status.", autocompletion=completion.datasets),
    ],
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Take out what only these datasets brought, in one step; nodes that others have or refer to stay."""
    from pharmagraph import ingest

    done = ingest.remove(store, datasets)
    print_rows(
        done.rows, format, columns=("kind", "removed", "left"), title=f"{', '.join(done.datasets)}: removed"
    )
    for run in done.runs:
        note(f"run {run} was trained on it; it keeps its figures, and says that the graph has changed since")
    if format is Format.table:
        print(f"Next: {next_command('cli status', store)}")


def history(
    dataset: Annotated[
        str | None, typer.Option(help="Lines of this dataset alone.", autocompletion=completion.datasets)
    ] = None,
    store: Store = None,
    format: FormatOption = Format.table,
    wide: Annotated[
        bool, typer.Option("--wide", help="A line a row, however narrow the terminal is.")
    ] = False,
) -> None:
    """Every load and removal that changed the graph, oldest first; JSON has the numbers of each kind, too."""
    from pharmagraph import ingest
    from pharmagraph.kg.history import totals

    rows = ingest.history(store, dataset)
    if format is Format.table:
        brief = [
            {
                "at": (row["at"] or "")[:16].replace("T", " "), "action": row["action"],
                "datasets": row["datasets"], "source": row["source"], "sha256": (row["sha256"] or "")[:12],
                "program": row["program"], **totals(row),
            }
            for row in rows
        ]  # fmt: skip
        way = f"next: {next_command('cli ingest tables FOLDER', store)}"
        print_rows(brief, format, title="History" if not brief else None, wide=wide, empty=way)
    else:
        keep = ("at", "action", "datasets", "source", "version", "sha256", "program", "changes")
        print_rows(({k: row[k] for k in keep} for row in rows), format, columns=keep)
