"""SDF and SMILES files give every molecule, with the reason of what cannot be read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from rdkit import Chem

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.molecules import kind_of, molecules


def _block(smiles: str, title: str = "") -> str:
    molecule = Chem.MolFromSmiles(smiles)
    molecule.SetProp("_Name", title)
    return Chem.MolToMolBlock(molecule)


def _sdf(path: Path, *blocks: str) -> Path:
    text = "".join(f"{block}> <ID>\n7\n\n$$$$\n" for block in blocks)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.sdf", "a.SDF", "a.sdf.gz"])
def test_sdf_gives_titles_and_structures(tmp_path: Path, name: str) -> None:
    found = list(molecules(_sdf(tmp_path / name, _block("CCO", "ethanol"), _block("c1ccccc1"))))
    assert [(m.place, m.title, m.smiles) for m in found] == [
        ("molecule 1", "ethanol", "CCO"),
        ("molecule 2", "", "c1ccccc1"),
    ]


def test_v3000_and_a_mol_file_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "one.mol"
    path.write_text(Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CCN")), encoding="utf-8")
    assert [m.smiles for m in molecules(path)] == ["CCN"]


def test_a_bad_molecule_does_not_stop_the_next(tmp_path: Path) -> None:
    good = _block("CCO", "good")
    five_bonds = _block("C[N+](C)(C)C", "five").replace("M  CHG  1   2   1\n", "")
    huge = good.replace("  3  2  0", "9999  2  0").replace("good", "huge")
    lines = good.splitlines(keepends=True)
    empty = "".join([*lines[:3], "  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n"])
    found = list(molecules(_sdf(tmp_path / "a.sdf", good, five_bonds, huge, "no\nmolecule\n", empty, good)))
    assert [bool(m.reason) for m in found] == [False, True, True, True, True, False]
    assert "valence" in found[1].reason and found[1].title == "five"
    assert found[4].reason == "it has no atoms"


def test_too_many_atoms_are_not_given_to_rdkit(tmp_path: Path) -> None:
    block = (
        "big\n\n\n  0  0  0  0  0  0  0  0  0  0999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS 60000 1 0 0 0\n"
    )
    (found,) = molecules(_sdf(tmp_path / "a.sdf", block))
    assert "60,000 atoms" in found.reason


@pytest.mark.parametrize("text", ["", "\n\n", "drug,smiles\nx,CCO\n", "a\nb\nc\nd\n$$$$\n"])
def test_what_is_no_sdf_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.sdf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.sdf (is no SDF|has no molecule)"):
        list(molecules(path))


def test_smiles_with_header_names_comments_and_extensions(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text("SMILES Name\n# mine\nCCO\tan alcohol\n\nCCN\nC[C@H](N)O |r| chiral\n", encoding="utf-8")
    found = [(m.place, m.smiles, m.title) for m in molecules(path)]
    assert found == [
        ("row 3", "CCO", "an alcohol"),
        ("row 5", "CCN", ""),
        ("row 6", "C[C@H](N)O", "chiral"),
    ]


def test_kinds_by_name() -> None:
    names = ("a.sdf", "a.SD", "a.mol.gz", "a.smi", "a.smiles.xz", "a.csv", "sdf", "a.sdf.csv")
    assert [kind_of(Path(n)) for n in names] == ["sdf", "sdf", "sdf", "smi", "smi", None, None, None]


@pytest.mark.parametrize(
    "counts",
    ["  V3000 0  0  0  0  0  0  0  0999 V2000", "V3000", "  0  0 V3000\nM  V30 COUNTS " + "9" * 5000],
)
def test_a_number_of_atoms_that_is_none_is_a_reason(tmp_path: Path, counts: str) -> None:
    path = tmp_path / "a.sdf"
    path.write_text(f"aspirin\n  RDKit\n\n{counts}\nM  END\n$$$$\n")
    (found,) = molecules(path)
    assert not found.smiles and "atoms" in found.reason and len(found.reason) < 200
