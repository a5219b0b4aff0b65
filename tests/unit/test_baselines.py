"""Baselines against direct computations, and against what they cannot know."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from model.baselines import BASELINES, additive, factorisation
from model.metrics import auroc, pearson
from model.responses import Responses, responses
from tests.screens import screen


def _grid(seed: int = 0, n_drugs: int = 12, n_cell_lines: int = 15) -> Responses:
    generator = np.random.default_rng(seed)
    drug, cell_line = np.repeat(np.arange(n_drugs), n_cell_lines), np.tile(np.arange(n_cell_lines), n_drugs)
    logit = generator.normal(size=n_drugs)[drug] + generator.normal(size=n_cell_lines)[cell_line]
    label = (generator.random(len(drug)) < 1 / (1 + np.exp(-2 * logit))).astype(np.float32)
    return Responses(drug, cell_line, label, -logit.astype(np.float32), n_drugs, n_cell_lines)


def test_additive_is_the_penalised_logistic_regression_it_says() -> None:
    training = _grid()
    sign = 2 * training.label - 1

    def loss(parameters: np.ndarray) -> float:
        effects, intercept = parameters[:-1], parameters[-1]
        logit = effects[training.drug] + effects[training.n_drugs + training.cell_line] + intercept
        return float(np.logaddexp(0, -sign * logit).sum() + 0.5 * (effects**2).sum())

    best = minimize(loss, np.zeros(training.n_drugs + training.n_cell_lines + 1), method="BFGS").x
    logit = best[training.drug] + best[training.n_drugs + training.cell_line] + best[-1]
    found = additive(training, training.drug, training.cell_line, task="classification", seed=0)
    assert found == pytest.approx(1 / (1 + np.exp(-logit)), abs=5e-3)


def test_additive_regression_recovers_additive_truth() -> None:
    training = _grid()
    found = additive(training, training.drug, training.cell_line, task="regression", seed=0)
    assert pearson(training.ln_ic50.astype(float), found) > 0.99


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_factorisation_learns_interaction_that_additive_cannot(task: str) -> None:
    generator = np.random.default_rng(3)
    drug, cell_line = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    product = generator.normal(size=30)[drug] * generator.normal(size=30)[cell_line]
    everything = Responses(
        drug, cell_line, (product > 0).astype(np.float32), -product.astype(np.float32), 30, 30
    )
    held_out = generator.random(900) < 0.2
    training, test = everything.take(~held_out), everything.take(held_out)
    found = {
        m.__name__: m(training, test.drug, test.cell_line, task=task, seed=0)  # type: ignore[operator]
        for m in (additive, factorisation)
    }
    figure = auroc if task == "classification" else pearson
    target = test.target(task).astype(float)  # type: ignore[arg-type]
    assert figure(target, found["factorisation"]) > 0.85 > 0.7 > figure(target, found["additive"])


@pytest.mark.parametrize("name", BASELINES)
def test_same_seed_gives_the_same_prediction(name: str) -> None:
    training = responses(screen())
    first, again = (
        BASELINES[name](training, training.drug, training.cell_line, task="classification", seed=3)
        for _ in range(2)
    )
    assert np.array_equal(first, again)
    assert ((first >= 0) & (first <= 1)).all()
