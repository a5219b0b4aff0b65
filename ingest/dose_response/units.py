"""Tells the unit of concentrations and of viability from headers and values; a contradiction is refused."""

from __future__ import annotations

import re

import numpy as np

from pharmagraph.ingest.units import shares
from pharmagraph.ingest.units.concentrations import WRITTEN, Concentration
from pharmagraph.ingest.units.shares import folded
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.wording import named

ValueUnit = shares.Share

UNITS = tuple(log + unit for log in ("", "log10 ", "ln ") for unit in WRITTEN.values())

_DOSE = re.compile(r"(?P<log>log10|log|ln)?(?:dose|concentration|conc)(?P<unit>[pnum]?m)?")
_VALUE = re.compile(
    r"(?P<before>percent|pct|fraction)?(?:relative|cell)?(?:viability|value|survival)(?P<after>percent|pct|fraction)?"
)
_COUNT = re.compile(r"(?:cell)?counts?|(?:raw)?(?:signal|intensity|luminescence|fluorescence|absorbance)")


def is_dose(header: str) -> bool:
    """Whether a column's name is one of concentrations."""
    return _DOSE.fullmatch(folded(header)) is not None


def is_value(header: str) -> bool:
    """Whether a column's name is one of viability, or of counts."""
    return _VALUE.fullmatch(folded(header)) is not None or is_count(header)


def is_count(header: str) -> bool:
    """Whether a column's name is one of counts of cells or of a signal, which say nothing without a control."""
    return _COUNT.fullmatch(folded(header)) is not None


def dose_of(source: str, header: str, given: str | None) -> Concentration:
    """The unit of a column of concentrations.

    Parameters
    ----------
    source
        What messages call the file.
    header
        The column's name.
    given
        One of `UNITS`, or None to take it from the name.

    Raises
    ------
    InputError
        If neither says a unit, they contradict each other, or the logarithm's base is not said.
    """
    found = _DOSE.fullmatch(folded(header))
    assert found is not None  # it was chosen by `is_dose`
    log, unit = found["log"], found["unit"]
    if given is not None:
        if given not in UNITS:
            raise InputError(f'{named("unit")} "{given}" is none of {", ".join(UNITS)}')
        given_log, _, given_unit = given.rpartition(" ")
        said = (unit is not None and unit != given_unit.casefold()) or (
            log not in (None, "log", given_log or None)
        )
        if said or (log == "log" and not given_log):
            raise InputError(
                f'{source}: the column "{header}" contradicts {named("unit")} {given}; rename it, or give its unit'
            )
        log, unit = given_log or None, given_unit.casefold()
    if log == "log":
        raise InputError(
            f'{source}: the column "{header}" does not say the base of its logarithm; call it log10_conc_M or '
            f"ln_conc_uM, or give {named('unit')} as in log10 M"
        )
    if unit is None:
        raise InputError(
            f'{source}: the column "{header}" says no unit; call it {header}_uM or {header}_nM, or give '
            f"{named('unit')} (one of {', '.join(UNITS)})"
        )
    return Concentration.of(log or "", unit)


def value_unit(source: str, header: str, values: np.ndarray, given: ValueUnit | None) -> ValueUnit:
    """Whether viability is in fractions or in percent of the control.

    Parameters
    ----------
    source
        What messages call the file.
    header
        The column's name, such as ``viability_percent``.
    values
        All of them, not empty.
    given
        What the user says; None to tell it from the name and the values.

    Raises
    ------
    InputError
        If the name contradicts the values, or neither tells.
    """
    if given is not None:
        return given
    found = _VALUE.fullmatch(folded(header))
    high = shares.high(values)
    by_values = shares.by_values(values)
    by_name = shares.by_word((found["before"] or found["after"]) if found is not None else None)
    way = f"rename it, or give {named('value_unit')} fraction or percent"
    if by_name is not None and by_values is not None and by_name != by_values:
        raise InputError(
            f'{source}: the column "{header}" says {by_name}, and nine in ten of its values are at most {high:g}, as '
            f"of {'fractions' if by_values == 'fraction' else 'percentages'}; {way}"
        )
    if by_name is None and by_values is None:
        raise InputError(
            f'{source}: nine in ten values of the column "{header}" are at most {high:g}, which may be fractions or '
            f"percentages of the control; {way}"
        )
    return by_name or by_values or "fraction"
