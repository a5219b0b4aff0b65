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
    Set,
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
    set_: Set = None,
    device: Device = "auto",
    null: Annotated[
        int,
        typer.Option(
            min=0,
            help="Permutations of the responses for the q of genes, as targets and for response; 0 for no q.",
        ),
    ] = 0,
    promote: Annotated[
        bool, typer.Option("--promote", help="Set this run's attention on the edges it used.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Networks fitted side by side; one for each core when left out. 1 takes the least memory.",
        ),
    ] = None,
    devices: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that fit each network together, one a core or GPU: each predicts a part of the pairs.",
        ),
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
    format: FormatOption = Format.table,
) -> None:
    """Train a network on the graph, write its attention and predictions back, print held-out figures."""
    from pharmagraph.kg.console import progress
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.commands.torchrun import served
    from pharmagraph.model.cores import are_all, cores, require
    from pharmagraph.model.presets.by_dataset import preset_of_store
    from pharmagraph.model.presets.config import load_preset
    from pharmagraph.model.reports.training_run import reporters, show
    from pharmagraph.training import train as train_run

    changes = preset_changes(epochs, members, conv, set_ or ())
    load_preset(preset, **changes)  # a wrong option is told before the store is opened
    if devices is not None and are_all(device):
        require(devices, cores())  # and this before torch is loaded
    with (
        served() as serves,
        open_store(store, create=False, read_only=serves) as graph,
        progress(quiet or serves) as bar,
    ):
        config = load_preset(preset_of_store(graph, preset, dataset), **changes)
        report, stage = reporters(bar, config)
        trained = train_run(
            graph, config, folder=runs, datasets=dataset, split=split, task=task, seed=seed, device=device,
            n_null=null, promote=promote, report=report, stage=stage, workers=workers,
            devices=devices,
        ).trained  # fmt: skip
    show(trained, config, split=split.value, promoted=promote, store=store, quiet=quiet, format=format)
