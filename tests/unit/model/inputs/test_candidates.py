"""Candidate genes: association on the pairs given and on no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.candidates import Screened, association, candidates, near_targets
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.responses.visible import SHRINKAGE, residuals
from tests.screens import screen


def _matrices(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    expression = torch.randn(20, 15, generator=generator)
    response = torch.sign(torch.randn(20, 6, generator=generator))
    measured = (torch.rand(20, 6, generator=generator) < 0.7).float()
    return expression, response, measured


def test_association_is_the_shrunk_correlation_of_one_drug_and_gene() -> None:
    expression, response, measured = _matrices()
    found = association(Screened.of(expression, 15), response, measured)
    residual = residuals(response, measured)
    d, g = 2, 7
    rows = measured[:, d] > 0
    x, y = expression[rows, g].double().numpy(), residual[rows, d].double().numpy()
    n = int(rows.sum())
    by_hand = (x @ y) / np.sqrt((x @ x) * (y @ y)) * n / (n + SHRINKAGE)
    assert float(found[d, g]) == pytest.approx(by_hand, rel=1e-5)


def test_residuals_leave_nothing_of_a_drug_effect() -> None:
    _, response, measured = _matrices()
    assert torch.allclose(
        residuals(response + torch.arange(6.0), measured), residuals(response, measured), atol=1e-5
    )


def test_unmeasured_responses_do_not_matter() -> None:
    expression, response, measured = _matrices()
    changed = torch.where(measured > 0, response, -7.0)
    assert torch.equal(
        association(Screened.of(expression, 15), response, measured),
        association(Screened.of(expression, 15), changed, measured),
    )


def test_drug_without_responses_gets_its_targets_only() -> None:
    expression, response, measured = _matrices()
    measured[:, 3] = 0
    always = Edges(torch.tensor([14, 2]), torch.tensor([3, 0]), torch.ones(2, 1))
    genes = torch.arange(10)
    edges = candidates(
        association(Screened.of(expression[:, :10], 15), response, measured), genes, always, 4, n_genes=15
    )
    assert edges.src[edges.dst == 3].tolist() == [14]
    assert float(edges.weight[edges.dst == 3]) == 0  # not screened: no score
    assert len(edges.src[edges.dst == 0]) in {4, 5}
    assert 2 in edges.src[edges.dst == 0]


def test_candidates_are_the_strongest_in_either_direction() -> None:
    score = torch.tensor([[0.1, -0.9, 0.3, 0.5]])
    edges = candidates(
        score,
        torch.tensor([3, 5, 8, 9]),
        Edges(*(torch.empty(0, dtype=torch.int64),) * 2, torch.empty(0, 1)),
        2,
        n_genes=10,
    )
    assert edges.src.tolist() == [5, 9]
    assert edges.weight[:, 0].tolist() == pytest.approx([-0.9, 0.5])


def test_screened_genes_have_most_signal_and_are_in_order() -> None:
    expression = torch.tensor([[0.0, 3.0, 1.0, 2.0], [0.0, 0.0, 1.0, 2.0]])
    assert Screened.of(expression, 2).genes.tolist() == [1, 3]
    assert Screened.of(expression, 10).genes.tolist() == [1, 2, 3]


def test_near_genes_are_neighbours_of_targets_and_not_targets() -> None:
    heterograph = screen()
    tensors = graph_tensors(heterograph, n_expressed=5, n_neighbours=4)
    near = near_targets(tensors, 3)
    links = set(zip(tensors.interacts.src.tolist(), tensors.interacts.dst.tolist(), strict=True))
    target = dict(zip(tensors.targets.dst.tolist(), tensors.targets.src.tolist(), strict=True))
    assert len(near)
    assert np.bincount(near.dst.numpy()).max() <= 3
    for gene, drug in zip(near.src.tolist(), near.dst.tolist(), strict=True):
        assert (gene, target[drug]) in links
        assert gene != target[drug]
