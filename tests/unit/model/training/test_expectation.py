"""Censored responses in a fit: expectations are nearer to the truth than bounds, and so are predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.networks.factors import TableLoss
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.censoring import Bounds
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.training.expectation import with_expected
from pharmagraph.model.training.from_graph import fit_graph
from tests.screens import screen
from tests.unit.model.responses.test_censoring import censored

pytestmark = pytest.mark.once
torch.set_num_threads(1)


def _config() -> Config:
    return load_preset(
        "default",
        network={
            "channels": 16,
            "axial": False,
            "gene_part": False,
            "process_genes": False,
            "factor_starts": 1,
        },
        training={"members": 1, "epochs": 8},
    )


def _capped(measured: Responses, bound: float) -> Responses:
    value = np.full(len(measured), bound, np.float32)
    side = (measured.ln_ic50 > bound).astype(np.int8)
    return replace(measured, ln_ic50=np.minimum(measured.ln_ic50, value), bounds=Bounds(side, value))


@pytest.mark.parametrize("sign", [1, -1])
def test_expectations_are_beyond_their_bounds_and_nearer_to_the_truth(sign: int) -> None:
    heterograph = screen(40, 40)
    whole = responses(heterograph, "regression")
    whole = replace(whole, ln_ic50=sign * whole.ln_ic50)
    bound = float(sign * np.quantile(sign * whole.ln_ic50, 0.6))
    capped = _capped(replace(whole, ln_ic50=sign * whole.ln_ic50), sign * bound)
    assert capped.bounds is not None
    bounds = Bounds(sign * capped.bounds.side, sign * capped.bounds.value)
    capped = replace(capped, ln_ic50=sign * capped.ln_ic50, bounds=bounds)
    found = with_expected(capped, graph_tensors(heterograph, n_expressed=10, n_neighbours=8))
    at = bounds.side != 0
    assert np.array_equal(found.ln_ic50[~at], whole.ln_ic50[~at])
    assert (sign * found.ln_ic50[at] > sign * bound).all()
    error = [np.abs(said[at] - whole.ln_ic50[at]).mean() for said in (found.ln_ic50, capped.ln_ic50)]
    assert error[0] < 0.7 * error[1]
    assert with_expected(found, graph_tensors(heterograph, n_expressed=10, n_neighbours=8)) is found


def test_without_a_bound_the_pairs_are_the_same_object() -> None:
    heterograph = screen()
    whole = responses(heterograph, "regression")
    assert with_expected(whole, graph_tensors(heterograph, n_expressed=10, n_neighbours=8)) is whole


def test_a_fit_to_bounds_predicts_the_true_values_better_than_one_to_bounds_as_values() -> None:
    heterograph = screen(40, 40)
    whole = responses(heterograph, "regression")
    fold = next(folds(whole, heterograph, Split.random))
    capped, test = _capped(whole, float(np.quantile(whole.ln_ic50, 0.6))), whole.take(fold.test)
    errors = []
    for training in (capped, replace(capped, bounds=None)):
        fitted = fit_graph(heterograph, training.take(fold.train), _config(), seed=0, task="regression")
        errors.append(np.sqrt(np.mean((fitted.predict(test.drug, test.cell_line) - test.ln_ic50) ** 2)))
    assert errors[0] < 0.9 * errors[1]


def test_the_loss_of_a_table_has_bounds_in_the_place_of_labels() -> None:
    drug, cell_line, label = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0]), torch.tensor([1.0, 2.0, 3.0])
    output = torch.tensor([[0.5, 1.5], [-9.0, 0.0]])
    bounds = (torch.tensor([0, 1, -1], dtype=torch.int8), torch.tensor([0.0, 1.0, 0.0]))
    loss = TableLoss.of("regression", drug, cell_line, label, (2, 2), 0.0, bounds)
    normal = torch.distributions.Normal(0.0, 1.0)
    expected = 2 * 0.5**2 - normal.cdf(torch.tensor(1.0)).log() - normal.cdf(torch.tensor(18.0)).log()
    assert float(loss(output)) == pytest.approx(float(expected), rel=1e-5)


def test_held_out_bounds_are_counted_and_not_judged() -> None:
    heterograph = censored(screen(24, 24), 2.0)
    measured = responses(heterograph, "regression")
    assert measured.bounds is not None
    plan = Plan(Split.random, 3, task="regression")
    said: list[str] = []
    rows = evaluate(heterograph, ["additive"], plan, only=[0], report=said.append)
    fold = plan.cut(heterograph)[1][0]
    n = int((measured.bounds.side[fold.test] != 0).sum())
    assert [r["value"] for r in rows if r["metric"] == "censored"] == [n] and n > 0
    assert f"{n} censored" in said[0]
    plain = evaluate(screen(24, 24), ["additive"], plan, only=[0])
    assert not [r for r in plain if r["metric"] == "censored"]
