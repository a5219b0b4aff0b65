"""Reads pilots, a few measured responses of one drug or one cell line, and predicts the rest with them.

What they change is in `predictor.pilots`; nothing is trained, and torch is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, ModelError, RowError
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.header import Header
from pharmagraph.kg.reading.numbers import NO_VALUE, NotANumberError, as_number
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.wording import named
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runs.block import Block
from pharmagraph.model.runs.certain_with_pilots import judged_with_pilots

WIDEST = 3.0
"""Largest difference of ln IC50 between replicates that are averaged: twenty-fold. Set by hand."""

BEYOND = 5.0
"""How far outside the training pairs an ln IC50 may be: 150-fold. Set by hand."""

SPAN = 100.0
"""Pilots that are all positive and differ by more than this factor may be no logarithms."""

CLASSES = {"1": 1.0, "1.0": 1.0, "sensitive": 1.0, "0": 0.0, "0.0": 0.0, "resistant": 0.0}
"""How a class may be written, in small letters."""

VALUES = {"regression": "ln_ic50", "classification": "response"}
"""The column that holds what a run of a task predicts."""

WORDS: Mapping[str, str] = {"drug": "drug", "cell_line": "cell line"}

Other = Literal["drug", "cell_line"]


@dataclass(frozen=True)
class Measured:
    """Pilots as they were read.

    Attributes
    ----------
    source
        What messages call the file.
    kind
        Whether they are of a drug, on cell lines, or of a cell line, with drugs.
    at
        Number of each cell line, or drug, each once, int64 (n,).
    value
        ln IC50 (ln µmol/l), the mean of replicates, or 1 for sensitive and 0 for resistant, (n,).
    rows
        Row of the file in which each stands first.
    """

    source: str
    kind: Kind
    at: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    rows: Sequence[int | None]


@dataclass(frozen=True)
class Side:
    """The drugs, or the cell lines, of a run: their ids by number, and their names in the store."""

    ids: Sequence[str]
    names: Names


def read_pilots(
    table: Table,
    sides: Mapping[str, Side],
    task: str,
    trained_on: Callable[[], tuple[float, float]],
    note: Callable[[str], None],
) -> Measured:
    """Read a table with a column ``cell_line`` or ``drug``, and a column ``ln_ic50`` or ``response``.

    Parameters
    ----------
    table
        The file, or a DataFrame.
    sides
        The run's drugs and cell lines, by ``drug`` and ``cell_line``.
    task
        The run's.
    trained_on
        Gives the smallest and the largest ln IC50 of the training pairs.
    note
        Is told what is averaged, counted once, or looks doubtful.

    Raises
    ------
    InputError
        If a column is missing or there are no rows.
    RowError
        If a name is not known, a value cannot be what the column says, or replicates contradict each other.
    """
    source = table.source
    other, name_at, value, value_at = _columns(table.header, task)
    rows = [(line, row) for line, row in table.rows if row[value_at].lower() not in NO_VALUE]
    if not rows:
        raise InputError(f"{source} has no rows below its header; give a measured response a row")
    if len(rows) < len(table.rows):
        note(f"{source}: rows without a value, which are skipped: {len(table.rows) - len(rows):,}")
    limits = trained_on() if task == "regression" else (0.0, 0.0)
    found: dict[int, list[tuple[int | None, float]]] = {}
    for line, row in rows:
        name, text = row[name_at], row[value_at]
        measured = (
            _class(source, line, text) if task == "classification" else _ln_ic50(source, line, text, limits)
        )
        number = _number(source, line, other, name, sides[other])
        found.setdefault(number, []).append((line, measured))
    means = [_mean(source, value, sides[other].ids[n], of_one, note) for n, of_one in found.items()]
    values = np.array(means)
    if task == "regression" and len(values) > 2 and values.min() > 0 and values.max() > SPAN * values.min():
        note(
            f"{source}: all ln_ic50 are positive, from {values.min():g} to {values.max():g}, as IC50 in µmol/l are; if "
            "they are no logarithms, give their natural logarithm"
        )
    if task == "classification" and len(set(means)) == 1:
        note(
            f"{source}: all {len(means)} pilots are {'sensitive' if means[0] else 'resistant'}; they move all "
            "predictions and say little of which differ, so add one of the other class"
        )
    kind: Kind = "drug" if other == "cell_line" else "cell_line"
    at = np.array(list(found), np.int64)
    return Measured(source, kind, at, values, [of_one[0][0] for of_one in found.values()])


def adapted(
    predictor: Predictor,
    pilots: Measured,
    asked: Mapping[str, Sequence[Asked]],
    *,
    all_others: bool,
    certainty: Certainty | None,
    level: float | None,
) -> Block:
    """Predictions of the one drug, or cell line, that the pilots are of.

    Parameters
    ----------
    asked
        By ``drug`` and ``cell_line``.
    all_others
        Whether the other kind was left out: then the pilots' own pairs are not predicted.
    certainty, level
        How sure the run's predictions are, if it can tell, and the level of intervals, if one is asked for.

    Raises
    ------
    InputError
        If not one drug or cell line is asked for, a pilot is a pair asked for, or one of the training pairs.
    ModelError
        If a level is asked for and too few entities were hidden with so many pilots.
    """
    other = "cell_line" if pilots.kind == "drug" else "drug"
    one = _only(asked[pilots.kind], pilots.kind, pilots.source)
    process = Pilots(predictor, entity(predictor, one), pilots.kind)
    numbers = _others(process, pilots, asked[other], predictor.ids(other), all_others=all_others)
    values = process.conditioned(pilots.at, pilots.value)[numbers]
    measured = np.isin(numbers, process.measured)
    names = [predictor.ids(other)[n] for n in numbers]
    column = "probability" if predictor.task == "classification" else "ln_ic50"
    of_drug = pilots.kind == "drug"
    both = ([one.name], names) if of_drug else (names, [one.name])
    shape = (-1, 1) if of_drug else (1, -1)
    values, measured, sure = values.reshape(shape), measured.reshape(shape), None
    if certainty is not None:
        others, at = [Entity(n) for n in numbers], pilots.at.tolist()
        sure = judged_with_pilots(certainty, predictor, process, at, others, values, both, level)
    return Block(*both, column, values, measured, sure)


def _others(
    process: Pilots, pilots: Measured, others: Sequence[Asked], ids: Sequence[str], *, all_others: bool
) -> list[int]:
    """Numbers of the entities of the other kind that are predicted; errors as in `adapted`."""
    other = "cell_line" if pilots.kind == "drug" else "drug"
    if any(o.number is None for o in others):
        raise InputError(
            f"{pilots.source} holds pilots of a {WORDS[pilots.kind]}, which change its predictions for the run's "
            f"{WORDS[other]}s, not for a new {WORDS[other]}; ask for one of the run"
        )
    numbers = [o.number for o in others if o.number is not None]
    of_pilots = dict(zip(pilots.at.tolist(), pilots.rows, strict=True))
    for number in process.measured:
        if int(number) in of_pilots:
            raise RowError(
                pilots.source, of_pilots[int(number)], other, ids[int(number)],
                "is a pair that the run was trained on already; leave the row out",
            )  # fmt: skip
    if all_others:
        numbers = [n for n in numbers if n not in of_pilots]
    for number in numbers:
        if number in of_pilots:
            raise RowError(
                pilots.source, of_pilots[number], other, ids[number],
                "is the pair asked for, which is measured; leave the row out, or ask for another pair",
            )  # fmt: skip
    return numbers


def suggested(
    predictor: Predictor, asked: Mapping[str, Sequence[Asked]], kind: Kind, n: int
) -> list[dict[str, Any]]:
    """What to measure first of a drug, or of a cell line.

    Returns
    -------
    list of dict
        ``rank``, ``cell_line`` or ``drug``, and ``explained``: share of the variance of the predictions that is gone
        with it and those before it.
    """
    other = "cell_line" if kind == "drug" else "drug"
    process = Pilots(predictor, entity(predictor, _only(asked[kind], kind, named("suggest_pilots"))), kind)
    numbers, explained = process.suggested(n)
    return [
        {"rank": rank, other: predictor.ids(other)[int(number)], "explained": float(share)}
        for rank, (number, share) in enumerate(zip(numbers, explained, strict=True), 1)
    ]


def required(predictor: Predictor | None) -> Predictor:
    """The run's predictor.

    Raises
    ------
    ModelError
        If the run has none, because a component that reads its network has a weight.
    """
    if predictor is None:
        raise ModelError(
            "this run cannot take pilots: its axial or relational component has a weight in the predictions, and only "
            "the Gaussian process learns from pilots; make a run that can: cli train --set network.axial=false"
        )
    return predictor


def entity(predictor: Predictor, one: Asked) -> Entity:
    """What the predictor knows of a drug or cell line that is asked for."""
    if one.smiles is not None:
        return predictor.new_drug(one.smiles)
    return predictor.new_cell_line(one.z) if one.z is not None else Entity(one.number)


def entities(predictor: Predictor, asked: Sequence[Asked]) -> list[Entity]:
    """`entity` of several."""
    new = iter(predictor.new_drugs([one.smiles for one in asked if one.smiles is not None]))
    return [next(new) if one.smiles is not None else entity(predictor, one) for one in asked]


def _only(asked: Sequence[Asked], kind: str, what: str) -> Asked:
    if len(asked) != 1:
        argument = named("drug" if kind == "drug" else "cell")
        raise InputError(
            f"{what}: pilots are of one {WORDS[kind]}, and {len(asked):,} are asked for; name one with {argument}"
        )
    return asked[0]


def _columns(header: Header, task: str) -> tuple[Other, int, str, int]:
    """The column of names and that of values, and where they are."""
    source, top, shown, value = header.source, header.top, ", ".join(header.names), VALUES[task]
    choices: tuple[Other, ...] = ("cell_line", "drug")
    others = [(name, at) for name in choices if (at := header.find(name)) is not None]
    if len(others) != 1:
        raise RowError(
            source, top, None, shown,
            "needs one of the columns cell_line, for pilots of a drug, and drug, for those of a cell line",
        )  # fmt: skip
    at = header.find(value)
    if at is None:
        units = (
            "the natural logarithm of IC50 in µmol/l" if task == "regression" else "1 sensitive, 0 resistant"
        )
        raise RowError(source, top, None, shown, f"has no column {value} ({units}), which the run predicts")
    return *others[0], value, at


def _class(source: str, line: int | None, text: str) -> float:
    found = CLASSES.get(text.casefold())
    if found is None:
        raise RowError(source, line, "response", text, "is neither 1 (sensitive) nor 0 (resistant)")
    return found


def _ln_ic50(source: str, line: int | None, text: str, limits: tuple[float, float]) -> float:
    try:
        value = as_number(text) or 0.0
    except NotANumberError as error:
        raise RowError(source, line, "ln_ic50", text, str(error)) from None
    low, high = limits[0] - BEYOND, limits[1] + BEYOND
    if not low <= value <= high:
        raise RowError(
            source, line, "ln_ic50", text,
            f"cannot be an ln IC50 in ln µmol/l (the run's are from {limits[0]:.1f} to {limits[1]:.1f}); of an IC50 in "
            "nmol/l or µmol/l give the natural logarithm of its µmol/l",
        )  # fmt: skip
    return value


def _number(source: str, line: int | None, column: str, name: str, side: Side) -> int:
    id_ = side.names.find_in_row(source, line or 0, column, name)
    if id_ is None:
        near = side.names.not_found(name).near
        way = f"did you mean {', '.join(near)}?" if near else "see: cli status"
        raise RowError(source, line, column, name, f"is no {WORDS[column]} of the graph; {way}")
    if id_ not in side.ids:
        raise RowError(
            source,
            line,
            column,
            name,
            "came into the graph after this run was trained; train again: cli train",
        )
    return list(side.ids).index(id_)


def _mean(
    source: str,
    column: str,
    id_: str,
    replicates: Sequence[tuple[int | None, float]],
    note: Callable[[str], None],
) -> float:
    """The mean of one pair's rows; rows with one value are copies, and count once."""
    values = list(dict.fromkeys(value for _, value in replicates))
    low, high = min(values), max(values)
    line = next(line for line, value in reversed(replicates) if len(values) == 1 or value != values[0])
    if column == "response" and low != high:
        raise RowError(
            source,
            line,
            column,
            f"{id_}: {values[1]:g}",
            f"contradicts {values[0]:g} above it; keep one of both",
        )
    if high - low > WIDEST:
        raise RowError(
            source, line, column, f"{id_}: {low:g} and {high:g}",
            f"are replicates that differ by more than {WIDEST:g} (twenty-fold); keep those you trust",
        )  # fmt: skip
    if len(values) < len(replicates):
        note(f"{source}: {id_} has {len(replicates)} rows, of which copies count once")
    elif len(values) > 1:
        note(f"{source}: {id_} has {len(values)} replicates; their mean, {np.mean(values):g}, is taken")
    return float(np.mean(values))
