"""Benchmarks with one row format for all: `python -m benchmarks.NAME [--rounds N] [--format table|json]`."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Row(TypedDict):
    """One timing.

    Attributes
    ----------
    case
        What was timed, and its size.
    implementation
        Name of the implementation.
    seconds
        Median time of one repetition.
    rate
        Edges, pairs or rows per second; each benchmark says which.
    peak_mb
        Peak memory above that before the work, in 10^6 bytes; None if it could not be measured.
    processor
        Seconds of all cores together; beside those of the clock they say whether the machine was busy.
    round
        Number of the round, from 1; implementations take turns within a round.
    """

    case: str
    implementation: str
    seconds: float
    rate: float
    peak_mb: float | None
    processor: NotRequired[float | None]
    round: int
