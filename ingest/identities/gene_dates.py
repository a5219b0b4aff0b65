"""Tells which gene a date was before a spreadsheet changed it: 2-Sep was SEPT2, which is SEPTIN2 now.

Source: Ziemann, Eren and El-Osta, Gene name errors are widespread in the scientific literature, Genome Biol. 17 (2016)
177; the symbols of today: HGNC, which renamed them in 2020 for this reason.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

FORMER = {
    **{f"MARCHF{n}": f"MARCH{n}" for n in range(1, 12)},
    "MTARC1": "MARC1",
    "MTARC2": "MARC2",
    **{f"SEPTIN{n}": f"SEPT{n}" for n in (*range(1, 13), 14)},
    "SELENOF": "SEP15",
    "DELEC1": "DEC1",
}
"""Symbol → the former one, which spreadsheets read as a date. SEPT13 was a pseudogene."""

HINTS = {(10, 4): "POU5F1, once OCT4"}
"""Month and day → what else may have been meant: an alias, never a symbol."""

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WORDS = re.compile(
    rf"(?:(?P<n>\d{{1,2}})[-/. ]{{1,2}}(?P<m>{_MONTHS})[a-z]*\.?|(?P<m2>{_MONTHS})[a-z]*[-/. ]{{1,2}}(?P<n2>\d{{1,2}}))"
    r"(?:[-/. ]\d{2,4})?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")
_FIRST_DAY = date(1899, 12, 30)
_SERIALS = range(36_526, 55_153)
"""Days that spreadsheets count from 2000 to 2050."""

_FORM = re.compile(r"(MARCH|MARC|SEPT|SEP|DEC)(\d+)")
_MONTH_OF = {"MARCH": 3, "MARC": 3, "SEPT": 9, "SEP": 9, "DEC": 12}


def _by_day() -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for symbol, former in FORMER.items():
        parts = _FORM.fullmatch(former)
        assert parts is not None  # all of `FORMER` have this form
        found.setdefault((_MONTH_OF[parts[1]], int(parts[2])), []).append(symbol)
    return found


_BY_DAY = _by_day()


def days(text: str) -> list[tuple[int, int]]:
    """Month and day that a text may be a date of, in whatever year; none for a text that is no date."""
    if found := _WORDS.fullmatch(text):
        month = _MONTHS.split("|").index((found["m"] or found["m2"]).lower()[:3]) + 1
        return [(month, int(found["n"] or found["n2"]))]
    if found := _DIGITS.fullmatch(text):
        first, sign, second, last = int(found[1]), found[2], int(found[3]), int(found[4])
        if len(found[1]) == 4:
            pairs = [(second, last)]
        else:
            pairs = [(second, first)] if sign == "." else [(first, second), (second, first)]
        return list(dict.fromkeys(pair for pair in pairs if 1 <= pair[0] <= 12 and 1 <= pair[1] <= 31))
    return [] if (day := serial(text)) is None else [(day.month, day.day)]


def serial(text: str) -> date | None:
    """The day that a number is where spreadsheets store dates as numbers; None for another text."""
    if not (text.isascii() and text.isdecimal()) or int(text) not in _SERIALS:
        return None
    return _FIRST_DAY + timedelta(days=int(text))


def is_written_date(text: str) -> bool:
    """Whether a text is a date in words or digits; a number that may be one is none."""
    return bool(_WORDS.fullmatch(text) or _DIGITS.fullmatch(text))


def symbols(text: str) -> list[str]:
    """The genes that a date may have been; none for a text that is no date, or a date that was no gene."""
    return sorted({symbol for day in days(text) for symbol in _BY_DAY.get(day, ())})


def meant(text: str) -> str:
    """A phrase that names the genes that a date may have been, in brackets; empty for none."""
    genes = symbols(text)
    if genes:
        said = f"{' or '.join(genes)}, once {' and '.join(FORMER[g] for g in genes)}"
    else:
        said = next((HINTS[day] for day in days(text) if day in HINTS), "")
    return f" ({said}?)" if said else ""
