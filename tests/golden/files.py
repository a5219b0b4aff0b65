"""The files that a user brings: a screen of their own, a new cell line, targets, omics, lists of cell lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rdkit import Chem

SMILES = {
    "Aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "Caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "Ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "Paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "Naproxen": "COc1ccc2cc(ccc2c1)C(C)C(=O)O",
    "Nicotine": "CN1CCCC1c1cccnc1",
}


def write(folder: Path, genes: list[str], expression: npt.NDArray[np.floating]) -> None:
    """Write the files that `commands.txt` and the pages name.

    Parameters
    ----------
    genes
        Those that have expression in the graph.
    expression
        Values of one cell line as the package has them, standardised within the cell line, (n_genes,).
    """
    generator = np.random.default_rng(0)
    _own_screen(folder / "my-screen", genes, generator)
    _paper_screen(folder / "nci60", genes, generator)
    (folder / "lab-files").mkdir()
    _table(
        folder / "lab-files" / "results.csv", ["Compound", "Cell Line", "IC50"], [["Sinularin", "A375", 0.5]]
    )
    z = generator.normal(size=len(genes)).round(3)
    pd.DataFrame({"gene": genes, "z": z}).to_csv(folder / "profile.csv", index=False)
    log2 = 8 + 2 * expression.astype(np.float64)
    log2 += np.log2((1e6 + len(genes)) / (2.0**log2).sum())  # so that the sum of 2**log2 - 1 is a million
    _table(folder / "log2.csv", ["gene", "value"], [list(row) for row in zip(genes, log2, strict=True)])
    leads = [["lead-1", "CCOc1ccccc1"], ["lead-2", "CCNc1ccccn1"]]
    _table(folder / "leads.csv", ["drug", "smiles"], leads)
    _table(folder / "stocks.csv", ["drug", "wells"], [["lead-1", 24], ["lead-2", 24], ["trametinib", ""]])
    _table(folder / "lines.csv", ["cell_line"], [["A375"], ["BT-474"]])
    _table(folder / "pilots.csv", ["cell_line", "response"], [["A375", 1], ["BT-474", 0]])
    smiles = [f"{text} {name}" for name, text in SMILES.items()]
    (folder / "compounds.smi").write_text("\n".join([*smiles, ""]), encoding="utf-8")
    _molecules(folder / "compounds.sdf")
    _table(folder / "lines.csv", ["cell_line"], [["A375"], ["BT-474"]])
    _table(
        folder / "drug-pairs.csv", ["drug", "cell_line"], [["trametinib", "A375"], ["CCOc1ccccc1", "BT-474"]]
    )
    _table(folder / "tpm.csv", ["gene", "tpm"], [list(row) for row in zip(genes, 2.0**log2 - 1, strict=True)])
    _table(
        folder / "my-targets.csv",
        ["drug", "gene", "action", "source"],
        [["Sinularin", "EGFR", "inhibitor", "me"]],
    )
    _table(folder / "drugs.csv", ["drug", "smiles"], [["Cetuximab", "CCO"]])
    _table(
        folder / "pairs.csv", ["gene_a", "gene_b"], [["EGFR", "ERBB2"], ["ERBB2", "SRC"], ["BRAF", "MAP2K1"]]
    )
    ids = {"9606.ENSP1": "EGFR", "9606.ENSP2": "ERBB2"}
    (folder / "string.info.txt").write_text(
        "\n".join(["#string_protein_id\tpreferred_name", *(f"{i}\t{s}" for i, s in ids.items())]) + "\n"
    )
    (folder / "string.links.txt").write_text(f"protein1 protein2 combined_score\n{' '.join(ids)} 450\n")
    _table(
        folder / "mutations.csv", ["cell_line", "gene", "value"], [["A375", "EGFR", 1], ["A549", "ERBB2", 1]]
    )
    _table(
        folder / "Model.csv",
        ["ModelID", "CellLineName", "StrippedCellLineName", "RRID", "COSMICID"],
        [
            ["ACH-000219", "A-375", "A375", "CVCL_0132", 906793],
            ["ACH-000681", "A549", "A549", "CVCL_0023", 905949],
        ],
    )
    _table(
        folder / "CRISPRGeneEffect.csv",
        ["", "EGFR (1956)", "ERBB2 (2064)"],
        [["ACH-000219", -0.7, 0.1], ["ACH-000681", -1.1, -0.2]],
    )
    mine = ["A375", "A549", "HT-29", "K-562", "LoVo"]
    _table(folder / "groups.csv", ["cell_line", "group"], [[c, "mine"] for c in mine])
    doses = [10_000 / 3**n for n in range(8)]
    rows = [[d, c, x, 100 / (1 + x / 500)] for d in ("Aspirin", "Caffeine") for c in mine for x in doses]
    _table(
        folder / "points.csv", ["drug", "cell_line", "concentration", "value"], [list(row) for row in rows]
    )
    repeated: list[list[object]] = [
        ["Aspirin", "A375", 100],
        ["aspirin", "A375", 400],
        ["Aspirin", "A549", 0],
    ]
    _table(folder / "replicates.csv", ["drug", "cell_line", "IC50"], repeated)
    wells: list[list[object]] = [[1, "A375", 1, "B", "", "", 100], [1, "A375", 2, "NC-1", "", "", 1_000]]
    wells += [[1, "A375", 3 + n, f"L1-D{n + 1}-S", 5, x, 100 + 900 / (1 + x)] for n, x in enumerate(doses)]
    of_raw = ["BARCODE", "CELL_LINE_NAME", "POSITION", "TAG", "DRUG_ID", "CONC", "INTENSITY"]
    _table(folder / "raw.csv", of_raw, wells)
    _table(folder / "compounds.csv", ["DRUG_ID", "DRUG_NAME"], [[5, "Aspirin"]])
    _table(folder / "measured.csv", ["gene", "effect"], [[g, i / 10] for i, g in enumerate(genes)])
    _table(
        folder / "truth.csv",
        ["drug", "gene", "affinity"],
        [["Erlotinib", "EGFR", 1.0], ["Erlotinib", "SRC", 9000.0]],
    )
    _table(
        folder / "known.csv",
        ["drug", "gene", "feature", "effect"],
        [["Erlotinib", "EGFR", "expression", "sensitive"], ["Lapatinib", "ERBB2", "expression", "sensitive"]],
    )
    (folder / "sets.gmt").write_text(
        "ERBB\tmine\tEGFR\tERBB2\tERBB3\tERBB4\tSRC\tPIK3CA\nMAPK\tmine\tBRAF\tRAF1\tMAP2K1\tMAP2K2\tKRAS\tEGFR\n"
    )


def _table(path: Path, columns: list[str], rows: list[list[object]]) -> None:
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


def _own_screen(folder: Path, genes: list[str], generator: np.random.Generator) -> None:
    folder.mkdir()
    lines = [
        "A375",
        "A549",
        "BT-474",
        "A431",
        "MCF7",
        "HT-29",
        "HCT-116",
        "K-562",
        "PC-9",
        "LoVo",
        "SK-BR-3",
        "AU565",
    ]
    pd.DataFrame({"drug": list(SMILES), "smiles": list(SMILES.values())}).to_csv(
        folder / "drugs.csv", index=False
    )
    rows = [[d, c, round(float(generator.normal()), 3)] for d in SMILES for c in lines]
    _table(folder / "responses.csv", ["drug", "cell_line", "ln_ic50"], rows)
    rows = [[c, g, round(float(generator.normal()), 3)] for c in lines for g in genes[:40]]
    _table(folder / "expression.csv", ["cell_line", "gene", "value"], rows)
    _table(
        folder / "cells.csv", ["cell_line", "tissue"], [[c, "skin" if c == "A375" else "lung"] for c in lines]
    )


def _paper_screen(folder: Path, genes: list[str], generator: np.random.Generator) -> None:
    folder.mkdir()
    lines = ["A375", "A549", "MCF7", "HT29"]
    response = pd.DataFrame(generator.integers(0, 2, (len(SMILES), 4)), list(SMILES), lines)
    response.to_csv(folder / "drugAct.csv")
    expression = pd.DataFrame(generator.normal(8, 1, (40, 4)).round(3), genes[:40], lines)
    expression.to_csv(folder / "gene_exp_part1.csv")
    pd.DataFrame({"Drug": list(SMILES), "SMILES": list(SMILES.values())}).to_csv(folder / "drug2smiles.csv")


def _molecules(path: Path) -> None:
    writer = Chem.SDWriter(str(path))
    for name, smiles in SMILES.items():
        molecule = Chem.MolFromSmiles(smiles)
        molecule.SetProp("_Name", name)
        writer.write(molecule)
    writer.close()
