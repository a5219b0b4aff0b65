"""CTRP v2: tables of curves, compounds, experiments and lines (``v20.data.curves_post_qc.txt``, ``v20.meta.…``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.long_table import LongTable, Texts
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import listed, pairs
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import shown

_V = TypeVar("_V")


def _contract(*columns: str, optional: tuple[str, ...] = (), number: str = "") -> FileContract:
    integers = tuple(c for c in columns if c.endswith("_id"))
    return FileContract(
        columns,
        optional,
        numbers=(number,) if number else (),
        integers=integers,
        annotations=optional,
        valued=tuple((c,) for c in (*integers, *((number,) if number else ()))),
    )


_CURVES = _contract("experiment_id", "master_cpd_id", "area_under_curve", number="area_under_curve")
_COMPOUNDS = _contract("master_cpd_id", "cpd_name", optional=("cpd_smiles", "target_or_activity_of_compound"))
_EXPERIMENTS = _contract("experiment_id", "master_ccl_id")
_LINES = _contract("master_ccl_id", "ccl_name", optional=("ccle_primary_site",))

COMPOUNDS = Shape("CTRP compounds", columns=_COMPOUNDS.required)
EXPERIMENTS = Shape("CTRP experiments", columns=_EXPERIMENTS.required)
LINES = Shape("CTRP cell lines", columns=_LINES.required)

_FILES = {
    COMPOUNDS.name: "v20.meta.per_compound.txt",
    EXPERIMENTS.name: "v20.meta.per_experiment.txt",
    LINES.name: "v20.meta.per_cell_line.txt",
}
_NOTE = (
    "CTRP has no IC50 (apparent_ec50_umol is half of the effect, not of the control): areas alone are loaded, which "
    "are not divided by the tested range, and no pair has a class, so that no network can be fitted to them alone"
)


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """area_under_curve is over log2 of the concentration, 0 to about 16; compounds and lines are found by number."""
    lacking = [file for name, file in _FILES.items() if name not in companions]
    if lacking:
        raise InputError(
            f"{shown(path)} names compounds and cell lines by number; give a folder with {', '.join(lacking)}, too"
        )

    def opened(shape: Shape, contract: FileContract, kind: str) -> LongTable:
        names = {c: c for c in contract.columns}
        return read_named(companions[shape.name], contract, names, rejections, kind=kind)

    compounds = opened(COMPOUNDS, _COMPOUNDS, "Drug")
    lines = opened(LINES, _LINES, "CellLine")
    experiments = opened(EXPERIMENTS, _EXPERIMENTS, "TESTED_ON")
    curves = read_named(path, _CURVES, {c: c for c in _CURVES.columns}, rejections, kind="TESTED_ON")
    drug_of = _by_number(compounds, "master_cpd_id", lambda at: compounds.texts["cpd_name"].codes[at])
    line_of = _by_number(lines, "master_ccl_id", lambda at: lines.texts["ccl_name"].codes[at])
    line_of_run = _by_number(
        experiments, "experiment_id", lambda at: experiments.numbers["master_ccl_id"][at]
    )
    drug = _codes(curves, "master_cpd_id", drug_of)
    line = np.array(
        [line_of.get(line_of_run.get(n, -1), -1) for n in curves.numbers["experiment_id"]], np.int64
    )
    known = (drug >= 0) & (line >= 0)
    for at in np.flatnonzero(~known):
        column, companion = ("master_cpd_id", COMPOUNDS) if drug[at] < 0 else ("experiment_id", EXPERIMENTS)
        rejections.bad(
            "TESTED_ON", curves.file, int(curves.lines[at]), column, f"{curves.numbers[column][at]:g}",
            f"is not in {_FILES[companion.name]}"
            + ("" if drug[at] < 0 else f", or its line not in {_FILES[LINES.name]}"),
        )  # fmt: skip
    drugs = Texts(compounds.texts["cpd_name"].names, drug[known])
    cells = Texts(lines.texts["ccl_name"].names, line[known])
    kept = curves.keep(known)
    responses = pairs(kept, rejections, auc=kept.numbers["area_under_curve"], drug=drugs, cell_line=cells)
    compounds = compounds.keep(np.isin(compounds.texts["cpd_name"].codes, drugs.codes))
    lines = lines.keep(np.isin(lines.texts["ccl_name"].codes, cells.codes))
    return Part(
        responses=responses,
        dataset="CTRPv2",
        drugs=_listed(
            compounds,
            "drug",
            drug="cpd_name",
            smiles="cpd_smiles",
            mechanism="target_or_activity_of_compound",
        ),
        cells=_listed(lines, "cell_line", cell_line="ccl_name", tissue="ccle_primary_site"),
        notes=(_NOTE,),
    )


def _listed(table: LongTable, kind: str, **columns: str) -> Listed:
    """Drugs or cell lines, of columns that the file calls otherwise."""
    texts = {column: table.texts[name] for column, name in columns.items()}
    renamed = LongTable(table.file, table.lines, texts, {}, ())
    return listed(renamed, kind, [c for c in columns if c != kind])


def _by_number(table: LongTable, column: str, value: Callable[[int], _V]) -> dict[float, _V]:
    """Number in a column → a value of its first row.

    Raises
    ------
    InputError
        If a further row gives the number another value.
    """
    found: dict[float, _V] = {}
    for at, number in enumerate(table.numbers[column].tolist()):
        if found.setdefault(number, value(at)) != value(at):
            raise InputError(
                f"{table.file}, row {table.lines[at]}: {column} {number:g} has two values; fetch the file again"
            )
    return found


def _codes(
    table: LongTable, column: str, codes: dict[float, int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([codes.get(n, -1) for n in table.numbers[column].tolist()], np.int64)


CURVES = Shape("CTRP v2 curves", RESPONSES, _read, _CURVES.required, tells_dataset=True)
