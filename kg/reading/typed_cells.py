"""Writes cells that have types, of workbooks and Parquet files, as a table of text would have them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def text_of(value: Any) -> str:
    """The text of a cell: no value is empty, a whole number has no point, and a date is as spreadsheets show it.

    A day has its month in letters (``1-Mar-2026``), so that it is known as a date wherever a symbol or a number is
    needed.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, date):  # a datetime is one, too
        day = f"{value.day}-{_MONTHS[value.month - 1]}-{value.year}"
        clock = f" {value.time()}" if isinstance(value, datetime) and any(value.timetuple()[3:6]) else ""
        return day + clock
    return str(value)
