"""Which rows of a table with replicates are good, and their values as numbers, IC50s as ln µmol/l."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pharmagraph.ingest.cells_with_bounds import CENSORED
from pharmagraph.ingest.replicates.engines import Engine, Frame
from pharmagraph.ingest.units.concentrations import Concentration
from pharmagraph.ingest.units.given import Given, way
from pharmagraph.ingest.units.responses import GRAPH, unit_said
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.numbers import MINUS, NO_VALUE, PLAIN

IC50 = "ln_ic50"
SIDE, GOOD, VALUED = "_side", "_good", "_valued"
"""Columns of `judged`: 1 above a bound, -1 below, 0 of a measured value; 1 of good rows; 1 of rows with a value."""


def text(column: str) -> str:
    """The column that has a measure as it was written."""
    return f"_text_{column}"


def wrong(column: str) -> str:
    """The column that is 1 where a measure is none."""
    return f"_wrong_{column}"


def judged(
    engine: Engine, frame: Frame, key: Sequence[str], measures: Sequence[str], unit: Concentration | None
) -> Frame:
    """The rows with numbers in place of texts, and the columns `SIDE`, `GOOD`, `VALUED`, `text` and `wrong`.

    Parameters
    ----------
    frame
        Columns of the key and measures, and `CENSORED` where the table has it.
    unit
        Of IC50s; None where they are ln µmol/l.
    """
    return _judged(_numbers(engine, _tidy(frame, key), measures), key, measures, unit)


def _tidy(frame: Frame, key: Sequence[str]) -> Frame:
    """Names as texts without blanks around them; null where nothing is left."""
    import narwhals as nw

    stripped = [nw.col(c).cast(nw.String).str.strip_chars().alias(c) for c in key]
    frame = frame.with_columns(*stripped)
    return frame.with_columns(*(nw.when(nw.col(c) != "").then(nw.col(c)).alias(c) for c in key))


def _numbers(engine: Engine, frame: Frame, measures: Sequence[str]) -> Frame:
    """The measures as numbers; their texts beside them, the side of a bound, and what is wrong."""
    import narwhals as nw

    types = frame.collect_schema()
    texts = [c for c in measures if types[c] in (nw.String, nw.Categorical, nw.Enum)]
    frame = frame.with_columns(*(nw.col(c).cast(nw.String).alias(text(c)) for c in measures))
    if texts:
        frame = frame.with_columns(*(nw.col(text(c)).alias(c) for c in texts))
    prefix = nw.lit("")
    if IC50 in texts:
        cells = nw.col(IC50).str.strip_chars()
        prefix = (
            nw.when(cells.str.contains("^(>|≥)"))
            .then(nw.lit("above"))
            .otherwise(nw.when(cells.str.contains("^(<|≤)")).then(nw.lit("below")).otherwise(nw.lit("")))
        )
    frame = frame.with_columns(prefix.alias("_prefix"))
    for column in texts:
        cells = nw.col(column).str.strip_chars()
        nothing = cells.is_null() | cells.str.to_lowercase().is_in(sorted(NO_VALUE))
        if column == IC50:
            cells = cells.str.replace_all("^(>=|<=|>|<|≥|≤) *", "")
        cells = cells.str.replace_all(MINUS, "-", literal=True)
        frame = frame.with_columns(
            nw.when(nothing).then(0).otherwise(1).alias(wrong(column)),
            nw.when(~nothing & cells.str.contains(f"^(?:{PLAIN})$")).then(cells).alias(column),
        )
    if texts:
        frame = engine.numbers(frame, texts)
    if others := [nw.col(c).cast(nw.Float64) for c in measures if c not in texts]:
        frame = frame.with_columns(*others)
    for column in measures:
        value = nw.col(column)
        finite = nw.when(value.is_null()).then(0).otherwise(nw.when(value.is_finite()).then(0).otherwise(1))
        if column in texts:  # what is written and no number is null now
            finite = nw.when(value.is_null()).then(nw.col(wrong(column))).otherwise(finite)
        frame = frame.with_columns(finite.alias(wrong(column)))
    return frame


def _judged(frame: Frame, key: Sequence[str], measures: Sequence[str], unit: Concentration | None) -> Frame:
    """Sides of bounds, IC50s as ln µmol/l, and which rows are good and have a value."""
    import narwhals as nw

    faults = [wrong(c) for c in measures]
    side = nw.col("_prefix")
    if CENSORED in frame.collect_schema().names():
        word = nw.col(CENSORED).cast(nw.String).str.strip_chars().str.to_lowercase()
        word = nw.when(word.is_null()).then(nw.lit("")).otherwise(word)
        frame = frame.with_columns(
            nw.col(CENSORED).cast(nw.String).alias(text(CENSORED)), word.alias(CENSORED)
        )
        both = (nw.col("_prefix") != "") & (nw.col(CENSORED) != "") & (nw.col("_prefix") != nw.col(CENSORED))
        known = nw.col(CENSORED).is_in(["", "above", "below"])
        frame = frame.with_columns(nw.when(known & ~both).then(0).otherwise(1).alias(wrong(CENSORED)))
        faults.append(wrong(CENSORED))
        side = nw.when(nw.col("_prefix") != "").then(nw.col("_prefix")).otherwise(nw.col(CENSORED))
    if unit is not None:
        frame = _in_graph_units(frame, unit)
        if unit.sign < 0:  # a pIC50 above a bound is an IC50 below it
            turned = nw.when(side == "above").then(nw.lit("below"))
            side = turned.otherwise(nw.when(side == "below").then(nw.lit("above")).otherwise(side))
    number = nw.when(side == "above").then(1).otherwise(nw.when(side == "below").then(-1).otherwise(0))
    has_names = ~nw.any_horizontal(*(nw.col(c).is_null() for c in key), ignore_nulls=False)
    nameless = nw.all_horizontal(*(nw.col(c).is_null() for c in key), ignore_nulls=False)
    sound = nw.sum_horizontal(*(nw.col(c) for c in faults)) == 0
    valued = ~nw.all_horizontal(*(nw.col(c).is_null() for c in measures), ignore_nulls=False)
    return frame.with_columns(
        number.alias(SIDE),
        nw.when((has_names | (nameless & ~valued)) & sound).then(1).otherwise(0).alias(GOOD),
        nw.when(valued).then(1).otherwise(0).alias(VALUED),
    )


def _in_graph_units(frame: Frame, concentration: Concentration) -> Frame:
    """ln µmol/l of the column of IC50s; a concentration that is not above 0 is wrong."""
    import narwhals as nw

    value = nw.col(IC50)
    if concentration.base is not None:
        scaled = value * (concentration.sign * math.log(concentration.base)) + math.log(concentration.factor)
        return frame.with_columns(scaled.alias(IC50))
    fault = nw.when(value <= 0).then(1).otherwise(nw.col(wrong(IC50)))
    above = nw.when(value > 0).then(value)
    return frame.with_columns(
        fault.alias(wrong(IC50)), (above.log() + math.log(concentration.factor)).alias(IC50)
    )


def concentration(file: str, header: str, units: Given) -> Concentration | None:
    """How a column becomes ln µmol/l; None where it is that already.

    Raises
    ------
    InputError
        If neither the name nor the user says the unit, or both say another one.
    """
    said = unit_said(file, header, units.get("ic50"))
    if said is None:
        raise InputError(
            f'{file}: the column "{header}" does not say its unit; write {way("ic50", "nM")}, or another'
        )
    unit, _ = said
    return None if unit == GRAPH else unit.known
