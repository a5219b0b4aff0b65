"""Writes the folder of a made-up lab: plates, structures, cell lines, expression and targets (docs/own-data.md).

    python -m pharmagraph.ingest.example_lab FOLDER

Two of the drugs' families have a gene whose expression makes cell lines sensitive, `PLANTED`; all else is chance.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SEED = 7
FAMILIES = {
    "LAB-1": ("CCOC(=O)c1ccc(N{})cc1", ("C", "CC", "CCC", "C(C)C")),
    "LAB-2": ("O=C1C=CC(=O)c2cc(O{})ccc21", ("C", "CC", "CCC", "C(C)C")),
    "LAB-3": ("Cn1cnc2c1c(=O)n({})c(=O)n2C", ("C", "CC", "CCC", "C(C)C")),
}
"""Prefix of a family's names → its structure, and what stands in the gap."""

PLANTED = {"LAB-1": "SLFN11", "LAB-2": "NQO1"}
"""Family → the gene whose expression makes a cell line sensitive, one deviation by `SLOPE` in ln IC50."""

SLOPE, NOISE = 1.5, 0.5
TARGETS = {"LAB-1": "TOP1", "LAB-2": "NQO1", "LAB-3": "PDE4B"}
TISSUES = ("lung", "skin", "breast")
N_LINES = 48
_GENES = """
SLFN11 NQO1 TOP1 PDE4B EGFR ERBB2 ERBB3 MET ALK KIT PDGFRA FGFR1 FGFR2 IGF1R AXL SRC ABL1 LCK JAK1 JAK2 STAT3 KRAS NRAS
BRAF RAF1 MAP2K1 MAP2K2 MAPK1 MAPK3 PIK3CA PIK3CB AKT1 AKT2 MTOR PTEN TP53 MDM2 CDKN1A CDKN2A CDK4 CDK6 CCND1 CCNE1 RB1
E2F1 MYC MYCN BCL2 MCL1 BAX CASP3 CASP8 XIAP BIRC5 PARP1 BRCA1 BRCA2 ATM ATR CHEK1 CHEK2 WEE1 TOP2A TYMS DHFR RRM1 RRM2
ABCB1 ABCC1 ABCG2 SLC35F2 SLC7A11 GPX4 KEAP1 NFE2L2 HMOX1 TXN SOD1 SOD2 CAT GCLC GCLM HDAC1 HDAC2 HDAC3 EZH2 DNMT1 KDM1A
BRD4 VIM CDH1 CDH2 ZEB1 SNAI2 TGFB1 SMAD4 NOTCH1 WNT5A CTNNB1 AXIN2 HSP90AA1 HSPA5 XBP1
"""
GENES = _GENES.split()
DOSES = 30 / 4.0 ** np.arange(8)
"""µmol/l."""

CONTROLS = 8
"""Wells with DMSO on a plate."""

FULL = 50_000
"""Signal of a well without a drug."""


def write(folder: Path) -> None:
    """Write the files of the lab.

    Parameters
    ----------
    folder
        Made if it is not there. It then has ``plates.csv``, ``targets.csv`` and the folder ``screen``.
    """
    random = np.random.default_rng(SEED)
    lines = [f"Line {n:02}" for n in range(1, N_LINES + 1)]
    z = random.normal(size=(N_LINES, len(GENES)))
    drugs = {
        f"{family}{n:02}": structure.format(rest)
        for family, (structure, rests) in FAMILIES.items()
        for n, rest in enumerate(rests, start=1)
    }
    screen = folder / "screen"
    screen.mkdir(parents=True, exist_ok=True)
    _table(screen / "drugs.csv", ("drug", "smiles"), drugs.items())
    _table(screen / "cells.csv", ("cell_line", "tissue"), ((c, TISSUES[n % 3]) for n, c in enumerate(lines)))
    levels = 6 + 2 * z
    _table(
        screen / "expression.csv",
        ("cell_line", "gene", "value"),
        ((c, g, f"{levels[i, j]:.3f}") for i, c in enumerate(lines) for j, g in enumerate(GENES)),
    )
    _table(
        folder / "targets.csv", ("drug", "gene", "action"), ((d, TARGETS[d[:5]], "inhibitor") for d in drugs)
    )
    _table(
        folder / "plates.csv",
        ("plate", "drug", "cell_line", "dose_uM", "value"),
        _wells(drugs, lines, z, random),
    )


def _wells(
    drugs: Iterable[str], lines: Sequence[str], z: np.ndarray, random: np.random.Generator
) -> Iterable[tuple[object, ...]]:
    """A plate for each cell line: controls, and each drug at eight concentrations."""
    for i, line in enumerate(lines):
        plate, signal = f"P{i + 1:02}", FULL * random.uniform(0.7, 1.3)
        for value in signal * random.normal(1, 0.04, CONTROLS):
            yield plate, "DMSO", line, "", round(value)
        for drug in drugs:
            gene = PLANTED.get(drug[:5])
            effect = SLOPE * z[i, GENES.index(gene)] if gene else 0.0
            ic50 = np.exp(0.5 - effect + random.normal(0, NOISE))
            left = 1 / (1 + (DOSES / ic50) ** 1.2)
            for dose, value in zip(DOSES, signal * (left + random.normal(0, 0.03, len(DOSES))), strict=True):
                yield plate, drug, line, f"{dose:g}", max(round(value), 0)


def _table(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    text = "\n".join(",".join(map(str, row)) for row in (header, *rows))
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
