"""Intervals and tests against simulation and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pharmagraph.model.metrics import scores as metrics
from pharmagraph.model.metrics import significance
from pharmagraph.model.metrics.significance import binomial_interval, difference_interval


def test_interval_of_a_mean_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for draw in range(200):
        low, high = significance.mean_interval(generator.normal(1.0, 2.0, 60), resamples=400, seed=draw)
        covered += low <= 1.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_bootstrap_by_entity_is_wider_than_by_pair_when_an_entitys_pairs_are_alike() -> None:
    generator = np.random.default_rng(1)
    entity = np.repeat(np.arange(30), 20)
    value = generator.normal(size=30)[entity] + 0.1 * generator.normal(size=600)
    predicted = np.zeros(600)
    by_entity = significance.bootstrap_interval(metrics.rmse, value, predicted, entity, resamples=300)
    by_pair = significance.bootstrap_interval(metrics.rmse, value, predicted, np.arange(600), resamples=300)
    assert by_entity[1] - by_entity[0] > 2 * (by_pair[1] - by_pair[0])


def test_folds_are_not_ranked_against_each_other() -> None:
    """Two fits whose scores differ by a constant: each ranks well, together they would not."""
    generator = np.random.default_rng(3)
    label = generator.integers(0, 2, 400).astype(float)
    fold, entity = np.repeat([0, 1], 200), np.tile(np.arange(40), 10)
    score = label + 0.3 * generator.normal(size=400) + 5 * fold
    low, _ = significance.bootstrap_interval(metrics.auroc, label, score, entity, fold=fold, resamples=100)
    _, high = significance.bootstrap_interval(metrics.auroc, label, score, entity, resamples=100)
    assert low > 0.95 > high


def test_entity_test_is_scipys_and_leaves_out_entities_without_a_figure() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(0.6, 0.1, 40), generator.normal(0.5, 0.1, 40)
    found = significance.compare_entities(np.r_[first, np.nan], np.r_[second, 0.5])
    assert found.p == pytest.approx(stats.wilcoxon(first, second).pvalue)
    assert found.n == 40 and found.difference == pytest.approx((first - second).mean())


def test_fold_test_is_nadeau_and_bengios() -> None:
    first, second = np.array([0.92, 0.91, 0.93, 0.90, 0.92]), np.array([0.90, 0.905, 0.91, 0.90, 0.91])
    d = first - second
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    found = significance.compare_folds(first, second, test_share=0.25)
    assert found.p == pytest.approx(2 * (1 - stats.t.cdf(t, 4)))
    assert found.p > stats.ttest_rel(first, second).pvalue


def test_equal_models_do_not_differ() -> None:
    same = np.array([0.5, 0.6, 0.7])
    assert significance.compare_entities(same, same).p == 1.0
    assert significance.compare_folds(same, same, test_share=0.25).p == 1.0


def test_drawn_entities_tell_a_better_model_from_an_equal_one() -> None:
    generator = np.random.default_rng(0)
    entity = np.repeat(np.arange(40), 25)
    target = (generator.random(1000) < 0.4).astype(float)
    good, bad, also_good = (target + generator.normal(0, s, 1000) for s in (0.8, 1.6, 0.8))
    sure = significance.compare_by_bootstrap(metrics.auroc, target, good, bad, entity)
    assert sure.difference == metrics.auroc(target, good) - metrics.auroc(target, bad) > 0
    assert sure.p == 2 / 1001 and sure.n == 40  # no draw on the other side
    assert significance.compare_by_bootstrap(metrics.auroc, target, bad, good, entity).p == sure.p
    assert significance.compare_by_bootstrap(metrics.auroc, target, good, also_good, entity).p > 0.05
    assert significance.compare_by_bootstrap(metrics.auroc, target, good, good, entity).p == 1.0
    assert np.isnan(
        significance.compare_by_bootstrap(metrics.auroc, target, good, bad, np.zeros(1000, int)).p
    )


def test_draw_of_entities_is_wider_than_one_of_pairs_where_few_entities_decide() -> None:
    generator = np.random.default_rng(1)
    entity = np.repeat(np.arange(20), 50)
    target = (generator.random(1000) < 0.5).astype(float)
    noise = generator.normal(0, 1, (2, 1000))
    better_of_one = np.where(entity == 3, 4 * target, 0) + noise[0]
    of_drugs = significance.compare_by_bootstrap(metrics.auroc, target, better_of_one, noise[1], entity)
    of_pairs = significance.compare_by_bootstrap(
        metrics.auroc, target, better_of_one, noise[1], np.arange(1000)
    )
    assert of_drugs.p > of_pairs.p


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(9, 10, 0.5550, 0.9975), (0, 10, 0, 0.3085), (10, 10, 0.6915, 1)]
)
def test_the_binomial_interval_is_that_of_clopper_and_pearson(
    hits: int, n: int, low: float, high: float
) -> None:
    assert binomial_interval(hits, n) == pytest.approx((low, high), abs=1e-4)


def test_the_binomial_interval_of_nothing_is_undefined() -> None:
    assert np.isnan(binomial_interval(0, 0)).all()


def test_a_difference_of_means_is_drawn_by_entity() -> None:
    entity = np.repeat(np.arange(20), 10)
    later = np.tile(np.repeat([True, False], 5), 20)
    shifted = np.where(later, 2.0, 0.5) + entity  # the same shift in every entity
    low, high = difference_interval(shifted, later, entity)
    assert (low, high) == pytest.approx((1.5, 1.5))
    alone = difference_interval(shifted[later], np.ones(100, bool), entity[later])
    assert alone[0] < shifted[later].mean() < alone[1]
