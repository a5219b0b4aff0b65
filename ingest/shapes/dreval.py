"""Response tables of DrEval as drevalpy keeps them (``GDSC1.csv``, ``CTRPv2.csv`` and the user's own)."""

from __future__ import annotations

from pathlib import Path

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.shape import RESPONSES, Companions, Part, Shape
from pharmagraph.ingest.shapes.tables import listed, pairs
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import stem

_REFITTED = "_curvecurator"
_MEASURES = ("LN_IC50", "AUC")
_COLUMNS = FileContract(
    ("drug", "cell_line"),
    ("ln_ic50", "auc", "pubchem_cid", "cellosaurus_id", "tissue"),
    numbers=("ln_ic50", "auc"),
    integers=("pubchem_cid",),
    names=("drug", "cell_line"),
    annotations=("pubchem_cid", "cellosaurus_id", "tissue"),
    valued=(("ln_ic50", "auc"),),
    bounds={"pubchem_cid": (1, 2**53)},
)


def _read(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """LN_IC50 is the natural logarithm of µmol/l; curves that CurveCurator fitted again go first, as in drevalpy."""
    with records(path) as table:
        header = table.header
    refitted = any(header.has(m + _REFITTED) for m in _MEASURES)
    suffix = _REFITTED if refitted else ""
    names = {
        "drug": "drug_name" if header.has("drug_name") else "pubchem_id",
        "cell_line": "cell_line_name",
        "ln_ic50": f"LN_IC50{suffix}",
        "auc": f"AUC{suffix}",
        "pubchem_cid": "pubchem_id",
        "cellosaurus_id": "cellosaurus_id",
        "tissue": "tissue",
    }
    rows = read_named(path, _COLUMNS, names, rejections, kind="TESTED_ON")
    note = (
        f"{path.name}: LN_IC50 and AUC are those of {'the curves fitted again' if refitted else 'the source'}"
    )
    return Part(
        responses=pairs(rows, rejections, ln_ic50=rows.numbers["ln_ic50"], auc=rows.numbers["auc"]),
        dataset=stem(path),
        drugs=listed(rows, "drug", ("pubchem_cid",)),
        cells=listed(
            rows,
            "cell_line",
            ("cellosaurus_id", "tissue"),
            change=lambda column, value: value.lower() if column == "tissue" else value,
        ),
        notes=(note,),
    )


RESPONSE = Shape(
    "DrEval responses",
    RESPONSES,
    _read,
    ("cell_line_name", "pubchem_id"),
    tells_dataset=True,
    any_of=tuple(m + s for s in (_REFITTED, "") for m in _MEASURES),
)
