"""Tells fractions from percentages, by a name and by values."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Share = Literal["fraction", "percent"]

FRACTIONS, PERCENTS = 2.0, 20.0
"""Nearly all fractions are below the first, and some of nearly all percentages above the second."""
LARGEST_FRACTION = 5.0
"""A larger value is no fraction of the control."""

_PERCENT = {"percent", "pct"}


def folded(header: str) -> str:
    """A column's name in small letters, without punctuation, with words for signs."""
    text = header.replace("%", "percent").replace("µ", "u").replace("μ", "u").casefold()
    return "".join(c for c in text if c.isalnum())


def by_word(word: str | None) -> Share | None:
    """What ``percent``, ``pct`` or ``fraction`` in a name says."""
    return None if word is None else "percent" if word in _PERCENT else "fraction"


def high(values: npt.NDArray[np.float64]) -> float:
    """The value that nine in ten are at most."""
    return float(np.quantile(values, 0.9, method="lower"))


def by_values(values: npt.NDArray[np.float64]) -> Share | None:
    """What the values must be; None where they may be either."""
    found = high(values)
    return "fraction" if found <= FRACTIONS else "percent" if found >= PERCENTS else None
