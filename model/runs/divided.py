"""Trains one run by several processes that divide the pairs of each step; what a run is made of is `trained.py`.

Rank 0 is the process that was asked to train. It writes the run; the others read the graph and serve the fits.
"""

from __future__ import annotations

from typing import Any

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.kg.wording import named, option
from pharmagraph.model import launching, ranks, side_by_side
from pharmagraph.model.presets.config import Config
from pharmagraph.model.runs import trained
from pharmagraph.model.runs.trained import Trained
from pharmagraph.model.runtime import require_precision, resolve_device


def train(
    store: GraphStore,
    config: Config,
    *,
    devices: int | None = None,
    workers: int | None = None,
    device: str = "auto",
    **options: Any,
) -> Trained:
    """Train on what a store holds and register the run, as `trained.train` does.

    Parameters
    ----------
    store, config, device, options
        As there.
    devices
        Processes that divide the pairs of each step, one a core or a GPU of this machine; 1 unless given. Processes of
        torchrun divide them in any case.
    workers
        As there; only where pairs are not divided.

    Raises
    ------
    PharmagraphError
        As there; if there are fewer cores or GPUs, or a process is lost.
    """
    device = resolve_device(device)
    require_precision(config.training.precision, device)
    here = ranks.rank()
    if not here.alone and devices not in {None, here.of_machine}:
        raise ModelError(
            f"torchrun has started {here.of_machine} processes on this machine, and {option('devices', str(devices))} "
            f"asks for another number; leave {named('devices')} out"
        )
    count = here.of_machine if not here.alone else devices or 1
    if here.size == 1 and count == 1:
        return trained.train(store, config, device=device, workers=workers, **options)
    if workers not in {None, 1}:
        raise ModelError(
            f"{named('workers')} fits networks side by side, and {named('devices')} lets all processes fit one network "
            f"together; leave one of them out"
        )
    if config.training.neighbours:
        raise ModelError(
            "training.neighbours draws neighbours of the pairs of one process, and several would draw others; leave "
            f"{named('devices')} or training.neighbours out"
        )
    launching.require_room(count, device)
    options |= {"device": device, "workers": min(count, side_by_side.most_workers())}
    if not here.alone:
        return trained.train(store, config, **options)
    served = {name: value for name, value in options.items() if name not in {"report", "stage"}}
    with launching.started(count, _serve, (store.url, config, served)):
        return trained.train(store, config, **options)


def _serve(url: str, config: Config, options: dict[str, Any]) -> None:
    """What the other ranks do; it ends with a `ServedError`."""
    with open_store(url, read_only=True, create=False) as store:
        trained.train(store, config, **options)
