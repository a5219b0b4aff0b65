"""Reads the expression profile of a cell line that is not in the graph."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from pharmagraph.kg import user_tables
from pharmagraph.kg.errors import RowError


def read_profile(path: Path) -> dict[str, float]:
    """A CSV file with the columns gene and z → gene symbol → z score (standard deviations).

    Raises
    ------
    InputError
        If the file is no text.
    RowError
        If a column is missing or a value is not a finite number; the row is named.
    """
    with user_tables.opened(path) as file:
        rows = csv.DictReader(file)
        for column in ("gene", "z"):
            if column not in (rows.fieldnames or ()):
                raise RowError(
                    str(path),
                    1,
                    column,
                    ", ".join(rows.fieldnames or ()),
                    "has no such column; give gene and z",
                )
        found = {}
        for number, row in enumerate(rows, start=2):
            try:
                value = float(row["z"])
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                raise RowError(str(path), number, "z", row["z"], "is not a finite number")
            found[row["gene"]] = value
    return found
