"""Quantiles of held-out scores cover as they say, by group, and refuse what they cannot know."""

from __future__ import annotations

import numpy as np
import pytest

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.model.certainty.conformal import (
    FEWEST_OF_GROUP,
    Scores,
    checked_level,
    left_out,
    units_needed,
)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        checked_level(level)


@pytest.mark.parametrize(("level", "needed"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.99, 199)])
def test_the_number_of_units_needed_is_the_least_that_has_both_quantiles(level: float, needed: int) -> None:
    assert units_needed(level) == needed
    nobody, group = np.full(needed, -1), np.zeros(1, int)
    enough = Scores.of(np.arange(needed, dtype=float), nobody, nobody)
    assert enough.lower_quantile(group, (1 - level) / 2) == 0
    assert enough.quantile(group, (1 + level) / 2) == needed - 1
    fewer = Scores.of(np.arange(needed - 1, dtype=float), nobody[1:], nobody[1:])
    with pytest.raises(ModelError, match=f"{needed - 1} hidden units"):
        fewer.quantile(group, (1 + level) / 2)


def test_coverage_on_new_scores_is_the_level() -> None:
    generator, covered = np.random.default_rng(0), []
    for _ in range(300):
        scores, new = generator.standard_t(3, 99), generator.standard_t(3, 200)
        found = Scores.of(scores, np.full(99, -1), np.full(99, -1))
        low, high = found.lower_quantile(np.zeros(1, int), 0.05), found.quantile(np.zeros(1, int), 0.95)
        covered.append(((low <= new) & (new <= high)).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_a_group_with_enough_pairs_has_quantiles_of_its_own_and_others_those_of_all() -> None:
    generator = np.random.default_rng(1)
    n = FEWEST_OF_GROUP
    drug = np.repeat([4, 7], [n, n - 1])
    score = np.concatenate([generator.normal(0, 10, n), generator.normal(0, 1, n - 1)])
    found = Scores.of(score, drug, np.full(len(drug), -1))
    group = found.groups(np.array([4, 7, 99, -1]), np.full(4, -1))
    assert (group > 0).tolist() == [True, False, False, False]
    wide, *others = found.quantile(group, 0.95)
    assert wide == np.sort(score[drug == 4])[int(np.ceil(0.95 * (n + 1))) - 1].astype(np.float32)
    assert len(set(others)) == 1 and others[0] < wide


def test_a_tissue_comes_before_a_drug() -> None:
    n = FEWEST_OF_GROUP
    found = Scores.of(np.arange(n, dtype=float), np.full(n, 3), np.full(n, 5))
    assert found.groups(np.array([3]), np.array([[5], [-1]])).ravel().tolist() == [
        found.tissue[5],
        found.drug[3],
    ]


def test_what_is_exchangeable_are_drugs_and_not_their_pairs() -> None:
    generator, covered, as_pairs = np.random.default_rng(2), [], []
    for _ in range(300):
        drug = np.repeat(np.arange(25), 40)
        score = generator.standard_normal(25)[drug] + 0.1 * generator.standard_normal(len(drug))
        new = generator.standard_normal(40)  # of forty other drugs
        nobody, group = np.full(len(drug), -1), np.zeros(1, int)
        for unit, found in ((drug, covered), (None, as_pairs)):
            scores = Scores.of(score, nobody, nobody, unit)
            low, high = scores.lower_quantile(group, 0.05), scores.quantile(group, 0.95)
            found.append(((low <= new) & (new <= high)).mean())
    assert 0.88 <= np.mean(covered) <= 0.92
    assert np.mean(as_pairs) < 0.88  # twenty-five drugs are not a thousand


@pytest.mark.parametrize("n_units", [19, 25, 60])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.9, 0.99, 1.0])
def test_few_units_cover_as_they_say_however_much_scores_of_a_unit_are_alike(
    n_units: int, alike: float
) -> None:
    """``alike`` is the share of the variance between units. The bound alone covers up to 0.99 with nineteen units."""
    generator = np.random.default_rng([n_units, int(100 * alike)])

    def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
        unit = np.repeat(np.arange(n), generator.integers(5, 40, n))
        within = np.exp(0.3 * generator.normal(size=n))[unit] * generator.normal(size=len(unit))
        return np.sqrt(alike) * generator.normal(size=n)[unit] + np.sqrt(1 - alike) * within, unit

    covered, by_bound = [], []
    for _ in range(150):
        (score, unit), (new, of_new), group = drawn(n_units), drawn(60), np.zeros(1, int)
        found = Scores.of(score, np.full(len(score), -1), np.full(len(score), -1), unit)
        weight = np.cumsum((1 / np.bincount(unit)[unit])[np.argsort(score, kind="stable")]) / n_units
        alone = Scores.of_weights(
            weight, values=found.values, start=found.start, units=found.units, drug={}, tissue={}
        )
        share = 1 / np.bincount(of_new)[of_new] / 60  # units count the same
        for scores, into in ((found, covered), (alone, by_bound)):
            low, high = scores.lower_quantile(group, 0.05), scores.quantile(group, 0.95)
            into.append(((low <= new) & (new <= high)) @ share)
    assert 0.88 <= np.mean(covered) <= 0.93
    assert np.mean(by_bound) >= np.mean(covered) - 1e-9
    if n_units == 19 and alike <= 0.3:
        assert np.mean(by_bound) > 0.97


def test_single_pairs_have_the_usual_quantile_and_a_run_that_knows_the_bound_alone_keeps_it() -> None:
    score, nobody, group = np.random.default_rng(3).normal(size=57), np.full(57, -1), np.zeros(1, int)
    found = Scores.of(score, nobody, nobody)
    kept = Scores.of_weights(
        np.arange(1, 58) / 57, values=found.values, start=found.start, units=found.units, drug={}, tissue={}
    )
    for share in (0.5, 0.8, 0.95):
        usual = np.sort(score)[int(np.ceil(share * 58)) - 1].astype(np.float32)
        assert found.quantile(group, share) == kept.quantile(group, share) == usual
        usual = -np.sort(-score)[int(np.ceil(share * 58)) - 1].astype(np.float32)
        assert found.lower_quantile(group, 1 - share) == kept.lower_quantile(group, 1 - share) == usual


def test_places_by_leaving_units_out_are_those_by_hand() -> None:
    generator = np.random.default_rng(7)
    unit = generator.permutation(np.repeat(np.arange(6), generator.integers(1, 5, 6)))
    n, weight = len(unit), np.cumsum(1 / (6 * np.bincount(unit)[unit]))
    place = np.empty(n)
    for i in range(n):
        below = [(unit[:i] == k).sum() / (unit == k).sum() for k in range(6)]
        below[unit[i]] = 1.0  # its own unit as a whole
        place[i] = np.mean(below)
    share = 1 / (6 * np.bincount(unit)[unit])
    by_hand = [share[place < one - 1e-6].sum() for one in weight]
    assert left_out(unit) == pytest.approx(np.array(by_hand))


def test_a_drug_counts_the_same_however_many_pairs_it_has() -> None:
    score = np.concatenate([np.arange(1.0, 40.0), np.full(4000, 100.0)])
    unit, nobody, group = (
        np.concatenate([np.arange(39), np.full(4000, 39)]),
        np.full(4039, -1),
        np.zeros(1, int),
    )
    found = Scores.of(score, nobody, nobody, unit)
    assert found.units.tolist() == [40]
    assert found.quantile(group, 0.9) == 37  # 0.9 of 41 drugs, rounded up
    assert Scores.of(score, nobody, nobody).quantile(group, 0.9) == 100
