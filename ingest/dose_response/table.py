"""Writes fitted curves as a table that `cli ingest tables` reads as ``responses.csv``."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pharmagraph.ingest.dose_response.figures import FLAGS, Fitted
from pharmagraph.kg.folders import whole

COLUMNS = (
    "drug", "cell_line", "ln_ic50", "censored", "bound", "auc", "e_inf", "hill", "r2", "ln_gi50", "ln_tgi", "ln_lc50",
    "ln_gr50", "gr_max", "gr_aoc", "n_points",
    "lowest_uM", "highest_uM", "flags",
)  # fmt: skip


def row(curve: Fitted) -> dict[str, Any]:
    """A curve by `COLUMNS`; numbers have six digits, flags are joined by semicolons."""
    values = asdict(curve) | {"flags": ";".join(curve.flags)}
    values |= {"lowest_uM": values.pop("lowest"), "highest_uM": values.pop("highest")}
    return {c: float(f"{v:.6g}") if isinstance(v := values[c], float) else v for c in COLUMNS}


def write(path: Path, curves: Sequence[Fitted]) -> list[Fitted]:
    """Write the curves that were fitted; returns the others, which have too few points to be a response."""
    usable = [curve for curve in curves if curve.auc is not None]
    with whole(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row, usable))
    return [curve for curve in curves if curve.auc is None]


def counts(curves: Sequence[Fitted]) -> list[dict[str, Any]]:
    """How many curves have each flag, and how many have none."""
    of_flag = Counter(flag for curve in curves for flag in curve.flags)
    known = sum(curve.ln_ic50 is not None for curve in curves)
    return [
        {"curves": "all", "count": len(curves)},
        {"curves": "with an IC50 inside the tested concentrations", "count": known},
        {"curves": "without a flag", "count": sum(not curve.flags for curve in curves)},
        *({"curves": flag, "count": of_flag[flag]} for flag in FLAGS),
    ]
