"""`cli evaluate-biomarkers`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import Members, Quiet
from pharmagraph.model.presets import choices


def evaluate_biomarkers(
    truth: Annotated[
        Path,
        typer.Option(
            help="Known response genes: columns drug, gene, feature (expression, mutation, fusion or copy_number) and "
            "effect (sensitive or resistant)."
        ),
    ],
    task: Annotated[choices.Task, typer.Option(help="Sensitive or resistant, or ln IC50.")] = "regression",
    preset: Annotated[
        str, typer.Option(help="default, or a YAML file whose network has a gene part.")
    ] = "default",
    folds: Annotated[int, typer.Option(min=2, help="Every cell line is held out in one of them.")] = 5,
    only: Annotated[
        list[int] | None,
        typer.Option("--fold", min=0, help="Do this fold alone, counted from 0; may be repeated."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Fits of every fold, to see how stable the lists are.")
    ] = 2,
    members: Members = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            help="Responses of this dataset; may be repeated. All when left out.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep finished folds in this file; the same command again goes on from there."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the tables to this JSON file.")] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Look for known response genes in training folds, and change them in held-out cell lines."""
    from pharmagraph.kg import folders
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.names import index
    from pharmagraph.kg.reading import table
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation.biomarkers import figures, tables
    from pharmagraph.model.evaluation.biomarkers.knock_outs import UNITS
    from pharmagraph.model.evaluation.biomarkers.truth import COLUMNS, read_truth
    from pharmagraph.model.reports.evaluation_folder import write_json
    from pharmagraph.model.responses.measured import dataset_name

    for file in (resume, out):
        if file is not None:
            folders.require_file(file)
    table.rows(truth, COLUMNS)  # what is no table of these columns is said before long work
    settings = figures.Settings(task, preset, members, folds, tuple(range(seeds)))
    with open_store(store, read_only=True) as graph:
        heterograph = export(graph, datasets=dataset)
        names, gene_names = index(graph, "Drug"), index(graph, "Gene")
    screen = figures.Screen.of(heterograph, settings)
    known = read_truth(
        truth, heterograph, names=names, gene_names=gene_names, tested=screen.tested.tolist(),
        measured=screen.measured.tolist(),
    )  # fmt: skip
    if not quiet or known.left_out:
        note(f"{truth}: {known}")
    with progress(quiet) as bar:
        task_id = bar.add_task("evaluating", total=len(set(only or range(folds))) * seeds, note="")
        rows = figures.evaluate_biomarkers(
            screen, known, settings, only=only, finished=resume,
            report=lambda what: bar.update(task_id, advance=1, note=what),
        )  # fmt: skip
    about = {"dataset": dataset_name(heterograph), "task": task}
    if out is not None:
        write_json(out, tables.document(rows, known, about))
    if format is not Format.table:
        print_rows(tables.records(rows, known, about), format)
        return
    print_rows(
        tables.ranks(rows, known), title=f"{about['dataset']}, {task}: rank of the gene, median of fits"
    )
    print_rows(
        tables.knock_outs(rows, known),
        title=f"Held-out cell lines with the gene changed, size in {UNITS[task]}",
    )
    print_rows(tables.summary(rows, known), title="Scorers")
    print(tables.verdict(rows, known))
