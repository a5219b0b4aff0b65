"""Attention of drugs to genes for response, its coefficients, and what it adds to the Gaussian process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.gene_pairs import HEADS, GenePairBuilder, GenePairs
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.inputs.views import GENE_FEATURES
from pharmagraph.model.networks.contributions import Contributions
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.networks.gene_part import GenePart
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from tests.screens import screen, with_alterations

torch.set_num_threads(1)
NETWORK = load_preset("default", network={"channels": 8, "n_response_genes": 6}).network


def _tensors() -> GraphTensors:
    return graph_tensors(with_alterations(screen()), n_expressed=10, n_neighbours=5)


def _without_targets(tensors: GraphTensors) -> GraphTensors:
    nothing = torch.empty(0, dtype=torch.int64)
    return replace(tensors, targets=Edges(nothing, nothing, tensors.targets.weight[:0]))


def _messages(tensors: GraphTensors, measured: Responses, task: Task = "classification") -> Messages:
    scale = Scale.of(measured, task)
    builder = MessageBuilder(tensors, NETWORK, scale.means)
    return builder.build(visible_pairs(measured, scale, tensors.device))


def _pairs(tensors: GraphTensors) -> GenePairs:
    measured = responses(screen())
    visible = visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    return GenePairBuilder(tensors, 6).build(visible)


def _part(seed: int = 0) -> GenePart:
    """With scores and weights as if they had been learned."""
    torch.manual_seed(seed)
    part = GenePart()
    with torch.no_grad():
        part.att.weight.normal_()
        part.weights.normal_()
    return part


def _by_drug(pairs: GenePairs, values: torch.Tensor) -> torch.Tensor:
    return torch.zeros(pairs.n_drugs).index_add(0, pairs.drug, values)


def test_attention_sums_to_one_for_every_head_and_drug() -> None:
    pairs = _pairs(_tensors())
    attention = _part().attention(pairs).detach()
    assert attention.shape == (len(HEADS), len(pairs)) and (attention >= 0).all()
    for head, read in zip(attention, pairs.read, strict=True):
        reads = _by_drug(pairs, read.float()) > 0
        torch.testing.assert_close(_by_drug(pairs, head), reads.float())
        assert reads.any() and not head[~read].any()


def test_attention_is_a_softmax_of_gatv2_scores_and_twice_the_log_of_association() -> None:
    pairs, part = _pairs(_tensors()), _part()
    attention = part.attention(pairs).detach().numpy()
    hidden = pairs.evidence.numpy() @ part.edge.weight.detach().numpy().T + part.edge.bias.detach().numpy()
    scores = np.where(hidden > 0, hidden, 0.2 * hidden) @ part.att.weight.detach().numpy().T
    scores[:, 0] += 2 * np.log(np.abs(pairs.association.numpy()).clip(1e-6))
    for drug in (0, 5, 11):
        for head in range(len(HEADS)):
            mine = (pairs.drug.numpy() == drug) & pairs.read[head].numpy()
            expected = np.exp(scores[mine, head]) / np.exp(scores[mine, head]).sum()
            np.testing.assert_allclose(attention[head, mine], expected, rtol=1e-4)


def test_before_anything_is_learned_attention_goes_by_the_square_of_association_and_is_even_among_targets() -> (
    None
):
    pairs = _pairs(_tensors())
    attention = GenePart().attention(pairs).detach()
    square = pairs.association.square() * pairs.associated
    torch.testing.assert_close(attention[0], square / _by_drug(pairs, square)[pairs.drug])
    given = pairs.given.float()
    torch.testing.assert_close(attention[1], given / _by_drug(pairs, given)[pairs.drug])


def test_coefficients_are_signed_roots_of_weighted_attention() -> None:
    pairs, part = _pairs(_tensors()), _part()
    coefficients, attention = part.coefficients(pairs).detach(), part.attention(pairs).detach()
    assert torch.equal(torch.sign(coefficients[0]), torch.sign(pairs.association) * pairs.associated)
    assert torch.equal(torch.sign(coefficients[1]), pairs.given.float())
    weight = functional.softplus(part.weights).detach()[:, pairs.features.kind[pairs.column]]
    torch.testing.assert_close(coefficients.square(), attention * weight)
    assert {*torch.sign(coefficients[0]).tolist()} == {-1.0, 0.0, 1.0}  # all three are among these


def test_learning_has_finite_gradients_even_where_attention_vanishes() -> None:
    pairs, part = _pairs(_tensors()), _part()
    with torch.no_grad():
        part.att.weight.mul_(1000)  # all but one pair of a drug underflow
    assert (part.attention(pairs)[pairs.read] == 0).any()
    (part.coefficients(pairs) * torch.randn(len(HEADS), len(pairs))).sum().backward()
    for name, parameter in part.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("without", ["targets", "expression and copy number", "responses of a drug"])
def test_what_is_missing_leaves_finite_coefficients(without: str) -> None:
    tensors, measured = _tensors(), responses(screen())
    if without == "targets":
        tensors = _without_targets(tensors)
    elif without == "responses of a drug":
        measured = measured.take(measured.drug != 3)
    else:
        nothing = torch.zeros_like(tensors.expression)
        tensors = replace(tensors, expression=nothing, copy_number=nothing)
    pairs = _messages(tensors, measured).gene_pairs
    assert pairs is not None and len(pairs)
    part = _part()
    coefficients = part.coefficients(pairs)
    coefficients.sum().backward()
    assert torch.isfinite(coefficients).all()
    assert all(torch.isfinite(p.grad).all() for p in part.parameters() if p.grad is not None)
    if without == "targets":
        assert not coefficients[1].any() and coefficients[0].any()
    elif without == "responses of a drug":
        assert coefficients[0, pairs.drug == 3].any()
    else:
        assert set(pairs.features.kind.tolist()) == {GENE_FEATURES.index("mutation")} and coefficients.any()


def _process(task: Task = "classification") -> GaussianProcessComponent:
    torch.manual_seed(0)
    process = GaussianProcessComponent(NETWORK, task).eval()
    assert process.gene_part is not None
    with torch.no_grad():
        process.gene_part.att.weight.normal_()
        process.bias.fill_(0.3)
        process.of_drug_mean.fill_(0.7)
    return process


def _said(
    process: GaussianProcessComponent, tensors: GraphTensors, messages: Messages
) -> tuple[torch.Tensor, Contributions]:
    """What the process says of all pairs, (n_cell_lines, n_drugs), and its contributions."""
    cell_line, drug = (end.flatten() for end in np.indices((tensors.n_cell_lines, tensors.n_drugs)))
    with torch.no_grad():
        logits = process(tensors, {}, messages, torch.from_numpy(drug), torch.from_numpy(cell_line))
        contributions = process.contributions(tensors, {}, messages)
    return logits.view(tensors.n_cell_lines, tensors.n_drugs), contributions


@pytest.mark.parametrize("without", ["nothing", "targets", "responses of a drug"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_contributions_of_entities_and_genes_add_up_to_what_the_process_says(
    task: Task, without: str
) -> None:
    tensors, measured = _tensors(), responses(screen(), task)
    if without == "targets":
        tensors = _without_targets(tensors)
    elif without == "responses of a drug":
        measured = measured.take(measured.drug != 3)
    messages, process = _messages(tensors, measured, task), _process(task)
    said, contributions = _said(process, tensors, messages)
    with torch.no_grad():
        constants = process.constants(tensors, messages)
    torch.testing.assert_close(contributions.total() + constants, said, rtol=1e-3, atol=1e-3)
    genes = contributions.genes
    assert genes is not None and float(genes.total.std()) > 0.01
    of_entities = contributions.kernel_c @ contributions.source @ contributions.kernel_d
    torch.testing.assert_close(of_entities + genes.total, contributions.total())
    by_hand = torch.zeros_like(said)
    for drug, column, effect in zip(genes.pairs.drug, genes.pairs.column, genes.effect, strict=True):
        by_hand[:, drug] += effect * genes.pairs.values[:, column]
    torch.testing.assert_close(genes.total, by_hand, rtol=1e-4, atol=1e-4)
    if without == "responses of a drug":
        assert float(genes.total[:, 3].std()) > 0.001  # by what similar drugs attend to
        assert float(said[:, 3].std()) > 0.001


def test_attention_to_genes_is_a_share_of_what_genes_may_explain() -> None:
    tensors, process = _tensors(), _process()
    messages = _messages(tensors, responses(screen()))
    genes = _said(process, tensors, messages)[1].genes
    assert genes is not None and process.gene_part is not None
    torch.testing.assert_close(_by_drug(genes.pairs, genes.attention), torch.ones(tensors.n_drugs))
    square = process.gene_part.coefficients(genes.pairs).detach().square().sum(0)
    expected = square / _by_drug(genes.pairs, square)[genes.pairs.drug]
    torch.testing.assert_close(genes.attention, expected)


def test_more_of_a_gene_moves_a_drugs_prediction_by_its_effect() -> None:
    tensors, process = _tensors(), _process()
    genes = _said(process, tensors, _messages(tensors, responses(screen())))[1].genes
    assert genes is not None
    pair = int(genes.effect.abs().argmax())
    drug, column = int(genes.pairs.drug[pair]), int(genes.pairs.column[pair])
    values = genes.pairs.values.clone()
    values[4, column] += 2
    moved = genes.of_values(values) - genes.total
    assert float(moved[4, drug]) == pytest.approx(2 * float(genes.effect[pair]), rel=1e-3)
    attends = genes.pairs.drug[genes.pairs.column == column]
    others = torch.ones(tensors.n_drugs, dtype=torch.bool)
    others[attends] = False
    assert not moved[4, others].any() and not moved[:4].any() and not moved[5:].any()


def test_a_graph_without_omics_has_a_process_without_genes() -> None:
    nothing = torch.zeros_like(_tensors().expression)
    tensors = replace(_tensors(), expression=nothing, mutation=nothing, copy_number=nothing)
    messages = _messages(tensors, responses(screen()))
    assert messages.gene_pairs is not None and len(messages.gene_pairs) == 0
    said, contributions = _said(_process(), tensors, messages)
    assert contributions.genes is None and torch.isfinite(said).all()


def test_a_step_of_learning_reaches_every_weight_of_the_gene_part() -> None:
    tensors, process = _tensors(), _process()
    messages = _messages(tensors, responses(screen()))
    drug, cell_line = torch.arange(20), torch.arange(20)
    process(tensors, {}, messages, drug, cell_line).square().sum().backward()
    assert process.gene_part is not None
    for name, parameter in process.gene_part.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all() and parameter.grad.any(), (
            name
        )
