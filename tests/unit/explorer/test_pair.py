"""The pair's page says an interval with its level, nothing where the run has none, and paths by names."""

from __future__ import annotations

from typing import Any

import pytest

from pharmagraph.explorer.pages.pair import _in_words, interval
from pharmagraph.model.explain.explanation import Path, Step

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


def test_a_path_is_said_by_names_and_by_an_id_where_there_is_none() -> None:
    steps = (
        Step(("Drug", "PLX4720"), "ATTENDS", ("Gene", "BRAF"), 0.5),
        Step(("Gene", "BRAF"), "ATTENDS", ("CellLine", "A375"), 0.5),
    )
    path = Path("shared gene", steps, 0.25, 1.0)
    assert _in_words(path, {("Drug", "PLX4720"): "PLX-4720"}) == "PLX-4720 –ATTENDS– BRAF –ATTENDS– A375"
