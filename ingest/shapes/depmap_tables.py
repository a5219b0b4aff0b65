"""DepMap's tables with a row a mutation (``OmicsSomaticMutations.csv``) or a cell line (``Model.csv``)."""

from __future__ import annotations

from pathlib import Path

from pharmagraph.ingest.contracts import FileContract
from pharmagraph.ingest.long_table import Row
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed, Mutations
from pharmagraph.ingest.shapes.shape import CELLS, MUTATIONS, Companions, Part, Shape
from pharmagraph.ingest.sources.cell_line_files import ID_FORMS, read_identities
from pharmagraph.kg.reading.text import shown

_TRUE = {"true", "yes", "1", "y"}
_NAMES = {
    "cell_line": "ModelID",
    "gene": "HugoSymbol",
    "loss": "LikelyLoF",
    "hotspot": "Hotspot",
    "default": "IsDefaultEntryForModel",
}
_COLUMNS = FileContract(("cell_line",), ("gene", "loss", "hotspot", "default"), names=("cell_line",))
IDS = tuple(ID_FORMS)
"""Properties of a cell line that are ids."""


def _mutations(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """Genes with a likely loss of function or a hotspot mutation; other variants are counted."""
    table = read_named(path, _COLUMNS, _NAMES, rejections, kind="MUTATED")
    columns = {c: table.texts[c].cells() for c in _NAMES}
    found: dict[tuple[str, str], int] = {}
    silent = 0
    has_default = bool(table.texts["default"].names)
    for line, cell, gene, loss, hotspot, default in zip(
        table.lines.tolist(),
        *(columns[c] for c in ("cell_line", "gene", "loss", "hotspot", "default")),
        strict=True,
    ):
        if has_default and (default or "").lower() not in _TRUE:
            continue
        if not gene or not cell or not {(loss or "").lower(), (hotspot or "").lower()} & _TRUE:
            silent += 1
            continue
        found.setdefault((cell, gene), line)
    notes = (
        f"variants that are neither a likely loss of function nor in a hotspot, and are left out: {silent:,}",
    )
    pairs = list(found)
    return Part(
        mutations=Mutations(
            shown(path),
            tuple(cell for cell, _ in pairs),
            tuple(gene for _, gene in pairs),
            tuple(found.values()),
            notes if silent else (),
        )
    )


def _identities(path: Path, companions: Companions, rejections: Rejections) -> Part:
    """Ids and tissues of cell lines; `cli ingest cells` reads names and known problems, too."""
    rows = []
    for identity in read_identities(path, rejections):
        ids = {p: values[0] for p, values in identity.ids.items() if len(values) == 1}
        cosmic = ids.get("cosmic_id")
        row = {"cell_line": identity.shown, "tissue": identity.tissue, **{p: ids.get(p) for p in IDS}}
        rows.append(Row(identity.line, row | {"cosmic_id": int(cosmic) if cosmic else None}))
    return Part(cells=Listed(shown(path), tuple(rows), only_needed=True))


MUTATION_TABLE = Shape(
    "DepMap somatic mutations",
    MUTATIONS,
    _mutations,
    ("ModelID", "HugoSymbol"),
    any_of=("LikelyLoF", "Hotspot"),
)
MODELS = Shape("DepMap models", CELLS, _identities, ("ModelID", "StrippedCellLineName"))
SAMPLES = Shape("DepMap sample info", CELLS, _identities, ("DepMap_ID", "stripped_cell_line_name"))
PASSPORTS = Shape("Cell Model Passports", CELLS, _identities, ("model_id", "model_name"))
GDSC_DETAILS = Shape("GDSC cell line details", CELLS, _identities, ("Sample Name", "COSMIC identifier"))
GDSC_LISTING = Shape("GDSC cell line listing", CELLS, _identities, ("Cell line Name", "Tissue sub-type"))
