"""CellMiner, PharmacoGx and GDSC's lists of cell lines are read in the right units; the files are made up, in shape."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import openpyxl
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.recognise import recognise
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError, RowError

CELLS = ["BR:MCF7", "CNS:SF-268", "LC:A549/ATCC"]
TITLES = [
    ["CellMiner Database Version: 2.15"],
    ["Human Genome version: HG-19"],
    [],
    ["Date: 09-17-2025"],
    ["Title: Drug activity"],
    [],
    [],
    ["a. see the footnotes sheet"],
]
Z_HEADER = ["NSC # b", "Drug name", "FDA status", "Mechanism of action c", "PubChem SID", "SMILES d", *CELLS]
Z_HEADER += ["Total experiments e", "Total after quality control f"]
Z_ROWS = [
    ["1", "tolylquinone", "-", "-", "66954", "CCO", "0.79", "0.8", "-1.5", "2", "2"],
    ["740", "Methotrexate", "FDA approved", "DHFR", "66955", "CCN", "-0.31", "na", "2.5", "9", "9"],
    ["741", "Methotrexate", "-", "-", "66956", "CCC", "1.1", "-2", "na", "1", "1"],
]
RAW_HEADER = ["NSC #", "Drug name", "FDA status", "Mechanism of action", "PubChem SID", "Total probes"]
RAW_HEADER += ["Total after quality control", "Failure reason", "Experiment name", *CELLS]
RAW_ROWS = [
    ["740", "Methotrexate", "FDA approved", "DHFR", "66955", "2", "2", "-", "9005RS57", "7.5", "6", "na"],
    ["740", "Methotrexate", "FDA approved", "DHFR", "66955", "2", "2", "-", "9105RS57", "6.5", "6", "4"],
    [
        "740",
        "Methotrexate",
        "FDA approved",
        "DHFR",
        "66955",
        "2",
        "2",
        "low range",
        "9205RS57",
        "4",
        "4",
        "4",
    ],
    ["999", "-", "-", "-", "66957", "1", "1", "-", "8005RS57", "5", "4.25", "8"],
]


def written(folder: Path, name: str, rows: list[list[str]]) -> Path:
    path = folder / name
    if name.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([float(c) if c.replace(".", "").lstrip("-").isdigit() else c for c in row])
        book.save(path)
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        width = max(map(len, rows))
        csv.writer(file).writerows(row + [""] * (width - len(row)) for row in rows)
    return path


def read(place: Path, *, reject: bool = False) -> Bundle:
    return tables.read(place, Rejections(keep_going=reject), without_smiles=True, share=1.0)


def edges(bundle: Bundle, *columns: str) -> dict[tuple[str, str], tuple[object, ...]]:
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    return {(r["src"], r["dst"]): tuple(r[c] for c in columns) for r in rows}


def node(bundle: Bundle, label: str, id_: str) -> dict[str, object]:
    return next(r for r in bundle.nodes[label].to_pylist() if r["id"] == id_)


@pytest.mark.parametrize("name", ["DTP_NCI60_ZSCORE.csv", "DTP_NCI60_ZSCORE.xlsx"])
def test_z_scores_of_nci60_become_classes(tmp_path: Path, name: str) -> None:
    bundle = read(written(tmp_path, name, [*TITLES, Z_HEADER, *Z_ROWS]))
    assert edges(bundle, "response", "ln_ic50", "auc") == {
        ("TOLYLQUINONE", "MCF7"): (0, None, None),
        ("TOLYLQUINONE", "SF268"): (1, None, None),
        ("TOLYLQUINONE", "A549"): (0, None, None),
        ("METHOTREXATE", "MCF7"): (0, None, None),
        ("METHOTREXATE", "A549"): (1, None, None),
        ("NSC741", "MCF7"): (1, None, None),
        ("NSC741", "SF268"): (0, None, None),
    }
    drug = node(bundle, "Drug", "METHOTREXATE")
    assert (drug["smiles"], drug["mechanism"]) == ("CCN", "DHFR")
    assert node(bundle, "CellLine", "SF268")["tissue"] == "central_nervous_system"
    assert bundle.notes[0] == f"found: CellMiner NCI-60 drug activity, z scores ({name})"
    assert "the rule of thresholds is not applied" in bundle.notes[1]


@pytest.mark.parametrize("titles", [[], TITLES])
def test_gi50_of_nci60_becomes_ln_micromolar_and_failed_experiments_are_left_out(
    tmp_path: Path, titles: list[list[str]]
) -> None:
    bundle = read(written(tmp_path, "DTP_NCI60_RAW.csv", [*titles, RAW_HEADER, *RAW_ROWS]))
    micromolar = {  # -log10(mol/l) of 7 is 0.1 µmol/l
        ("METHOTREXATE", "MCF7"): 0.1,
        ("METHOTREXATE", "SF268"): 1.0,
        ("METHOTREXATE", "A549"): 100.0,
        ("NSC999", "MCF7"): 10.0,
        ("NSC999", "SF268"): 10**1.75,
        ("NSC999", "A549"): 0.01,
    }
    found = edges(bundle, "ln_ic50")
    assert found.keys() == micromolar.keys()
    for pair, value in micromolar.items():
        assert found[pair][0] == pytest.approx(math.log(value), abs=1e-6)
    assert any("GI50, at which half of the growth is left, stands where IC50 does" in n for n in bundle.notes)
    assert any("that failed quality control, and are left out: 1" in n for n in bundle.notes)


def test_a_bad_cell_of_nci60_is_named_with_its_column(tmp_path: Path) -> None:
    rows = [row[:] for row in Z_ROWS]
    rows[1][7] = "3,5"
    path = written(tmp_path, "DTP_NCI60_ZSCORE.csv", [*TITLES, Z_HEADER, *rows])
    with pytest.raises(
        RowError, match='row 11, column CNS:SF-268: "3,5" is not a finite number: it has a decimal'
    ):
        read(path)


def test_percentages_are_no_potencies_of_nci60(tmp_path: Path) -> None:
    rows = [[*row[:9], *(str(20 + n) for n in range(3))] for row in RAW_ROWS]
    path = written(tmp_path, "DTP_NCI60_RAW.csv", [RAW_HEADER, *rows])
    with pytest.raises(InputError, match="are no -log10"):
        read(path)


PHARMACOGX = [
    '"","sampleid","treatmentid","tissueid","aac_recomputed","ic50_recomputed","HS","E_inf","EC50"',
    '"drugid_1_A375","A-375","Erlotinib","Skin",0.25,1.5,1,0.1,1',
    '"drugid_1_HT29","HT-29","Erlotinib","Bowel",0,Inf,1,1,NA',
    '"drugid_2_A375","A-375","Lapatinib","Skin",0.5,1e8,1,0.1,1',
    '"drugid_2_HT29","HT-29","Lapatinib","Bowel",NA,0.25,1,0.1,1',
    '"drugid_3_HT29","HT-29","Nutlin-3","Bowel",NA,NA,NA,NA,NA',
]


def test_profiles_of_pharmacogx_become_areas_below_the_curve(tmp_path: Path) -> None:
    path = tmp_path / "profiles.csv"
    path.write_text("\n".join(PHARMACOGX) + "\n")
    bundle = read(path)
    assert edges(bundle, "ln_ic50", "auc") == {
        ("ERLOTINIB", "A375"): (pytest.approx(math.log(1.5)), 0.75),
        ("ERLOTINIB", "HT29"): (None, 1.0),
        ("LAPATINIB", "A375"): (None, 0.5),
        ("LAPATINIB", "HT29"): (pytest.approx(math.log(0.25)), None),
    }
    assert node(bundle, "CellLine", "HT29")["tissue"] == "bowel"
    assert any("read as a share, becomes the area below the curve" in n for n in bundle.notes)
    assert any("and are left empty: 2" in n for n in bundle.notes)


def test_older_profiles_have_percent(tmp_path: Path) -> None:
    text = "\n".join(PHARMACOGX).replace("treatmentid", "drugid").replace("sampleid", "cellid")
    path = tmp_path / "profiles.csv"
    path.write_text(text.replace(",0.25,1.5", ",25,1.5").replace(",0.5,1e8", ",50,1e8"))
    found = edges(read(path), "auc")
    assert found["ERLOTINIB", "A375"] == (0.75,) and found["LAPATINIB", "A375"] == (0.5,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",0.25,1.5", ",250,1.5", 'row 2, column aac_recomputed: "250" is no area'),
        (",0.25,1.5", ",0.25,0", 'row 2, column ic50_recomputed: "0" is not above 0'),
        (
            ",0.25,1.5",
            ",0.25,>10",
            'row 2, column ic50_recomputed: ">10" is not a finite number: it is censored',
        ),
    ],
)
def test_odd_figures_of_pharmacogx_are_bad_rows(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "profiles.csv"
    path.write_text("\n".join(PHARMACOGX).replace(old, new))
    with pytest.raises(RowError) as found:
        read(path)
    assert said in str(found.value)


DETAILS = [
    ["Sample Name", "COSMIC identifier", "Whole Exome Sequencing (WES)", "GDSC Tissue descriptor 1"],
    ["A375", "906793", "Y", "skin"],
    ["HT-29", "905939", "Y", "large_intestine"],
    ["TOTAL:", "1001", "1001", ""],
]
LISTING = [
    [
        "Cell line Name",
        "Model ID",
        "COSMIC ID",
        "TCGA Classfication",
        "Tissue",
        "Tissue sub-type",
        "Datasets",
    ],
    ["A375", "SIDM00795", "906793", "SKCM", "skin", "melanoma", "GDSC1"],
    ["A375", "SIDM00795", "906793", "SKCM", "skin", "melanoma", "GDSC2"],
    ["HT-29", "SIDM00136", "905939", "COREAD", "large_intestine", "large_intestine", "GDSC1"],
]


@pytest.mark.parametrize(
    ("name", "rows"),
    [("Cell_Lines_Details.xlsx", DETAILS), ("Cell_Lines_Details.csv", DETAILS), ("cells-gdsc.csv", LISTING)],
)
def test_cell_lines_of_gdsc_get_ids_and_tissues(tmp_path: Path, name: str, rows: list[list[str]]) -> None:
    written(tmp_path, name, rows)
    (tmp_path / "responses.csv").write_text("drug,cell_line,ln_ic50\nA1,A-375,1\nA1,HT29,2.5\n")
    bundle = read(tmp_path)
    line = node(bundle, "CellLine", "HT29")
    assert (line["cosmic_id"], line["tissue"]) == (905939, "large_intestine")
    assert bundle.nodes["CellLine"].num_rows == 2


RAW = "BARCODE,CELL_LINE_NAME,POSITION,TAG,DRUG_ID,CONC,INTENSITY\n1,A375,1,B,,,100\n"


def test_raw_data_of_gdsc_are_sent_to_the_fit(tmp_path: Path) -> None:
    path = tmp_path / "GDSC2_public_raw_data.csv"
    path.write_text(RAW)
    with pytest.raises(
        InputError, match=r"cli ingest curves GDSC2_public_raw_data\.csv --compounds screened_comp"
    ):
        recognise(path)
