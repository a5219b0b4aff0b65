"""Shows how a run's predictions fared: the rows of `cli runs calibration`, and the reliability diagram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import picture_file
from pharmagraph.model.certainty.drift import Drift
from pharmagraph.model.certainty.outcomes import (
    COLUMNS,
    GROUPS,
    ORIGINS,
    Outcomes,
    Row,
    by_group,
    overall,
    reliability_rows,
)

DRIFT_COLUMNS = ("before", "later", "difference_low", "difference_high")


def columns(of: Outcomes) -> tuple[str, ...]:
    """Columns of all rows together."""
    metric = "calibration_error" if of.task == "classification" else "rmse"
    return (*COLUMNS, metric, "bias", *DRIFT_COLUMNS)


def sections(of: Outcomes, by: str | None, least: int) -> Iterator[tuple[str, list[Row], int]]:
    """Title, rows, and number of groups that were too small, of each table.

    Parameters
    ----------
    by
        One of `GROUPS`; all of them unless given.
    least
        Measurements that a group needs.
    """
    yield title(of), overall(of), 0
    if rows := reliability_rows(of):
        of_classes = of.task == "classification"
        what = "Sensitive: predicted and observed share" if of_classes else "Inside: stated and held share"
        yield what, rows, 0
    for name in GROUPS if by is None else (by,):
        rows, few = by_group(of, name, least)
        yield f"By {name}, the least covered first", rows, few


def title(of: Outcomes) -> str:
    """What stands above the first table."""
    if of.task == "classification":
        return (
            f"{of.run_id}: classes measured beside predictions\n"
            "held: the class was in the prediction set; bias: measured less predicted share"
        )
    return (
        f"{of.run_id}: ln IC50 measured beside predictions, in ln µmol/l\n"
        "held: the value was inside the interval; bias: measured less predicted, mean"
    )


def shown(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The figures that fit beside each other into a terminal; the interval of the held share stands in one cell."""
    found = []
    for row in rows:
        more = {
            name: round(row[key], 2)
            for key, name in (("rmse", "rmse"), ("calibration_error", "cal_error"), ("bias", "bias"))
            if key in row
        }
        first = "bin" if row["by"] == "reliability" else row["by"]
        found.append(
            {
                first: row["group"], "n": row["n"], "stated": round(row["stated"], 3), "held": round(row["held"], 3),
                "95%": f"{row['held_low']:.3f}–{row['held_high']:.3f}", **more,
            }
        )  # fmt: skip
    return found


def all_rows(of: Outcomes, drift: Drift, by: str | None, least: int) -> list[Row]:
    """The rows of all tables and of the drift, for a program."""
    return [row for _, rows, _ in sections(of, by, least) for row in rows] + drift.rows()


def write_picture(path: Path, of: Outcomes) -> None:
    """Write the reliability diagram, with a line for all measurements and one for each origin that there is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    parts = [(name, of.origin == name) for name in ORIGINS if (of.origin == name).any()]
    if len(parts) > 1:
        parts.insert(0, ("all", np.ones(len(of), bool)))
    for name, which in parts:
        rows = reliability_rows(of, which)
        if not rows:
            continue
        stated, held = ([row[key] for row in rows] for key in ("stated", "held"))
        ends = [
            [max(row["held"] - row["held_low"], 0) for row in rows],
            [max(row["held_high"] - row["held"], 0) for row in rows],
        ]
        label = f"{name} ({int(which.sum()):,})"
        axes.errorbar(stated, held, ends, marker="o", markersize=4, linewidth=1.2, capsize=2, label=label)
    classes = of.task == "classification"
    axes.set(
        xlabel="calibrated probability" if classes else "stated level of the interval",
        ylabel="share sensitive" if classes else "share inside the interval", xlim=(0, 1), ylim=(0, 1),
    )  # fmt: skip
    axes.set_title(of.run_id, parse_math=False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="upper left")
    picture_file.write(figure, path)
