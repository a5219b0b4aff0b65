"""Keeps the rows of `cli suggest --replay` in a folder, one file a data set, and sums them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import InputError
from pharmagraph.model.evaluation.replay import reached
from pharmagraph.model.metrics.significance import mean_interval
from pharmagraph.model.reports import kept_rows
from pharmagraph.model.reports.kept_rows import Kept

OTHERWISE = "no replay; make one: cli suggest --replay"

RESAMPLES = 2_000
"""Of seeds, for intervals."""

Replayed = Kept
"""`Kept` with ``about``: data set, slice and rounds."""


def keep(folder: Path, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, command: str) -> Path:
    """Write rows into a folder, in the place of earlier ones of the same seeds and ways; returns the file."""
    words = [about["dataset"], *([f"after {about['known']}"] if about["known"] else []), about["task"]]
    path = kept_rows.file_of(folder, words)
    before = kept_rows.stored(path)
    if before is not None and before["about"] != dict(about):
        raise InputError(f"{path} holds a replay of another slice or other rounds; give another --folder")
    return kept_rows.keep(path, rows, key=("by", "seed"), of={"about": dict(about)}, command=command)


def read(folder: Path) -> list[Replayed]:
    """All replays of a folder, by name of their files.

    Raises
    ------
    InputError
        If there are none.
    """
    return kept_rows.read(folder, otherwise=OTHERWISE)


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
