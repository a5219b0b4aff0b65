"""Which preset fits the data set that a graph holds: the published network has settings for each of its data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.config import PRESETS

if TYPE_CHECKING:
    from pharmagraph.kg.store import GraphStore

PUBLISHED = "drgt"
"""The preset with settings by data set."""


def fitting_preset(name: str, dataset: str) -> str:
    """The preset to load for a data set: where ``drgt`` is asked for, the one with its settings for that data set.

    Parameters
    ----------
    name
        As for `load_preset`.
    dataset
        Id of the data set whose responses the graph holds; several are joined by ``+``.

    Raises
    ------
    ModelError
        If the preset has settings for another published data set than this one, or ``drgt`` none for it.
    """
    of_dataset = {
        preset.removeprefix(f"{PUBLISHED}-"): preset
        for preset in PRESETS
        if preset.startswith(f"{PUBLISHED}-")
    }
    if name != PUBLISHED and name not in of_dataset.values():
        return name
    fitting = of_dataset.get("".join(c for c in dataset.casefold() if c.isalnum()))
    if name == PUBLISHED and fitting is None:
        raise ModelError(
            f'preset {name} has no settings for the data set "{dataset}" of this graph; name one of '
            f"{', '.join(of_dataset.values())}"
        )
    if name != PUBLISHED and fitting not in (None, name):
        raise ModelError(
            f'preset {name} has the settings for another data set than "{dataset}", which this graph holds; '
            f"use {fitting}"
        )
    return fitting or name


def preset_of_store(store: GraphStore, name: str, datasets: Sequence[str] | None = None) -> str:
    """`fitting_preset` for the responses in a store, or for those of some data sets in it."""
    if not name.startswith(PUBLISHED) or store.schema_version() is None:
        return name
    held = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["dataset"])["dataset"].unique().to_pylist()
    chosen = sorted(d for d in held if datasets is None or d in datasets)
    return fitting_preset(name, "+".join(chosen)) if chosen else name
