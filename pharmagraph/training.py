"""Trains a network on the graph of a store; the run is registered and can be used at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pharmagraph.kg import arguments, runs
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named
from pharmagraph.model.presets.choices import Split, Task, TrainingSplit
from pharmagraph.run import Run

if TYPE_CHECKING:
    from pharmagraph.model.presets.config import Config
    from pharmagraph.model.runs.trained import Trained


@dataclass(frozen=True)
class TrainedRun(Run):
    """A run that has just been trained.

    Attributes
    ----------
    trained
        The network in memory, and the numbers of training and held-out pairs.
    """

    trained: Trained = field(repr=False, compare=False)


def train(
    store: GraphStore,
    preset: str | PathLike[str] | Config = "default",
    *,
    datasets: str | Sequence[str] | None = None,
    split: TrainingSplit
    | Literal["none", "random", "unseen-drug", "unseen-cell", "unseen-both", "unseen-tissue"] = "random",
    task: Task = "classification",
    seed: int = 0,
    device: str = "auto",
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    n_null: int = 0,
    promote: bool = False,
    folder: str | PathLike[str] = "runs",
    report: Callable[[int, int, float | None], None] | None = None,
    stage: Callable[[str], None] = lambda what: None,
    workers: int | None = None,
    devices: int | None = None,
) -> TrainedRun:
    """Train on what a store holds, write attention and predictions back, and register the run.

    Parameters
    ----------
    store
        Open for writing.
    preset
        ``default``, ``fast``, ``drgt`` (its settings for the data set; ``drgt-gdsc1`` names them), the path of a YAML
        file with the same options, or a loaded preset.
    datasets
        Train on the responses of these; of all unless given.
    split
        What is held out for the figures: one fold of five, or nothing.
    task
        ``classification`` (sensitive or resistant) or ``regression`` (ln IC50, in ln µmol/l).
    seed, device
        Same seed, same result; ``auto`` takes a GPU where there is one.
    network, training
        Options that replace those of the preset, as in ``training={"epochs": 5}``.
    n_null
        Permutations of the responses for the q-values of attention to genes; 0 for none, else 2 or more.
    promote
        Set the run's attention on the edges that it used.
    folder
        Where the run's folder is made.
    report
        Called after each epoch with the number of the network, the number of the epoch, and the figure on its inner
        fold, or None.
    stage
        Called with each stage, in words.
    workers
        Networks that are fitted side by side, each in a process of its own; as many as there are cores unless given.
    devices
        Processes that divide the pairs of each step of one network, one a core or a GPU; 1 unless given. The result
        differs in the last digits (docs/cluster.md).

    Raises
    ------
    TypeError, InputError
        If an argument is of another type, or no value of its kind; it is named.
    UnknownPresetError
        If there is no such preset.
    ModelError
        Before training: if an option is unknown, or the store holds no responses, one class only, or entities of
        which nothing is known.
    """
    from pharmagraph.model.presets.by_dataset import preset_of_store
    from pharmagraph.model.presets.config import Config, load_preset
    from pharmagraph.model.runs import divided as made

    arguments.require_store(store)
    if report is not None:
        arguments.function("report", report)
    arguments.function("stage", stage)
    chosen = Split(arguments.one_of("split", split, [one.value for one in get_args(TrainingSplit)]))
    word = cast(Task, arguments.one_of("task", task, get_args(Task)))
    if arguments.whole_number("n_null", n_null, least=0) == 1:
        raise ModelError(
            f"{named('n_null')} 1 leaves nothing to compare with; give 2 permutations or more, 20 for a q of 0.05"
        )
    if workers is not None:
        arguments.whole_number("workers", workers, least=1)
    if devices is not None:
        arguments.whole_number("devices", devices, least=1)
    ids = arguments.texts("datasets", datasets) if datasets is not None else None
    if not isinstance(preset, Config):
        changes = {
            "network": arguments.options("network", network),
            "training": arguments.options("training", training),
        }
        name = preset_of_store(store, str(arguments.path("preset", preset)), ids)
        preset = load_preset(name, **changes)
    elif network or training:
        raise InputError("network and training change a preset that is named; this one is loaded already")
    done = made.train(
        store, preset, folder=Path(arguments.path("folder", folder)), split=chosen, task=word, device=device,
        datasets=ids,
        seed=arguments.seed(seed), n_null=n_null, report=report, stage=stage, workers=workers,
        devices=devices,
    )  # fmt: skip
    if promote:
        runs.promote(store, done.run_id, advance=stage)
    run = Run.open(store, done.run_id)
    return TrainedRun(run.store, run.id, run.folder, run.about, done)
