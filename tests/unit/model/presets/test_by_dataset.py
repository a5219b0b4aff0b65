"""Presets by data set: the published settings, and the one line that names the right preset."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.by_dataset import fitting_preset
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import PRESETS, load_preset
from tests.screens import screen

PUBLISHED = {
    "drgt-nci60": (6, 395, (236, 80), "layer", "relu", (0.2, 0.1), 0.2, 0.0, 1000, "adam", 3.763e-4, 8.409e-4),
    "drgt-gdsc1": (6, 400, (85, 46), "graph", "gelu", (0.1, 0.4), 0.0, 0.0, 1000, "adamw", 2.931e-3, 1.044e-3),
    "drgt-gdsc2": (3, 377, (103, 79), "graph", "relu", (0.1, 0.1), 0.0, 0.5, 900, "adamw", 3.881e-3, 1.964e-5),
    "drgt-ctrp": (
        4, 436, (93, 93, 47), "graph", "gelu", (0.1, 0.2, 0.2), 0.0, 0.0, 1000, "adamw", 1.936e-3, 2.227e-6,
    ),
}  # fmt: skip
"""configs/test1_params.yaml of the published code, GATv2; its epochs are of one step."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_preset_has_the_published_settings_for_its_data_set(name: str) -> None:
    config = load_preset(name)
    network, training = config.network, config.training
    assert network.adjacency is not None
    sizes = network.adjacency
    *exact, rate, decay = PUBLISHED[name]
    assert exact == [
        network.heads, sizes.input_channels, sizes.head_channels, sizes.norm, sizes.activation, sizes.layer_dropout,
        network.attention_dropout, sizes.other_genes, training.epochs * training.chunks, training.optimiser,
    ]  # fmt: skip
    assert (training.learning_rate, training.weight_decay) == pytest.approx((rate, decay), rel=1e-3)
    assert (training.schedule, training.clip) == ("constant", 1.0)
    assert (sizes.hidden_layers, sizes.hidden_dropout) == (1, 0.5)


def test_options_of_the_caller_come_after_those_of_the_data_set() -> None:
    config = load_preset("drgt-gdsc1", network={"heads": 2, "adjacency": {"norm": "batch"}})
    assert config.network.adjacency is not None
    assert (config.network.heads, config.network.adjacency.norm) == (2, "batch")
    assert config.network.adjacency.head_channels == (85, 46)


@pytest.mark.parametrize(
    ("asked", "dataset", "wanted"),
    [
        ("drgt", "nci60", "drgt-nci60"), ("drgt", "NCI-60", "drgt-nci60"), ("drgt", "GDSC1", "drgt-gdsc1"),
        ("drgt", "gdsc2", "drgt-gdsc2"), ("drgt", "CTRP", "drgt-ctrp"), ("drgt-gdsc1", "GDSC1", "drgt-gdsc1"),
        ("drgt-gdsc1", "mine", "drgt-gdsc1"), ("default", "GDSC1", "default"),
        ("drgt-mine.yaml", "GDSC1", "drgt-mine.yaml"),
    ],
)  # fmt: skip
def test_drgt_picks_by_the_data_set(asked: str, dataset: str, wanted: str) -> None:
    assert fitting_preset(asked, dataset) == wanted


@pytest.mark.parametrize(
    ("asked", "dataset", "message"),
    [
        ("drgt-gdsc1", "nci60", 'preset drgt-gdsc1 .* another data set than "nci60".*use drgt-nci60'),
        ("drgt", "mine", 'no settings for the data set "mine".*name one of drgt-nci60, drgt-gdsc1'),
        ("drgt", "GDSC1+GDSC2", r'no settings for the data set "GDSC1\+GDSC2"'),
    ],
)
def test_a_preset_for_another_data_set_is_refused_with_the_right_name(
    asked: str, dataset: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        fitting_preset(asked, dataset)
    assert "\n" not in str(caught.value)


def test_an_evaluation_picks_by_the_data_set_that_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pharmagraph.model.evaluation.plan.dataset_name", lambda graph: "gdsc1+gdsc2")
    graph = screen()
    assert (
        Plan(Split.transfer, train_on="GDSC2", test_on="GDSC1").config(graph, "drgt").preset == "drgt-gdsc2"
    )
    with pytest.raises(ModelError, match="no settings"):
        Plan(Split.random).config(graph, "drgt")
    assert Plan(Split.random).config(graph, "fast").preset == "fast"


def test_every_shipped_preset_loads_and_a_table_by_data_set_is_no_option_of_a_users_file(
    tmp_path: Path,
) -> None:
    assert [load_preset(name).preset for name in PRESETS] == list(PRESETS)
    path = tmp_path / "mine.yaml"
    path.write_text("by_dataset: {}")
    with pytest.raises(ModelError, match=r"unknown option|is missing"):
        load_preset(str(path))
