"""Rules that make labels of ln IC50."""

from __future__ import annotations

import numpy as np
import pytest

from pharmagraph.ingest.threshold import limits, parse, recorded
from pharmagraph.kg.errors import InputError

LN_IC50 = np.array([0.0, 1.0, 2.0, 3.0, 10.0, -1.0, 5.0])
DRUG = np.array([0, 0, 0, 0, 0, 2, 2])


@pytest.mark.parametrize(
    ("rule", "first", "third"),
    [
        ("drug-median", 2.0, 2.0),
        ("drug-quantile:0.25", 1.0, 0.5),
        ("z:-0.8", 3.2 - 0.8 * np.std([0, 1, 2, 3, 10]), 2 - 0.8 * 3),
        ("ln:1.5", 1.5, 1.5),
    ],
)
def test_a_rule_is_applied_drug_by_drug(rule: str, first: float, third: float) -> None:
    found = limits(LN_IC50, DRUG, 3, parse(rule))
    np.testing.assert_allclose(found, [first, np.nan, third])


def test_outlier_rule_finds_the_few_sensitive_lines() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(4, 1, 900), random.normal(-2, 0.5, 50)])
    (limit,) = limits(values, np.zeros(len(values), np.int64), 1, parse("outlier:0.01"))
    assert limit == pytest.approx(4 - 2.33, abs=0.5)  # the one per cent quantile of the resistant ones


def test_drugs_without_values_have_no_threshold() -> None:
    """A file that gives labels and no ln IC50 once ended the load with a ValueError."""
    nothing = np.array([])
    assert np.isnan(limits(nothing, nothing.astype(np.int64), 2, parse("z:-0.8"))).all()


def test_the_record_names_rule_and_value() -> None:
    assert recorded(parse("z:-0.8"), 1.23456) == "z:-0.8 = 1.2346 ln(µmol/l)"


@pytest.mark.parametrize(
    "text", ["", "median", "z:", "z:nan", "drug-quantile:1", "drug-quantile:x", "ln:inf", "outlier:0"]
)
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^threshold") as caught:
        parse(text)
    assert "\n" not in str(caught.value)
