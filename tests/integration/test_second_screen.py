"""A drug of a second screen is the drug of the store that has its structure or its code; clashes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pharmagraph import ingest
from pharmagraph.kg.names import find_drug
from pharmagraph.kg.store import GraphStore, open_store

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
ERLOTINIB = "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC"
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
FIRST = (
    "drug,smiles,pubchem_cid,broad_id,chembl_id\n"
    f"Imatinib,{IMATINIB},5291,BRD-K92723993-001-02-3,CHEMBL941\nErlotinib,{ERLOTINIB},176870,,\n"
    f"Aspirin,{ASPIRIN},,,\n"
)


def screen(folder: Path, name: str, drugs: str, tested: list[str]) -> Path:
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "drugs.csv").write_text(drugs)
    pairs = [f'"{d}",{c},{n - m / 2}\n' for n, d in enumerate(tested) for m, c in enumerate(("X", "Y"))]
    (place / "responses.csv").write_text("drug,cell_line,ln_ic50\n" + "".join(pairs))
    return place


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(f"ladybug://{tmp_path / 'a.lbug'}") as graph:
        ingest.tables(graph, screen(tmp_path, "first", FIRST, ["Imatinib", "Erlotinib", "Aspirin"]))
        yield graph


def drugs_of(store: GraphStore, dataset: str) -> set[str]:
    rows = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src"], equals={"dataset": dataset})
    return set(rows["src"].to_pylist())


SAME = {
    "the structure": ("drug,smiles\nLAB-1,CN1CCN(CC1)Cc1ccc(cc1)C(=O)Nc1ccc(C)c(c1)Nc1nccc(n1)-c1cccnc1\n", "LAB-1"),
    "a salt": (f"drug,smiles\nLAB-1,{IMATINIB}.CS(=O)(=O)O\n", "LAB-1"),
    "a charged form": (f"drug,smiles\nLAB-1,{IMATINIB.replace('N(C)CC3', '[NH+](C)CC3')}.[Cl-]\n", "LAB-1"),
    "a PubChem number": ("drug,pubchem_cid\nLAB-1,5291\n", "LAB-1"),
    "a PubChem number for a name": ("drug\nCID 5291\n", "CID 5291"),
    "a Broad id of another batch": ("drug,broad_id\nLAB-1,BRD-K92723993-003-11-9\n", "LAB-1"),
    "a Broad id for a name": ("drug\nBRD-K92723993\n", "BRD-K92723993"),
    "a ChEMBL id": ("drug,chembl_id\nLAB-1,CHEMBL941\n", "LAB-1"),
    "a ChEMBL id for a name": ("drug\nchembl941\n", "chembl941"),
}  # fmt: skip


@pytest.mark.parametrize("by", SAME)
def test_a_drug_of_the_store_is_found_by(tmp_path: Path, store: GraphStore, by: str) -> None:
    text, name = SAME[by]
    place = screen(tmp_path, "second", text, [name])
    report = ingest.tables(store, place, without_smiles=True)
    assert drugs_of(store, "second") == {"IMATINIB"}
    assert store.counts()["Drug"] == 3
    assert any(f"are one drug with it: 1 ({name} is Imatinib)" in note for note in report.bundle.notes)
    node = find_drug(store, name)
    assert (node["id"], node["name"], node["smiles"]) == ("IMATINIB", "Imatinib", IMATINIB)
    assert name in node["aliases"] and "CHEMBL941" in node["aliases"] and node["pubchem_cid"] == 5291
    again = ingest.tables(store, place, without_smiles=True)
    assert not again.changed and store.counts()["Drug"] == 3


def test_sodium_that_is_written_as_bound_is_a_salt(tmp_path: Path, store: GraphStore) -> None:
    text = "drug,smiles\nLAB-2,CC(=O)Oc1ccccc1C(=O)O[Na]\nLAB-3,CCN\n"
    ingest.tables(store, screen(tmp_path, "second", text, ["LAB-2", "LAB-3"]), neighbours=2)
    assert drugs_of(store, "second") == {"ASPIRIN", "LAB3"}
    similar = store.read_edges("SIMILAR_TO", ("Drug", "Drug"), ["src", "dst"], equals={"dataset": "second"})
    assert set(similar["src"].to_pylist()) | set(similar["dst"].to_pylist()) == {"ASPIRIN", "LAB3"}


CLASHES = {
    "a number of another structure": (
        f"drug,smiles,pubchem_cid\nLAB-1,{ASPIRIN[:-1]}C,5291\n", "LAB1", "1 (LAB-1 and Imatinib)"
    ),
    "a ChEMBL id of another structure": ("drug,smiles,chembl_id\nLAB-1,CCO,CHEMBL941\n", "LAB1", "(LAB-1 and Im"),
    "codes of two drugs": (
        "drug,pubchem_cid,chembl_id\nLAB-1,176870,CHEMBL941\n", "LAB1",
        "may be one of several drugs, and are drugs of their own: 1 (LAB-1: ",
    ),
    "two structures of one name": (
        "drug,smiles\nImatinib,CCO\n", "IMATINIB", "in the store, which stays: 1 (Imatinib: CCO, in the store",
    ),
}  # fmt: skip


@pytest.mark.parametrize("clash", CLASHES)
def test_what_clashes_is_named_and_changes_nothing_in_the_store(
    tmp_path: Path, store: GraphStore, clash: str
) -> None:
    text, id_, said = CLASHES[clash]
    before = find_drug(store, "Imatinib")
    name = text.splitlines()[1].split(",")[0]
    report = ingest.tables(store, screen(tmp_path, "second", text, [name]), without_smiles=True)
    assert any(said in note for note in report.bundle.notes), report.bundle.notes
    assert drugs_of(store, "second") == {id_}
    assert find_drug(store, "Imatinib") == before


def test_mirror_images_are_two_drugs_in_two_screens(tmp_path: Path, store: GraphStore) -> None:
    left, right = "C[C@H](N)C(=O)Nc1ccccc1", "C[C@@H](N)C(=O)Nc1ccccc1"
    ingest.tables(store, screen(tmp_path, "second", f"drug,smiles\nL-1,{left}\n", ["L-1"]))
    ingest.tables(store, screen(tmp_path, "third", f"drug,smiles\nR-1,{right}\n", ["R-1"]))
    assert drugs_of(store, "second") == {"L1"} and drugs_of(store, "third") == {"R1"}


def test_a_new_release_of_a_screen_may_correct_its_structures(tmp_path: Path, store: GraphStore) -> None:
    ingest.tables(store, screen(tmp_path, "second", "drug,smiles\nLAB-1,CCO\n", ["LAB-1"]))
    report = ingest.tables(store, screen(tmp_path, "second", "drug,smiles\nLAB-1,CCN\n", ["LAB-1"]))
    assert find_drug(store, "LAB-1")["smiles"] == "CCN"
    assert not any("another structure" in note for note in report.bundle.notes)


def test_a_drug_without_structure_in_the_store_gets_that_of_the_second_screen(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path / 'b.lbug'}") as graph:
        first = screen(tmp_path, "first", "drug,chembl_id\nGleevec,CHEMBL941\n", ["Gleevec"])
        ingest.tables(graph, first, without_smiles=True)
        text = f"drug,smiles,chembl_id\nLAB-1,{IMATINIB},CHEMBL941\n"
        ingest.tables(graph, screen(tmp_path, "second", text, ["LAB-1"]))
        node = find_drug(graph, "LAB-1")
        assert node["smiles"] == IMATINIB and node["inchikey"] and drugs_of(graph, "second") == {node["id"]}
