"""The figures of docs/reliability.md are those of docs/reliability.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recorded
from benchmarks.reliability import BEGIN, DOCS, END, FIGURES, PAGE, figures, merged, page, taken


def kills(command: str, n: int, wrong: int = 0, seed: int = 0) -> dict[str, Any]:
    row = {
        "campaign": "kills",
        "command": command,
        "engine": "Neo4j",
        "seed": seed,
        "kills": n,
        "wrong": wrong,
    }
    return row | {"seconds": 1.0, "commit": "abc1234", "day": "2026-12-01"}


def test_the_page_shows_what_the_file_of_figures_holds() -> None:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    assert page(json.loads((DOCS / FIGURES).read_text(encoding="utf-8")), text) == text


def test_a_campaign_takes_the_place_of_an_earlier_one_of_its_kind() -> None:
    rows = merged([kills("load", 3), kills("copy", 3)], [kills("load", 50)])
    assert [(row["command"], row["kills"]) for row in rows] == [("load", 50), ("copy", 3)]


def test_kills_at_other_moments_are_added() -> None:
    rows = merged([kills("load", 3, wrong=1)], [kills("load", 50, seed=1)])
    assert "| load | 53, 1 wrong |" in figures(rows)


def test_figures_count_what_was_run_and_what_was_wrong() -> None:
    said = figures([kills("load", 1000), kills("copy", 3, wrong=1)])
    assert "1,003 commands were killed" in said and "1 ended otherwise" in said
    assert "| load | 1,000 |" in said and "| copy | 3, 1 wrong |" in said


def test_a_page_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(AssertionError, match="no place"):
        page([], "# Page\n")
    assert page([], f"a\n{BEGIN}old\n{END}b\n") == f"a\n{BEGIN}\n{END}b\n"


def test_tests_record_only_where_somebody_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(recorded.VARIABLE, raising=False)
    recorded.record("fuzz", parser="names", cases=3)
    monkeypatch.setenv(recorded.VARIABLE, str(tmp_path / "rows"))
    recorded.record("fuzz", parser="names", cases=3)
    (row,) = taken(tmp_path / "rows")
    assert (row["campaign"], row["cases"]) == ("fuzz", 3) and row["commit"] and row["day"]
