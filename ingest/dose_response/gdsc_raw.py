"""Reads GDSC's raw data: intensities of wells with controls and blanks (``GDSC2_public_raw_data_….csv``).

Viability is (well − blank) / (negative control − blank), with the means of the plate, as in the portal's gdscIC50
(Vis et al., Pharmacogenomics 17 (2016) 691). Negative controls are wells with DMSO (NC-1) where the screen has them,
as GDSC2 does, or else with medium alone (NC-0). Values are not cut at 0 and 1.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.dose_response.figures import Series
from pharmagraph.ingest.long_table import LongTable, Texts
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.header import Header
from pharmagraph.kg.reading.text import existing, shown
from pharmagraph.kg.wording import named

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

_NAMES = {
    "plate": "BARCODE",
    "cell_line": "CELL_LINE_NAME",
    "position": "POSITION",
    "tag": "TAG",
    "drug": "DRUG_ID",
    "dose": "CONC",
    "value": "INTENSITY",
}
COLUMNS = tuple(_NAMES.values())
"""Columns that tell raw data."""

_WELLS = FileContract(
    ("plate", "cell_line", "position", "tag", "dose", "value"),
    ("drug",),
    numbers=("dose", "value"),
    names=("cell_line",),
)
_COMPOUNDS = FileContract(("number", "drug"), names=("drug",))
_COMPOUND_NAMES = {"number": "DRUG_ID", "drug": "DRUG_NAME"}

_ALONE = re.compile(r"[LR]\d+-D\d+-S")
_TOGETHER = re.compile(r"[LRA]\d+(-D\d+)?-C")
_BLANK, _DMSO, _MEDIUM, _FAILED = "B", "NC-1", "NC-0", "FAIL"


def is_raw(header: Header) -> bool:
    """Whether a table with these columns is raw data of GDSC."""
    return all(header.has(column) for column in COLUMNS)


def read(path: Path, compounds: Path | None) -> tuple[list[Series], list[str]]:
    """Read the points of single drugs.

    Parameters
    ----------
    path
        The raw data.
    compounds
        ``screened_compounds_rel_….csv`` of the same release, or a fitted file: names of the drugs, which the raw data
        have by number.

    Returns
    -------
    tuple
        A series for each drug on each cell line, and sentences that say what was left out.

    Raises
    ------
    InputError
        If names are not given, or no plate has controls and blanks.
    RowError
        At the first bad row.
    """
    if compounds is None:
        raise InputError(
            f"{shown(path)} is raw data of GDSC, which has drugs by number; give their names with "
            f"{named('compounds')}: screened_compounds_rel_8.5.csv of the same portal"
        )
    rejections = Rejections()
    names = _names_of(compounds, rejections)
    wells = read_named(path, _WELLS, _NAMES, rejections, kind="TESTED_ON")
    failed = _failed(wells)
    good = ~failed & ~np.isnan(wells.numbers["value"])
    control = _DMSO if (_tagged(wells, _DMSO) & good).any() else _MEDIUM
    share, usable = _shares(wells, good, control)
    alone = _matching(wells.texts["tag"], _ALONE)
    drug = _drugs(wells.texts["drug"], names)
    with_name = drug.codes >= 0
    with np.errstate(invalid="ignore"):
        dosed = wells.numbers["dose"] > 0
    chosen = alone & good & usable & with_name & dosed
    if not chosen.any():
        raise InputError(
            f"{shown(path)} has no well of a single drug on a plate with controls ({control}) and blanks "
            f"({_BLANK}) whose drug is in {shown(compounds)}; give files of one release"
        )
    n_controls = int((_tagged(wells, control) & good).sum())
    notes = [
        f"{path.name}: values are shares of {n_controls:,} controls ({control}), above {_BLANK} (blanks), of the same "
        f"plate"
    ]
    for what, mask in (
        ("that failed", failed & alone),
        ("without an intensity", ~failed & ~good & alone),
        ("of several drugs", _matching(wells.texts["tag"], _TOGETHER) & good),
        (f"on plates without {control} or {_BLANK}, or whose blanks are brighter", alone & good & ~usable),
        (f"of drugs that are not in {compounds.name}", alone & good & usable & ~with_name),
        ("without a concentration", alone & good & usable & with_name & ~dosed),
    ):
        if mask.any():
            notes.append(f"{path.name}: wells {what}, which are left out: {int(mask.sum()):,}")
    return _series(wells, drug, share, chosen), notes


def _names_of(compounds: Path, rejections: Rejections) -> dict[str, str]:
    """Number of a drug → its name."""
    table = read_named(
        existing(compounds, what="a table with DRUG_ID and DRUG_NAME is needed"),
        _COMPOUNDS, _COMPOUND_NAMES, rejections, kind="Drug",
    )  # fmt: skip
    number, name = table.texts["number"], table.texts["drug"]
    pairs = np.unique(np.stack([number.codes, name.codes]), axis=1).T.tolist()
    return {_whole(number.names[n]): name.names[d] for n, d in reversed(pairs)}


def _whole(number: str) -> str:
    """A number without the ``.0`` that it has where a column also has empty cells."""
    return number.removesuffix(".0")


def _drugs(numbers: Texts, names_of: dict[str, str]) -> Texts:
    """The name of each row's drug; none where the number has no name."""
    names = [names_of.get(_whole(number), "") for number in numbers.names]
    codes = np.array([n if name else -1 for n, name in enumerate(names)] + [-1], np.int64)
    return Texts(tuple(names), codes[numbers.codes])


def _tagged(wells: LongTable, tag: str) -> Mask:
    texts = wells.texts["tag"]
    return np.array([name == tag for name in texts.names] + [False], bool)[texts.codes]


def _matching(tags: Texts, pattern: re.Pattern[str]) -> Mask:
    return np.array([bool(pattern.fullmatch(name)) for name in tags.names] + [False], bool)[tags.codes]


def _failed(wells: LongTable) -> Mask:
    """All rows of the wells of which one row says that the well failed."""
    plate, position = wells.texts["plate"], wells.texts["position"]
    well = plate.codes * (len(position.names) + 1) + position.codes + 1
    return np.isin(well, well[_tagged(wells, _FAILED)])


def _shares(wells: LongTable, good: Mask, control: str) -> tuple[npt.NDArray[np.float64], Mask]:
    """Viability of each row in shares of its plate's controls, and whether the plate has controls and darker blanks."""
    plate, value = wells.texts["plate"].codes, wells.numbers["value"]
    n = len(wells.texts["plate"].names)

    def mean(tag: str) -> npt.NDArray[np.float64]:
        mask = _tagged(wells, tag) & good
        count = np.bincount(plate[mask], minlength=n)
        total = np.bincount(plate[mask], weights=value[mask], minlength=n)
        return np.divide(total, count, out=np.full(n, np.nan), where=count > 0)

    low, high = mean(_BLANK), mean(control)
    with np.errstate(invalid="ignore"):
        usable = high > low
    span = np.where(usable, high - low, 1.0)
    return (value - low[plate]) / span[plate], usable[plate]


def _series(wells: LongTable, drug: Texts, share: npt.NDArray[np.float64], chosen: Mask) -> list[Series]:
    """The points of each pair, in the order of the pairs' first wells."""
    at = np.flatnonzero(chosen)
    line = wells.texts["cell_line"]
    _, of_drug = drug.numbered(drug_id)
    line_ids, of_line = line.numbered(cell_line_id)
    pair = of_drug[at] * len(line_ids) + of_line[at]
    order = np.argsort(pair, kind="stable")
    bounds = np.flatnonzero(np.diff(pair[order])) + 1
    groups = sorted((at[group] for group in np.split(order, bounds)), key=lambda rows: int(rows[0]))
    ln_dose = np.log(wells.numbers["dose"], where=chosen, out=np.zeros(len(chosen)))
    return [
        Series(drug.names[drug.codes[rows[0]]], line.names[line.codes[rows[0]]], ln_dose[rows], share[rows])
        for rows in groups
    ]
