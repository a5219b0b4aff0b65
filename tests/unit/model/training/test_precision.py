"""Half precision in a step: refused on a CPU; what of a network cannot have it stays in float32.

No GPU is at hand where this was written: the fits run on a CPU, where torch has the same automatic casts.
"""

from __future__ import annotations

import numpy as np
import pytest

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.training import ensemble
from pharmagraph.model.training.from_graph import fit_graph
from tests.screens import screen

SMALL = {
    "fast": {"channels": 8},
    "default": {
        "relational": True,
        "process_states": "always",
        "n_response_genes": 5,
        "n_screened_genes": 20,
        "axial_neighbours": 4,
        "factor_starts": 1,
        "factor_rank": 4,
    },
    "drgt-nci60": {
        "heads": 2,
        "adjacency": {"gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8]},
    },
}


def config(preset: str, precision: int | str) -> Config:
    training = {"epochs": 2, "members": 1, "precision": precision}
    found = load_preset(preset, network=SMALL[preset], training=training)
    return found.model_copy(update={"targets": None})


def test_half_precision_is_refused_on_a_cpu() -> None:
    graph = screen()
    with pytest.raises(ModelError, match=r"for GPUs, and the device is cpu.*leave it at 32"):
        fit_graph(graph, responses(graph), config("fast", "bf16"), seed=0)
    with pytest.raises(ModelError, match=r'option "training\.precision" is "16"'):
        config("fast", 16)


@pytest.mark.parametrize("preset", SMALL)
def test_a_fit_in_half_precision_ends_near_that_in_float32(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "require_precision", lambda *_: None)
    graph = screen()
    pairs = np.divmod(np.arange(24 * 20), 20)
    whole, half = (
        fit_graph(graph, responses(graph), config(preset, precision), seed=0).predict(*pairs)
        for precision in (32, "bf16")
    )
    difference = np.abs(whole - half).max()
    assert 0 < difference < 0.05
