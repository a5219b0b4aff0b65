"""The benchmark's compounds are readable, new and each there once."""

from __future__ import annotations

from rdkit import Chem

from benchmarks.predict_matrix import methylated


def test_methylated_structures_are_new_and_have_one_carbon_more() -> None:
    given = ["CCO", "c1cc[nH]c1", "Cc1cc[nH]c1"]
    found = list(methylated(given))
    atoms = {Chem.MolFromSmiles(text).GetNumAtoms() for text in found}
    assert atoms == {4, 6, 7}
    assert len(set(found)) == len(found)
    assert not {Chem.CanonSmiles(text) for text in given} & {Chem.CanonSmiles(text) for text in found}
