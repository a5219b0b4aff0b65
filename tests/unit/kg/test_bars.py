"""Bars of a sum: signed, in proportion, within any width, in any encoding."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.kg import bars
from pharmagraph.kg.console import print_bars, print_rows
from pharmagraph.kg.terminal import width_of

PARTS = [
    ("mean of all pairs", 2.0),
    ("level of the drug", -1.0),
    ("EGFR expression (1.2 × -0.05)", 0.25),
    ("120 other genes", -0.01),
]
TOTAL = ("sum", 1.24)


def drawn(line: str, axis: str) -> tuple[str, str]:
    left, _, right = line.partition(axis)
    return left, right


def length(text: str, whole: str) -> float:
    return text.count(whole) + (text.count("▌") + text.count("▐")) / 2


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize(
    ("encoding", "whole", "axis"), [("utf-8", "█", "│"), ("ascii", "#", "|"), ("latin-1", "#", "|")]
)
def test_bars_are_in_proportion_and_on_their_side(width: int, encoding: str, whole: str, axis: str) -> None:
    lines = bars.lines(PARTS, TOTAL, width, encoding)
    assert max(map(width_of, lines)) <= width
    found = [line for line in lines if axis in line]
    assert len(found) == len(PARTS)
    lengths = [[length(side, whole) for side in drawn(line, axis)] for line in found]
    (_, largest), (negative, none), (nothing, small), _ = lengths
    assert none == nothing == 0
    assert largest >= 5 and abs(negative - largest / 2) <= 0.5 and abs(small - largest / 8) <= 0.5
    assert all(sign in "".join(lines) for sign in ("+2.000", "-1.000", "+0.250", "-0.010", "+1.240"))
    assert axis not in lines[-1] and lines[-1].startswith("sum")
    lines[0].encode("utf-8" if encoding == "utf-8" else "ascii")


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=60), st.floats(-1e3, 1e3, allow_subnormal=False)), max_size=12
    ),
    st.integers(40, 200),
    st.sampled_from(["utf-8", "ascii", "cp1252"]),
)
def test_no_width_or_name_breaks_them_and_no_number_is_cut(
    parts: list[tuple[str, float]], width: int, encoding: str
) -> None:
    total = sum(value for _, value in parts)
    lines = bars.lines(parts, ("sum", total), width, encoding)
    assert max(map(width_of, lines)) <= width
    assert lines[-1].startswith("sum") and "\n" not in "".join(lines)
    numbers = re.findall(r"(?<=  )[+-]\d+\.(\d+)(?=  |$)", "\n".join(lines), re.MULTILINE)
    assert len(numbers) >= len(parts) + 1 and len({len(decimals) for decimals in numbers}) >= 1


def test_parts_of_nothing_are_no_bars() -> None:
    lines = bars.lines([("a", 0.0), ("b", -0.0)], ("sum", 0.0), 40, "utf-8")
    assert "█" not in "".join(lines) and "-0.0" not in "".join(lines)


def test_parts_of_one_sign_have_the_whole_width() -> None:
    lines = bars.lines([("a", 1.0), ("b", 0.5)], ("sum", 1.5), 60, "utf-8")
    assert lines[0].count("█") > 40 and lines[0].index("│") == lines[1].index("│")


def test_they_are_printed_within_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_bars([*PARTS, TOTAL], title="What it is the sum of")
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "What it is the sum of" and max(map(width_of, lines)) <= 40
    assert any("│" in line for line in lines) and "+1.240" in lines[-2]


def test_a_title_is_broken_where_the_terminal_is_narrow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    title = "What the prediction is the sum of, in logits of a sensitive response"
    print_rows([{"a": 1}], title=title)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert f"{first} {second}" == title and len(first) <= 40
    print_rows([{"a": 1}], title=title, wide=True)
    assert capsys.readouterr().out.splitlines()[0] == title


def test_a_title_of_two_lines_stays_on_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_rows([{"a": 1}], title="Thirty characters of one line.\nAnd thirty characters of two.")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Thirty characters of one line.",
        "And thirty characters of two.",
    ]
