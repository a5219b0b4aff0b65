"""Lays rows out as text for a terminal of any width and encoding; numbers are never cut. `kg.console` prints it."""

from __future__ import annotations

import codecs
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

WHOLE = 30
"""Width in characters up to which a word is not broken."""
HEADING_LINES = 3
"""Most lines of a column's heading."""
GAP = "  "
SIGNS = {
    "→": "->", "←": "<-", "…": "...", "·": "-", "–": "-", "—": "-", "─": "-", "━": "-", "−": "-", "×": "x",
    "≥": ">=", "≤": "<=", "µ": "u", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
"""What is printed for a sign that the terminal's encoding lacks; other signs become ``?``."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that turn the direction of what follows, and bytes of a file's name that are no text."""


def replace_signs(stream: Any) -> None:
    """Let a text stream write `SIGNS` for what its encoding lacks, in place of failing."""
    codecs.register_error("pharmagraph_signs", _replacement)
    if hasattr(stream, "reconfigure"):  # a stream of another kind, as in tests, holds all of Unicode
        stream.reconfigure(errors="pharmagraph_signs")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SIGNS.get(sign, "?") for sign in lacking), error.end


def lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int | None
) -> list[str]:
    """A table if it fits into the width, or else a block of lines for each row.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells; control characters in them are replaced.
    numeric
        Which columns hold numbers: they are right-aligned and never broken.
    width
        Of the terminal in characters; None for a line a row, however wide.
    """
    clean = [[one_line(cell) for cell in row] for row in rows]
    widths = _widths(columns, clean, numeric, width) or _widths(
        columns, clean, numeric, width, whole_first=False
    )
    if widths is None:
        assert width is not None  # without a limit every table fits
        return _blocks(columns, clean, width)
    headings = [_heading(c, w) for c, w in zip(columns, widths, strict=True)]
    table = _line_up(headings, widths, numeric, bottom=True)
    table.append("─" * (sum(widths) + len(GAP) * (len(widths) - 1)))
    for row in clean:
        table += _line_up([wrapped(c, w) for c, w in zip(row, widths, strict=True)], widths, numeric)
    return table


def _widths(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    width: int | None,
    *,
    whole_first: bool = True,
) -> list[int] | None:
    """The width of each column, or None if the narrowest table is too wide.

    The first column names the row: with ``whole_first`` it is on one line where it is short.
    """
    natural, least = [], []
    for at, column in enumerate(columns):
        cells = [row[at] for row in rows]
        longest = max(map(width_of, cells), default=0)
        natural.append(max(longest, width_of(column)))
        if numeric[at] or (at == 0 and whole_first and longest <= WHOLE):
            narrow = longest
        else:
            words = (width_of(word) for cell in cells for word in cell.split())
            narrow = max(min(max(words, default=0), WHOLE), min(longest, WHOLE // 2))
        heading = next(
            w
            for w in range(max(map(width_of, _words(column))), 1_000)
            if len(_heading(column, w)) <= HEADING_LINES
        )
        least.append(max(narrow, heading, 1))
    if width is None:
        return natural
    spare = width - sum(least) - len(GAP) * (len(columns) - 1)
    if spare < 0:
        return None
    widths = least
    while spare and (short := [at for at, w in enumerate(widths) if w < natural[at]]):
        widths[max(short, key=lambda at: natural[at] / widths[at])] += 1
        spare -= 1
    return widths


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """For each row its first cell, and below it a line for each other cell that is not empty."""
    names = max((width_of(c) for c in columns[1:]), default=0)
    found: list[str] = []
    for row in rows:
        found += ["", *wrapped(row[0], width)]
        for name, cell in zip(columns[1:], row[1:], strict=True):
            if not cell:
                continue
            label = f"  {padded(name, names, right=False)}  "
            if len(label) + min(width_of(cell), WHOLE) <= width:
                first, *others = wrapped(cell, width - len(label))
                found += [label + first, *(" " * len(label) + line for line in others)]
            else:
                found += ["  " + line for line in _heading(name, width - 2)]
                found += ["    " + line for line in wrapped(cell, max(width - 4, 1))]
    return found[1:]


def _line_up(
    cells: Sequence[list[str]], widths: Sequence[int], numeric: Sequence[bool], *, bottom: bool = False
) -> list[str]:
    height = max(map(len, cells))
    filled = [[""] * (height - len(c)) + c if bottom else c + [""] * (height - len(c)) for c in cells]
    return [
        GAP.join(
            padded(cell[at], w, right=n) for cell, w, n in zip(filled, widths, numeric, strict=True)
        ).rstrip()
        for at in range(height)
    ]


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text that is broken between words, and within those that are too long."""
    if width_of(text) <= width:
        return [text]
    if text.isascii():
        return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    found = [""]  # `textwrap` counts signs, of which some take two columns
    for word in text.split():
        if found[-1] and width_of(f"{found[-1]} {word}") <= width:
            found[-1] += f" {word}"
            continue
        found += [""] * bool(found[-1])
        for sign in word:
            if width_of(found[-1] + sign) > width:
                found.append("")
            found[-1] += sign
    return found


def padded(text: str, width: int, *, right: bool) -> str:
    """A text filled up with blanks; with ``right``, before it."""
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def _words(heading: str) -> list[str]:
    """The parts between which a heading may be broken: behind a blank or an underscore."""
    return [word.rstrip() for word in re.findall(r"[^ _]*[ _]*", heading) if word] or [""]


def _heading(text: str, width: int) -> list[str]:
    if width_of(text) <= width:
        return [text]
    found = [""]
    for word in _words(text):
        glue = "" if not found[-1] or found[-1].endswith("_") else " "
        if found[-1] and width_of(found[-1] + glue + word) > width:
            found.append(word)
        else:
            found[-1] += glue + word
    return found


def width_of(text: str) -> int:
    """Columns of a terminal that a text takes: East Asian signs take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def one_line(text: str) -> str:
    """A text on one line, without characters that would steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[\n\r\t]+", " ", text))
