"""Keeps the rows of `cli evaluate-certainty` in a folder: one file a data set, split, task and part of the data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.reports import kept_rows
from pharmagraph.model.reports.kept_rows import Kept

OTHERWISE = "no rows of intervals; make some: cli evaluate-certainty"

Measurement = Kept
"""`Kept` with ``part``: of the data, in words, None where it is all of it."""


def keep(folder: Path, rows: Sequence[Row], *, command: str, part: str | None = None) -> Path:
    """Write rows into a folder, in the place of earlier ones of the same models and folds; returns the file."""
    first = rows[0]
    words = [first["dataset"], first["split"], first["task"], *([part] if part else [])]
    path = kept_rows.file_of(folder, words)
    return kept_rows.keep(path, rows, key=("model", "fold"), of={"part": part}, command=command)


def read(folder: Path) -> list[Measurement]:
    """All measurements of a folder, by name of their files.

    Raises
    ------
    InputError
        If there are none.
    """
    return kept_rows.read(folder, otherwise=OTHERWISE)
