"""Drugs by structure, against RDKit asked directly, one pair at a time."""

from __future__ import annotations

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.structure_search import StructureIndex

SMILES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "salicylic acid": "O=C(O)c1ccccc1O",
    "benzene": "c1ccccc1",
    "sodium salicylate": "[Na+].O=C([O-])c1ccccc1O",
    "erlotinib": "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC",
    "D-alanine": "C[C@@H](N)C(=O)O",
    "L-alanine": "C[C@H](N)C(=O)O",
    "unreadable": "C1CC",
    "none": None,
}


@pytest.fixture(scope="module")
def index() -> StructureIndex:
    rows = [
        {"id": n, "name": n, "smiles": s, "inchikey": None, "parent_inchikey": None}
        for n, s in SMILES.items()
    ]
    return StructureIndex(rows)


def ids(found: list) -> set[str]:
    return {hit.id for hit in found}


def test_the_same_structure_is_found_however_it_is_written(index: StructureIndex) -> None:
    assert ids(index.find("c1(C(O)=O)ccccc1OC(C)=O", "exact")) == {"aspirin"}
    assert ids(index.find("N[C@H](C)C(O)=O", "exact")) == {"D-alanine"}


def test_a_salt_is_looked_for_with_its_parent(index: StructureIndex) -> None:
    assert ids(index.find("[K+].O=C([O-])c1ccccc1O", "exact")) == {"salicylic acid"}
    assert "sodium salicylate" in ids(index.find("[Na+].O=C([O-])c1ccccc1O", "exact"))


def test_similarities_are_rdkits_and_the_most_similar_comes_first(index: StructureIndex) -> None:
    morgan = GetMorganGenerator(radius=2, fpSize=2048)
    bits = {
        name: morgan.GetFingerprint(Chem.MolFromSmiles(smiles))
        for name, smiles in SMILES.items()
        if smiles and name != "unreadable"
    }
    expected = {name: DataStructs.TanimotoSimilarity(bits["aspirin"], other) for name, other in bits.items()}
    found = index.find(SMILES["aspirin"] or "", "similar", at_least=0.2)
    assert ids(found) == {name for name, value in expected.items() if value >= 0.2}
    in_order = sorted((expected[hit.id] for hit in found), reverse=True)
    assert [hit.similarity for hit in found] == pytest.approx(in_order, rel=1e-6)
    for value in in_order:  # the end of the range belongs to it
        assert min(
            hit.similarity for hit in index.find(SMILES["aspirin"] or "", "similar", at_least=value)
        ) == pytest.approx(value)
    assert found[0].id == "aspirin" and found[0].similarity == 1


def test_what_contains_a_structure_is_what_rdkit_matches(index: StructureIndex) -> None:
    part = Chem.MolFromSmiles("Oc1ccccc1")
    expected = {
        name
        for name, smiles in SMILES.items()
        if smiles and (whole := Chem.MolFromSmiles(smiles)) and whole.HasSubstructMatch(part)
    }
    assert ids(index.find("Oc1ccccc1", "substructure")) == expected > {"aspirin"}
    assert ids(index.find(SMILES["L-alanine"] or "", "substructure")) == {"D-alanine", "L-alanine"}


def test_an_empty_graph_has_none() -> None:
    for how in ("exact", "similar", "substructure"):
        assert StructureIndex([]).find("C", how) == []


def test_what_is_wrong_is_said(index: StructureIndex) -> None:
    with pytest.raises(InputError, match="unclosed ring"):
        index.find("C1CC", "exact")
    with pytest.raises(InputError, match="0 to 1"):
        index.find("CC", "similar", at_least=2)
    with pytest.raises(NotFoundError, match="exact, similar, substructure"):
        index.find("CC", "fuzzy")  # type: ignore[arg-type]
