"""Reads pasted compounds: a line each, a name of a drug, or a SMILES that a blank and a name may follow.

They become the table that `cli predict --drugs` reads, so that both predict the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pharmagraph.kg import structures
from pharmagraph.kg.errors import AmbiguousNameError
from pharmagraph.kg.names import Names

_ROW = re.compile(r"\brow (\d+)\b")


@dataclass(frozen=True)
class Compounds:
    """Pasted compounds as a table.

    Attributes
    ----------
    rows
        ``drug`` and ``smiles`` of each; one of both may be empty.
    lines
        The line of each, counted from 1.
    notes
        What was read as a structure and might be meant as a name.
    """

    rows: Sequence[tuple[str, str]]
    lines: Sequence[int]
    notes: Sequence[str] = ()

    @property
    def csv(self) -> str:
        """The table, with a header."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("drug", "smiles"), *self.rows])
        return text.getvalue()

    def in_lines(self, message: str) -> str:
        """A message about the table that says which line was meant."""
        return _ROW.sub(lambda found: f"line {self._line(int(found[1]))}", message)

    def _line(self, row: int) -> int:
        return self.lines[row - 2] if 2 <= row < len(self.lines) + 2 else row


def read(text: str, names: Names) -> Compounds:
    """The compounds of a text; what a line means is decided by whether it is a name as a whole."""
    found = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = [_row(line, names) for _, line in found]
    notes = [
        f"{smiles} is no name of a drug here, and is read as a structure"
        for drug, smiles in rows
        if not drug and structures.may_be_a_name(smiles)
    ]
    return Compounds(rows, [n for n, _ in found], notes)


def _row(line: str, names: Names) -> tuple[str, str]:
    first, _, rest = (line.replace("\t", " ", 1) if "\t" in line else line).partition(" ")
    if _is_name(line, names):
        return line, ""
    if not rest.strip():
        return ("", line) if structures.may_be_meant_as_structure(line) else (line, "")
    if structures.unreadable(first) and not structures.may_be_meant_as_structure(first):
        return line, ""
    return rest.strip(), first


def _is_name(text: str, names: Names) -> bool:
    try:
        return names.find(text) is not None
    except AmbiguousNameError:
        return True
