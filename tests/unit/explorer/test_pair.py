"""The pair's page says an interval with its level, and nothing where the run has none."""

from __future__ import annotations

from typing import Any

import pytest

from pharmagraph.explorer.pages.pair import interval

PROBABILITY = {"probability": 0.9, "low": 0.5123456, "high": 0.97, "level": 0.9}
IC50 = {"predicted_ln_ic50": -1.0, "low": -3.0, "high": 2.0, "level": 0.5}


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (PROBABILITY, [("interval of the probability at 90%", "0.512346 to 0.97")]),
        (IC50, [("interval of a measurement at 50%", "-3 to 2")]),
        ({"probability": 0.9, "low": None, "high": None, "level": None}, []),
        ({"probability": 0.9}, []),
    ],
)
def test_an_interval_is_said_with_its_level(prediction: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert interval(prediction) == said
