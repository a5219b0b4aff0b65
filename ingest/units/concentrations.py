"""The table of units of concentrations: how they are written, and how their numbers become ln µmol/l."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOLAR = {"pm": 1e-6, "nm": 1e-3, "um": 1.0, "mm": 1e3, "m": 1e6}
"""Unit of a concentration in small letters → µmol/l."""

WRITTEN = {"pm": "pM", "nm": "nM", "um": "uM", "mm": "mM", "m": "M"}
"""Unit in small letters → as messages and options write it."""

BASES = {"": None, "ln": math.e, "log10": 10.0, "-log10": 10.0}
"""Logarithm → its base; that of pIC50 has the other sign."""

PIC50 = "pic50"
"""What the negative decadic logarithm of mol/l is called, in small letters."""

_WORDS = {
    "mol/l": "m", "moll": "m", "molar": "m", "mmol/l": "mm", "mmoll": "mm", "millimolar": "mm", "umol/l": "um",
    "umoll": "um", "mcm": "um", "micromolar": "um", "nmol/l": "nm", "nmoll": "nm", "nanomolar": "nm",
    "pmol/l": "pm", "pmoll": "pm", "picomolar": "pm",
}  # fmt: skip
_LOG = r"-\s*log_?10|neg_?log_?10|minus_?log_?10|-\s*log|log_?10|log|ln"
_TEXT = re.compile(rf"(?P<log>{_LOG})?[\s_(\[]*(?P<unit>[a-z/]*?)[\s_)\]]*")


@dataclass(frozen=True)
class Concentration:
    """How a column's numbers become ln µmol/l.

    Attributes
    ----------
    factor
        µmol/l in one unit.
    base
        Of the logarithm, or None where the column has concentrations.
    sign
        -1 where the logarithm has the other sign, as in pIC50.
    """

    factor: float
    base: float | None
    sign: int = 1

    @classmethod
    def of(cls, log: str, unit: str) -> Concentration:
        """Of a key of `BASES` and one of `MOLAR`."""
        return cls(MOLAR[unit], BASES[log], -1 if log.startswith("-") else 1)

    def ln_micromolar(self, value: float) -> float | None:
        """The natural logarithm of the concentration in µmol/l; None of a concentration that is not above 0."""
        if self.base is not None:
            return self.sign * value * math.log(self.base) + math.log(self.factor)
        return math.log(value) + math.log(self.factor) if value > 0 else None

    def ln_micromolars(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The same for many; NaN for NaN, and for concentrations that are not above 0."""
        if self.base is not None:
            return np.asarray(self.sign * values * math.log(self.base) + math.log(self.factor))
        above = np.where(values > 0, values, np.nan)
        return np.asarray(np.log(above) + math.log(self.factor))


@dataclass(frozen=True)
class Named:
    """A unit as a text names it.

    Attributes
    ----------
    log
        A key of `BASES`; ``log`` or ``-log`` where the base is not said, None where nothing is.
    unit
        A key of `MOLAR`, or None.
    """

    log: str | None
    unit: str | None

    @property
    def text(self) -> str:
        """As an option has it: ``nM``, ``ln_uM``, ``-log10_M``."""
        return "_".join(word for word in (self.log, WRITTEN.get(self.unit or "")) if word)

    @property
    def known(self) -> Concentration | None:
        """How its numbers become ln µmol/l, if the text says all of it."""
        if self.unit is None or self.log not in BASES:
            return None
        return Concentration.of(self.log, self.unit)


def folded(text: str) -> str:
    """A name in small letters, with ``u`` for µ and an ASCII minus."""
    return (
        re.sub("[\N{MINUS SIGN}\N{EN DASH}]", "-", text)
        .replace("µ", "u")
        .replace("μ", "u")
        .casefold()
        .strip()
    )


def named(text: str) -> Named | None:
    """The unit that a text is, such as ``nM``, ``ln µM``, ``-log10(M)`` or ``pIC50``; None if it is none."""
    text = folded(text)
    if text == PIC50:
        return Named("-log10", "m")
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    log, word = logarithm(found["log"]), found["unit"]
    unit = word if word in MOLAR else _WORDS.get(word)
    if (word and unit is None) or not (word or log):
        return None
    return Named("" if log is None and unit else log, unit)


def logarithm(text: str | None) -> str | None:
    """A logarithm as `BASES` writes it, without a base where the text says none; None for nothing."""
    if not text:
        return None
    return re.sub(r"[\s_]", "", text).replace("neg", "-").replace("minus", "-")


LOGS = _LOG
"""Pattern of a logarithm in a folded name."""
