"""The networks: shapes, attention that sums to one, presets that say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.commands.options import preset_changes
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.principal_components import PrincipalComponents
from pharmagraph.model.inputs.tensors import (
    GraphTensors,
    drugs_without_features,
    graph_tensors,
    network_tensors,
)
from pharmagraph.model.networks.encoder import Identities
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.presets.relations import RELATIONS
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from tests.screens import screen, without_structure

SMALL = {
    "default": {
        "channels": 8,
        "drug_components": 6,
        "cell_line_components": 4,
        "gene_components": 4,
        "relational": True,  # so that every component is there
        "process_states": "alternate",
    },
    "fast": {"channels": 8},
    "drgt": {
        "heads": 2,
        "adjacency": {
            "gene_share": 1.0,
            "input_channels": 12,
            "head_channels": [6, 4],
            "norm": "layer",
            "activation": "relu",
            "layer_dropout": [0.2, 0.1],
            "hidden_layers": 1,
            "hidden_dropout": 0.5,
        },
    },
}


@pytest.mark.parametrize("preset", ["default", "fast", "drgt"])
def test_every_kind_of_network_predicts_pairs_and_its_attention_sums_to_one(preset: str) -> None:
    heterograph = screen()
    config = load_preset(preset, network=SMALL[preset])
    tensors = graph_tensors(heterograph, n_expressed=config.network.n_expressed_genes, n_neighbours=6)
    measured = responses(heterograph)
    scale = Scale.of(measured, "classification")
    messages = MessageBuilder(tensors, config.network).build(visible_pairs(measured, scale, tensors.device))
    torch.manual_seed(0)
    network = make_network(tensors, config, "classification").eval()
    drug, cell_line = torch.from_numpy(measured.drug), torch.from_numpy(measured.cell_line)
    logits = network(tensors, messages, drug, cell_line).blended
    assert logits.shape == (len(measured),)
    assert torch.isfinite(logits).all()
    attended = network.attention(tensors, messages)
    assert "drug_from_gene" in attended
    for relation, attention in attended.items():
        total = torch.zeros(int(attention.edges.dst.max()) + 1).index_add(
            0, attention.edges.dst, attention.weight
        )
        count = torch.bincount(attention.edges.dst)
        reached = total[count > 0]
        if preset == "drgt":  # the softmax is over neighbours of all kinds
            assert (reached < 1).all(), relation
            assert (attention.competitors > count[attention.edges.dst]).all()
        else:
            assert torch.allclose(reached, torch.ones_like(reached), atol=1e-5), relation
            assert torch.equal(attention.competitors, count[attention.edges.dst])


def test_the_papers_adjacency_keeps_targets_and_genes_with_signal_only() -> None:
    heterograph = screen()
    changes = {**SMALL["drgt"], "adjacency": {**SMALL["drgt"]["adjacency"], "gene_share": 0.1}}  # type: ignore[dict-item]
    config = load_preset("drgt", network=changes)
    tensors = graph_tensors(heterograph, n_expressed=config.network.n_expressed_genes, n_neighbours=6)
    measured = responses(heterograph)
    messages = MessageBuilder(tensors, config.network).build(
        visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    )
    attended = make_network(tensors, config, "classification").eval().attention(tensors, messages)
    targets = set(tensors.targets.src.tolist())
    signal = set(torch.argsort((tensors.expression**2).sum(0), descending=True)[:3].tolist())
    expressed = set(tensors.expresses.src[tensors.expresses.weight[:, 0] > 0].tolist())
    assert set(attended["drug_from_gene"].edges.src.tolist()) == targets
    kept = set(attended["cell_line_from_gene"].edges.src.tolist())
    assert kept == (signal | targets) & expressed
    assert kept < expressed


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_prediction_does_not_depend_on_which_pairs_are_asked_together(preset: str) -> None:
    heterograph = screen()
    config = load_preset(preset, network=SMALL["fast"])
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=6)
    measured = responses(heterograph)
    messages = MessageBuilder(tensors, config.network).build(
        visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    )
    network = make_network(tensors, config, "classification").eval()
    drug, cell_line = torch.from_numpy(measured.drug), torch.from_numpy(measured.cell_line)
    together = network(tensors, messages, drug, cell_line).blended
    alone = network(tensors, messages, drug[5:6], cell_line[5:6]).blended
    assert torch.allclose(together[5:6], alone, atol=1e-5)


def test_every_base_relation_goes_the_way_its_name_says() -> None:
    heterograph = screen()
    config = load_preset("default")
    tensors = graph_tensors(heterograph, n_expressed=7, n_neighbours=6)
    measured = responses(heterograph)
    messages = MessageBuilder(tensors, config.network).build(
        visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    )
    counts = {"Drug": tensors.n_drugs, "CellLine": tensors.n_cell_lines, "Gene": tensors.n_genes}
    for relation, (source, destination) in RELATIONS.items():
        graph = messages.graphs[relation]
        assert (graph.n_src, graph.n_dst) == (counts[source], counts[destination])
        assert graph.n_edges == len(messages.edges[relation])
    assert np.bincount(messages.edges["cell_line_from_gene"].dst.numpy()).max() <= 7
    sensitive = messages.edges["drug_from_sensitive"]
    pairs = set(zip(sensitive.dst.tolist(), sensitive.src.tolist(), strict=True))
    wanted = {
        (int(d), int(c))
        for d, c, y in zip(measured.drug, measured.cell_line, measured.response, strict=True)
        if y
    }
    assert pairs == wanted


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_principal_components_span_what_numpy_finds(shape: tuple[int, int]) -> None:
    rows = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    found = PrincipalComponents(shape[1], 3, rows)(rows).numpy().astype(float)
    centred = (rows - rows.mean(0)).numpy().astype(float)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    wanted = u[:, :3] * s[:3]
    for k in range(3):
        assert abs(np.corrcoef(found[:, k], wanted[:, k])[0, 1]) == pytest.approx(1, abs=1e-4)


def test_components_beyond_the_rank_are_zero() -> None:
    rows = torch.ones(4, 1) @ torch.arange(6.0)[None] * torch.tensor([[1.0], [2], [3], [4]])
    found = PrincipalComponents(6, 4, rows)(rows)
    assert torch.isfinite(found).all()
    assert (found[:, 1:].abs() < 1e-4).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network: {}\ntraining: {}\nextra: 1", "unknown option|is missing"),
        ("[1, 2]", "not a list of options"),
        ("network: {kind: relational", "not YAML"),
    ],
)
def test_bad_preset_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ModelError, match=message) as caught:
        load_preset(str(path))
    assert "\n" not in str(caught.value)


def test_unknown_preset_option_and_value_are_named() -> None:
    with pytest.raises(ModelError, match='no preset "big"; there are default, fast, drgt'):
        load_preset("big")
    with pytest.raises(ModelError, match=r'unknown option "network\.width"'):
        load_preset("default", network={"width": 3})
    with pytest.raises(ModelError, match=r'"training\.epochs" is "0"'):
        load_preset("default", training={"epochs": 0})
    with pytest.raises(ModelError, match="channels 50 cannot be shared by 4 heads"):
        load_preset("default", network={"channels": 50, "heads": 4})
    with pytest.raises(ModelError, match='"drug_from_moon" is not a relation'):
        load_preset("default", network={"relations": ["drug_from_moon"]})


def test_option_on_the_command_line_replaces_that_option_alone() -> None:
    changes = preset_changes(3, None, None, ["network.adjacency.norm=batch", "network.heads=2"])
    changed, preset = load_preset("drgt", **changes), load_preset("drgt")
    assert changed.network.adjacency is not None and preset.network.adjacency is not None
    assert changed.network.adjacency == preset.network.adjacency.model_copy(update={"norm": "batch"})
    assert (changed.network.heads, changed.training.epochs) == (2, 3)
    for wrong in ("norm=batch", "network.norm", "graph.norm=batch", "network.=1", "network.heads=[2"):
        with pytest.raises(ModelError, match="--set"):
            preset_changes(None, None, None, [wrong])


def _papers_network(config: Config) -> tuple[nn.Module, GraphTensors, Messages, Responses]:
    """As it is before it is fitted, with the synthetic screen and all of its responses as messages."""
    heterograph = screen()
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=6)
    measured = responses(heterograph)
    builder = MessageBuilder(tensors, config.network)
    messages = builder.build(visible_pairs(measured, Scale.of(measured, "classification"), tensors.device))
    torch.manual_seed(0)
    model = make_network(tensors, config, "classification").eval()
    return model, tensors, messages, measured


def test_published_index_reads_cell_lines_from_drug_rows_and_ours_does_not() -> None:
    told = []
    for published in (False, True):
        network = {
            **SMALL["drgt"],
            "adjacency": {**SMALL["drgt"]["adjacency"], "cell_lines_from_drug_rows": published},
        }  # type: ignore[dict-item]
        config = load_preset("drgt", network=network)
        model, tensors, messages, _ = _papers_network(config)
        drug, cell_line = torch.tensor([4, 5]), torch.tensor([7, 7])
        states = model._states(messages)[0]  # type: ignore[operator]
        row = cell_line if published else tensors.n_drugs + cell_line
        expected = model.head(torch.cat([states[drug], states[row]], 1))[:, 0]  # type: ignore[operator]
        found = model(tensors, messages, drug, cell_line).blended
        assert torch.allclose(found, expected)
        told.append(found)
    assert not torch.allclose(*told)


def test_genes_that_nobody_reads_can_be_left_out_of_the_papers_last_layer() -> None:
    config = load_preset("drgt", network=SMALL["drgt"])
    model, tensors, messages, measured = _papers_network(config)
    drug, cell_line = torch.from_numpy(measured.drug), torch.from_numpy(measured.cell_line)
    told = []
    for n_read in (tensors.n_drugs + tensors.n_cell_lines, model.n_nodes):
        model.n_read = n_read  # type: ignore[assignment]
        model.zero_grad()
        logits = model(tensors, messages, drug, cell_line).blended
        logits.sum().backward()
        attended = model.attention(tensors, messages)
        gradients = [parameter.grad for parameter in model.parameters()]
        weights = [attended[r].weight for r in attended] + [attended[r].competitors.float() for r in attended]
        told.append([logits, *gradients, *weights])
    for left_out, whole in zip(*told, strict=True):
        assert torch.allclose(left_out, whole, rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


def test_a_drug_without_structure_and_similarity_is_fitted_by_its_responses() -> None:
    whole = screen()
    heterograph = without_structure(whole, [3])
    tensors = graph_tensors(heterograph, n_expressed=5, n_neighbours=5)
    assert drugs_without_features(heterograph, tensors) == ["NSC4"]
    assert drugs_without_features(whole, graph_tensors(whole, n_expressed=5, n_neighbours=5)) == []
    assert torch.isfinite(tensors.drug_kernels).all()
    kernels = tensors.drug_kernels[3].clone()
    assert kernels[3, -1] == 1  # the stored similarity of a drug with itself, all that is left
    kernels[3, -1] = 0
    assert kernels.abs().max() < 1e-6  # eigenvalues are cut off at 0, to rounding


def test_a_network_without_identities_is_made_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    tensors = graph_tensors(screen(), n_expressed=5, n_neighbours=8)
    Identities(
        tensors.n_drugs, tensors.n_cell_lines, load_preset("fast", network={"identity_channels": 0}).network
    )
    assert not recwarn.list


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug])
def test_means_that_are_taken_out_of_messages_are_added_to_every_component_once(split: Split) -> None:
    heterograph = screen()
    measured = responses(heterograph, "regression")
    config = load_preset("default", network=SMALL["default"])
    tensors = network_tensors(heterograph, config.network)
    scale = Scale.of(measured, "regression", split)
    builder = MessageBuilder(tensors, config.network, scale.means)
    messages = builder.build(visible_pairs(measured, scale, tensors.device))
    network = make_network(tensors, config, "regression").eval()
    pairs = torch.from_numpy(measured.drug), torch.from_numpy(measured.cell_line)
    with torch.inference_mode():
        logits = network(tensors, messages, *pairs)

    value = scale.label(measured).numpy().astype(np.float64)
    drug_mean = np.zeros(measured.n_drugs)
    if split is Split.random:
        count = np.bincount(measured.drug, minlength=measured.n_drugs)
        drug_mean = np.bincount(measured.drug, value, minlength=measured.n_drugs) / (count + 1)
    rest = value - drug_mean[measured.drug]
    count = np.bincount(measured.cell_line, minlength=measured.n_cell_lines)
    cell_line_mean = np.bincount(measured.cell_line, rest, minlength=measured.n_cell_lines) / (count + 4)
    expected = drug_mean[measured.drug] + cell_line_mean[measured.cell_line]
    assert logits.offset.numpy() == pytest.approx(expected, abs=1e-5) and np.abs(expected).max() > 0.01
    visible = messages.visible.value[measured.cell_line, measured.drug].numpy()
    assert visible == pytest.approx(value - expected, abs=1e-5)
    assert len(logits.components) == len(logits.residuals) == 4
    for component, residual in zip(logits.components, logits.residuals, strict=True):
        assert (component - residual).numpy() == pytest.approx(expected, abs=1e-5)
