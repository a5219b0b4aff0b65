"""The planted structure is there to be found, and only where it was planted."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from scipy.stats import spearmanr

from pharmagraph.ingest.sources import synthetic
from pharmagraph.kg.errors import InputError


def test_the_same_seed_gives_the_same_screen_and_another_does_not() -> None:
    one, same, other = (synthetic.read(seed=s) for s in (3, 3, 4))
    assert all(one.edges[k].equals(same.edges[k]) for k in one.edges)
    assert not one.edges["TESTED_ON", ("Drug", "CellLine")].equals(
        other.edges["TESTED_ON", ("Drug", "CellLine")]
    )


def test_response_follows_the_targets_of_the_class_and_no_gene_without_class() -> None:
    planted = synthetic.plant(drugs=20, cells=120, genes=80, seed=0)
    target, outside = [], []
    free = np.flatnonzero(planted.gene_class < 0)[:2]
    for drug, cls in enumerate(planted.drug_class):
        tested = ~np.isnan(planted.ln_ic50[drug])
        response = planted.ln_ic50[drug, tested]
        target.append(spearmanr(planted.expression[tested][:, planted.targets[cls]].mean(1), response)[0])
        outside.append(spearmanr(planted.expression[tested][:, free].mean(1), response)[0])
    assert np.median(target) < -0.6
    assert abs(np.median(outside)) < 0.15


def test_targets_in_the_bundle_are_the_planted_ones() -> None:
    bundle = synthetic.read(drugs=10, cells=12, genes=40, seed=1)
    planted = synthetic.plant(drugs=10, cells=12, genes=40, seed=1)
    pairs = {(r["src"], r["dst"]) for r in bundle.edges["TARGETS", ("Drug", "Gene")].to_pylist()}
    assert pairs == {
        (f"SYNTHETICDRUG{d + 1:04d}", f"SYNTHETICG{g + 1:05d}")
        for d, c in enumerate(planted.drug_class)
        for g in planted.targets[c]
    }


@pytest.mark.parametrize("drugs", [2, 60, 400])
def test_every_drug_has_a_structure_of_its_own(drugs: int) -> None:
    planted = synthetic.plant(drugs=drugs, cells=10, genes=100, seed=0)
    written = synthetic.smiles(planted.drug_class)
    assert len({Chem.MolToSmiles(Chem.MolFromSmiles(s)) for s in written}) == drugs


def test_too_small_a_screen_is_refused() -> None:
    with pytest.raises(InputError, match=r"^drugs 1 is too few"):
        synthetic.plant(drugs=1, cells=10, genes=10, seed=0)
