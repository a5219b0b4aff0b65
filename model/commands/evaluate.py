"""`cli evaluate`, `cli results`, `cli paper` and `cli tune`: each parses, calls one function and prints its result."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import (
    Conv,
    Datasets,
    Device,
    Epochs,
    Members,
    Quiet,
    Seed,
    Set,
    Task,
    model_names,
    preset_changes,
)
from pharmagraph.model.presets.choices import OMICS, CellLineGroups, DrugGroups, EvaluatedSplit, Split

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders that `cli evaluate --folder` wrote, or with a page made earlier, to keep up to date."
    ),
]


def evaluate(
    models: Annotated[
        str,
        typer.Option(
            help="With commas: presets (default, fast, drgt, a YAML file) and baselines (mean, drug-mean, "
            "cell-line-mean, mean-effects, additive, factorisation, side-information, kernel-ridge, "
            "gaussian-process, gradient-boosting, xgboost, random-forest, elastic-net, perceptron, ensemble-mf, "
            "blend)."
        ),
    ] = "default,additive",
    split: Annotated[EvaluatedSplit, typer.Option(help="What a held-out fold is made of.")] = Split.random,
    folds: Annotated[int, typer.Option(min=2, help="Folds; 5 random ones are the paper's.")] = 5,
    only: Annotated[
        list[int] | None,
        typer.Option("--fold", min=0, help="Do this fold alone, counted from 0; may be repeated."),
    ] = None,
    drug_groups: Annotated[
        DrugGroups,
        typer.Option(help="Unseen drugs: near twins together, whole scaffolds, or each alone."),
    ] = DrugGroups.twins,
    cell_groups: Annotated[
        CellLineGroups,
        typer.Option(help="Unseen cell lines: near twins together, whole tissues, or each alone."),
    ] = CellLineGroups.twins,
    train_on: Annotated[
        str | None,
        typer.Option(
            help="Transfer: the dataset whose responses are trained on.", autocompletion=completion.datasets
        ),
    ] = None,
    test_on: Annotated[
        str | None,
        typer.Option(
            help="Transfer: the dataset whose other pairs are tested.", autocompletion=completion.datasets
        ),
    ] = None,
    dataset: Datasets = None,
    task: Task = "classification",
    seed: Seed = 0,
    epochs: Epochs = None,
    members: Members = None,
    conv: Conv = None,
    set_: Set = None,
    omics: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Let models see these omics alone ({', '.join(OMICS)}); may be repeated. All when left out."
        ),
    ] = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Models and folds fitted side by side.")] = 1,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Keep rows, predictions, a table, a JSON and plots here; the same command again goes on from there."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the rows of every fold to this JSON file.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep finished folds in this file; the same command again goes on from there."),
    ] = None,
    exchange: Annotated[
        Path | None,
        typer.Option(
            help="Write folds and predictions of ln IC50 here as drevalpy's files, and read models drevalpy:NAME."
        ),
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Fit models on folds of the data and print what they reach on the held-out parts."""
    from pharmagraph.evaluation import evaluate as evaluate_models
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation.figures import summary
    from pharmagraph.model.reports.evaluation_folder import write_json

    names = model_names(models, "additive,gaussian-process")
    n_folds = 1 if split is Split.transfer else folds
    n_done = len(set(only)) if only else n_folds
    changes = preset_changes(epochs, members, conv, set_ or ())
    with open_store(store, read_only=True) as graph:
        heterograph = export(graph, datasets=dataset)
    with progress(quiet) as bar:
        bar_id = bar.add_task("evaluating", total=len(names) * n_done, note="")
        table = evaluate_models(
            heterograph, names, split=split, folds=folds, only=only, drug_groups=drug_groups,
            cell_line_groups=cell_groups, train_on=train_on, test_on=test_on, task=task, seed=seed, device=device,
            network=changes["network"], training=changes["training"], omics=omics, workers=workers, folder=folder,
            finished=resume, exchange=exchange, command=shlex.join(["cli", *sys.argv[1:]]),
            report=lambda what: bar.update(bar_id, advance=1, note=what),
        )  # fmt: skip
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    if folder is not None and not quiet:
        note(f"table, figures and plots in {folder}; a page of it: cli results {folder}")
    if out is not None:
        write_json(out, rows)
        if not quiet:
            note(f"{len(rows):,} rows in {out}")
    if format is Format.table:
        title = f"{rows[0]['dataset']}, {split.value}, mean over {n_done} folds"
        print_rows(summary(rows), format, title=title)
    else:
        print_rows(rows, format)


def results(
    folders: Folders,
    out: Annotated[Path, typer.Option(help="Where results.md and results.json are written.")] = Path("docs"),
) -> None:
    """Make the page of results from the rows of evaluations: who won each column, and where ours does not."""
    from pharmagraph.model.reports.results import read_results, write_results

    for file in write_results(read_results(folders), out):
        print(file)


def paper(
    folders: Folders,
    out: Annotated[Path, typer.Option(help="Where paper.md and paper.json are written.")] = Path("docs"),
) -> None:
    """Make the page of the drGT paper's figures and experiments beside evaluations; what was not run says so."""
    from pharmagraph.model.reports.paper import write_paper
    from pharmagraph.model.reports.results import read_results

    for file in write_paper(read_results(folders, "paper"), out):
        print(file)


def tune(
    preset: Annotated[str, typer.Option(help="The preset to start from.")] = "default",
    trials: Annotated[int, typer.Option(min=1, help="Trials in all; those of the study's file count.")] = 30,
    study: Annotated[
        Path, typer.Option(help="The study's file; the same command again goes on from there.")
    ] = Path("study.jsonl"),
    split: Annotated[EvaluatedSplit, typer.Option(help="How pairs will be asked for.")] = Split.random,
    fold: Annotated[
        int, typer.Option(min=0, max=4, help="Held out of five and never looked at; the rest is tuned on.")
    ] = 0,
    dataset: Datasets = None,
    task: Task = "classification",
    seed: Seed = 0,
    epochs: Epochs = None,
    members: Annotated[int, typer.Option(min=1, help="Networks a trial; one is quickest.")] = 1,
    device: Device = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Write the best trial as a preset to this YAML file.")
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Search a preset's options on inner parts of a training part; print the best trials."""
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation import tuning
    from pharmagraph.model.evaluation.plan import Plan
    from pharmagraph.model.presets.by_dataset import fitting_preset
    from pharmagraph.model.responses.measured import dataset_name
    from pharmagraph.model.runtime import resolve_device

    plan = Plan(
        split, 5, task=task, seed=seed, device=resolve_device(device),
        changes=preset_changes(epochs, members, None),
    )  # fmt: skip
    with open_store(store, read_only=True) as graph:
        heterograph = export(graph, datasets=dataset)
    preset = fitting_preset(preset, dataset_name(heterograph))
    with progress(quiet) as bar:
        bar_id = bar.add_task("tuning", total=trials, note="")

        def report(done: int, best: float) -> None:
            bar.update(bar_id, completed=done, note=f"best {best:.4f}")

        found = tuning.tune(heterograph, preset, plan, fold=fold, trials=trials, file=study, report=report)
    rows: list[dict[str, Any]] = [
        {"trial": t.number, "inner": t.value, **t.options} for t in sorted(found, key=lambda t: -t.value)
    ]
    print_rows(rows if format is not Format.table else rows[:10], format, title=f"{preset}, {split.value}")
    if out is not None:
        tuning.write_preset(out, preset, found)
        if not quiet:
            note(f"the best trial as a preset: cli evaluate --models {out}")
