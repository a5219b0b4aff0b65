"""A replay learns a planted screen faster by choosing than at random, and counts measurements as it says."""

from __future__ import annotations

import numpy as np
import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.model.evaluation.replay import Screen, reached, replay
from pharmagraph.model.reports.replay_folder import summary
from pharmagraph.model.suggest.acquisition import Acquisition

RANDOM, GAIN, UNCERTAINTY = Acquisition.random, Acquisition.gain, Acquisition.uncertainty


def planted(seed: int) -> Screen:
    """A screen of which 4 of 24 drugs have many twins: random choice measures what the twins tell."""
    generator = np.random.default_rng(seed)
    structure = generator.normal(size=(24, 6))
    structure[4:] = structure[generator.integers(0, 4, 20)] + 0.05 * generator.normal(size=(20, 6))
    structure[:8] = generator.normal(size=(8, 6))
    expression = generator.normal(size=(20, 5))
    kernels = [f @ f.T / f.shape[1] for f in (structure, expression)]
    roots = [np.linalg.cholesky(k + 1e-6 * np.eye(len(k))) for k in kernels]
    value = roots[0] @ generator.normal(size=(24, 20)) @ roots[1].T + roots[0] @ generator.normal(
        size=(24, 1)
    )
    value += 0.2 * generator.normal(size=value.shape)
    d, c = (side.ravel() for side in np.meshgrid(np.arange(24), np.arange(20), indexing="ij"))
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    return Screen(
        "planted", "regression", kernels[0][..., None], kernels[1][..., None], d, c, value.ravel(), nothing
    )


def test_expected_gain_learns_a_planted_screen_faster_than_random_choice() -> None:
    rows = []
    for seed in range(3):
        rows += replay(planted(seed), [RANDOM, GAIN, UNCERTAINTY], rounds=5, batch=15, start=15, seed=seed)
    of = {row["by"]: row for row in summary(rows)}
    assert of["gain"]["area"] > of["random"]["area"]
    assert of["gain"]["share"] < 0.9
    assert of["random"]["share"] == 1


def test_rounds_count_measurements_and_a_seed_gives_the_same_rows() -> None:
    screen = planted(0)
    rows = replay(screen, [RANDOM, GAIN], rounds=2, batch=10, start=5, seed=1)
    assert [(row["by"], row["measured"]) for row in rows] == [
        (way, n) for way in ("random", "gain") for n in (5, 15, 25)
    ]
    assert rows == replay(screen, [RANDOM, GAIN], rounds=2, batch=10, start=5, seed=1)
    assert rows[0]["r2"] == rows[3]["r2"]  # the pairs before the first round are the same


def test_more_pairs_than_there_are_is_said() -> None:
    with pytest.raises(
        InputError, match="9 rounds of 100 pairs after 0 are 900, and 384 of 480 pairs can be"
    ):
        replay(planted(0), [RANDOM], rounds=9, batch=100, start=0, seed=0)


def test_a_goal_is_reached_between_rounds_by_a_straight_line() -> None:
    measured, figure = np.array([10.0, 20, 30]), np.array([0.1, 0.5, 0.4])
    assert reached(measured, figure, 0.3) == pytest.approx(15)
    assert reached(measured, figure, 0.05) == 10
    assert reached(measured, figure, 0.6) == float("inf")
