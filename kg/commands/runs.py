"""`cli runs …`: the register of training runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store, Wide
from pharmagraph.kg.console import Format, next_command, print_rows
from pharmagraph.kg.help import Sections

app = typer.Typer(help="The register of training runs.", cls=Sections, no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="Run id; see: cli runs list.", autocompletion=completion.runs)]
SHOWN = ("auroc", "aupr", "rmse", "pearson")
"""Pooled metrics that the list shows where a run has them, each with the additive baseline's."""
LONG, MINOR = {"preset", "seed", "started_at"}, ("aupr", "rmse")
"""What of it a table leaves out, to fit a terminal."""


@app.command("list", epilog="Example: cli runs list")
def list_(store: Store = None, format: FormatOption = Format.table, wide: Wide = False) -> None:
    """All runs, oldest first."""
    from pharmagraph.kg import history, run_register
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as graph:
        rows = run_register.runs(graph)
        done = history.entries(graph) if rows else []
    keep = ("id", "preset", "split", "seed", "started_at", "promoted")
    metrics = [f"{model}{m} pooled" for m in SHOWN for model in ("", "additive ")]
    shown = [
        {k: row[k] for k in keep}
        | {m: row["metrics"][m] for m in metrics if m in row["metrics"]}
        | {"graph": history.verdict(history.since(done, row["started_at"]))}
        for row in rows
    ]
    columns = list(dict.fromkeys(k for row in shown for k in row))
    if (
        format is Format.table and not wide
    ):  # an id says preset and time; one figure and its baseline fit beside it
        columns = [c for c in columns if c not in LONG and not c.removeprefix("additive ").startswith(MINOR)]
    way = f"next: {next_command('cli train', store)}"
    print_rows(shown, format, columns=columns, title="Runs" if not shown else None, wide=wide, empty=way)


@app.command(epilog="Example: cli runs show RUN")
def show(run: RunId, store: Store = None, format: FormatOption = Format.table) -> None:
    """Everything the register knows of a run."""
    from pharmagraph.kg import history, run_register
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as graph:
        row = run_register.find(graph, run)
        done = history.entries(graph)
    row["data"] = history.seen(done, row["datasets"] or (), row["started_at"])
    row["graph_changed_since"] = history.since(done, row["started_at"])
    if format is Format.table:
        brief = {k: v for k, v in row.items() if v not in (None, {}, []) and k not in ("config", "metrics")}
        print_rows([{"property": k, "value": v} for k, v in brief.items()])
        if row["metrics"]:
            print_rows(_beside_additive(row["metrics"]), title="On held-out pairs")
        whole = next_command(f"cli runs show {row['id']} --format json", store)
        print(f"Next: {whole}  # with its whole configuration")
    else:
        print_rows([{"property": k, "value": v} for k, v in row.items()], format)


@app.command(epilog="Example: cli runs compare RUN OTHER")
def compare(first: RunId, second: RunId, store: Store = None, format: FormatOption = Format.table) -> None:
    """Held-out metrics of two runs, and how many of their first genes they share, as targets and for response."""
    from pharmagraph.kg import runs
    from pharmagraph.kg.store import open_store

    with open_store(store, read_only=True) as graph:
        rows = runs.compare(graph, first, second)
    print_rows(rows, format)


@app.command(epilog="Example: cli runs promote RUN")
def promote(
    run: RunId,
    store: Store = None,
    quiet: Annotated[bool, typer.Option("--quiet")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Set a run's attention on the base edges it used; queries then use it by default."""
    from pharmagraph.kg import runs
    from pharmagraph.kg.console import progress
    from pharmagraph.kg.store import open_store

    with open_store(store, create=False) as graph, progress(quiet) as bar:
        task = bar.add_task("attention", total=None, note="")
        written = runs.promote(graph, run, advance=lambda what: bar.update(task, note=what))
    rows = [{"edges": kind, "with attention": n} for kind, n in written.items()]
    print_rows(rows, format, empty="the run has no attention; train another one: cli train --promote")
    if format is Format.table:
        print(f"Next: {next_command('cli query strongest-links', store)}")


@app.command(epilog="Example: cli runs delete RUN")
def delete(
    run: RunId,
    store: Store = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a run and its edges from the store; its folder stays."""
    from pharmagraph.kg import run_register, runs
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.store import open_store

    with open_store(store, create=False) as graph:
        if run not in run_register.half_deleted(graph):
            runs.find(graph, run)
            if not yes and not _agreed(f"Remove run {run} and all its edges from {graph.url}?"):
                raise InputError(f"run {run} was not removed; answer y, or pass --yes")
        removed = runs.delete(graph, run)
    print(f"{run}: removed with {removed:,} edges; its folder stays")


def _agreed(question: str) -> bool:
    """Whether the user says yes; no where nobody can answer."""
    try:
        return typer.confirm(question)
    except (typer.Abort, RuntimeError):  # standard input ended, or was closed
        return False


def _beside_additive(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Each metric of a run with that of the additive baseline on the same pairs."""
    return [
        {"metric": name, "run": value, "additive": metrics.get(f"additive {name}")}
        for name, value in metrics.items()
        if not name.startswith("additive ")
    ]
