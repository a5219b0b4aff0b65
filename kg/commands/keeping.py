"""`cli check`, `cli backup` and `cli restore`: whether a store is sound, and a second one for when it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Quiet, Store, Wide
from pharmagraph.kg.console import Format, next_command, note, print_rows, progress


def check(
    store: Store = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove what no data set and no run of the registers has brought.")
    ] = False,
    format: FormatOption = Format.table,
    wide: Wide = False,
    quiet: Quiet = False,
) -> None:
    """Whether the store agrees with its registers and its schema: every node and edge is read.

    Looked for are numbers of rows other than were loaded, rows of data sets and runs that are not listed, doubled
    edges, values out of range, attention of a node that adds up to more than 1, runs without attention or folder,
    and files of runs that were changed. Exits with 1 if something is wrong.
    """
    from pharmagraph.kg import check as checks
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=not fix, create=False) as graph, progress(quiet) as bar:
        task = bar.add_task("check", total=None, note="")
        if fix:
            for line in checks.mend(graph):
                note(line)
        found = checks.check(graph, advance=lambda kind: bar.update(task, advance=1, note=kind))
        url, counts = graph.url, graph.counts()
    print_rows(checks.shown(found), format, wide=wide) if found or format is not Format.table else None
    if format is Format.table and not found:
        print(f"{url}: nothing is wrong in {sum(counts.values()):,} nodes and edges")
    if found:
        raise typer.Exit(1)


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the copy of the store and of its runs.")],
    store: Store = None,
    quiet: Quiet = False,
) -> None:
    """Copy a store of either engine, with the folders of its runs, into a folder; every row is compared."""
    from pharmagraph.kg import backup as backups
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as graph, progress(quiet) as bar:
        task = bar.add_task("backup", total=2 * sum(graph.counts().values()), note="")
        done = backups.back_up(graph, folder, advance=lambda kind, n: bar.update(task, advance=n, note=kind))
    _tell(done, f"{folder}: the same, row by row")
    print(f"Next, to have it back: {next_command(f'cli restore {folder}', 'ladybug://restored.lbug')}")


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder that cli backup made.")],
    store: Store = None,
    runs: Annotated[Path, typer.Option("--runs", help="Where the folders of runs are put.")] = Path("runs"),
    quiet: Quiet = False,
) -> None:
    """Copy a backup into a new store, the folders of its runs beside it, and compare every row."""
    from pharmagraph.kg import backup as backups

    with progress(quiet) as bar:
        task = bar.add_task("restore", total=None, note="")
        url, done = backups.restore(
            folder, store, runs, advance=lambda kind, n: bar.update(task, advance=n, note=kind)
        )
    _tell(done, f"{url}: as in {folder}, row by row")
    print(f"Next: {next_command('cli status', store)}")


def _tell(done: dict[str, int], where: str) -> None:
    print(f"{done['nodes']:,} nodes, {done['edges']:,} edges and {done['runs']:,} runs → {where}")
