"""A cell such as >10 of a wide table of IC50s is a bound, as in a table in long form; reports count bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import RowError
from tests.cli.typed import typed

DRUGS = "drug,smiles\nD,CCO\nE,CCN\n"
LONG = "drug,cell_line,ic50_uM\nD,A,>10\nD,B,<0.5\nD,C,1\nE,A,2\nE,B,≥10\nE,C,3\n"
WIDE = {
    "drugs down": "IC50 (uM),A,B,C\nD,>10,<0.5,1\nE,2,≥10,3\n",
    "lines down": "IC50 (uM),D,E\nA, > 10,2\nB,<0.5,>=10\nC,1,3\n",
    "in nM": "IC50 (nM),A,B,C\nD,>10000,<500,1000\nE,2000,>1e4,3000\n",
    "as pIC50": "pIC50,A,B,C\nD,<5,>6.301029995663981,6\nE,5.698970004336019,<5,5.522878745280337\n",
    "with semicolons": "IC50 (uM);A;B;C\nD;>10;<0.5;1\nE;2;>10;3\n",
}


def pairs(folder: Path, text: str, *, reject: bool = False) -> dict[tuple[str, str], tuple[float, Any]]:
    folder.mkdir(exist_ok=True)
    (folder / "drugs.csv").write_text(DRUGS)
    (folder / "responses.csv").write_text(text)
    (folder / "cells.csv").write_text("cell_line,tissue\nA,skin\nB,skin\nC,lung\n")
    rejections = Rejections(keep_going=reject)
    table = tables.read(folder, rejections, threshold="ln:0").edges["TESTED_ON", ("Drug", "CellLine")]
    return {(r["src"], r["dst"]): (round(r["ln_ic50"], 9), r["censored"]) for r in table.to_pylist()}


@pytest.mark.parametrize("shape", WIDE)
def test_a_wide_table_gives_the_bounds_of_the_long_one(tmp_path: Path, shape: str) -> None:
    expected = pairs(tmp_path / "long", LONG)
    assert [side for _, side in expected.values()].count("above") == 2
    assert pairs(tmp_path / "wide", WIDE[shape]) == expected


@pytest.mark.parametrize("rows", ["", "  rows: drug\n"])
def test_a_wide_table_of_a_manifest_has_bounds_too(tmp_path: Path, rows: str) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "matrix.csv").write_text("compound,A,B,C\nD,>10,<0.5,1\nE,2,>10,3\n")
    (folder / "drugs.csv").write_text(DRUGS)
    (folder / "manifest.yaml").write_text(
        f"responses:\n  file: matrix.csv\n  layout: wide\n{rows}  values: ic50\n  units:\n    ic50: uM\n"
        "drugs:\n  file: drugs.csv\n"
    )
    table = tables.read(folder, Rejections()).edges["TESTED_ON", ("Drug", "CellLine")]
    found = {(r["src"], r["dst"]): (round(r["ln_ic50"], 9), r["censored"]) for r in table.to_pylist()}
    assert found == pairs(tmp_path / "long", LONG)


@pytest.mark.parametrize("corner", ["auc", "response"])
def test_a_bound_of_what_is_no_ic50_is_a_bad_cell(tmp_path: Path, corner: str) -> None:
    text = f"{corner},A,B,C\nD,>1,0,1\nE,1,0,0\n"
    with pytest.raises(RowError, match=rf'row 2, column A: ">1" is a bound, and this table holds {corner}'):
        pairs(tmp_path / "w", text)
    (tmp_path / "w" / "cells.csv").unlink()
    (tmp_path / "w" / "responses.csv").write_text(text)
    rejections = Rejections(keep_going=True)
    bundle = tables.read(tmp_path / "w", rejections)
    assert bundle.edges["TESTED_ON", ("Drug", "CellLine")].num_rows == 5
    assert [one.value for one in rejections.rejected] == [">1"]


@pytest.mark.parametrize("text", [LONG, WIDE["lines down"], WIDE["as pIC50"]])
@pytest.mark.parametrize("check", [True, False])
def test_bounds_are_counted(tmp_path: Path, text: str, check: bool) -> None:
    pairs(tmp_path / "s", text)
    words = ["ingest", "tables", "s", *(["--check"] if check else ["--store", "ladybug://a.lbug", "--quiet"])]
    ran = typed(*words, cwd=tmp_path)
    assert ran.returncode == 0
    assert (
        "3 values are bounds (2 above the tested range, 1 below the tested range)" in ran.stdout + ran.stderr
    )


def test_a_check_has_the_number_of_bounds_in_its_rows(tmp_path: Path) -> None:
    pairs(tmp_path / "s", LONG)
    ran = typed("ingest", "tables", "s", "--check", "--format", "json", cwd=tmp_path)
    sizes = {row["name"]: row["number"] for row in json.loads(ran.stdout) if row["what"] == "loaded"}
    assert sizes["pairs"] == 6 and sizes["pairs of which a bound is known"] == 3
