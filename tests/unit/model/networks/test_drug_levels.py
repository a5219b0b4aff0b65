"""Means of drugs that will be asked for unseen: from similar structures, and untouched by shared genes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors, network_tensors
from pharmagraph.model.networks.drug_levels import DrugLevels
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Means, Visible
from tests.screens import screen

torch.set_num_threads(1)
CONFIG = load_preset("default", network={"channels": 8}).network


def _messages(split: Split, held_out: int) -> tuple[GraphTensors, Messages]:
    heterograph = screen()
    tensors, measured = network_tensors(heterograph, CONFIG), responses(heterograph, "regression")
    training = measured.take(measured.drug != held_out) if split is Split.unseen_drug else measured
    scale = Scale.of(training, "regression", split)
    gene_attention = torch.softmax(torch.randn(24, 30, generator=torch.Generator().manual_seed(1)), 1)
    builder = MessageBuilder(tensors, CONFIG, scale.means, gene_attention)
    return tensors, builder.build(visible_pairs(training, scale, tensors.device))


def _states(tensors: GraphTensors) -> dict[str, torch.Tensor]:
    return {"Drug": torch.zeros(tensors.n_drugs, 8), "CellLine": torch.zeros(tensors.n_cell_lines, 8)}


def test_a_new_drugs_level_is_the_posterior_mean_given_the_means_of_others() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator)
    kernels = (root @ root.T)[..., None]
    cell_line, drug = (torch.from_numpy(end) for end in np.nonzero(np.triu(np.ones((9, 5)), -3)))
    value = torch.randn(len(drug), generator=generator)
    visible = Visible.of(drug, cell_line, value, value > 0, (9, 6))
    levels = DrugLevels(1)
    with torch.no_grad():
        mean = visible.offsets(Means(drugs=True, cell_lines=False)).drug
        contributions = levels.terms(kernels, mean, visible.measured.sum(0))
        weight, constant, identity, noise = torch.nn.functional.softplus(levels.weights)
    count = np.bincount(drug.numpy(), minlength=6)
    by_hand = np.bincount(drug.numpy(), value.numpy(), minlength=6) / (count + 1)
    np.testing.assert_allclose(mean, by_hand, rtol=1e-5)
    covariance = (weight * kernels[..., 0] + constant + identity * torch.eye(6)).numpy()
    observed = covariance[:5, :5] + np.diag(float(noise) / count[:5])
    posterior = covariance[:, :5] @ np.linalg.solve(observed, by_hand[:5])
    np.testing.assert_allclose(contributions.sum(1), posterior, rtol=1e-3, atol=1e-4)
    assert not contributions[:, 5].any()  # nothing is contributions from whom nothing is known


def test_what_drugs_attend_to_says_nothing_of_levels_alone() -> None:
    """Values that are levels and nothing else leave the process nothing to explain, whatever genes drugs share."""
    tensors, messages = _messages(Split.unseen_drug, held_out=3)
    torch.manual_seed(0)
    part = GaussianProcessComponent(CONFIG, "regression").eval()
    drug, cell_line = torch.tensor([3, 3, 0, 5]), torch.tensor([0, 7, 2, 4])
    level = torch.randn(tensors.n_drugs) + 2
    count = messages.visible.measured.sum(0)
    flat = messages.visible.measured * level
    only_levels = replace(messages.visible, value=flat, sign=torch.zeros_like(flat))
    shared = torch.full_like(messages.overlap, 1.0)  # type: ignore[arg-type]
    none = torch.eye(tensors.n_drugs)

    def said(overlap: torch.Tensor, visible: Visible, means_in: bool) -> torch.Tensor:
        changed = replace(messages, overlap=overlap, visible=visible, drug_means_in=means_in)
        with torch.no_grad():
            found: torch.Tensor = part(tensors, _states(tensors), changed, drug, cell_line)
        return found

    apart = (said(shared, only_levels, True) - said(none, only_levels, True)).abs().max()
    within = (said(shared, only_levels, False) - said(none, only_levels, False)).abs().max()
    assert count[3] == 0 and apart < 0.1 * within


@pytest.mark.parametrize("split", [Split.random, Split.unseen_cell])
def test_levels_have_no_part_where_means_are_out(split: Split) -> None:
    tensors, messages = _messages(split, held_out=3)
    part = GaussianProcessComponent(CONFIG, "regression").eval()
    drug, cell_line = torch.arange(5), torch.arange(5)
    with torch.no_grad():
        before = part(tensors, _states(tensors), messages, drug, cell_line)
        part.levels.weights.add_(3.0)  # type: ignore[union-attr]
        after = part(tensors, _states(tensors), messages, drug, cell_line)
    assert torch.equal(before, after)


def test_terms_of_pattern_and_level_make_the_whole() -> None:
    tensors, messages = _messages(Split.unseen_drug, held_out=3)
    torch.manual_seed(0)
    part = GaussianProcessComponent(CONFIG, "regression").eval()
    cell_line, drug = torch.nonzero(torch.ones(tensors.n_cell_lines, tensors.n_drugs), as_tuple=True)
    with torch.no_grad():
        logits = part(tensors, _states(tensors), messages, drug, cell_line)
        contributions = part.contributions(tensors, _states(tensors), messages)
    assert contributions.levels is not None and contributions.genes is not None
    of_entities = contributions.kernel_c @ contributions.source @ contributions.kernel_d
    whole = of_entities + contributions.genes.total + contributions.levels.sum(1)
    assert torch.equal(contributions.total(), whole)
    torch.testing.assert_close(whole[cell_line, drug], logits, rtol=1e-3, atol=1e-3)
    assert (contributions.between_drugs() >= contributions.levels.abs()).all()
    measured = messages.visible.measured
    pattern = replace(contributions, levels=None).from_responses(measured).sum(0)
    of_level = contributions.levels.diagonal().abs()
    torch.testing.assert_close(contributions.from_responses(measured).sum(0), pattern + of_level)
