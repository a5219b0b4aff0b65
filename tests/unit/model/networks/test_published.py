"""The published network drGT: what it reads, checked against scikit-learn and by hand, and how it is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler

from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors, network_tensors
from pharmagraph.model.networks.adjacency import Adjacency, expressed_more, similarity_rows, varying_genes
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.training.ensemble import fit
from tests.screens import screen

torch.set_num_threads(1)  # these networks are far too small for more

AS_PUBLISHED: dict[str, object] = {"chunks": 1, "mask_supervision": False}
"""One step an epoch."""


def _small(**training: object) -> Config:
    sizes = {"gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8]}
    return load_preset("drgt-gdsc1", network={"heads": 2, "adjacency": sizes}, training=training)


def _read() -> tuple[GraphTensors, Messages]:
    heterograph = screen()
    config = _small()
    tensors = network_tensors(heterograph, config.network)
    measured = responses(heterograph)
    visible = visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    return tensors, MessageBuilder(tensors, config.network).build(visible)


def test_genes_are_those_whose_expression_varies_most_in_its_own_unit_and_the_targets() -> None:
    tensors = graph_tensors(screen(), n_expressed=5, n_neighbours=5)
    deviation = torch.linspace(0.5, 3, tensors.n_genes)
    tensors = replace(tensors, expression_deviation=deviation)
    variance = ((tensors.expression * deviation) ** 2).sum(0)
    wanted = set(torch.argsort(variance, descending=True)[:6].tolist()) | set(tensors.targets.src.tolist())
    assert varying_genes(tensors, 0.2).tolist() == sorted(wanted)


def test_similarity_rows_are_those_of_scikit_learn() -> None:
    tensors = graph_tensors(screen(), n_expressed=5, n_neighbours=5)
    mean, deviation = torch.linspace(-1, 4, tensors.n_genes), torch.linspace(0.5, 3, tensors.n_genes)
    tensors = replace(tensors, expression_mean=mean, expression_deviation=deviation)
    genes = torch.arange(0, tensors.n_genes, 2)
    expression = (tensors.expression * deviation + mean)[:, genes].numpy().astype(float)
    z = tensors.expression[:, genes].numpy().astype(float)
    wanted = (tensors.fingerprint.numpy(), StandardScaler().fit_transform(expression.T).T, z.T)
    for found, rows in zip(similarity_rows(tensors, genes, 1.0), wanted, strict=True):
        kernel = rbf_kernel(rows)  # its width is the number of columns
        assert found.numpy() == pytest.approx(
            (kernel - kernel.min()) / (kernel.max() - kernel.min()), abs=1e-5
        )


@pytest.mark.parametrize("other_genes", [0.0, 0.5])
def test_adjacency_is_the_published_matrix_with_loops(other_genes: float) -> None:
    tensors, messages = _read()
    n_drugs, n_cell_lines, n_genes = tensors.n_drugs, tensors.n_cell_lines, tensors.n_genes
    n = n_drugs + n_cell_lines + n_genes
    offsets = {"Drug": 0, "CellLine": n_drugs, "Gene": n_drugs + n_cell_lines}
    place = torch.arange(n_genes)
    expressed = expressed_more(place, messages.edges["cell_line_from_gene"])
    adjacency = Adjacency.of(messages, expressed, place, offsets, n, other_genes)
    matrix = np.zeros((n, n))
    of_drugs = np.full((n_drugs, n_genes), other_genes)
    of_drugs[tensors.targets.dst, tensors.targets.src] = 1
    matrix[:n_drugs, n_drugs + n_cell_lines :] = of_drugs
    matrix[n_drugs : n_drugs + n_cell_lines, n_drugs + n_cell_lines :] = tensors.expression.clamp(min=0)
    measured = responses(screen())
    positive = measured.response == 1
    matrix[measured.drug[positive], n_drugs + measured.cell_line[positive]] = 1
    matrix += matrix.T
    count = (matrix != 0).sum(1)
    np.fill_diagonal(matrix, np.divide(matrix.sum(1), count, out=np.zeros(n), where=count > 0))
    edges = adjacency.edges
    found = np.zeros((n, n))
    np.add.at(found, (edges.dst.numpy(), edges.src.numpy()), edges.weight[:, 0].numpy())
    assert found == pytest.approx(matrix, abs=1e-5)
    assert len(edges) == (matrix - np.diag(np.diag(matrix)) != 0).sum() + n  # no edge twice


@pytest.mark.once
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_is_trained_in_both_tasks(task: Task) -> None:
    heterograph = screen(n_drugs=40, n_cell_lines=40)
    measured = responses(heterograph, task)
    fold = next(folds(measured, heterograph, Split.random))
    config = _small(epochs=40)
    tensors = network_tensors(heterograph, config.network)
    fitted = fit(tensors, measured.take(fold.train), config, seed=0, task=task)
    training, test = measured.take(fold.train), measured.take(fold.test)
    found, label = fitted.predict(test.drug, test.cell_line), test.label(task)
    n_pairs = np.bincount(training.drug, minlength=measured.n_drugs)
    means = np.bincount(training.drug, training.label(task), minlength=measured.n_drugs) / n_pairs
    score = roc_auc_score if task == "classification" else r2_score
    assert score(label, found) > score(label, means[test.drug]) + 0.1


def test_means_are_added_to_what_the_network_says_when_asked_for() -> None:
    heterograph = screen()
    measured = responses(heterograph, "regression")
    logits = []
    for add_means in (False, True):
        adjacency = {"gene_share": 1.0, "input_channels": 16, "head_channels": [8, 8], "add_means": add_means}
        config = load_preset("drgt-gdsc1", network={"heads": 2, "adjacency": adjacency})
        tensors = network_tensors(heterograph, config.network)
        scale = Scale.of(measured, "regression")
        builder = MessageBuilder(tensors, config.network, scale.means)
        messages = builder.build(visible_pairs(measured, scale, tensors.device))
        torch.manual_seed(0)
        network = make_network(tensors, config, "regression", 0).eval()
        pair = torch.arange(5), torch.arange(5)
        logits.append(network(tensors, messages, *pair).components[0])
    offset = messages.offset(*pair)
    assert offset.abs().min() > 0
    torch.testing.assert_close(logits[1] - logits[0], offset, atol=1e-5, rtol=1e-4)


@pytest.mark.once
@pytest.mark.parametrize(("validate_every", "last"), [(1, 100), (30, 120)])
def test_patience_counts_validations_and_no_fit_stops_before_a_hundred_steps(
    validate_every: int, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inner figure never gets better than at first: only the floor, and whole validations, keep the fit going."""
    monkeypatch.setattr("pharmagraph.model.training.fitting.Fitting.validate", lambda self: 0.5)
    told: list[tuple[int, float | None]] = []
    heterograph = screen()
    config = _small(epochs=300, patience=2, validate_every=validate_every, **AS_PUBLISHED)
    fit(
        network_tensors(heterograph, config.network), responses(heterograph), config, seed=0,
        report=lambda member, epoch, value: told.append((epoch, value)),
    )  # fmt: skip
    assert told[-1][0] == last
    assert sum(value is not None for _, value in told) == last // validate_every


@pytest.mark.once
def test_patience_of_more_validations_goes_on_after_a_hundred_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pharmagraph.model.training.fitting.Fitting.validate", lambda self: 0.5)
    told: list[int] = []
    heterograph = screen()
    config = _small(epochs=300, patience=25, validate_every=5, **AS_PUBLISHED)
    fit(
        network_tensors(heterograph, config.network), responses(heterograph), config, seed=0,
        report=lambda member, epoch, value: told.append(epoch),
    )  # fmt: skip
    assert told[-1] == 130  # the first validation, at 5, and 25 more
