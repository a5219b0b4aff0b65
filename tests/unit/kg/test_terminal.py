"""Tables at any width and in any encoding: numbers are never cut, and nothing that was given is lost."""

from __future__ import annotations

import io
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.kg import terminal
from pharmagraph.kg.console import note

NUMBERS = ["0.1234", "1,234,567", "-0.0007348", "3070"]
COLUMNS = ["relation", "deletion_ratio", "mean absolute change of the logit", "n", "what"]
ROWS = [
    ["drug_from_sensitive", "0.1234", "1,234,567", "3", "random of the first 50"],
    [
        "cell_line_from_gene",
        "-0.0007348",
        "3070",
        "20",
        "a note of several words that is longer than the others",
    ],
]
NUMERIC = [False, True, True, True, False]


def words(lines: list[str]) -> list[str]:
    return re.findall(r"[^\s─]+", " ".join(lines))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_every_line_fits_and_every_number_is_whole(width: int) -> None:
    lines = terminal.lines(COLUMNS, ROWS, NUMERIC, width)
    assert max(map(len, lines)) <= width
    found = words(lines)
    for row in ROWS:
        for cell, numeric in zip(row, NUMERIC, strict=True):
            assert not numeric or cell in found
    for word in " ".join(cell for row in ROWS for cell in row).split():
        assert word in found


def test_headings_take_three_lines_at_most() -> None:
    lines = terminal.lines(COLUMNS, ROWS, NUMERIC, 80)
    rule = next(at for at, line in enumerate(lines) if line.startswith("─"))
    assert 1 < rule <= terminal.HEADING_LINES


def test_a_narrow_terminal_gets_a_block_a_row_with_every_cell() -> None:
    lines = terminal.lines(COLUMNS, ROWS, NUMERIC, 40)
    assert lines[:2] == ["drug_from_sensitive", "  deletion_ratio"]
    assert [line for line in lines if not line.startswith(" ") and line] == [row[0] for row in ROWS]


def test_without_a_limit_each_row_is_a_line() -> None:
    lines = terminal.lines(COLUMNS, ROWS, NUMERIC, None)
    assert len(lines) == 2 + len(ROWS)
    for line, row in zip(lines[2:], ROWS, strict=True):
        assert re.split(r"\s{2,}", line) == row


@given(
    st.lists(
        st.lists(st.sampled_from([*NUMBERS, "a b", "日本語", "x" * 50, ""]), min_size=3, max_size=3),
        min_size=1,
    ),
    st.integers(min_value=24, max_value=120),
)
def test_no_cell_is_cut_at_any_width(rows: list[list[str]], width: int) -> None:
    shown = Counter(
        "".join(terminal.lines(["name", "value", "about it"], rows, [False, False, False], width))
    )
    cells = Counter("".join("".join("".join(row).split()) for row in rows))
    assert cells <= shown


def test_control_characters_do_not_reach_the_terminal() -> None:
    lines = terminal.lines(["name"], [["a\x1b[31mred\x0bline\nbreak"]], [False], 80)
    assert lines[2:] == ["a\ufffd[31mred\ufffdline break"]


def test_notes_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    note("\nnot read: a\nb/\x1b[31m\u202e.csv")
    assert capsys.readouterr().err == "\nnot read: a b/\ufffd[31m\ufffd.csv\n"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_signs_that_an_encoding_lacks_are_replaced(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    terminal.replace_signs(stream)
    stream.write("a → b … 日 é ─")
    stream.flush()
    expected = {
        "utf-8": "a → b … 日 é ─",
        "cp1252": "a -> b … ? é -",
        "latin-1": "a -> b ... ? é -",
        "ascii": "a -> b ... ? ? -",
    }
    assert raw.getvalue().decode(encoding) == expected[encoding]
