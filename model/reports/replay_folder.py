"""Keeps the rows of `cli suggest --replay` in a folder, one file a data set, and sums them up."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.model.evaluation.replay import learned
from pharmagraph.model.metrics.significance import mean_interval
from pharmagraph.model.reports.evaluation_folder import write_json

Replayed = dict[str, Any]
"""``about`` (data set, slice and rounds), ``commands`` and ``rows``."""


def keep(folder: Path, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, command: str) -> Path:
    """Write rows into a folder, in the place of earlier ones of the same seeds and ways; returns the file."""
    words = [about["dataset"], *([f"after {about['known']}"] if about["known"] else []), about["task"]]
    path = folder / f"{re.sub('[^A-Za-z0-9]+', '-', ' '.join(words)).strip('-')}.json"
    before: Replayed = (
        json.loads(path.read_text()) if path.exists() else {"about": about, "commands": [], "rows": []}
    )
    if before["about"] != dict(about):
        raise InputError(f"{path} holds a replay of another slice or other rounds; give another --folder")
    done = {(row["by"], row["seed"]) for row in rows}
    made = {
        "command": command, "commit": git_fingerprint(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    earlier = [row for row in before["rows"] if (row["by"], row["seed"]) not in done]
    commands = [one for one in before["commands"] if one["command"] != command]
    write_json(path, {"about": dict(about), "commands": [*commands, made], "rows": [*earlier, *rows]})
    return path


def read(folder: Path) -> list[Replayed]:
    """All replays of a folder, by name of their files.

    Raises
    ------
    InputError
        If there are none.
    """
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise InputError(f"{folder} holds no replay; make one: cli suggest --replay --folder {folder}")
    return found


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a way: means over seeds, with 95% intervals by resampling seeds.

    Returns
    -------
    list of dict
        ``by``; ``r2``, at the end; ``share`` of the measurements of random choice (None where a seed
        never got there), ``low`` and ``high``; ``area`` (mean
        R² over measurements), and ``over uncertainty``: how much larger it is than that of uncertainty alone, with
        ``from`` and ``to``.
    """
    found, end = learned([dict(row) for row in rows]), max(row["round"] for row in rows)
    of_way = {
        way: [row for row in found if row["by"] == way] for way in dict.fromkeys(row["by"] for row in found)
    }
    area = {way: np.array([row["area"] for row in of]) for way, of in of_way.items()}
    summed = []
    for way, of in of_way.items():
        r2 = float(np.mean([row["r2"] for row in rows if row["by"] == way and row["round"] == end]))
        share = np.array([row["share"] for row in of])
        low, high = _interval(share)
        more = area[way] - area["uncertainty"]
        least, most = _interval(more)
        summed.append({
            "by": way, "r2": r2, "share": float(share.mean()) if np.isfinite(share).all() else None, "low": low, "high": high,
            "area": float(area[way].mean()), "over uncertainty": float(more.mean()), "from": least, "to": most,
        })  # fmt: skip
    return summed


def _interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """An interval of the mean; None of infinite values, or of one."""
    if len(values) < 2 or not np.isfinite(values).all():
        return None, None
    return mean_interval(values)
