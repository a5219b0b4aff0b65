"""Benchmarks: `python -m benchmarks.NAME [--rounds N] [--format table|json]`; one row format for all of them."""

from __future__ import annotations

from typing import TypedDict


class Row(TypedDict):
    """One timing.

    Attributes
    ----------
    case
        What was done, with its size.
    implementation
        Who did it.
    seconds
        Median of one repetition.
    rate
        Things done a second (edges, rows), as the benchmark says.
    peak_mb
        Memory above what the process held before, in 10^6 bytes; None where it could not be measured.
    round
        Implementations take turns; counts from 1.
    """

    case: str
    implementation: str
    seconds: float
    rate: float
    peak_mb: float | None
    round: int
