"""`cli evaluate-certainty`: parses, calls one function and prints its result."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import (
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
from pharmagraph.model.presets.choices import Split, TrainingSplit


def evaluate_certainty(
    models: Annotated[
        str, typer.Option(help="With commas: presets, and random-forest, the usual recipe for ln IC50.")
    ] = "default",
    split: Annotated[TrainingSplit, typer.Option(help="What a held-out fold is made of.")] = Split.random,
    folds: Annotated[int, typer.Option(min=2, help="Folds.")] = 5,
    only: Annotated[
        list[int] | None,
        typer.Option("--fold", min=0, help="Do this fold alone, counted from 0; may be repeated."),
    ] = None,
    fit_for: Annotated[
        TrainingSplit | None,
        typer.Option(
            help="Pairs for which presets are fitted, such as random, as cli train does; else --split."
        ),
    ] = None,
    drugs: Annotated[
        int | None, typer.Option(min=1, help="Draw so many of the drugs; all when left out.")
    ] = None,
    cells: Annotated[
        int | None, typer.Option(min=1, help="Draw so many of the cell lines; all when left out.")
    ] = None,
    dataset: Datasets = None,
    task: Task = "regression",
    seed: Seed = 0,
    epochs: Epochs = None,
    members: Members = None,
    set_: Set = None,
    device: Device = "auto",
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which the rows of every fold are kept, beside those of earlier commands."
        ),
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Measure on folds whether intervals cover what they say, how wide they are, and how good the surest pairs are."""
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.errors import ModelError
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.evaluation.certainty import FOREST
    from pharmagraph.model.evaluation.certainty import evaluate_certainty as measure
    from pharmagraph.model.evaluation.certainty_figures import means
    from pharmagraph.model.evaluation.drawn import drawn
    from pharmagraph.model.evaluation.plan import Plan
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.reports.certainty_folder import keep
    from pharmagraph.model.runtime import resolve_device

    names = model_names(models, "default,random-forest")
    if wrong := [n for n in only or () if n >= folds]:
        raise ModelError(f"--fold {wrong[0]} is not among {folds} folds, which are counted from 0")
    if split is Split.none:
        raise ModelError("--split none holds nothing out; use random, unseen-drug, unseen-cell or another")
    if fit_for in {Split.none, Split.unseen_tissue}:
        raise ModelError(
            f"--fit-for {fit_for} is no kind of pair; use random, unseen-drug, unseen-cell or unseen-both"
        )
    changes = preset_changes(epochs, members, None, set_ or ())
    for name in names:
        if name != FOREST:
            load_preset(name, **changes)  # a wrong one is told before the store is read
    plan = Plan(split, folds, task=task, seed=seed, device=resolve_device(device), changes=changes)
    with open_store(store, read_only=True) as graph:
        heterograph = drawn(export(graph, datasets=dataset), {"Drug": drugs, "CellLine": cells}, seed=seed)
    n_done = len(set(only)) if only else folds
    with progress(quiet) as bar:
        bar_id = bar.add_task("measuring", total=len(names) * n_done, note="")
        rows = measure(
            heterograph, names, plan, only=sorted(set(only)) if only else None, fit_for=fit_for,
            report=lambda what: bar.update(bar_id, advance=1, note=what),
        )  # fmt: skip
    if folder is not None:
        sizes = heterograph.n_nodes("Drug"), heterograph.n_nodes("CellLine")
        kept = keep(
            folder, rows, command=shlex.join(["cli", *sys.argv[1:]]),
            part=f"{sizes[0]:,} drugs and {sizes[1]:,} cell lines drawn from it" if drugs or cells else None,
        )  # fmt: skip
        if not quiet:
            note(f"{len(rows):,} rows in {kept}")
    title = f"{rows[0]['dataset']}, {split.value}, mean over {n_done} folds"
    print_rows(means(rows) if format is Format.table else rows, format, title=title)
