"""GDSC's fitted dose responses, a row a drug and cell line (cancerrxgene.org, ``GDSC1_fitted_dose_response_….csv``).

Its raw data are recognised here, and read in `ingest.dose_response.gdsc_raw`.
"""

from __future__ import annotations

from pathlib import Path

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.dose_response.gdsc_raw import COLUMNS as RAW_COLUMNS
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import listed, pairs
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.text import shown

_NAMES = {
    "drug": "DRUG_NAME",
    "cell_line": "CELL_LINE_NAME",
    "ln_ic50": "LN_IC50",
    "auc": "AUC",
    "cosmic_id": "COSMIC_ID",
    "passport_id": "SANGER_MODEL_ID",
    "release": "DATASET",
}
_COLUMNS = FileContract(
    ("drug", "cell_line", "ln_ic50"),
    ("auc", "cosmic_id", "passport_id", "release"),
    numbers=("ln_ic50", "auc"),
    integers=("cosmic_id",),
    names=("drug", "cell_line"),
    annotations=("cosmic_id", "passport_id"),
    valued=(("ln_ic50", "auc"),),
    bounds={"cosmic_id": (1, 2**53)},
)


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """LN_IC50 is the natural logarithm of µmol/l, and AUC a share of the tested range, as they are in the graph."""
    table = read_named(path, _COLUMNS, _NAMES, rejections, kind="TESTED_ON")
    releases = table.texts["release"].names
    if len(releases) > 1:
        raise InputError(
            f"{shown(path)} holds {' and '.join(releases)}, which are screens of their own; give a file for each"
        )
    responses = pairs(table, rejections, ln_ic50=table.numbers["ln_ic50"], auc=table.numbers["auc"])
    return Part(
        responses=responses,
        dataset=releases[0] if releases else None,
        cells=listed(table, "cell_line", ("cosmic_id", "passport_id")),
    )


RAW = Shape(
    "GDSC raw data",
    columns=RAW_COLUMNS,
    instead="its curves have to be fitted first: cli ingest curves {file} --compounds screened_compounds_rel_8.5.csv "
    "--out responses.csv",
)
COMPOUNDS = Shape(
    "GDSC screened compounds",
    columns=("DRUG_ID", "DRUG_NAME", "SYNONYMS"),
    instead="it names the drugs of GDSC's raw data, for cli ingest curves --compounds {file}",
)
FITTED = Shape(
    "GDSC fitted dose response",
    RESPONSES,
    _read,
    ("DRUG_NAME", "CELL_LINE_NAME", "LN_IC50", "COSMIC_ID"),
    tells_dataset=True,
)
