"""The soak runs: the explorer answers while runs come and go, and nothing of them is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import rounds, table

pytestmark = pytest.mark.once


def test_two_rounds_answer_without_a_failure_and_leave_no_file_open(tmp_path: Path) -> None:
    first, second, third = rounds(tmp_path, minutes=0, at_least=3, readers=2)
    assert third.answers > first.answers and third.failed == third.wrong == 0
    assert third.files <= second.files + 4  # connections that are just being answered
    assert third.threads <= second.threads + 1
    assert not list((tmp_path / "runs").iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"soak.lbug", "runs"}
    assert third.store_mb < 2 * first.store_mb
    assert table([first, second]).count("\n") == 3
