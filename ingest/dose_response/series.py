"""Reads the points of a file, whose columns tell what it is: a table of one's own, or raw data of GDSC."""

from __future__ import annotations

from pathlib import Path

from pharmagraph.ingest.dose_response import gdsc_raw, points
from pharmagraph.ingest.dose_response.figures import Series
from pharmagraph.ingest.dose_response.units import ValueUnit
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, shown
from pharmagraph.kg.wording import named


def read(
    path: Path, *, unit: str | None = None, value_unit: ValueUnit | None = None, compounds: Path | None = None
) -> tuple[list[Series], list[str]]:
    """A series for each drug on each cell line, and what was taken for what.

    Parameters
    ----------
    path, unit, value_unit
        As in `points.read`.
    compounds
        As in `gdsc_raw.read`.

    Raises
    ------
    InputError
        As in these, and if an option is of no use for the file.
    RowError
        As in these.
    """
    with records(existing(path, what="a table of dose–response points is needed")) as table:
        is_raw = gdsc_raw.is_raw(table.header)
    useless = {"unit": unit, "value_unit": value_unit} if is_raw else {"compounds": compounds}
    for name, given in useless.items():
        if given is not None:
            kind = "raw data of GDSC, which has its own units" if is_raw else "no raw data of GDSC"
            raise InputError(f"{shown(path)} is {kind}; leave {named(name)} out")
    return gdsc_raw.read(path, compounds) if is_raw else points.read(path, unit=unit, given=value_unit)
