"""`cli report` and `cli faithfulness`: each parses, calls one function and hands on its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store, Wide
from pharmagraph.kg.console import Format


def report(
    drug: Annotated[
        str | None,
        typer.Option(help="Name, alias or id: a page about the drug.", autocompletion=completion.drugs),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            help="Run id; the promoted run when left out. Without --drug, a page about it.",
            autocompletion=completion.runs,
        ),
    ] = None,
    faithfulness: Annotated[
        bool,
        typer.Option(
            "--faithfulness", help="On a run's page, what predictions lose with the genes attended to."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; named after the drug or run.")] = None,
    store: Store = None,
) -> None:
    """A self-contained HTML page about a drug or a run; it opens without a network."""
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    with open_store(store, read_only=True) as graph:
        print(Run.open(graph, run).report(out, drug=drug, faithfulness=faithfulness))


def faithfulness(
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out.", autocompletion=completion.runs),
    ] = None,
    edges: Annotated[
        str, typer.Option(help="Edges of each node that are removed, or alone left; with commas.")
    ] = "1,5,20",
    seed: Annotated[int, typer.Option(min=0, help="Of the random edges, signs and weights.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the datasets and the rows to this JSON file, too.")
    ] = None,
    store: Store = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.table,
    wide: Wide = False,
) -> None:
    """Take edges away from a run: the most attended, those of most gradient and others against random ones."""
    import json

    from pharmagraph.kg import folders
    from pharmagraph.kg.console import note, print_rows, progress, records
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    counts = [int(n) for n in edges.split(",") if n.strip().isdigit()]
    if not counts or min(counts) < 1 or len(counts) != len(edges.split(",")):
        raise InputError(f'--edges "{edges}" is not a list of numbers from 1, such as 1,5,20')
    if out is not None:
        folders.require_file(out)
    with open_store(store, read_only=True) as graph, progress(quiet) as bar:
        found = Run.open(graph, run)
        task = bar.add_task("ranking", total=None, note="")
        rows = records(
            found.faithfulness(counts, seed=seed, advance=lambda what: bar.update(task, note=what))
        )
    if out is not None:
        with folders.whole(out) as place:
            place.write_text(
                json.dumps([", ".join(found.about["datasets"]), rows], indent=1) + "\n", encoding="utf-8"
            )
        if not quiet:
            note(f"{len(rows)} rows in {out}")
    title = f"{found.id}: mean absolute change of the logit without edges"
    if format is not Format.table or wide:
        print_rows(rows, format, title=title, wide=wide)
        return
    print(title + "\n")
    for relation in dict.fromkeys(row["relation"] for row in rows):
        of_relation = [
            {k: v for k, v in row.items() if k != "relation"} for row in rows if row["relation"] == relation
        ]
        print_rows(of_relation, title=relation)
