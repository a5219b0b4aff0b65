"""PRISM's secondary screen, a row a run: ``secondary-screen-dose-response-curve-parameters.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.long_table import LongTable, Texts
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import line_name, listed, logarithms, pairs, tissue_of

_NAMES = {
    "drug": "name",
    "depmap_id": "depmap_id",
    "auc": "auc",
    "ic50": "ic50",
    "ccle_name": "ccle_name",
    "run": "screen_id",
    "smiles_listed": "smiles",
    "mechanism": "moa",
    "passed": "passed_str_profiling",
    "broad_id": "broad_id",
}
_COLUMNS = FileContract(
    ("drug", "depmap_id", "auc", "ic50"),
    ("ccle_name", "run", "smiles_listed", "mechanism", "passed", "broad_id"),
    numbers=("auc", "ic50"),
    names=("drug", "depmap_id"),
    annotations=("ccle_name", "mechanism", "broad_id"),
    valued=(("auc", "ic50"),),
)
_BEST_RUN = "MTS010"
"""The run that repeats compounds of the earlier ones (HTS002, MTS005, MTS006), and takes their place."""

_FAILED = "cell line that failed STR profiling"
_EARLIER = f"earlier run of a pair that {_BEST_RUN} measured"


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """ic50 is in µmol/l, and empty where the curve does not come to a half; auc is a mean viability."""
    table = read_named(path, _COLUMNS, _NAMES, rejections, kind="TESTED_ON")
    table = _only(table, ~_is(table.texts["passed"], "FALSE", "F", "0"), _FAILED, rejections)
    table = _only(table, ~_earlier(table), _EARLIER, rejections)
    table, ln_ic50 = logarithms(table, "ic50", "ic50", rejections)
    lines = _lines(table)
    responses = pairs(table, rejections, ln_ic50=ln_ic50, auc=table.numbers["auc"], cell_line=lines)
    texts = {**table.texts, "smiles": table.texts["smiles_listed"], "tissue": table.texts["ccle_name"]}
    whole = LongTable(table.file, table.lines, texts, table.numbers, table.integers)
    return Part(
        responses=responses,
        dataset="PRISM",
        drugs=listed(whole, "drug", ("smiles", "mechanism", "broad_id"), change=_changed),
        cells=listed(whole, "cell_line", ("depmap_id", "ccle_name", "tissue"), lines, _changed),
    )


def _changed(column: str, value: Any) -> Any:
    if column == "smiles":  # of several, for salts and mixtures, the first
        return value.split(",")[0].strip()
    return tissue_of(value) if column == "tissue" else value


def _is(texts: Texts, *words: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each row has one of the words."""
    which = np.array([name.upper() in words for name in texts.names] + [False], bool)
    return which[texts.codes]


def _only(
    table: LongTable, mask: np.ndarray[Any, np.dtype[np.bool_]], reason: str, rejections: Rejections
) -> LongTable:
    """The rows of a mask; the others are counted."""
    if not mask.all():
        first = int(table.lines[~mask][0])
        rejections.set_aside("TESTED_ON", table.file, first, "", reason, rows=int((~mask).sum()))
    return table.keep(mask)


def _earlier(table: LongTable) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows of an earlier run whose drug and cell line are in the best one."""
    best = _is(table.texts["run"], _BEST_RUN)
    _, drug = table.texts["drug"].numbered(drug_id)
    line = table.texts["depmap_id"].codes
    pair = drug * (int(line.max(initial=0)) + 1) + line
    return ~best & np.isin(pair, pair[best])


def _lines(table: LongTable) -> Texts:
    """The name of each row's cell line: that of CCLE, or the DepMap id where there is none or another line has it."""
    depmap, ccle = table.texts["depmap_id"], table.texts["ccle_name"]
    there = ccle.codes >= 0
    of_id = dict(zip(depmap.codes[there].tolist(), ccle.codes[there].tolist(), strict=True))
    names: list[str] = []
    taken: set[str] = set()
    for code, id_ in enumerate(depmap.names):
        name = line_name(ccle.names[of_id[code]]) if code in of_id else id_
        names.append(id_ if cell_line_id(name) in taken else name)
        taken.add(cell_line_id(names[-1]))
    return Texts(tuple(names), depmap.codes)


CURVES = Shape(
    "PRISM secondary screen, curve parameters",
    RESPONSES,
    _read,
    ("broad_id", "depmap_id", "ccle_name", "auc", "ic50", "name"),
    tells_dataset=True,
)
