"""Splits cells that are bounds, as ``>10``, into a number and its side."""

from __future__ import annotations

from collections.abc import Sequence

from pharmagraph.kg.reading import numbers

CENSORED = "censored"
"""Column that says on which side of a bound the true value is."""


def with_sides(cells: Sequence[Sequence[str]], column: int, side: int) -> list[Sequence[str]]:
    """The cells with bounds as numbers, and their sides.

    A side that contradicts the file's own is put beside it, so that the word is refused.

    Parameters
    ----------
    cells
        Columns of one batch.
    column
        Position of the column that may have bounds.
    side
        Position of the column `CENSORED`; -1 where the file has none, which then becomes the last.
    """
    found = {
        row: split
        for row, text in enumerate(cells[column])
        if text.lstrip()[:1] in numbers.SIDES and (split := numbers.bound(text))
    }
    changed = list(cells) if side >= 0 else [*cells, [""] * len(cells[column])]
    if found:
        numeric, sides = list(changed[column]), list(changed[side])
        for row, (value, word) in found.items():
            numeric[row] = repr(value)
            sides[row] = word if sides[row].lower() in ("", word) else f"{sides[row]} and {word}"
        changed[column], changed[side] = numeric, sides
    return changed
