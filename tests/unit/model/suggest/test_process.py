"""The process of a replay: its gradient is that of its loss, and what it predicts is the conditional mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from pharmagraph.model.suggest.process import PairProcess
from tests.unit.model.suggest.test_acquisition import problem


def test_the_gradient_of_the_loss_is_that_of_differences() -> None:
    drugs, lines = problem()
    process = PairProcess(drugs, lines)
    generator = np.random.default_rng(1)
    d, c, value = generator.integers(0, 5, 20), generator.integers(0, 6, 20), generator.normal(size=20)
    stacks = [
        np.ascontiguousarray(np.moveaxis(table[np.ix_(at, at)], -1, 0))
        for table, at in ((process._of_drugs, d), (process._of_cell_lines, c))
    ]
    start = process._start + 0.3
    apart = check_grad(
        lambda w: process.loss(w, stacks, value)[0], lambda w: process.loss(w, stacks, value)[1], start
    )
    assert apart < 1e-4


def test_fitting_lowers_the_loss_and_recovers_a_small_noise() -> None:
    drugs, lines = problem()
    process = PairProcess(drugs, lines)
    d, c = (side.ravel() for side in np.meshgrid(np.arange(5), np.arange(6), indexing="ij"))
    truth = process.given(d, c, np.zeros(30)).prior((d, c), (d, c))
    value = np.random.default_rng(2).multivariate_normal(np.zeros(30), truth)
    before = process.given(d, c, value).noise
    process.fit(d, c, value, steps=50, seed=0)
    posterior = process.given(d, c, value)
    assert posterior.noise < before
    assert np.corrcoef(posterior.mean(d, c), value)[0, 1] > 0.95


def test_the_mean_is_the_conditional_one() -> None:
    drugs, lines = problem()
    process = PairProcess(drugs, lines)
    at, value = (np.array([0, 2, 4]), np.array([1, 5, 3])), np.array([1.0, -1.0, 0.5])
    posterior = process.given(*at, value)
    asked = np.array([0, 1, 4]), np.array([1, 1, 2])
    observed = posterior.prior(at, at) + posterior.noise * np.eye(3)
    expected = posterior.prior(asked, at) @ np.linalg.solve(observed, value)
    assert posterior.mean(*asked) == pytest.approx(expected)
