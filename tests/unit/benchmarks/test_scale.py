"""docs/scale.md is made of docs/scale.json; a fit finds the line that is there; what is computed says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scale import DOCS, FIGURES, measured, merged, screen
from benchmarks.scale_page import line, markdown, medians, picture, power


def row(case: str, size: float, turn: int = 1, **more: Any) -> dict[str, Any]:
    made = {
        "case": case, "size": size, "round": turn, "edges": size, "largest": size / 2, "seconds": 2e-6 * size**1.1,
        "processor": 1e-6 * size, "peak_mb": 200 + size / 1e5, "base_mb": 200.0, "disk_mb": size / 5e4,
        "largest_mb": 10.0, "most_at_once": 4_000_000, "machine": "2 × x86_64", "beside": "nothing else",
        "commit": "abc1234", "day": "2026-12-01",
    }  # fmt: skip
    return made | more


def test_the_page_shows_what_the_file_of_figures_holds() -> None:
    rows = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert (DOCS / "scale.md").read_text(encoding="utf-8") == markdown(rows)


def test_a_fit_finds_the_power_and_the_line() -> None:
    fit = power([1e6, 3e6, 1e7], [3e-6 * n**1.2 for n in (1e6, 3e6, 1e7)])
    assert (fit.a, fit.b) == pytest.approx((3e-6, 1.2)) and fit.at(1e9) == pytest.approx(3e-6 * 1e9**1.2)
    assert line([1, 2, 4], [7, 9, 13]) == pytest.approx((5, 2))


def test_a_billion_is_computed_and_said_to_be(tmp_path: Path) -> None:
    rows = [row(case, size) for case in ("ingest", "export") for size in (1e6, 3e6)]
    text = markdown(rows)
    hours, proportion = 2e-6 * 1e9**1.1 / 3600, 2e-6 * 3e6**1.1 * 1e9 / 3e6 / 3600
    assert f"| Load | time by the clock | 2e-06 s · edges^1.10 | {hours:.1f} h | {proportion:.1f} h |" in text
    assert "| Export | peak memory | 200 MB + 10.0 bytes an edge | 10 GB | – |" in text
    assert "## Computed, not measured" in text and "333 times beyond the largest size" in text
    assert (
        "more than 32,000,000 is rewritten" in " ".join(text.split())
        and text.count("not run") == 4
        and "meanwhile: nothing else. Commit abc1234, 2026-12-01." in text
    )
    picture(tmp_path / "scale.svg", rows)
    assert "ingest, processor, computed" in (tmp_path / "scale.svg").read_text(encoding="utf-8")


def test_one_size_makes_no_line() -> None:
    text = markdown([row("ingest", 1e6), row("export", 1e6)])
    assert text.count("not computed") == 2 and "edges^1" not in text


def test_rows_of_a_size_that_is_measured_again_are_replaced_and_rounds_have_a_median() -> None:
    old = [row("ingest", 1e6), row("export", 1e6), row("ingest", 3e6)]
    new = [row("ingest", 1e6, turn, seconds=float(turn)) for turn in (1, 2, 3)]
    rows = merged(old, new)
    assert [(r["case"], r["size"], r["round"]) for r in rows] == [
        ("ingest", 1e6, 1), ("ingest", 1e6, 2), ("ingest", 1e6, 3), ("ingest", 3e6, 1), ("export", 1e6, 1),
    ]  # fmt: skip
    assert medians(rows, "ingest")[0]["seconds"] == 2 and medians(rows, "ingest")[0]["rounds"] == 3


def test_a_screen_has_about_as_many_edges_as_asked_for_and_both_cases_are_measured(tmp_path: Path) -> None:
    assert sum(screen(3e6).expected().values()) == pytest.approx(3e6, rel=0.02)
    loaded, exported = (measured(case, 2e4, tmp_path) for case in ("ingest", "export"))
    assert loaded["edges"] == exported["edges"] == pytest.approx(2e4, rel=0.2)  # type: ignore[typeddict-item]
    assert loaded["peak_mb"] > 50 and exported["largest_mb"] > 0.1  # type: ignore[typeddict-item,operator]
