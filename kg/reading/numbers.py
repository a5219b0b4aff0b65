"""Reads numbers as people write them. What is none is refused with the reason; words for no value are no value."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.reading.text import tidy

NO_VALUE = frozenset({"", "na", "n/a", "n.a.", "#n/a", "-", "--", "\u2013", "\u2014", "."})
"""Words for no value, in small letters."""

NO_NAME = frozenset(
    NO_VALUE
    | {"nan", "none", "null", "nil", "unknown", "true", "false", "#name?", "#ref!", "#value!", "<na>"}
)
"""Words, in small letters, that programs write where there is no name."""

PLAIN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""The pattern of a number as it is written; engines read more as one, such as 1d or 0x1p3."""
_NUMBER = re.compile(PLAIN)
_DECIMAL_COMMA = re.compile(r"([+-]?[0-9]*),([0-9]+)")
_CENSORED = re.compile(r"[<>≤≥~≈]")
SIDES = frozenset("<>≤≥")
"""Signs that a bound begins with."""
_BOUND = re.compile(r"(?P<side>[<>]=?|[≤≥])(?P<number>.*)")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{4}.*")
_UNIT = re.compile(
    r"[\[(]?(?:(?:ln|log10|log2|log)?[ _(]*[pnuµμm]?M\)?|[pnuµμm]?mol/[lL]|%|TPM|FPKM|RPKM|counts|a\.?u\.?)[\])]?"
)
_WITH_UNIT = re.compile(rf"(?P<sign>(?:[<>~]=?|[≤≥≈])?) ?(?P<number>{PLAIN}) ?(?P<unit>{_UNIT.pattern})")
_WITH_ERROR = re.compile(rf"(?P<number>{PLAIN}) ?(?:±|\+/-|\+-) ?{PLAIN}.*")
_NOT_MEASURED = re.compile(
    r"n\.?[dt]\.?|not (?:reached|determined|tested|available|measured)|missing|failed|\?",
    re.IGNORECASE,
)
MINUS = "\u2212"
"""The sign that typesetting has for a minus."""


NO_NUMBER = "is not a finite number"
"""What every reason begins with."""


class NotANumberError(ValueError):
    """A text that is no number; `str(error)` is the end of a sentence that begins with it."""

    def instead(self, expected: str) -> str:
        """The sentence's end with what is expected in place of a number, and the reason if one is known."""
        return instead(str(self), expected)


def instead(reason: str, expected: str) -> str:
    """A reason with what is expected in place of a number."""
    return expected + reason.removeprefix(NO_NUMBER)


def as_number(text: str) -> float | None:
    """The finite number that a text is, or None for no value.

    Raises
    ------
    NotANumberError
        With the reason.
    """
    tidied = tidy(text)
    if tidied.lower() in NO_VALUE:
        return None
    written = tidied.replace(MINUS, "-")
    if _NUMBER.fullmatch(written):
        value = float(written)
        if math.isfinite(value):
            return value
        raise NotANumberError(f"{NO_NUMBER}: it is too large")
    raise NotANumberError(f"{NO_NUMBER}{_reason(written)}")


def _reason(text: str) -> str:
    if comma := _DECIMAL_COMMA.fullmatch(text):
        return f": it has a decimal comma; write {comma[1] or '0'}.{comma[2]}"
    if united := _WITH_UNIT.fullmatch(text):
        number = f"{united['sign']}{united['number']}"
        return f": it has a unit behind the number; write {number}, and the unit in the column's name"
    if error := _WITH_ERROR.fullmatch(text):
        return f": it is a mean with its error; write {error['number']}"
    if _NOT_MEASURED.fullmatch(text):
        return ": leave the cell empty where there is no value"
    if _CENSORED.match(text):
        return ": it is censored, a bound of the value; give the value, or leave the cell empty"
    if _DATE.fullmatch(text):
        return ": it is a date, which a spreadsheet made of it; give the number, in cells of numbers"
    if _UNIT.fullmatch(text):
        return ": it is a unit; delete the row of units below the header"
    if text.startswith("="):
        return ": it is a formula without its value; open the file in a spreadsheet program and save it"
    if _INFINITE.fullmatch(text):
        return ": it is infinite; give the value, or leave the cell empty"
    return ""


def is_unit(text: str) -> bool:
    """Whether a text is the name of a unit, as in the row that some tables have below their header."""
    return _UNIT.fullmatch(text) is not None


def bound(text: str) -> tuple[float, str] | None:
    """The number and the side, ``above`` or ``below``, of a text such as ``>10``, or None where a text is no bound."""
    found = _BOUND.fullmatch(tidy(text))
    value = finite_number(found["number"]) if found else None
    if found is None or value is None:
        return None
    return value, "above" if found["side"][0] in ">≥" else "below"


def finite_number(text: str) -> float | None:
    """A finite number, or None where a text is none or no value."""
    try:
        return as_number(text)
    except NotANumberError:
        return None


def column(texts: Sequence[str]) -> tuple[npt.NDArray[np.float64], dict[int, str]]:
    """The numbers of a column, NaN for no value; and by position why a text is none.

    What is written plainly is read at once, the rest one by one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pa.array(texts, pa.string())
    plain = pc.match_substring_regex(cells, f"^{PLAIN}$")
    values = np.full(len(texts), np.nan)
    mask = plain.to_numpy(zero_copy_only=False)
    try:
        values[mask] = pc.cast(pc.utf8_ltrim(cells.filter(plain), "+"), pa.float64()).to_numpy()
    except pa.ArrowInvalid:  # a number beyond all bounds
        mask = np.zeros(len(texts), bool)
    mask &= np.isfinite(values)
    wrong: dict[int, str] = {}
    for at in np.flatnonzero(~mask).tolist():
        try:
            value = as_number(texts[at])
            values[at] = math.nan if value is None else value
        except NotANumberError as error:
            values[at], wrong[at] = math.nan, str(error)
    return values, wrong
