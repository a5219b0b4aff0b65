"""The parsers of `test_fuzz.py`, with inputs that are bred towards lines that no other reached.

It runs where atheris is installed (`make fuzz-guided`). ``PHARMAGRAPH_TEST_FUZZ_SECONDS`` is the time of each
parser; ``PHARMAGRAPH_TEST_FUZZ_ONLY`` names parsers, with commas.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.recorded import record
from tests.faults.conftest import CHECKOUT
from tests.faults.parsers import PARSERS

SECONDS = os.environ.get("PHARMAGRAPH_TEST_FUZZ_SECONDS", "2")
NAMES = [name for name in os.environ.get("PHARMAGRAPH_TEST_FUZZ_ONLY", "").split(",") if name] or [*PARSERS]
KEPT = ("crash", "timeout", "oom", "leak")
"""Beginnings of the names under which the library keeps inputs."""
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed"),
]


def test_no_input_that_coverage_leads_to_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.guided", str(tmp_path), SECONDS, *NAMES],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    failed = []
    for name in NAMES:
        folder = tmp_path / name
        counted = folder / "counted.json"
        found = json.loads(counted.read_text()) if counted.exists() else {"cases": 0, "slowest": 0.0}
        kept = [path.read_bytes()[:300] for kind in KEPT for path in folder.glob(f"{kind}-*")]
        if kept or not found["cases"]:
            printed = folder / "printed.txt"
            failed.append(
                (name, kept, printed.read_text(errors="replace")[-2000:] if printed.exists() else "")
            )
        record("guided", parser=name, wrong=int(bool(kept)), seconds=float(SECONDS), **found)
    assert not failed, failed
    assert done.returncode == 0, done.stderr[-3000:]
