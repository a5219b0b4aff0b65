"""Coverage, error and drift of a few measurements, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pharmagraph.model.certainty.drift import Drift
from pharmagraph.model.certainty.outcomes import (
    HELD_OUT,
    LATER,
    UNUSED,
    Outcomes,
    by_group,
    overall,
    reliability_rows,
)
from pharmagraph.model.metrics.significance import difference_interval


def of_values(n: int = 10) -> Outcomes:
    """Two drugs with five values each: all inside but one of the first, all measured 1 above their predictions."""
    inside = np.array([False, *[True] * (n - 1)])
    return Outcomes(
        "r", "regression", np.arange(n) + 1.0, np.arange(n) + 0.0, inside, np.full(n, 0.9),
        np.repeat(["a", "b"], n // 2), np.array([f"line {k}" for k in range(n)]), np.array(["", *["skin"] * (n - 1)]),
        np.full(n, "screen"), np.full(n, HELD_OUT),
        {0.5: np.array([1.0, 0.0, np.nan, *[0.0] * (n - 3)])},
    )  # fmt: skip


def of_two_sets(*, coverage: tuple[float, float], bias: tuple[float, float], n_drugs: int = 20) -> Outcomes:
    """Ten values of each drug held out, and ten measured since, with a share inside and a bias of each."""
    n = n_drugs * 10
    share = np.tile(np.arange(10) / 10, n_drugs)
    predicted = np.zeros(2 * n)
    wiggle = np.tile([-0.5, 0.5], n)  # of mean 0 in each drug
    return Outcomes(
        "r", "regression", predicted + np.repeat(bias, n) + wiggle, predicted,
        np.concatenate([share < coverage[0], share < coverage[1]]), np.full(2 * n, 0.9),
        np.tile(np.repeat([f"drug {k}" for k in range(n_drugs)], 10), 2), np.tile(["line 1", "line 2"], n),
        np.full(2 * n, "skin"), np.repeat(["old", "new"], n), np.repeat([HELD_OUT, LATER], n),
    )  # fmt: skip


def test_coverage_error_and_bias_of_all_and_of_each_origin() -> None:
    every, held_out = overall(of_values())
    assert (every["group"], held_out["group"]) == ("all", HELD_OUT)
    assert (every["n"], every["stated"], every["held"]) == (10, 0.9, 0.9)
    assert every["held_low"] == pytest.approx(0.5550, abs=1e-4)  # the exact interval of 9 of 10
    assert every["held_high"] == pytest.approx(0.9975, abs=1e-4)
    assert every["rmse"] == pytest.approx(1) and every["bias"] == pytest.approx(1)


def test_the_least_covered_group_is_first_and_small_ones_are_counted() -> None:
    rows, few = by_group(of_values(), "drug", 5)
    assert [(row["group"], row["n"], row["held"]) for row in rows] == [("a", 5, 0.8), ("b", 5, 1.0)]
    assert few == 0
    rows, few = by_group(of_values(), "tissue", 2)
    assert [row["group"] for row in rows] == ["skin"] and few == 1
    rows, few = by_group(of_values(), "tissue", 1)
    assert [row["group"] for row in rows] == ["unknown", "skin"]
    assert by_group(of_values(), "dataset", 11) == ([], 1)


def test_levels_hold_among_the_values_that_have_an_interval_of_them() -> None:
    (row,) = reliability_rows(of_values())
    assert (row["group"], row["n"], row["stated"]) == ("level 0.5", 9, 0.5)
    assert row["held"] == pytest.approx(1 / 9)
    assert reliability_rows(of_values(), np.zeros(10, bool)) == []


def test_classes_have_a_calibration_error_and_tenths() -> None:
    of = replace(
        of_values(), task="classification", measured=np.repeat([0.0, 1.0], 5), predicted=np.repeat([0.2, 0.6], 5)
    )  # fmt: skip
    every = overall(of)[0]
    assert every["calibration_error"] == pytest.approx(0.3)  # half are .2 off, half .4
    assert every["bias"] == pytest.approx(0.1) and "rmse" not in every
    low, high = reliability_rows(of)
    assert (low["group"], low["stated"], low["held"]) == ("0.2 to 0.3", pytest.approx(0.2), 0.0)
    assert (high["group"], high["stated"], high["held"]) == ("0.6 to 0.7", pytest.approx(0.6), 1.0)


def test_without_later_measurements_drift_cannot_be_told() -> None:
    drift = Drift.of(of_values())
    assert not drift.found and drift.rows() == []
    assert str(drift).startswith("Drift cannot be told: nothing") and "cli ingest tables" in str(drift)


def test_a_few_drugs_and_cell_lines_do_not_tell_drift() -> None:
    drift = Drift.of(of_two_sets(coverage=(0.9, 0.1), bias=(0, 3), n_drugs=7))
    assert not drift.found and drift.coverage is None
    assert "fewer than 8 drugs and of fewer than 8 cell lines" in str(drift)


def test_many_cell_lines_tell_drift_of_one_drug() -> None:
    of = of_two_sets(coverage=(0.9, 0.5), bias=(0, 0), n_drugs=8)
    swapped = replace(of, drug=of.cell_line, cell_line=of.drug)
    drift = Drift.of(swapped)
    assert drift.unit == "cell lines" and drift.found


@pytest.mark.parametrize(
    ("coverage", "bias", "found", "words"),
    [
        ((0.9, 0.9), (0.2, 0.2), False, "No drift: the 200 responses measured since the training (new) are covered no"),
        ((0.9, 1.0), (0.2, 0.2), False, "No drift: "),
        ((0.9, 0.6), (0.2, 0.2), True, "Drift: the 200 responses measured since the training (new) are covered sig"),
        ((0.9, 0.9), (0.2, 0.9), True, "(new) are biased, compared with the 200 held out at training: 90.0%"),
        ((0.9, 0.6), (0.2, -0.9), True, "are covered significantly less often and are biased"),
    ],
)  # fmt: skip
def test_drift_is_less_coverage_or_another_bias(
    coverage: tuple[float, float], bias: tuple[float, float], found: bool, words: str
) -> None:
    drift = Drift.of(of_two_sets(coverage=coverage, bias=bias))
    assert drift.found is found and words in str(drift)
    of_coverage, of_bias = drift.rows()
    assert (of_coverage["before"], of_coverage["later"]) == pytest.approx(coverage)
    assert (of_bias["before"], of_bias["later"]) == pytest.approx(bias)
    assert of_bias["difference_low"] <= bias[1] - bias[0] + 1e-9
    assert of_bias["difference_high"] >= bias[1] - bias[0] - 1e-9


def test_a_run_that_held_nothing_out_is_compared_with_what_it_stated() -> None:
    of = of_two_sets(coverage=(0.9, 0.6), bias=(0, 0))
    drift = Drift.of(replace(of, origin=np.where(of.origin == HELD_OUT, UNUSED, LATER)))
    assert drift.found and drift.n_before == 0 and drift.coverage is not None
    assert (drift.coverage.before, drift.coverage.later) == pytest.approx((0.9, 0.6))
    assert "compared with what was stated: 60.0% are covered, not 90.0%" in str(drift)


def test_drugs_that_differ_by_chance_are_no_drift() -> None:
    """Five hundred values of each of ten drugs: with pairs as units the difference would be significant."""
    n_drugs, n = 10, 500
    of_drug = np.array([np.linspace(-1, 1, n_drugs), np.linspace(-0.8, 1.2, n_drugs)])
    of = Outcomes(
        "r", "regression", np.repeat(of_drug.ravel(), n),
        np.zeros(2 * n_drugs * n), np.ones(2 * n_drugs * n, bool), np.full(2 * n_drugs * n, 0.9),
        np.repeat([f"drug {k}" for k in range(2 * n_drugs)], n), np.full(2 * n_drugs * n, "line"),
        np.full(2 * n_drugs * n, "skin"), np.full(2 * n_drugs * n, "screen"),
        np.repeat([HELD_OUT, LATER], n_drugs * n),
    )  # fmt: skip
    drift = Drift.of(of)
    assert drift.bias is not None and drift.bias.later - drift.bias.before == pytest.approx(0.2)
    assert not drift.found
    as_pairs = difference_interval(of.measured, of.origin == LATER, np.arange(len(of)))
    assert as_pairs[0] > 0
