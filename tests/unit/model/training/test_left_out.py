"""Components without a weight in the prediction are left out of an ensemble's networks, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.attention_tables import attention_tables, unused_attention
from pharmagraph.model.training.blending import unneeded
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.member import prepare
from tests.screens import screen

torch.set_num_threads(1)


def _config(**training: object) -> Config:
    few = {"members": 2, "epochs": 1, "untested_pairs": 50}
    network = {"channels": 8, "factor_starts": 1, "relational": True, "process_states": "alternate"}
    return load_preset("default", network=network, training={**few, **training})


def test_only_components_with_a_weight_are_needed_and_factors_never_alone() -> None:
    parts = ("relational", "axial", "gaussian_process", "factors")
    assert unneeded(parts, {"gaussian_process": 0.9, "factors": 0.1}) == ["relational", "axial"]
    assert unneeded(parts, dict.fromkeys(parts, 0.25)) == []
    assert unneeded(parts, {"factors": 1.0}) == []


def test_a_network_that_goes_on_without_components_gives_the_others_outputs() -> None:
    heterograph, config = screen(), _config()
    measured = responses(heterograph)
    tensors = network_tensors(heterograph, config.network)
    builder, scale = MessageBuilder(tensors, config.network), Scale.of(measured, "classification")
    fitting = prepare(tensors, builder, measured, config, scale, Split.random, seed=0)
    assert fitting.factor_fits is not None
    fitting.factor_fits.fit(fitting.pairs.training)
    before = dict(zip(fitting.network.components, fitting.inner_outputs(), strict=True))
    network = fitting.leave_out(["relational", "axial"])
    assert isinstance(network, RelationalNetwork) and network.components == ("gaussian_process", "factors")
    assert network.layers and network.decoder is None  # the process compares node states
    after = dict(zip(network.components, fitting.inner_outputs(), strict=True))
    assert all(torch.equal(after[name], before[name]) for name in after)
    assert fitting.factor_fits.factors is network.factors


def test_weights_that_the_preset_settles_leave_out_the_rest_and_attention_stays(tmp_path: Path) -> None:
    heterograph, split = screen(), Split.unseen_cell
    config = _config(regression_weights={split.value: {"gaussian_process": 1.0}})
    measured = responses(heterograph, "regression")
    fitted = fit(
        network_tensors(heterograph, config.network), measured, config, seed=0, task="regression", split=split
    )
    assert fitted.component_weights() == {"gaussian_process": 1.0}
    assert all(not list(member.network.layers) for member in fitted.members)  # type: ignore[arg-type]
    tables = attention_tables(fitted, heterograph)
    assert set(tables) == {("Drug", "CellLine"), ("Drug", "Drug"), ("CellLine", "CellLine")}
    assert tables["Drug", "CellLine"].num_rows == len(measured)
    unused = unused_attention(fitted, tables, gene_attention="none")
    assert set(unused) == {("Drug", "Gene"), ("CellLine", "Gene")}
    saved.save(fitted, heterograph, measured, tmp_path, about={})
    again = saved.load(tmp_path, saved.load_graph(tmp_path))
    pairs = (measured.drug, measured.cell_line)
    assert np.array_equal(fitted.predict(*pairs), again.predict(*pairs))


def test_what_the_first_network_does_not_use_is_in_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    heterograph, config = screen(), _config()
    tensors = network_tensors(heterograph, config.network)
    chosen = {"gaussian_process": 0.5, "axial": 0.5}
    monkeypatch.setattr("pharmagraph.model.training.ensemble.weights_on_inner_fold", lambda fitting: chosen)
    fitted = fit(tensors, responses(heterograph), config, seed=0)
    assert [member.network.components for member in fitted.members] == [("axial", "gaussian_process")] * 2
    assert [bool(list(member.network.layers)) for member in fitted.members] == [True, False]  # type: ignore[arg-type]
