"""Says how many of a campaign were run, for the figures of docs/reliability.md; it measures nothing itself."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

VARIABLE = "PHARMAGRAPH_TEST_RECORD"
"""Names a file; `python -m benchmarks.reliability` reads it."""


@cache
def _commit() -> str:
    """Of the code that is tested; a plus tells that files were changed since."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def record(campaign: str, **figures: str | int | float) -> None:
    """Append the figures of a campaign as a line of JSON, where somebody asked for them."""
    if file := os.environ.get(VARIABLE):
        row = {
            "campaign": campaign,
            **figures,
            "commit": _commit(),
            "day": datetime.now(UTC).date().isoformat(),
        }
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
