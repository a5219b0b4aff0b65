"""Structures in files, with what people leave behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import structures
from pharmagraph.kg.errors import RowError


@pytest.mark.parametrize("written", ["CCO", "CCO ethanol", "CCO\tethanol", "CCO |$_AV:a$|", " CCO  "])
def test_the_structure_alone_is_kept(written: str, tmp_path: Path) -> None:
    path = tmp_path / "drugs.csv"
    path.write_text(f"drug,smiles\nEthanol,{written}\n")
    (row,) = read_long(path, "drugs", Rejections(), kind="Drug")
    assert row["smiles"] == "CCO"
    found = structures([(2, "ETHANOL", written)], Rejections(), file="drugs.csv", column="smiles")
    assert found == {"ETHANOL": "CCO"}


def test_a_letter_of_another_alphabet_is_a_bad_row() -> None:
    rows = [(2, "PHENOL", "\u041ec1ccccc1")]
    with pytest.raises(RowError, match=r"row 2, column smiles: .* is not a structure"):
        structures(rows, Rejections(), file="drugs.csv", column="smiles")


def test_an_underscore_makes_no_number(tmp_path: Path) -> None:
    path = tmp_path / "responses.csv"
    path.write_text("drug,cell_line,ln_ic50\nEthanol,A375,1_0\n")
    with pytest.raises(RowError, match='row 2, column ln_ic50: "1_0" is not a finite number'):
        read_long(path, "responses", Rejections(), kind="TESTED_ON")
