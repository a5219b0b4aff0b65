"""Puts the bounds of censored responses in the place of their ln IC50; what contradicts itself is a bad row."""

from __future__ import annotations

import numpy as np

from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.rejections import Rejections

SIDES = {"above": 1, "below": -1}
"""What a cell of ``censored`` may say; 1 where the true value is above the bound."""

TOLERANCE = 1e-6
"""Difference in ln µmol/l up to which ``bound`` and ``ln_ic50`` of a censored response are one value."""


def sides(table: LongTable) -> np.ndarray:
    """Side of each response, int8 (n,): 1 above, -1 below, 0 where the value is known."""
    if "censored" not in table.texts:
        return np.zeros(len(table), np.int8)
    texts = table.texts["censored"]
    return np.array([*(SIDES.get(name.lower(), 0) for name in texts.names), 0], np.int8)[texts.codes]


def bounds_note(table: LongTable) -> tuple[str, ...]:
    """A sentence that counts the responses of which a bound is known; none where there is none."""
    side = sides(table)
    above, below = int((side > 0).sum()), int((side < 0).sum())
    if not above + below:
        return ()
    where = [f"{n:,} {word} the tested range" for n, word in ((above, "above"), (below, "below")) if n]
    are = "value is a bound" if above + below == 1 else "values are bounds"
    return (f"{above + below:,} {are} ({', '.join(where)})",)


def with_bounds(table: LongTable, rejections: Rejections) -> LongTable:
    """Responses whose ln IC50 is the bound where the column ``censored`` says above or below.

    Raises
    ------
    RowError
        At the first row that is censored without a bound, has a bound without a side, or two different bounds, unless
        rows are being rejected.
    """
    words, value, bound = table.texts["censored"], table.numbers["ln_ic50"], table.numbers["bound"]
    side = sides(table)
    censored, given = side != 0, ~np.isnan(bound)
    unknown = (words.codes >= 0) & ~censored
    differ = given & ~np.isnan(value) & (np.abs(bound - value) > TOLERANCE)
    faults = (
        (unknown, "censored", "is not above, below or empty"),
        (
            given & ~censored & ~unknown, "bound",
            "is a bound without a side; write above or below in the column censored, or leave it empty",
        ),
        (censored & differ, "bound", "is not the value in ln_ic50; a censored response has one of them"),
        (
            censored & ~given & np.isnan(value), "censored",
            "needs the bound; write it in the column ln_ic50 or bound",
        ),
    )  # fmt: skip
    good = np.ones(len(table), bool)
    for at in np.flatnonzero(np.logical_or.reduce([mask for mask, *_ in faults])).tolist():
        column, reason = next((column, reason) for mask, column, reason in faults if mask[at])
        text = words.cell(at) if column == "censored" else f"{bound[at]:g}"
        rejections.bad("TESTED_ON", table.file, int(table.lines[at]), column, text, reason)
        good[at] = False
    values = np.where(censored & given, bound, value)
    return LongTable(
        table.file,
        table.lines,
        table.texts,
        {**table.numbers, "ln_ic50": values},
        table.integers,
        table.notes,
    ).keep(good)
