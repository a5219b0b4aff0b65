"""Stability and q-values against hand computation, SciPy and the definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.metrics.false_discovery import benjamini_hochberg, empirical_p, null_q
from pharmagraph.model.metrics.rank_agreement import edge_stability, rank_biased_overlap, stability


def test_overlap_of_a_ranking_with_itself_is_one_and_with_a_foreign_one_zero() -> None:
    assert rank_biased_overlap(np.arange(20), np.arange(20), depth=20) == pytest.approx(1)
    assert rank_biased_overlap(np.arange(20), np.arange(20, 40), depth=20) == 0


def test_overlap_follows_its_definition() -> None:
    generator = np.random.default_rng(0)
    a, b, p = generator.permutation(30), generator.permutation(30), 0.8
    terms = [p ** (i - 1) * len(set(a[:i]) & set(b[:i])) / i for i in range(1, 11)]
    expected = (1 - p) / (1 - p**10) * sum(terms)
    assert rank_biased_overlap(a, b, depth=10, persistence=p) == pytest.approx(expected)


def test_a_swap_at_the_top_costs_more_than_one_at_the_bottom() -> None:
    order = np.arange(10)
    top, bottom = order.copy(), order.copy()
    top[[0, 1]], bottom[[8, 9]] = top[[1, 0]], bottom[[9, 8]]
    overlap = [rank_biased_overlap(order, other, depth=10) for other in (top, bottom)]
    assert overlap[0] < overlap[1] < 1


def test_stability_is_the_mean_over_pairs_of_seeds() -> None:
    scores = np.random.default_rng(1).normal(size=(3, 2, 8))
    order = np.argsort(-scores, axis=-1)
    for node in range(2):
        pairs = [
            rank_biased_overlap(order[i, node], order[j, node], depth=4) for i, j in ((0, 1), (0, 2), (1, 2))
        ]
        assert stability(scores, depth=4)[node] == pytest.approx(np.mean(pairs))
    assert np.isnan(stability(scores[:1])).all()


def test_stability_of_edges_is_that_of_each_nodes_own() -> None:
    weight = np.random.default_rng(5).random((3, 12))
    node = np.array([0, 1, 0, 1, 0, 0, 1, 1, 0, 2, 1, 0])
    found = edge_stability(weight, node, depth=3)
    for n in range(3):
        expected = stability(weight[:, None, node == n], depth=3)[0]
        assert found[node == n] == pytest.approx(np.full((node == n).sum(), expected))
    assert np.isnan(edge_stability(weight[:1], node)).all()


def test_adjusted_p_values_are_scipys() -> None:
    p = np.random.default_rng(2).random(50) ** 3
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_a_missing_p_value_stays_missing_and_counts_for_nothing() -> None:
    q = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))
    assert q[[0, 2]] == pytest.approx([0.02, 0.04]) and np.isnan(q[1])


def test_empirical_p_counts_ties_and_is_never_zero() -> None:
    p = empirical_p(np.array([5.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert p == pytest.approx([1 / 5, 4 / 5, 1])


def test_scores_from_the_null_are_rarely_called() -> None:
    generator = np.random.default_rng(3)
    null = generator.normal(size=(20, 30, 50))
    observed = generator.normal(size=(30, 50))
    called = (null_q(observed, null) < 0.1).any(1).mean()
    assert called < 0.3  # at most one node in ten is expected to call anything
    observed[:, 0] = 10
    q = null_q(observed, null)
    assert (q[:, 0] < 0.1).all() and q.shape == observed.shape


def test_a_null_of_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match="n_permutations"):
        null_q(np.zeros((3, 4)), np.zeros((10, 4, 3)))
