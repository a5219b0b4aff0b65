"""Collects the rows of a file that cannot be predicted: they end the work with the first few named, or are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.wording import option
from pharmagraph.model.runs.asked import Note

NAMED = 3
"""Bad rows that are named; the others are counted."""


@dataclass
class BadRows:
    """The bad rows of one file.

    Attributes
    ----------
    path
        The file.
    what
        What its rows are, in the plural: ``molecules``, ``rows``, ``pairs``.
    reject
        Whether they are left out; otherwise they end the work.
    """

    path: Path
    what: str
    reject: bool
    n: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether as many are there as are named, so that reasons need not be looked for."""
        return len(self.named) >= NAMED

    def add(self, place: str, value: str, reason: str) -> None:
        """Add one: where it is, what it holds, and the reason as a sentence of its own."""
        self.n += 1
        if not self.enough:
            held = f' "{shortened(value)}"' if value and value not in reason else ""
            self.named.append(f"{place}{held}: {reason}")

    def told(self, n_good: int, note: Note) -> None:
        """Tell of the bad rows, beside a number of good ones.

        Raises
        ------
        InputError
            If there are bad ones and they are not to be left out, or no good one is left.
        """
        if not self.n:
            return
        more = f"; and {self.n - len(self.named):,} more" if self.n > len(self.named) else ""
        said = (
            f"{self.path}: {self.n:,} of {self.n + n_good:,} {self.what} cannot be predicted: "
            f"{'; '.join(self.named)}{more}"
        )
        if not n_good:
            raise InputError(f"{said}; none is left")
        if not self.reject:
            raise InputError(f"{said}; correct them, or leave them out with {option('reject_rows')}")
        note(f"{said}; left out")


class Told:
    """Passes the first few notes on and counts the others: a file gives as many as it has rows."""

    def __init__(self, note: Note, most: int = NAMED) -> None:
        self._note, self._most, self._n = note, most, 0

    def __call__(self, sentence: str) -> None:
        """Take one note."""
        self._n += 1
        if self._n <= self._most:
            self._note(sentence)

    def end(self, path: Path) -> None:
        """Say how many were not passed on."""
        if self._n > self._most:
            self._note(f"{path}: {self._n - self._most:,} more notes like these")
