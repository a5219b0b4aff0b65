"""Finished work, one JSON object a line, bears being cut off."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pharmagraph.model.evaluation.plan import Row


def digest(value: Any) -> str:
    """Eight characters that differ where plans, data or models do."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def entries(path: Path | None, key: Row | None = None) -> list[Row]:
    """The last word on each fold and model in a file, of one plan or of all.

    A model that was fitted again, since its preset changed, wrote over its predictions: what was said before is of none
    that are still there. The line that was being written at the end is none.
    """
    found: dict[str, Row] = {}
    if path is None or not path.is_file():
        return []
    wanted = json.loads(json.dumps(key))
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if key is None or entry["of"] == wanted:
            found[json.dumps([entry["of"], entry["fold"], entry["model"]], sort_keys=True)] = entry
    return list(found.values())


def append(path: Path | None, entry: Row) -> None:
    """Add a finished fold at once."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("\n" if path.stat().st_size and not path.read_text().endswith("\n") else "")
        file.write(json.dumps(entry) + "\n")
