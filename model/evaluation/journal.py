"""A file of finished folds, one JSON object per line; an incomplete last line does no harm."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError
from pharmagraph.model.evaluation.plan import Row


def digest(value: Any) -> str:
    """A hash of eight characters, by which plans, data or models are told apart."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def entries(path: Path | None, key: Row | None = None) -> list[Row]:
    """The last entry of each fold and model in a file, of one plan or of all plans.

    A model that was fitted again because its preset changed has overwritten its predictions, so earlier entries do not
    count. An incomplete last line is ignored.

    Raises
    ------
    InputError
        If the path is a folder, or a file of something else, to which nothing may be appended.
    """
    found: dict[str, Row] = {}
    if path is None or not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = ["?"]
    if lines and not any(line.startswith("{") for line in lines):
        raise InputError(f"{path} is no file of finished folds; give a new one")
    wanted = json.loads(json.dumps(key))
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if key is None or entry["of"] == wanted:
            found[json.dumps([entry["of"], entry["fold"], entry["model"]], sort_keys=True)] = entry
    return list(found.values())


def append(path: Path | None, entry: Row) -> None:
    """Append a finished fold to the file."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(
            "\n" if path.stat().st_size and not path.read_text(encoding="utf-8").endswith("\n") else ""
        )
        file.write(json.dumps(entry) + "\n")
