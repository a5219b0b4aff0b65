"""A number is what people mean, or is refused with the reason; a word for no value is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmagraph.kg.reading.numbers import NotANumberError, as_number, column, finite_number

READ = {
    "3.576": 3.576, "-0.529": -0.529, "+2": 2.0, "5.": 5.0, ".5": 0.5, "1e-3": 1e-3, "1E+2": 100.0, " 7 ": 7.0,
    "\u22121.5": -1.5, "\u00a02.5\u202f": 2.5, "007": 7.0, "-0": 0.0,
}  # fmt: skip
NO_VALUE = ["", " ", "NA", "na", "N/A", "n/a", "#N/A", "-", "–", "\u00a0", "--", "n.a."]
REFUSED = {
    "1_0": "is not a finite number$",
    "3,5": "decimal comma; write 3.5",
    "-0,529": "decimal comma; write -0.529",
    "\u22120,5": "decimal comma; write -0.5",
    ",5": "decimal comma; write 0.5",
    "1,234.5": "is not a finite number$",
    ">10": "it is censored",
    "<0.1": "it is censored",
    "≥ 10": "it is censored",
    "~5": "it is censored",
    "Inf": "it is infinite",
    "-inf": "it is infinite",
    "Infinity": "it is infinite",
    "1e999": "too large",
    "nan": "is not a finite number$",
    "NaN": "is not a finite number$",
    "0x10": "is not a finite number$",
    "1 000": "is not a finite number$",
    "١": "is not a finite number$",
    "5%": "it has a unit behind the number; write 5, and the unit in the column's name$",
    "1d3": "is not a finite number$",
    "none": "is not a finite number$",
    "--5": "is not a finite number$",
}


@pytest.mark.parametrize("text", READ)
def test_a_number_is_read(text: str) -> None:
    assert as_number(text) == READ[text]
    values, wrong = column([text, "1"])
    assert (values.tolist(), wrong) == ([READ[text], 1.0], {})


@pytest.mark.parametrize("text", NO_VALUE)
def test_a_word_for_no_value_is_none(text: str) -> None:
    assert as_number(text) is None
    values, wrong = column(["1", text])
    assert math.isnan(values[1]) and not wrong


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_number_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(NotANumberError, match=REFUSED[text]) as caught:
        as_number(text)
    assert finite_number(text) is None
    values, wrong = column(["2", text, "1"])
    assert wrong == {1: str(caught.value)} and values[[0, 2]].tolist() == [2.0, 1.0]


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=6), st.floats().map(repr), st.integers().map(str)), max_size=8))
def test_a_column_is_read_as_its_cells_are(texts: list[str]) -> None:
    values, wrong = column(texts)
    assert sorted(wrong) == [at for at, text in enumerate(texts) if _is_wrong(text)]
    for at, text in enumerate(texts):
        one = finite_number(text)
        np.testing.assert_equal(values[at], math.nan if one is None else one)


def _is_wrong(text: str) -> bool:
    try:
        as_number(text)
    except NotANumberError:
        return True
    return False
