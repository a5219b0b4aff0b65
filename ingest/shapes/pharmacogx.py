"""Sensitivity profiles of PharmacoGx and PharmacoDB beside what was tested, as R's `write.csv` exports them.

Newer exports call their columns ``treatmentid`` and ``sampleid``, older ones ``drugid`` and ``cellid``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.long_table import LongTable, Numbers
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import listed, pairs
from pharmagraph.kg.errors import RowError
from pharmagraph.kg.reading import numbers
from pharmagraph.kg.reading.records import records

_FIGURES = {"aac": "aac_recomputed", "ic50": "ic50_recomputed", "tissue": "tissueid", "smiles": "smiles"}
_COLUMNS = FileContract(
    ("drug", "cell_line", "aac"),
    ("ic50", "tissue", "smiles"),
    numbers=("aac",),
    names=("drug", "cell_line"),
    annotations=("tissue",),
)
_LARGEST = 1e4
"""µmol/l; no screen tests as much, so that a curve was drawn out to such an IC50."""


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """aac_recomputed is the area above the curve, as a share or in percent; ic50_recomputed is in µmol/l."""
    with records(path) as table:
        is_new = table.header.has("treatmentid")
    names = _FIGURES | dict(
        zip(
            ("drug", "cell_line"),
            ("treatmentid", "sampleid") if is_new else ("drugid", "cellid"),
            strict=True,
        )
    )
    rows = read_named(path, _COLUMNS, names, rejections, kind="TESTED_ON")
    auc, unit = _auc(rows)
    ic50, beyond = _ic50(rows, rejections)
    notes = [f"{path.name}: aac_recomputed, read as {unit}, becomes the area below the curve, 1 - AAC"]
    if beyond:
        notes.append(
            f"{path.name}: IC50s that are infinite or above {_LARGEST:,.0f} µmol/l, to which curves were drawn out, "
            f"and are left empty: {beyond:,}"
        )
    return Part(
        responses=pairs(rows, rejections, ln_ic50=np.log(ic50), auc=auc),
        drugs=listed(rows, "drug", ("smiles",)) if rows.texts["smiles"].names else None,
        cells=listed(
            rows,
            "cell_line",
            ("tissue",),
            change=lambda column, value: value.lower().replace(" ", "_").replace("/", "_"),
        ),
        notes=tuple(notes),
    )


def _auc(rows: LongTable) -> tuple[Numbers, str]:
    """Areas below the curves as shares of the tested range, (n,), and the unit of those above.

    A share is at most 1; in percent, of the 10 largest in a hundred some are above it.
    """
    aac = rows.numbers["aac"]
    largest = np.nanmax(aac, initial=0)
    if largest <= 1:
        return np.clip(1 - aac, 0, None), "a share"
    if largest > 100:
        at = int(np.nanargmax(aac))
        raise RowError(
            rows.file,
            int(rows.lines[at]),
            "aac_recomputed",
            f"{aac[at]:g}",
            "is no area, in shares or in percent",
        )
    return np.clip(1 - aac / 100, 0, None), "percent"


def _ic50(rows: LongTable, rejections: Rejections) -> tuple[Numbers, int]:
    """IC50 of each row in µmol/l, NaN where there is none, and how many curves were drawn out to one.

    R writes ``Inf`` where a curve never comes to a half.
    """
    texts = rows.texts["ic50"]
    infinite = np.array([name.lower() in {"inf", "infinity"} for name in texts.names] + [False], bool)
    values, wrong = numbers.column(
        ["" if far else name for name, far in zip(texts.names, infinite, strict=False)]
    )
    low = np.flatnonzero(values <= 0)
    wrong |= {int(at): "is not above 0; a concentration is" for at in low}
    for code in sorted(wrong):
        for at in np.flatnonzero(texts.codes == code):
            line, text = int(rows.lines[at]), texts.names[code]
            rejections.bad("TESTED_ON", rows.file, line, _FIGURES["ic50"], text, wrong[code])
        values[code] = np.nan
    beyond = np.append(values > _LARGEST, False) | infinite
    values = np.where(beyond[:-1], np.nan, values)
    return np.append(values, np.nan)[texts.codes], int(beyond[texts.codes].sum())


def _shape(name: str, *columns: str) -> Shape:
    return Shape(name, RESPONSES, _read, (*columns, _FIGURES["aac"]))


PROFILES = _shape("PharmacoGx sensitivity profiles", "treatmentid", "sampleid")
OLDER_PROFILES = _shape("PharmacoGx sensitivity profiles, older", "drugid", "cellid")
