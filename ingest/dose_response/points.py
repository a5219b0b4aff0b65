"""Reads a long table of dose–response points: drug, cell line, concentration and value, with or without controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

import numpy as np

from pharmagraph.ingest.contracts import fault_of_name
from pharmagraph.ingest.dose_response.figures import Series
from pharmagraph.ingest.dose_response.units import (
    ValueUnit,
    dose_of,
    is_count,
    is_dose,
    is_value,
    value_unit,
)
from pharmagraph.ingest.gene_words import is_nothing
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.units.concentrations import Concentration
from pharmagraph.ingest.units.responses import POSSIBLE
from pharmagraph.ingest.units.shares import LARGEST_FRACTION
from pharmagraph.kg.errors import InputError, RowError, some
from pharmagraph.kg.reading.numbers import NO_NUMBER, NotANumberError, as_number
from pharmagraph.kg.reading.table import Table

CONTROLS = {"", "dmso", "control", "vehicle", "untreated"}
"""Drugs, in small letters, whose rows are controls without a drug."""

TIME_ZERO = ("time_zero", "t0", "cell_count__time0")
"""Columns of the value when the drug was added; the last is that of the GR tools."""

CONTROL = ("control", "cell_count__ctrl")
"""Columns of the value without a drug."""

AT_TIME_ZERO = {"time_zero", "time zero", "t0", "time0"}
"""Drugs, in small letters, whose rows are wells read when the drugs were added."""

Wells = dict[tuple[str, str], list[float]]
"""(plate, cell line), empty where unknown → values of wells without a drug."""

Cell = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Point:
    """One row with a drug: its line in the file, and its numbers as the file has them."""

    line: int
    drug: str
    cell_line: str
    plate: str
    x: float
    value: float
    time_zero: float | None
    control: float | None


def read(
    path: Path, *, unit: str | None = None, given: ValueUnit | None = None
) -> tuple[list[Series], list[str]]:
    """Read the points of a file.

    Parameters
    ----------
    path
        A table with the columns ``drug`` and ``cell_line``, a column of concentrations such as ``dose_uM``, and one of
        ``value``, ``viability`` or counts; optionally ``plate``, ``control`` and ``time_zero``. Values are divided by
        the control of their row. Or rows without a drug, or with DMSO, are controls: then by the mean of their plate's
        controls, of the same cell line if there are. Rows of the drug ``time zero`` are wells of the start.
    unit
        Of the concentrations, where the header does not say it.
    given
        Unit of the values, where neither their header nor they tell it.

    Returns
    -------
    tuple
        A series for each drug on each cell line, in the order of the file, and what was taken for what.

    Raises
    ------
    InputError
        If a column is missing or its unit is not clear, there are no points, counts without a control, or two kinds of
        controls or of time zero.
    RowError
        At the first value that is no number, concentration that is not above 0, and point without a control.
    """
    header, rows = _table(path)
    source = str(path)
    dose = _only(source, header, is_dose, "concentrations, such as dose_uM or concentration_nM")
    value = _only(source, header, is_value, "viability, such as value, viability or viability_percent")
    zero, control = (next((c for c in names if c in header), None) for names in (TIME_ZERO, CONTROL))
    of_dose = dose_of(source, dose, unit)
    points: list[Point] = []
    controls: Wells = defaultdict(list)
    zeros: Wells = defaultdict(list)
    for line, row in rows:
        number = _number(source, line, value, row[value])
        cell_line, plate = row["cell_line"], row.get("plate", "")
        if (drug := row["drug"].casefold()) in CONTROLS or drug in AT_TIME_ZERO:
            wells = controls if drug in CONTROLS else zeros
            wells[plate, cell_line_id(cell_line) if cell_line else ""].append(number)
            continue
        if not cell_line:
            raise RowError(source, line, "cell_line", "", "is empty; name the cell line")
        _require_name(source, line, "drug", row["drug"])
        _require_name(source, line, "cell_line", cell_line)
        x = _ln_dose(source, line, dose, row[dose], of_dose)
        t0 = _number(source, line, zero, row[zero]) if zero is not None and row[zero] else None
        of_row = _number(source, line, control, row[control]) if control is not None else None
        points.append(Point(line, row["drug"], cell_line, plate, x, number, t0, of_row))
    if not points:
        raise InputError(f"{source} has no row with a drug; give a point a row")
    for column, wells, what in ((control, controls, "controls"), (zero, zeros, "time zero")):
        if column is not None and wells:
            raise InputError(f'{source} has both the column "{column}" and rows of {what}; keep one of them')
    if zeros:
        points = [replace(point, time_zero=_at_time_zero(point, zeros)) for point in points]
    if control is not None:
        share = _by_own_control(source, control)
        notes = [f"{path.name}: values divided by the column {control}"]
    elif controls:
        share = _by_control(source, value, controls)
        n = sum(map(len, controls.values()))
        notes = [
            f"{path.name}: values divided by the mean of {n:,} controls on {len({p for p, _ in controls}):,} plates"
        ]
    elif is_count(value) and given is None:
        raise InputError(
            f'{source}: the column "{value}" says nothing without controls; give rows with the drug DMSO, or a column '
            "control with the value without a drug"
        )
    else:
        share, what = _by_unit(source, value, points, given)
        notes = [f"{path.name}: column {value} read as {what} of the control"]
    return _series(points, share), notes


def _table(path: Path) -> tuple[list[str], Iterator[Cell]]:
    """The one place that reads the file: its columns, and each row's line and cells by column."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; a table of dose–response points is needed")
    table = Table.of_file(path)
    found = table.header.columns(("drug", "cell_line"), ("plate", *TIME_ZERO, *CONTROL))
    own = {at: column for column, at in found.items()}
    header = [own.get(at, name) for at, name in enumerate(table.header.names)]
    return header, ((line, dict(zip(header, row, strict=True))) for line, row in table.rows)


def _only(source: str, header: Sequence[str], fits: Callable[[str], bool], what: str) -> str:
    found = [name for name in header if fits(name)]
    if len(found) != 1:
        has = f"{some(found)} may each be it; keep one" if found else f"it has {', '.join(header)}"
        turned = next((name for name in header if "inhibition" in name.casefold()), None)
        way = f'; viability is 100 % less "{turned}"' if turned and fits is is_value and not found else ""
        raise InputError(f"{source}: one column of {what}, is needed; {has}{way}")
    return found[0]


def _require_name(source: str, line: int, column: str, text: str) -> None:
    """Refuse a name that `cli ingest tables` would refuse in the file of curves."""
    way = "; call controls DMSO" if column == "drug" else ""
    if reason := f"is a word for nothing, not a name{way}" if is_nothing(text) else fault_of_name(text):
        raise RowError(source, line, column, text, reason)


def _number(source: str, line: int, column: str | None, text: str) -> float:
    expected = "is no finite number; give one, or leave the row out"
    try:
        value = as_number(text)
    except NotANumberError as error:
        why = str(error).removeprefix(NO_NUMBER)
        raise RowError(source, line, column, text, f"is no finite number{why}" if why else expected) from None
    if value is None:
        raise RowError(source, line, column, text, expected)
    return value


def _ln_dose(source: str, line: int, column: str, text: str, dose: Concentration) -> float:
    x = dose.ln_micromolar(_number(source, line, column, text))
    if x is None:
        raise RowError(source, line, column, text, "is no concentration above 0; give controls the drug DMSO")
    if not log(POSSIBLE[0]) <= x <= log(POSSIBLE[1]):
        raise RowError(
            source, line, column, text, "is no concentration from 1 fmol/l to 1,000 mol/l; correct it"
        )
    return x


Share = Callable[[Point, float], float]
"""A value of a point, in shares of the control."""


def _at_time_zero(point: Point, zeros: Wells) -> float | None:
    """Mean of a point's wells of time zero: of its plate and line, its plate, or its line on any plate."""
    line = cell_line_id(point.cell_line)
    of_line = [v for (_, other), values in zeros.items() if other == line for v in values]
    values = zeros.get((point.plate, line)) or zeros.get((point.plate, "")) or of_line
    return float(np.mean(values)) if values else None


def _by_own_control(source: str, column: str) -> Share:
    def share(point: Point, value: float) -> float:
        assert point.control is not None  # every row has one
        if point.control <= 0:
            raise RowError(
                source, point.line, column, f"{point.control:g}", "is no control, which is above 0"
            )
        return value / point.control

    return share


def _by_control(source: str, column: str, controls: Wells) -> Share:
    means = {key: float(np.mean(values)) for key, values in controls.items()}

    def share(point: Point, value: float) -> float:
        own = (point.plate, cell_line_id(point.cell_line))
        mean = means.get(own, means.get((point.plate, "")))
        if mean is None:
            where = f'plate "{point.plate}"' if point.plate else "the file"
            raise RowError(
                source, point.line, "cell_line", point.cell_line,
                f"has no control on {where}; give a row with the drug DMSO, or leave all controls out",
            )  # fmt: skip
        if mean <= 0:
            raise RowError(
                source, point.line, column, f"{mean:g}", "is the mean of its controls, which is not above 0"
            )
        return value / mean

    return share


def _by_unit(source: str, column: str, points: Sequence[Point], given: ValueUnit | None) -> tuple[Share, str]:
    unit = value_unit(source, column, np.array([p.value for p in points]), given)
    of_control = 100 if unit == "percent" else 1
    for point in points:
        if abs(point.value) > LARGEST_FRACTION * of_control:
            what = "percent" if unit == "percent" else "fraction"
            reason = f"is no {what} of the control, as others are"
            raise RowError(source, point.line, column, f"{point.value:g}", reason)
    if unit == "percent":
        return (lambda _, value: value / 100), "percent"
    return (lambda _, value: value), "fraction"


def _series(points: Sequence[Point], share: Share) -> list[Series]:
    of_pair: dict[tuple[str, str], list[Point]] = defaultdict(list)
    drug_ids: dict[str, str] = {}
    line_ids: dict[str, str] = {}
    for point in points:
        drug = drug_ids.get(point.drug) or drug_ids.setdefault(point.drug, drug_id(point.drug))
        line = line_ids.get(point.cell_line) or line_ids.setdefault(
            point.cell_line, cell_line_id(point.cell_line)
        )
        of_pair[drug, line].append(point)
    found = []
    for of_one in of_pair.values():
        zeros = [share(p, p.time_zero) for p in of_one if p.time_zero is not None]
        found.append(
            Series(
                of_one[0].drug, of_one[0].cell_line, np.array([p.x for p in of_one]),
                np.array([share(p, p.value) for p in of_one]), float(np.mean(zeros)) if zeros else None,
            )
        )  # fmt: skip
    return found
