"""Says how many of a campaign were run, for the figures of docs/reliability.md; it measures nothing itself."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

VARIABLE = "PHARMAGRAPH_TEST_RECORD"
"""Names a file for the rows; `python -m benchmarks.reliability` sets and reads it."""
NOT_TESTED = (":!docs", ":!benchmarks")
"""Folders whose changes do not count."""


@cache
def commit() -> str:
    """Of the code as it is when this is first asked; a plus tells that it was changed since the commit."""
    git = ["git", "-C", str(Path(__file__).resolve().parent.parent)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ".", *NOT_TESTED], check=False)
    return head.stdout.strip() + "+" * (changed.returncode != 0)


if VARIABLE in os.environ:
    commit()  # a campaign begins, and works on what is imported now


def with_figures(text: str, begin: str, end: str, figures: str) -> str:
    """A page with other figures between two of its lines."""
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    assert found and ended, f"the page has no place for figures: {begin.strip()}"
    return head + begin + figures + end + tail


def today() -> str:
    """The day in UTC."""
    return datetime.now(UTC).date().isoformat()


def record(campaign: str, **figures: str | int | float) -> None:
    """Append the row of a campaign to a file, where somebody asked for it."""
    if file := os.environ.get(VARIABLE):
        row = {"campaign": campaign, **figures, "commit": commit(), "day": today()}
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
