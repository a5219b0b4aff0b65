"""The table of `cli suggest` is a table at 80 columns, whatever is in it."""

from __future__ import annotations

import pytest

from pharmagraph.kg import terminal
from pharmagraph.kg.console import cell
from pharmagraph.model.commands.suggest import _shown

PAIR = {
    "drug": "D",
    "cell_line": "C",
    "low": -12.345678,
    "high": -10.2,
    "score": 1.234567e-05,
    "reason": "r" * 90,
}


@pytest.mark.parametrize("predicted", ["probability", "ln_ic50"])
def test_a_pair_is_a_line_of_80_columns(predicted: str) -> None:
    names = {"drug": "a drug with a long name of many words", "cell_line": "HAEMATOPOIETIC-LINE-1234567"}
    row = _shown({**PAIR, **names, predicted: -11.23456}, "P24", wide=False)
    cells = [[cell(value) for value in row.values()]]
    numeric = [isinstance(value, float) for value in row.values()]
    heading, rule, *lines = terminal.lines(list(row), cells, numeric, 80)
    assert len(rule) <= 80 and set(rule) == {"─"} and len(lines) == 1
    assert heading.split()[-1] == "score" and "-12.35 to -10.20" in lines[0]


def test_a_pair_without_an_interval_has_an_empty_cell() -> None:
    row = _shown({**PAIR, "probability": 0.5, "low": None, "high": None}, "A1", wide=False)
    assert row["interval"] == "" and row["drug"] == "D"


def test_a_wide_table_has_whole_names_and_the_reason() -> None:
    row = _shown({**PAIR, "drug": "d" * 40, "cell_line": "c" * 40, "probability": 0.5}, "A1", wide=True)
    assert (row["drug"], row["cell line"], row["reason"]) == ("d" * 40, "c" * 40, "r" * 90)
