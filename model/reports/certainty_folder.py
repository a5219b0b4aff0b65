"""Keeps the rows of `cli evaluate-certainty` in a folder: one file a data set, split, task and part of the data."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.reports.evaluation_folder import write_json

Measurement = dict[str, Any]
"""``commands`` (each with ``command``, ``commit`` and ``machine``), ``part`` (of the data, in words, None where it is
all of it) and ``rows``."""


def keep(folder: Path, rows: Sequence[Row], *, command: str, part: str | None = None) -> Path:
    """Write rows into a folder, in the place of earlier ones of the same models and folds; returns the file."""
    first = rows[0]
    words = [first["dataset"], first["split"], first["task"], *([part] if part else [])]
    path = folder / f"{re.sub('[^A-Za-z0-9]+', '-', ' '.join(words)).strip('-')}.json"
    before: Measurement = json.loads(path.read_text()) if path.exists() else {"commands": [], "rows": []}
    done = {(row["model"], row["fold"]) for row in rows}
    made = {
        "command": command, "commit": git_fingerprint(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    earlier = [row for row in before["rows"] if (row["model"], row["fold"]) not in done]
    commands = [one for one in before["commands"] if one["command"] != command]
    write_json(path, {"commands": [*commands, made], "part": part, "rows": [*earlier, *rows]})
    return path


def read(folder: Path) -> list[Measurement]:
    """All measurements of a folder, by name of their files.

    Raises
    ------
    InputError
        If there are none.
    """
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise InputError(
            f"{folder} holds no rows of intervals; make some: cli evaluate-certainty --folder {folder}"
        )
    return found
