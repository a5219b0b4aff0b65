"""The learning curve of a run, read from the steps of its training in the run's folder; torch is not loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.steps import LOG
from pharmagraph.model.runs.folder import checked

EPOCH = "epoch"
"""Name of the step that an epoch is."""


def learning_curve(folder: Path) -> list[dict[str, Any]]:
    """The figure of each network on its inner fold, by epoch; empty where the folder does not have it.

    Parameters
    ----------
    folder
        The run's.

    Returns
    -------
    list of dict
        ``network`` and ``epoch``, both from 1, ``figure`` (AUROC, or R² of ln IC50) and ``seconds`` of it. Epochs
        without a figure are left out.
    """
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
        rows = [row for line in lines if (row := json.loads(line)).get("step") == EPOCH]
        return [
            {
                "network": row["member"],
                "epoch": row["epoch"],
                "figure": row["figure"],
                "seconds": row["seconds"],
            }
            for row in rows
            if "figure" in row
        ]
    except (OSError, ValueError, KeyError, AttributeError):  # written by hand, or by another version
        return []


def figure_of(folder: Path) -> str:
    """What the figure of a run's learning curve is called."""
    try:
        return "R² of ln IC50" if checked(folder)["task"] == "regression" else "AUROC"
    except (ModelError, KeyError):
        return "AUROC or R²"
