"""`cli train`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import (
    Conv,
    Datasets,
    Device,
    Epochs,
    Members,
    Preset,
    Quiet,
    Seed,
    Task,
    preset_changes,
)
from pharmagraph.model.presets.choices import Split, TrainingSplit


def train(
    preset: Preset = "default",
    dataset: Datasets = None,
    split: Annotated[
        TrainingSplit, typer.Option(help="What is held out for the figures: one fold of five, or nothing.")
    ] = Split.random,
    task: Task = "classification",
    seed: Seed = 0,
    epochs: Epochs = None,
    members: Members = None,
    conv: Conv = None,
    device: Device = "auto",
    null: Annotated[
        int,
        typer.Option(
            min=0, help="Permutations of the responses for the q of attention to genes; 0 for no q."
        ),
    ] = 0,
    promote: Annotated[
        bool, typer.Option("--promote", help="Set this run's attention on the edges it used.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Train a network on the graph, write its attention and predictions back, print held-out figures."""
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.training import train as train_run

    config = load_preset(preset, **preset_changes(epochs, members, conv))

    with open_store(store, create=False) as graph, progress(quiet) as bar:
        total = config.training.epochs * config.training.members
        task_id = bar.add_task("reading the graph", total=total, note="")

        def report(member: int, epoch: int, validation: float | None) -> None:
            done = (member - 1) * config.training.epochs + epoch
            bar.update(task_id, completed=done, description=f"training {member}/{config.training.members}")
            if validation is not None:
                bar.update(task_id, note=f"validation {validation:.4f}")

        def stage(what: str) -> None:
            bar.update(task_id, description=what)

        trained = train_run(
            graph, config, folder=runs, datasets=dataset, split=split, task=task, seed=seed, device=device,
            n_null=null, promote=promote, report=report, stage=stage,
        ).trained  # fmt: skip
    title = f"{trained.run_id}: {trained.n_training:,} training pairs, {trained.n_held_out:,} held out ({split.value})"
    if trained.figures:
        print_rows(
            [{"run": trained.run_id, **row} for row in trained.figures]
            if format is not Format.table
            else trained.figures,
            format,
            title=title,
        )
    elif format is Format.table:
        print(f"{title}; no figures without a held-out part")
    else:
        print_rows([], format, columns=("run", "metric", "grouping", "model", "additive"))
    if not quiet:
        shares = trained.fitted.component_weights()
        if len(shares) > 1:
            parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
            note(f"shares in the prediction: {parts}")
        note(_about_gene_attention(trained.gene_attention, config.targets is not None))
        for relation, why in trained.unused_attention.items():
            note(f"attention {relation} has no part in predictions: {why}")
        note(f"run {trained.run_id} in {trained.folder}")
        note("Next: cli query top-genes drug=NAME" if promote else f"Next: cli runs promote {trained.run_id}")


def _about_gene_attention(gene_attention: str, wanted: bool) -> str:
    """Where the attention of drugs to genes comes from, in one line."""
    if gene_attention == "targets":
        return "attention to genes is fitted to the known targets: those were given to it, not found by it"
    whose = "the response network's" if gene_attention == "network" else "absent"
    if wanted:
        return (
            f"attention to genes is {whose}: fewer than two drugs have known targets to learn from "
            "(cli ingest targets)"
        )
    return f"attention to genes is {whose}: the preset asks for none that is fitted to known targets"
