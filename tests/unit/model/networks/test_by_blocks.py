"""A network that reads drawn neighbours: with all of them it is the network that reads the whole graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Network
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import BY_NEIGHBOURS, Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitting import Fitting
from tests.screens import screen

torch.set_num_threads(1)


def config(
    training: Mapping[str, Any], *, dropout: float = 0.0, conv: str = "gatv2", **adjacency: Any
) -> Config:
    sizes = {
        "gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8], "layer_dropout": [dropout] * 2,
        "hidden_dropout": dropout, "norm": "layer", **adjacency,
    }  # fmt: skip
    network = {"heads": 2, "attention_dropout": dropout, "adjacency": sizes, "conv": conv}
    return load_preset("drgt-gdsc1", network=network, training=training)


def fitted(made: Config, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], Network]:
    """Loss of every step of a fit, and the network."""
    heterograph = screen()
    measured = responses(heterograph)
    losses: list[float] = []
    step = Fitting.training_step

    def noted(self: Fitting, batch: torch.Tensor, batch_index: int) -> torch.Tensor:
        loss = step(self, batch, batch_index)
        losses.append(loss.item())
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Fitting, "training_step", noted)
        found = fit(network_tensors(heterograph, made.network), measured, made, seed=0)
    return losses, found.members[0].network


@pytest.mark.parametrize("conv", BY_NEIGHBOURS)
def test_training_on_all_neighbours_is_training_on_the_whole_graph(
    conv: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same losses to 1e-5 and weights to 1e-4 after 12 steps: sums over edges are in another order, no more."""
    training = {"epochs": 3, "learning_rate": 0.001}
    whole = fitted(config(training, conv=conv), monkeypatch)
    drawn = fitted(config({**training, "neighbours": [0, 0], "block_edges": 50}, conv=conv), monkeypatch)
    assert len(whole[0]) == 12
    assert drawn[0] == pytest.approx(whole[0], abs=1e-5)
    assert whole[0][-1] < whole[0][0] - 0.01
    few = fitted(config({**training, "epochs": 1, "neighbours": [2, 2]}, conv=conv), monkeypatch)
    assert max(abs(np.subtract(few[0], whole[0][:4]))) > 1e-3  # or neighbours would make no difference
    weights = drawn[1].state_dict()
    for name, weight in whole[1].state_dict().items():
        torch.testing.assert_close(weights[name], weight, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("published_rows", [False, True])
@pytest.mark.parametrize("block_edges", [1, 70])
def test_layers_in_blocks_are_exact_in_predictions_attention_and_gradients(
    block_edges: int, published_rows: bool
) -> None:
    heterograph = screen()
    measured = responses(heterograph)
    found = []
    for training in ({}, {"neighbours": [3, 3], "block_edges": block_edges}):
        made = config(training, dropout=0.3, cell_lines_from_drug_rows=published_rows)
        tensors = network_tensors(heterograph, made.network)
        visible = visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
        messages = MessageBuilder(tensors, made.network).build(visible)
        torch.manual_seed(0)
        network = make_network(tensors, made, "classification").eval()
        pair = torch.from_numpy(measured.drug % 20), torch.from_numpy(measured.cell_line)
        logits = network(tensors, messages, *pair).blended
        logits.square().sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        attended = network.attention(tensors, messages)
        found.append((logits, gradient, *(a.weight for a in attended.values())))
    assert len(found[0]) == 5
    for whole, blocks in zip(*found, strict=True):
        torch.testing.assert_close(blocks, whole, atol=1e-5, rtol=1e-4)


@pytest.mark.once
def test_training_on_few_neighbours_learns_and_is_the_same_again() -> None:
    heterograph = screen(n_drugs=40, n_cell_lines=40)
    measured = responses(heterograph)
    fold = next(folds(measured, heterograph, Split.random))
    training, test = measured.take(fold.train), measured.take(fold.test)
    made = config({"epochs": 20, "neighbours": [6, 6]}, dropout=0.1)
    tensors = network_tensors(heterograph, made.network)
    first, again = (fit(tensors, training, made, seed=0).predict(test.drug, test.cell_line) for _ in range(2))
    label = test.label("classification")
    means = np.bincount(training.drug, training.label("classification")) / np.bincount(training.drug)
    assert roc_auc_score(label, first) > roc_auc_score(label, means[test.drug]) + 0.1
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("preset", "changes", "said"),
    [
        ("drgt-gdsc1", {}, r"network\.adjacency\.norm graph, which reads all nodes; set the norm to layer"),
        ("drgt", {"conv": "gcn"}, r"network\.conv gcn; set it to gatv2, gat, transformer"),
        ("default", {}, r"needs network\.kind adjacency \(drgt\), not relational; set it to null"),
        ("drgt-ctrp", {"adjacency": {"norm": "layer"}}, "has 2 numbers for 3 layers; give one a layer"),
    ],
)
def test_where_neighbours_cannot_be_drawn_it_is_said(preset: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as refused:
        load_preset(preset, network=changes, training={"neighbours": [5, 5]})
    assert "\n" not in str(refused.value)
