"""Two samples compared by ranks agree with SciPy, and their intervals hold what they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pharmagraph.model.metrics.two_samples import TwoSamples, auroc_interval


@pytest.mark.parametrize(("n", "m"), [(3, 3), (3, 900), (5, 8), (8, 700), (12, 8)])
def test_p_of_a_small_sample_is_exact(n: int, m: int) -> None:
    generator = np.random.default_rng(n * m)
    first, second = generator.normal(-1, 1, n), generator.normal(size=m)
    found = TwoSamples.of(first, second)
    expected = stats.mannwhitneyu(first, second, method="exact")
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.auroc == pytest.approx(1 - expected.statistic / (n * m))


def test_p_with_ties_is_that_of_the_normal_distribution() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 6, 7).astype(float), generator.integers(1, 8, 40).astype(float)
    expected = stats.mannwhitneyu(first, second, method="asymptotic")
    assert TwoSamples.of(first, second).p == pytest.approx(expected.pvalue, rel=1e-12)


def test_samples_of_one_value_do_not_differ() -> None:
    found = TwoSamples.of(np.ones(4), np.ones(50))
    assert (found.p, found.shift, found.auroc, found.rank_biserial) == (1.0, 0.0, 0.5, 0.0)


def test_the_shift_is_the_median_difference_and_moves_with_the_sample() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=21), generator.normal(size=34)
    found, moved = TwoSamples.of(first, second), TwoSamples.of(first - 2.5, second)
    assert found.shift == pytest.approx(np.median([a - b for a in first for b in second]))
    assert moved.shift == pytest.approx(found.shift - 2.5)
    assert moved.shift_interval == pytest.approx(tuple(end - 2.5 for end in found.shift_interval))
    assert (found.median, found.median_other) == (np.median(first), np.median(second))


def test_three_against_three_have_no_interval_of_the_shift() -> None:
    assert all(math.isnan(end) for end in TwoSamples.of(np.arange(3.0), np.arange(3.0) + 9).shift_interval)


def test_the_interval_of_the_shift_is_where_the_test_stops_to_reject() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(1, 1, 25), generator.normal(size=40)
    for end, outwards in zip(TwoSamples.of(first, second).shift_interval, (-1, 1), strict=True):
        assert TwoSamples.of(first - end - outwards * 0.05, second).p < 0.05
        assert TwoSamples.of(first - end + outwards * 0.05, second).p > 0.05


@pytest.mark.parametrize(("n", "m", "shift"), [(10, 60, 0.0), (6, 80, -1.0), (30, 30, -2.0)])
def test_intervals_hold_the_truth_in_95_of_100_samples(n: int, m: int, shift: float) -> None:
    generator = np.random.default_rng(3)
    truth = stats.norm.cdf(-shift / math.sqrt(2))
    held = np.zeros(2)
    for _ in range(600):
        found = TwoSamples.of(generator.normal(shift, 1, n), generator.normal(size=m))
        held += (
            found.auroc_interval[0] <= truth <= found.auroc_interval[1],
            found.shift_interval[0] <= shift <= found.shift_interval[1],
        )
    assert (held / 600 > 0.92).all()
    assert (held / 600 < 0.99).all()


def test_samples_apart_have_an_interval_with_a_width() -> None:
    low, high = auroc_interval(1.0, 5, 20)
    assert 0.7 < low < 0.9 and high == pytest.approx(1.0)
    assert auroc_interval(0.0, 5, 20) == pytest.approx((1 - high, 1 - low))
