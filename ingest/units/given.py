"""Reads what a user says of units, as in ``ic50=nM``, and says how to write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pharmagraph.ingest.units.concentrations import WRITTEN, named
from pharmagraph.kg import wording
from pharmagraph.kg.errors import InputError

Given = Mapping[str, str]
"""Measure → unit, a key and one of the values of `MEASURES`; of IC50 a unit as `concentrations.named` reads it."""

NOTHING_SAID: Given = {}

MEASURES: dict[str, tuple[str, ...]] = {
    "ic50": (*WRITTEN.values(), "ln_uM", "log10_M", "pIC50"),
    "auc": ("fraction", "percent", "area"),
    "expression": ("log2", "tpm", "counts", "linear", "z"),
}
"""Measure → its units; of IC50 those that are named in messages: any logarithm of any unit will do."""


def given(units: Mapping[str, str] | Sequence[str] | str) -> dict[str, str]:
    """Units by measure.

    Parameters
    ----------
    units
        A mapping, or texts such as ``ic50=nM``.

    Raises
    ------
    InputError
        If a measure or a unit is not known, or a measure is there twice.
    """
    if isinstance(units, Mapping):
        pairs = list(units.items())
    else:
        texts = [units] if isinstance(units, str) else list(units)
        pairs = [(measure, unit) for measure, _, unit in (text.partition("=") for text in texts)]
    found: dict[str, str] = {}
    for measure, unit in pairs:
        key = measure.strip().casefold()
        if key not in MEASURES:
            raise InputError(
                f'{wording.named("units")} "{measure}" is not a measure with a unit; write {way("ic50", "nM")}, and in '
                f"place of ic50 {' or '.join(list(MEASURES)[1:])}"
            )
        if key in found:
            raise InputError(f"{wording.named('units')} says the unit of {key} twice; keep one")
        found[key] = _known(key, unit.strip())
    return found


def _known(measure: str, unit: str) -> str:
    units = MEASURES[measure]
    if measure == "ic50":
        said = named(unit)
        if said is not None and said.known is not None:
            return said.text
    elif unit.casefold() in units:
        return unit.casefold()
    raise InputError(
        f'{wording.named("units")}: "{unit}" is no unit of {measure}; it is one of {", ".join(units)}'
    )


def way(measure: str, unit: str) -> str:
    """How to say a unit: ``--unit ic50=nM``."""
    return wording.option("units", f"{measure}={unit}")
