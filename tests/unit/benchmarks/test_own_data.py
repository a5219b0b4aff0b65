"""The benchmark of one's own data prints its rows for small files; the times themselves are not judged here."""

from __future__ import annotations

import json

import pytest

from benchmarks import own_data
from benchmarks.measure import Command

pytestmark = pytest.mark.once


def test_each_case_has_a_row_and_merging_by_hand_one_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    own_data.main(["--scale", "0.0001", "--row", "parquet", "--row", "check", "--format", "json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["case"].split(",")[0], row["implementation"]) for row in rows[:2]] == [
        ("1", own_data.OURS),
        ("1", own_data.THEIRS),
    ]
    assert rows[2]["case"].startswith("check of ") and len(rows) == 3
    assert all(row["seconds"] > 0 and row["rate"] > 0 for row in rows)


def test_medians_say_how_many_times_faster_ours_is() -> None:
    rows = [
        own_data._row("a", implementation, Command(2 * seconds, seconds, 1), 100, turn)
        for turn in (1, 2, 3)
        for implementation, seconds in ((own_data.OURS, turn), (own_data.THEIRS, 5.0 * turn))
    ]
    ours, theirs = own_data.medians(rows)
    assert (ours["seconds"], ours["processor"], ours["rounds"], ours["times ours"]) == (4, 2, 3, None)
    assert (theirs["processor"], theirs["times ours"]) == (10, 5)


def test_a_scale_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        own_data.main(["--scale", "2"])
    assert "--scale is 2; give more than 0 and at most 1" in capsys.readouterr().err
