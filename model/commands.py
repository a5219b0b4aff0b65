"""`cli train` and `cli predict`: each parses, calls one function and prints its result."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from kg.commands import FormatOption, Store
from kg.console import Format


class TaskOption(str, Enum):
    """What is predicted."""

    classification = "classification"
    regression = "regression"


class ConvOption(str, Enum):
    """How messages are weighted."""

    gatv2 = "gatv2"
    gat = "gat"
    gcn = "gcn"
    transformer = "transformer"
    none = "none"


class SplitOption(str, Enum):
    """What a held-out fold is made of."""

    none = "none"
    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"


Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", help="Train on the responses of this dataset; may be repeated. All when left out."
    ),
]
Preset = Annotated[str, typer.Option(help="default, fast, drgt, or a YAML file with the same options.")]
Task = Annotated[TaskOption, typer.Option(help="Sensitive or resistant, or ln IC50.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="At most so many; the preset's when left out.")]
Members = Annotated[int | None, typer.Option(min=1, help="Networks averaged; the preset's when left out.")]
Conv = Annotated[
    ConvOption | None, typer.Option(help="Another way to weight messages; the preset's when left out.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PART.OPTION=VALUE", help="Replace an option of the presets; may be repeated."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def train(
    preset: Preset = "default",
    dataset: Datasets = None,
    split: Annotated[
        SplitOption, typer.Option(help="What is held out for the figures: one fold of five, or nothing.")
    ] = SplitOption.random,
    task: Task = TaskOption.classification,
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
    from kg.console import note, print_rows, progress
    from kg.errors import ModelError
    from kg.store import open_store
    from model.config import load_preset

    if null == 1:
        raise ModelError(
            "--null 1 leaves nothing to compare with; give 2 permutations or more, 20 for a q of 0.05"
        )
    config = load_preset(preset, **preset_changes(epochs, members, conv))
    from kg import runs as register
    from model.run import train as train_run
    from model.splits import Split

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
            graph, config, folder=runs, datasets=dataset, split=Split(split.value), task=task.value,
            seed=seed, device=device, n_null=null, report=report, stage=stage,
        )  # fmt: skip
        if promote:
            register.promote(graph, trained.run_id, advance=stage)
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
        shares = trained.fitted.shares()
        if len(shares) > 1:
            parts = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
            note(f"shares in the prediction: {parts}")
        note(_about_attention(trained.layer, config.targets is not None))
        note(f"run {trained.run_id} in {trained.folder}")
        note("Next: cli query top-genes drug=NAME" if promote else f"Next: cli runs promote {trained.run_id}")


def _about_attention(layer: str, wanted: bool) -> str:
    """What known targets are to the attention of a run."""
    if layer.startswith("targets"):
        return "attention to genes is fitted to the known targets: those were given to it, not found by it"
    if wanted:
        return (
            "attention to genes is the response network's: fewer than two drugs have known targets to learn from "
            "(cli ingest targets)"
        )
    return "attention to genes is the response network's: the preset asks for no other"


def predict(
    drug: Annotated[str | None, typer.Option(help="Name, id or SMILES; all drugs when left out.")] = None,
    cell: Annotated[
        str | None, typer.Option(help="Name, id, or a CSV file with columns gene and z; all when left out.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run id; the promoted run when left out.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Rows when one side is left out, the most sensitive first.")
    ] = 20,
    device: Device = "auto",
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Predict the response of a cell line to a drug, known to the graph or new."""
    from kg import runs as register
    from kg.console import print_rows
    from kg.store import open_store
    from model.predict import predict as predict_pairs
    from model.run import resolve_device

    with open_store(store, read_only=True) as graph:
        found = register.find(graph, run)
        names: dict[str, dict[str, list[str | None]]] = {
            label: {
                row["id"]: [row["name"], *(row["aliases"] or ())]
                for row in graph.read_nodes(label, ["id", "name", "aliases"]).to_pylist()
            }
            for label in ("Drug", "CellLine")
        }
    rows = predict_pairs(
        Path(found["folder"] or ""), drug=drug, cell_line=cell, drug_names=names["Drug"],
        cell_line_names=names["CellLine"], limit=limit, device=resolve_device(device),
    )  # fmt: skip
    print_rows(rows, format)


def preset_changes(
    epochs: int | None, members: int | None, conv: ConvOption | None, options: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Options of presets that were given on the command line; ``options`` as in ``network.layers=3``.

    Raises
    ------
    ModelError
        If one of them is not a part, a point, a name, an equals sign and a value.
    """
    import yaml

    from kg.errors import ModelError

    training = {k: v for k, v in (("epochs", epochs), ("members", members)) if v is not None}
    changes: dict[str, dict[str, Any]] = {
        "training": training, "network": {"conv": conv.value} if conv else {}
    }  # fmt: skip
    for option in options:
        path, sign, text = option.partition("=")
        part, *names = path.split(".")
        if not sign or not all(names) or not names or part not in changes:
            raise ModelError(
                f'--set "{option}" is not PART.OPTION=VALUE, as in --set network.layers=3; parts are network and '
                "training, options are in the shipped presets"
            )
        section = changes[part]
        for name in names[:-1]:
            section = section.setdefault(name, {})
        try:
            section[names[-1]] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ModelError(f'--set "{option}": "{text}" is not a number, a word or a list') from None
    return changes
