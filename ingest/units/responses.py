"""Makes IC50s and areas those of the graph: ln µmol/l, and fractions of the tested range.

A unit is what the user says, or else what the column's name says; a column ``ln_ic50`` is in ln µmol/l. Values then
must be able to be in it. The rules of IC50s, where x is the concentration that a value would be:

impossible    x outside `POSSIBLE`. A few are bad rows, as a concentration of 0 is; more than `FEW` are another unit.
implausible   of `LEAST` values or more, unless the user and the column's name both say the unit: half of them on one
              side of `MEDIANS`; of ln µmol/l also no value below 0 and a tenth of them between 0 and 1, as of
              concentrations, or nearly all of them within `PIC50S`.

The responses of 529 of the 534 drugs of GDSC1 and GDSC2 pass the rule of medians each on their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.long_table import LongTable, Texts
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.units import columns, shares
from pharmagraph.ingest.units.concentrations import WRITTEN, Concentration, Named, named
from pharmagraph.ingest.units.given import Given, way
from pharmagraph.kg.errors import InputError

Floats = npt.NDArray[np.float64]

POSSIBLE = (1e-9, 1e9)
"""µmol/l: 1 fmol/l, and more than any liquid holds. Fitted curves of GDSC reach from 5e-5 to 5e5."""
MEDIANS = (1e-4, 1e3)
"""µmol/l between which the median of a screen is."""
PIC50S = (3.0, 12.0)
"""Where nearly all pIC50s are; IC50s of which none is below 20 µmol/l (ln 3) are rare."""
LEAST, FEW = 10, 0.05
"""Values that a distribution needs, and the share of impossible ones that may be mistakes."""

GRAPH, _PIC50 = Named("ln", "um"), Named("-log10", "m")
_FITTING = (
    *(Named("", unit) for unit in ("nm", "um", "m")),
    *(_PIC50, GRAPH, Named("ln", "nm"), Named("ln", "m")),
    *(Named("log10", unit) for unit in ("nm", "um", "m")),
)
"""Units that a message may suggest."""


def in_graph_units(table: LongTable, given: Given, rejections: Rejections) -> LongTable:
    """Responses in the graph's units, with a note on each column that was converted.

    Parameters
    ----------
    table
        Numbers ``ln_ic50`` and ``auc`` as the file has them, and its names of these columns in ``headers``.
    given
        Units by measure.
    rejections
        Collects values that are no concentration.

    Raises
    ------
    InputError
        If what the user says, the column's name and its values disagree, or no unit is said.
    RowError
        At the first value that is no concentration, unless rows are being rejected.
    """
    if "ln_ic50" in table.headers:
        table = _ic50(table, table.headers["ln_ic50"], given.get("ic50"), rejections)
    if "auc" in table.headers:
        table = _auc(table, table.headers["auc"], given.get("auc"))
    return table


def unit_said(file: str, header: str, given: str | None) -> tuple[Named, str] | None:
    """The unit of a column of IC50s, and what says it, empty for ``ln_ic50``; None where nothing says all of it.

    Raises
    ------
    InputError
        If the header says another unit than the user.
    """
    said = columns.ic50(header) or Named(None, None)
    if given is not None:
        unit = named(given)
        assert unit is not None  # `given` was read by it
        if not _agrees(said, unit):
            raise InputError(
                f'{file}: the column "{header}" says {said.text or "concentrations"}, and {way("ic50", given)} another '
                "unit; correct the one that is wrong"
            )
        return unit, "the option" if said == Named(None, None) else "the header and the option"
    if said.known is not None:
        return said, f'the header "{header}"'
    return (GRAPH, "") if said == Named("ln", None) else None


def _ic50(table: LongTable, header: str, given: str | None, rejections: Rejections) -> LongTable:
    column = _Column(table, header, given, table.numbers["ln_ic50"])
    unit, source = column.unit()
    x = _of(unit).ln_micromolars(column.values)
    there = ~np.isnan(column.values)
    wrong = there & ~_possible(x)
    impossible = np.flatnonzero(wrong & ~((column.values == 0) & (unit.log == "")))
    if len(impossible) > max(1, FEW * there.sum()):
        raise column.contradiction(int(impossible[0]), unit, sure=True)
    confirmed = given is not None and column.said != Named(None, None)
    if not confirmed and (at := _implausible(column.values, x, unit)) is not None:
        raise column.contradiction(at, unit, sure=False)
    for at in np.flatnonzero(wrong).tolist():
        value = column.values[at]
        rejections.bad(
            "TESTED_ON",
            table.file,
            int(table.lines[at]),
            header,
            f"{value:g}",
            f"{_why(value, unit)}; correct it",
        )
    notes = table.notes
    if source:
        what = "kept" if unit == GRAPH else "converted to ln µM"
        notes = (*notes, f"{table.file}: ic50: {_written(unit)}, from {source}; {what}")
    texts = _turned(table.texts) if _of(unit).sign < 0 else table.texts
    found = {"ln_ic50": x}
    if "bound" in table.numbers:  # has the unit of the IC50s
        found["bound"] = _of(unit).ln_micromolars(table.numbers["bound"])
    return replace(table, numbers={**table.numbers, **found}, texts=texts, notes=notes).keep(~wrong)


def _of(unit: Named) -> Concentration:
    known = unit.known
    assert known is not None
    return known


@dataclass(frozen=True)
class _Column:
    """IC50s as a table has them, for messages."""

    table: LongTable
    header: str
    given: str | None
    values: Floats

    @property
    def said(self) -> Named:
        """The unit that the header says, all of it or less."""
        return columns.ic50(self.header) or Named(None, None)

    def unit(self) -> tuple[Named, str]:
        """The unit, and what says it; that is empty for ``ln_ic50``."""
        if (found := unit_said(self.table.file, self.header, self.given)) is not None:
            return found
        said = self.said
        fitting = [unit for unit in _fitting(self.values) if _agrees(said, unit)] or [Named("", "nm")]
        lacks = "base of its logarithm" if said.log in ("log", "-log") else "unit"
        raise InputError(
            f'{self.table.file}: the column "{self.header}" says no {lacks}; {self._range(fitting)}; call it '
            f"{_called(fitting[0])} or the like, or pass {way('ic50', fitting[0].text)}"
        )

    def contradiction(self, at: int, unit: Named, *, sure: bool) -> InputError:
        """The error that a value shows that the column is not in its unit."""
        fitting = [other for other in _fitting(self.values) if other != unit]
        ways = [f"call the column {_called(fitting[0])} or the like" if fitting else "correct the values"]
        if self.given is not None and fitting:
            ways = [f"pass the unit that they have, such as {way('ic50', fitting[0].text)}"]
        if not sure:
            name = (
                f"pass {way('ic50', unit.text)}"
                if self.given is None
                else f"call the column {_called(unit)}, too,"
            )
            ways.append(f"{name} if {_written(unit)} is right")
        return InputError(
            f'{self.table.file}, row {self.table.lines[at]}, column {self.header}: "{self.values[at]:g}" in '
            f"{_written(unit)} {_why(self.values[at], unit)}; {self._range(fitting)}; {', or '.join(ways)}"
        )

    def _range(self, fitting: Sequence[Named]) -> str:
        there = self.values[~np.isnan(self.values)]
        units = f", which fits {' or '.join(map(_written, fitting[:3]))}" if fitting else ""
        return f"the values are {there.min():g} to {there.max():g}, half of them up to {np.median(there):g}{units}"


def _agrees(said: Named, unit: Named) -> bool:
    """Whether a unit may be what a name says in part."""
    logs = (None, unit.log, (unit.log or "").replace("10", ""))
    return said.unit in (None, unit.unit) and said.log in logs


def _possible(x: Floats) -> npt.NDArray[np.bool_]:
    return (x >= math.log(POSSIBLE[0])) & (x <= math.log(POSSIBLE[1]))


def _implausible(values: Floats, x: Floats, unit: Named) -> int | None:
    """The position of a value that shows that values can hardly be in a unit; None where they can."""
    there = np.flatnonzero(~np.isnan(x))
    if len(there) < LEAST:
        return None
    middle = int(there[np.argpartition(x[there], len(there) // 2)[len(there) // 2]])
    if not math.log(MEDIANS[0]) <= x[middle] <= math.log(MEDIANS[1]):
        return middle
    if unit != GRAPH:
        return None
    smallest = int(there[np.argmin(values[there])])
    linear = values[smallest] > 0 and len(there) >= 2 * LEAST and np.mean(values[there] < 1) >= 0.1
    low, high = np.quantile(values[there], (0.01, 0.99))
    return smallest if linear or (low >= PIC50S[0] and high <= PIC50S[1]) else None


def _fitting(values: Floats) -> list[Named]:
    """Units that values can be in, those whose median is nearest to 1 µmol/l first."""
    there = ~np.isnan(values)
    found = []
    for unit in _FITTING:
        x = _of(unit).ln_micromolars(values)
        if (there & ~_possible(x)).sum() <= FEW * there.sum() and _implausible(values, x, unit) is None:
            found.append((abs(float(np.nanmedian(x))), unit))
    return [unit for _, unit in sorted(found, key=lambda pair: pair[0])]


def _why(value: float, unit: Named) -> str:
    x = _of(unit).ln_micromolar(value)
    if x is None:
        return "is no concentration, which is above 0"
    for shown, factor in (("pM", 1e-6), ("nM", 1e-3), ("µM", 1.0), ("mM", 1e3)):
        if math.log(factor) - math.log(1e3) <= x < math.log(factor) + math.log(1e3):
            return f"is {math.exp(x) / factor:.3g} {shown}"
    return f"is 10^{float(f'{(x - math.log(1e6)) / math.log(10):.4g}'):.10g} M"


def _written(unit: Named) -> str:
    if unit == _PIC50:
        return "pIC50 (-log10 M)"
    return " ".join(w for w in (unit.log, WRITTEN[unit.unit or ""].replace("u", "µ")) if w)


def _called(unit: Named) -> str:
    """A column's name that says a unit."""
    return (
        "pIC50" if unit == _PIC50 else f"{unit.log + '_' if unit.log else ''}ic50_{WRITTEN[unit.unit or '']}"
    )


def _turned(texts: Mapping[str, Texts]) -> dict[str, Texts]:
    """Texts with the other side of each bound, as more pIC50 is less IC50."""
    other = {"above": "below", "below": "above"}
    return {
        column: Texts(tuple(other.get(n.casefold(), n) for n in found.names), found.codes)
        if column == "censored"
        else found
        for column, found in texts.items()
    }


def _auc(table: LongTable, header: str, given: str | None) -> LongTable:
    values = table.numbers["auc"]
    there = values[~np.isnan(values)]
    found = columns.auc(header)
    said = found[0] if found else None
    if given is not None and said not in (None, given):
        raise InputError(
            f'{table.file}: the column "{header}" says {said}, and {way("auc", given)} another unit; correct the one '
            "that is wrong"
        )
    unit = given or said or "fraction"
    if unit == "area" or not len(there):
        return table
    percent = unit == "percent"
    largest = int(np.nanargmax(values))
    high = shares.high(there)
    other = high <= shares.FRACTIONS if percent else high > shares.FRACTIONS
    if (other and not (given and said)) or values[largest] > shares.LARGEST_FRACTION * (
        100 if percent else 1
    ):
        ways = "rename the column" if said else f"pass {way('auc', 'fraction' if percent else 'percent')}"
        raise InputError(
            f'{table.file}, row {table.lines[largest]}, column {header}: "{values[largest]:g}" is the largest area, '
            f"and nine in ten are at most {high:g}, which are hardly {unit}{'' if percent else 's'} of the tested "
            f"range; {ways}, or {way('auc', 'area')} for an area of another kind, which is kept"
        )
    if not percent:
        return table
    source = "the option" if given else f'the header "{header}"'
    note = f"{table.file}: auc: percent, from {source}; divided by 100"
    return replace(table, numbers={**table.numbers, "auc": values / 100}, notes=(*table.notes, note))
