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
from pharmagraph.model.evaluation.replay import reached
from pharmagraph.model.metrics.significance import mean_interval
from pharmagraph.model.reports.evaluation_folder import write_json

RESAMPLES = 2_000
"""Of seeds, for intervals."""

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
    """A row a way, with 95% intervals by resampling seeds.

    Measurements are read off the mean curves over seeds: single curves are flat and rough at the end, and some never
    get where that of random choice ends.

    Returns
    -------
    list of dict
        ``by``; ``r2``, at the end, mean over seeds; ``share``: measurements for what random choice reaches at the end,
        of those that it has then, ``low`` and ``high``, each None where it is not reached; ``area`` (mean R² over
        measurements), and ``over uncertainty``: how much larger it is than that of uncertainty alone, with ``from`` and
        ``to``.
    """
    curves, measured = _curves(rows)
    n_seeds = len(curves["random"])
    draws = np.random.default_rng(0).integers(0, n_seeds, (RESAMPLES, n_seeds))
    area = {way: np.trapezoid(of, measured, axis=1) / np.ptp(measured) for way, of in curves.items()}
    summed = []
    for way, of in curves.items():
        share = _share(of.mean(0), curves["random"].mean(0), measured)
        of_draws = [_share(of[draw].mean(0), curves["random"][draw].mean(0), measured) for draw in draws]
        more = area[way] - area["uncertainty"]
        low, high = (
            np.quantile(of_draws, [0.025, 0.975], method="nearest") if n_seeds > 1 else (np.inf, np.inf)
        )
        least, most = mean_interval(more) if n_seeds > 1 else (None, None)
        summed.append({
            "by": way, "r2": float(of[:, -1].mean()), "share": _finite(share), "low": _finite(low),
            "high": _finite(high), "area": float(area[way].mean()), "over uncertainty": float(more.mean()),
            "from": least, "to": most,
        })  # fmt: skip
    return summed


def _curves(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Way → R² after each round of each seed, (n_seeds, n_rounds), and measurements, (n_rounds,)."""
    measured = sorted({row["measured"] for row in rows})
    seeds = sorted({row["seed"] for row in rows})
    at = {(row["by"], row["seed"], row["measured"]): row["r2"] for row in rows}
    ways = list(dict.fromkeys(row["by"] for row in rows))
    return {way: np.array([[at[way, s, n] for n in measured] for s in seeds]) for way in ways}, np.array(
        measured
    )


def _share(curve: np.ndarray, at_random: np.ndarray, measured: np.ndarray) -> float:
    goal = float(at_random[-1])
    return reached(measured, curve, goal) / reached(measured, at_random, goal)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
