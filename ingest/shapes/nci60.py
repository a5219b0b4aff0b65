"""CellMiner's drug activity of NCI-60: a row a compound (``DTP_NCI60_ZSCORE``) or an experiment (``DTP_NCI60_RAW``).

The header stands below a few rows of titles, and its names may end with the letter of a footnote, as in ``NSC # b``.
Cell lines are columns, as ``LC:A549/ATCC``: panel and name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.long_table import LongTable, Row, Texts
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Head, Part, Shape
from pharmagraph.ingest.shapes.tables import pairs, used
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import shown

_LINE = re.compile(r"(BR|CNS|CO|LE|ME|LC|OV|PR|RE):(.+)")
_FOOTNOTE = re.compile(r" [a-z]$")
_PANELS = {
    "BR": "breast",
    "CNS": "central_nervous_system",
    "CO": "large_intestine",
    "LE": "blood",
    "ME": "skin",
    "LC": "lung",
    "OV": "ovary",
    "PR": "prostate",
    "RE": "kidney",
}
_NUMBER, _NAME, _SMILES, _MECHANISM = "NSC #", "Drug name", "SMILES", "Mechanism of action"
_FAILURE = "Failure reason"
"""A column of the raw sheet alone."""

SENSITIVE_FROM = 0.8
"""z score of activity from which a line is sensitive; on -log10 of GI50 it is what ``z:-0.8`` is on ln IC50."""

_POTENCIES = (2.0, 15.0)
"""Between which half of the values of -log10(GI50 in mol/l) lie."""


def _named(cells: Sequence[str]) -> list[str]:
    return [_FOOTNOTE.sub("", " ".join(cell.split())) for cell in cells]


def _is_header(cells: Sequence[str]) -> bool:
    names = _named(cells)
    return _NUMBER in names and any(_LINE.fullmatch(name) for name in names)


@lru_cache(maxsize=1)  # both shapes ask for the kind of the same file
def _kind(head: Head) -> str:
    """``z``, ``raw``, or nothing of a file that is neither."""
    if len(head.header.names) > 3 and not _is_header(head.header.names):
        return ""  # above a header stand titles, of one or two cells
    try:
        with records(head.path, is_header=_is_header) as table:
            names = _named(table.header.names)
            return ("raw" if _FAILURE in names else "z") if _is_header(names) else ""
    except InputError:
        return ""


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """-log10 of GI50 in mol/l becomes ln µmol/l; z scores become classes."""
    file = shown(path)
    lines: list[int] = []
    texts: dict[str, list[str]] = {c: [] for c in (_NUMBER, _NAME, _SMILES, _MECHANISM, _FAILURE)}
    blocks: list[npt.NDArray[np.float64]] = []
    with records(path, is_header=_is_header) as table:
        names = _named(table.header.names)
        tested = [at for at, name in enumerate(names) if _LINE.fullmatch(name)]
        for batch in table.batches(set(range(len(names))) - set(tested)):
            for bad in batch.bad:
                rejections.bad("TESTED_ON", file, bad.line, None, bad.value, bad.reason)
            if not batch.rows:
                continue
            columns = list(zip(*batch.rows, strict=True))
            lines += batch.lines
            for column, cells in texts.items():
                at = names.index(column) if column in names else None
                cells += columns[at] if at is not None else [""] * len(batch.rows)
            block = np.empty((len(batch.rows), len(tested)))
            for k, at in enumerate(tested):
                block[:, k], wrong = numbers.column(columns[at])
                for row, reason in sorted(wrong.items()):
                    rejections.bad(
                        "TESTED_ON", file, batch.lines[row], table.header.names[at], columns[at][row], reason
                    )
            blocks.append(block)
    is_raw = _FAILURE in names
    values = np.concatenate([np.empty((0, len(tested))), *blocks])
    usable = np.array([n not in numbers.NO_VALUE for n in texts[_NUMBER]], bool)
    failed = np.array([f.lower() not in numbers.NO_VALUE for f in texts[_FAILURE]], bool) & usable
    kept = np.flatnonzero(usable & ~failed)
    drugs = _drug_names([texts[_NUMBER][i] for i in kept], [texts[_NAME][i] for i in kept])
    lines_of = [_LINE.fullmatch(names[at]) for at in tested]
    long = _long(file, np.array(lines, np.int64)[kept], drugs, [m[2] for m in lines_of if m], values[kept])
    if is_raw:
        responses = pairs(long, rejections, ln_ic50=_ln_micromolar(long, file))
        note = (
            f"{path.name}: GI50, at which half of the growth is left, stands where IC50 does; a cell line that grows "
            "slowly has a higher one"
        )
    else:
        responses = _classes(long)
        note = (
            f"{path.name}: z scores of activity become classes alone, sensitive from {SENSITIVE_FROM} up; the rule of "
            "thresholds is not applied"
        )
    notes = [note]
    if failed.any():
        notes.append(
            f"{path.name}: experiments that failed quality control, and are left out: {int(failed.sum()):,}"
        )
    return Part(
        responses=responses,
        dataset="NCI-60",
        drugs=_drugs(file, drugs, kept, lines, texts),
        cells=Listed(
            file,
            tuple(
                Row(long.lines[0] if len(long) else 1, {"cell_line": m[2], "tissue": _PANELS[m[1]]})
                for m in lines_of
                if m
            ),
        ),
        notes=tuple(notes),
    )


def _drug_names(nsc: Sequence[str], names: Sequence[str]) -> list[str]:
    """The name of each row's compound: of several compounds with one name, the first has it, others their number."""
    owner: dict[str, str] = {}
    found = []
    for number, name in zip(nsc, names, strict=True):
        own = f"NSC {number}"
        if name.lower() in numbers.NO_NAME or owner.setdefault(name.casefold(), number) != number:
            name = own
        found.append(name)
    return found


def _long(
    file: str,
    lines: npt.NDArray[np.int64],
    drugs: Sequence[str],
    cells: Sequence[str],
    values: npt.NDArray[np.float64],
) -> LongTable:
    """A row for each value that is there."""
    row, column = np.nonzero(~np.isnan(values))
    number = {name: n for n, name in enumerate(dict.fromkeys(drugs))}
    code = np.array([number[d] for d in drugs], np.int64)
    return LongTable(
        file,
        lines[row],
        {"drug": Texts(tuple(number), code[row]), "cell_line": Texts(tuple(cells), column.astype(np.int64))},
        {"value": values[row, column]},
        (),
    )


def _ln_micromolar(long: LongTable, file: str) -> npt.NDArray[np.float64]:
    values = long.numbers["value"]
    low, high = np.quantile(values, (0.25, 0.75)) if len(values) else _POTENCIES
    if low < _POTENCIES[0] or high > _POTENCIES[1]:
        raise InputError(
            f"{file}: half of its values are from {low:.3g} to {high:.3g}, which are no -log10(GI50 in mol/l); "
            "give CellMiner's DTP_NCI60_RAW as it is"
        )
    return (6 - values) * math.log(10)


def _classes(long: LongTable) -> LongTable:
    """Responses of z scores; a compound is there once."""
    nothing = np.full(len(long), np.nan)
    response = (long.numbers["value"] >= SENSITIVE_FROM).astype(np.float64)
    return LongTable(
        long.file,
        long.lines,
        {column: used(texts) for column, texts in long.texts.items()},
        {"ln_ic50": nothing, "auc": nothing, "response": response},
        ("response",),
    )


def _drugs(
    file: str, drugs: Sequence[str], kept: Iterable[int], lines: Sequence[int], texts: dict[str, list[str]]
) -> Listed:
    """Each compound once, with what its first row says."""
    rows: dict[str, Row] = {}
    for name, at in zip(drugs, kept, strict=True):
        said = {
            column: None if (text := texts[of][at]).lower() in numbers.NO_NAME else text
            for column, of in (("smiles", _SMILES), ("mechanism", _MECHANISM))
        }
        rows.setdefault(name, Row(lines[at], {"drug": name, **said}))
    return Listed(file, tuple(rows.values()))


def _shape(name: str, kind: str) -> Shape:
    return Shape(name, RESPONSES, _read, tells_dataset=True, tells=lambda head: _kind(head) == kind)


ACTIVITY = _shape("CellMiner NCI-60 drug activity, z scores", "z")
EXPERIMENTS = _shape("CellMiner NCI-60 drug activity, raw", "raw")
