"""Factors made from components: they learn, unseen entities have some, and starts are averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pharmagraph.model.metrics.scores import auroc, pearson
from pharmagraph.model.networks.factors import Factors, TableLoss
from pharmagraph.model.presets.choices import Task

N_DRUGS, N_CELL_LINES = 40, 30
SEEN = (torch.ones(N_DRUGS, dtype=torch.bool), torch.ones(N_CELL_LINES, dtype=torch.bool))


def _planted() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Components, and a table that is a product of them."""
    generator = torch.Generator().manual_seed(0)
    components = (
        torch.randn(N_DRUGS, 4, generator=generator),
        torch.randn(N_CELL_LINES, 3, generator=generator),
    )
    maps = (torch.randn(4, 2, generator=generator), torch.randn(3, 2, generator=generator))
    return components, (components[0] @ maps[0]) @ (components[1] @ maps[1]).T


def _pairs(table: Tensor, n_known: int) -> tuple[Tensor, Tensor, Tensor]:
    """A half of the first drugs' pairs, and their values."""
    kept = torch.rand(table.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    kept[n_known:] = False
    drug, cell_line = torch.nonzero(kept, as_tuple=True)
    return drug, cell_line, table[drug, cell_line]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_drugs_without_a_response_are_predicted_by_their_components(task: Task) -> None:
    components, table = _planted()
    drug, cell_line, value = _pairs(table, 30)
    target = (value > 0).float() if task == "classification" else value
    known = (torch.zeros(N_DRUGS, dtype=torch.bool), SEEN[1])
    factors = Factors((N_DRUGS, N_CELL_LINES), (4, 3), 2, 4)
    loss = TableLoss.of(task, drug, cell_line, target, (N_DRUGS, N_CELL_LINES), 0.0)
    factors.fit(components, known, loss, map_penalty=1.0, seed=0)
    unseen = torch.cartesian_prod(torch.arange(30, N_DRUGS), torch.arange(N_CELL_LINES)).unbind(1)
    output, truth = factors(components, *unseen), table[unseen]
    if task == "classification":
        assert auroc((truth > 0).numpy(), output.numpy()) > 0.9
    else:
        assert pearson(truth.numpy(), output.numpy()) > 0.9
    assert not factors.drug_free.any() and factors.cell_line_free.any()  # type: ignore[operator]


def test_output_is_the_mean_of_starts_and_each_is_what_it_would_be_alone() -> None:
    components, table = _planted()
    drug, cell_line, value = _pairs(table, N_DRUGS)
    loss = TableLoss.of("regression", drug, cell_line, value, (N_DRUGS, N_CELL_LINES), 0.03)

    def fitted(n_starts: int, seed: int) -> Tensor:
        factors = Factors((N_DRUGS, N_CELL_LINES), (4, 3), n_starts, 4)
        factors.fit(components, SEEN, loss, map_penalty=10.0, seed=seed)
        output: Tensor = factors(components, drug, cell_line)
        return output

    alone = [fitted(1, seed) for seed in (5, 6)]
    assert not torch.equal(*alone)
    assert torch.allclose(fitted(2, 5), (alone[0] + alone[1]) / 2, atol=1e-5)


def test_the_output_of_a_pair_is_the_product_of_its_entities_factors() -> None:
    components, table = _planted()
    drug, cell_line, value = _pairs(table, N_DRUGS)
    factors = Factors((N_DRUGS, N_CELL_LINES), (4, 3), 2, 4)
    loss = TableLoss.of("regression", drug, cell_line, value, (N_DRUGS, N_CELL_LINES), 0.03)
    factors.fit(components, SEEN, loss, map_penalty=10.0, seed=0)
    of_drugs, of_cell_lines = (side.numpy() for side in factors.of_entities(components))
    assert of_drugs.shape == (2, N_DRUGS, 5) and of_cell_lines.shape == (2, N_CELL_LINES, 5)
    expected = [
        np.mean(
            [d[:4] @ c[:4] + d[4] + c[4] for d, c in zip(of_drugs[:, i], of_cell_lines[:, j], strict=True)]
        )
        for i, j in zip(drug, cell_line, strict=True)
    ]
    assert factors(components, drug, cell_line).numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_what_was_not_measured_weighs_little_and_what_is_unknown_nothing() -> None:
    drug, cell_line = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0])
    loss = TableLoss.of("classification", drug, cell_line, torch.tensor([1.0, 0.0, 1.0]), (3, 2), 0.25)
    assert loss.weight.tolist() == [[1.0, 1.0], [1.0, 0.25], [0.0, 0.0]]
    assert loss.label.tolist() == [[1.0, 0.0], [1.0, 0.5], [0.5, 0.5]]
