"""What is asked of a prediction: a drug by name or structure, a cell line by name or file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.fingerprints import inchikey
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.model.runs.asked import asked_cell_lines, asked_drugs
from pharmagraph.model.runs.profiles import RunGenes

CISPLATIN = "N.N.Cl[Pt]Cl"
LINES = Names("cell line", {"A375": ["A375"], "TT": ["TT"]})
DRUGS = Names("drug", {"CISPLATIN": ["Cisplatin", inchikey(CISPLATIN)]})


class _Genes(RunGenes):
    def __init__(self) -> None:
        super().__init__(SavedArrays.__new__(SavedArrays), lambda: Names("gene", {"EGFR": ()}))
        self.__dict__ |= {"ids": {"EGFR": 0}, "reference": None}


def _asked(text: str) -> str:
    (found,) = asked_cell_lines(["A375", "TT"], [text], LINES, _Genes(), lambda _: None)
    return found.name


def test_a_path_is_a_file_and_a_stored_name_the_cell_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("A375").write_text("gene,z\nEGFR,1\n")
    assert _asked("A375") == "A375"
    assert _asked("a-375") == "A375"
    assert _asked("./A375") == "(new cell line)"
    assert _asked(str(tmp_path / "A375")) == "(new cell line)"


def test_what_is_no_file_that_can_be_read_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    for text, reason in (
        ("pipe", "no file that can be read as a table"),
        (str(tmp_path), "no file that can be read as a table"),
        ("profile.csv", "nor is there such a file"),
        ("x" * 5_000, "see: cli status"),
        ("nobody", "see: cli status"),
    ):
        with pytest.raises(NotFoundError, match=reason) as refused:
            _asked(text)
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_known_salt_is_not_said_to_be_replaced_by_its_parent() -> None:
    notes: list[str] = []
    (found,) = asked_drugs(["CISPLATIN"], None, [CISPLATIN], DRUGS, notes.append)
    assert found.name == "CISPLATIN" and len(notes) == 1 and "has the InChIKey of CISPLATIN" in notes[0]


def test_blanks_around_a_structure_are_left_out_wherever_it_is_typed() -> None:
    for typed in ({"drugs": ["CC=O\n"], "smiles": None}, {"drugs": None, "smiles": ["CC=O\n"]}):
        (found,) = asked_drugs(["CISPLATIN"], names=DRUGS, note=lambda _: None, **typed)
        assert found.smiles == "CC=O"


def test_no_inchikey_is_near_another() -> None:
    key = inchikey("N.N.Cl[Pd]Cl")
    with pytest.raises(NotFoundError) as refused:
        asked_drugs(["CISPLATIN"], [key], None, DRUGS, lambda _: None)
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize("text", ["\udcff", "\u041ec1ccccc1", "C\x02"])
def test_what_no_smiles_has_is_refused_in_one_line(text: str) -> None:
    for typed in ({"drugs": [text], "smiles": None}, {"drugs": None, "smiles": [text]}):
        with pytest.raises((InputError, NotFoundError)) as refused:
            asked_drugs(["CISPLATIN"], names=DRUGS, note=lambda _: None, **typed)
        assert "\n" not in str(refused.value)
