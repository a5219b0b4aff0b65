"""The lines of a file of text, one after the other, with their numbers; lines can be given back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TextIO

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import LONGEST


class Lines:
    """The lines of a file.

    Attributes
    ----------
    number
        Of the last line.
    """

    def __init__(self, file: TextIO, called: str, largest: int | None) -> None:
        self._file, self._called, self._left, self._largest = file, called, largest, largest
        self._returned: deque[str] = deque()
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number += 1
        if self._returned:
            return self._returned.popleft()
        line = self._file.readline(LONGEST)
        if not line:
            self.number -= 1
            raise StopIteration
        if len(line) == LONGEST:
            raise InputError(f"{self._called}, row {self.number}, has {LONGEST:,} characters; it is no table")
        if self._left is not None:
            self._left -= len(line)
            if self._left < 0:
                raise InputError(
                    f"{self._called} has more than {self._largest:,} characters; give a smaller table"
                )
        return line.rstrip("\n")

    def give_back(self, lines: Sequence[str]) -> None:
        """The lines come again, in this order."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)
