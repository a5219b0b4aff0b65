"""Files of pilots: what is read, what is said, and what is refused in one line that names the place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.table import Table
from pharmagraph.model.runs.pilots import Measured, Side, read_pilots, required

SIDES = {
    "drug": Side(["NSC1", "NSC2"], Names("drug", {"NSC1": ["aspirin"], "NSC2": ["niclosamide"]})),
    "cell_line": Side(
        ["MCF7", "A549", "K562"],
        Names("cell line", {"MCF7": ["MCF-7"], "A549": ["A549"], "K562": ["K-562"], "HELA": ["HeLa"]}),
    ),
}


def read(tmp_path: Path, text: str, task: str = "regression") -> tuple[Measured, list[str]]:
    file, notes = tmp_path / "pilot.csv", list[str]()
    file.write_text(text)
    return read_pilots(Table.of_file(file), SIDES, task, lambda: (-9.0, 11.0), notes.append), notes


def test_cell_lines_go_by_any_name_and_replicates_are_averaged(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "cell_line,ln_ic50\nMCF-7,1.5\nA549,-2\nMCF7,2.5\nA549,-2\n")
    assert found.kind == "drug" and found.at.tolist() == [0, 1] and found.value.tolist() == [2.0, -2.0]
    assert found.rows == [2, 3]
    assert "MCF7 has 2 replicates; their mean, 2, is taken" in notes[0] and "copies count once" in notes[1]


def test_drugs_are_pilots_of_a_cell_line_and_classes_have_words(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "drug,response\naspirin,resistant\nNSC2,1\n", "classification")
    assert found.kind == "cell_line" and found.value.tolist() == [0.0, 1.0] and not notes


def test_a_single_class_and_values_like_concentrations_are_said(tmp_path: Path) -> None:
    assert (
        "all 2 pilots are resistant"
        in read(tmp_path, "drug,response\nNSC1,0\nNSC2,0\n", "classification")[1][0]
    )
    text = "cell_line,ln_ic50\nMCF7,0.02\nA549,3.5\nK562,9\n"
    assert "if they are no logarithms" in read(tmp_path, text)[1][0]


@pytest.mark.parametrize(
    ("text", "task", "said"),
    [
        ("", "regression", "is empty"),
        ("cell_line,ln_ic50\n", "regression", "has no rows"),
        ("line,ln_ic50\nMCF7,1\n", "regression", "needs one of the columns cell_line"),
        ("cell_line,drug,ln_ic50\nMCF7,NSC1,1\n", "regression", "needs one of the columns cell_line"),
        ("cell_line,ic50_nm\nMCF7,100\n", "regression", "has no column ln_ic50 (the natural logarithm of IC50"),
        ("cell_line,ln_ic50\nMCF7,1\n", "classification", "has no column response"),
        ("cell_line,ln_ic50,ln_ic50\nMCF7,1,2\n", "regression", "is there twice"),
        ("cell_line,ln_ic50\nMCF7,1\nMCF8,1\n", "regression", 'row 3, column cell_line: "MCF8" is no cell line of'),
        ("cell_line,ln_ic50\nHELA,1\n", "regression", 'row 2, column cell_line: "HELA" came into the graph after'),
        ("drug,ln_ic50\nwater,1\n", "regression", 'row 2, column drug: "water" is no drug of the graph'),
        ("cell_line,ln_ic50\nMCF7,250\n", "regression", 'row 2, column ln_ic50: "250" cannot be an ln IC50 in ln'),
        ("cell_line,ln_ic50\nMCF7,-40\n", "regression", "cannot be an ln IC50"),
        ("cell_line,ln_ic50\nMCF7,high\n", "regression", 'row 2, column ln_ic50: "high" is not a finite number'),
        ("cell_line,ln_ic50\nMCF7,nan\n", "regression", "is not a finite number"),
        ("cell_line,ln_ic50\nMCF7\n", "regression", "has 1 cells where the header has 2"),
        ("cell_line,ln_ic50\nMCF7,1\nMCF7,6\n", "regression", 'row 3, column ln_ic50: "MCF7: 1 and 6" are replicates'),
        ("cell_line,response\nMCF7,1\nMCF7,0\n", "classification", 'row 3, column response: "MCF7: 0" contradicts 1'),
        ("cell_line,response\nMCF7,0.4\n", "classification", 'row 2, column response: "0.4" is neither 1'),
    ],
)  # fmt: skip
def test_bad_pilots_are_refused_in_one_line(tmp_path: Path, text: str, task: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, task)
    message = str(caught.value)
    assert said in message and "pilot.csv" in message and "\n" not in message


def test_a_run_that_needs_its_network_says_that_it_takes_no_pilots() -> None:
    with pytest.raises(
        ModelError, match="cannot take pilots: its axial or relational component has a weight"
    ):
        required(None)


def test_the_unit_is_judged_by_the_training_pairs_alone(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "cell_line,ln_ic50\nMCF7,15.9\n")
    assert np.isclose(found.value, 15.9).all()
