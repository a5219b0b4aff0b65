"""Columns of the drugs' covariance are those of all similarities."""

from __future__ import annotations

import pytest
import torch

from pharmagraph.kg.errors import ShapeError
from pharmagraph.kg.fingerprints import fingerprints
from pharmagraph.model.inputs import structure_columns
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.similarities import drug_kernels
from pharmagraph.model.inputs.structure_columns import StructureColumns

SMILES = ["CCO", "CCCO", "c1ccccc1O", None, "CC(=O)Oc1ccccc1C(=O)O", "CCCCCCCCCCN", "c1ccncc1"]
WEIGHTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_columns_and_diagonal_are_those_of_all_similarities(monkeypatch: pytest.MonkeyPatch) -> None:
    views = {name: torch.from_numpy(rows) for name, rows in fingerprints(SMILES).items()}
    nobody = torch.empty(0, dtype=torch.int64)
    similarities = drug_kernels(
        {name: view.float() for name, view in views.items()}, Edges(nobody, nobody, torch.empty(0, 1))
    )
    whole = similarities[..., :-1] @ torch.tensor(WEIGHTS) + 0.25
    monkeypatch.setattr(structure_columns, "ROWS", 3)  # a block in the middle, and one that is not full
    found = StructureColumns(views, WEIGHTS, 0.25)
    some = torch.tensor([4, 0, 3])
    torch.testing.assert_close(found(some), whole[:, some])
    torch.testing.assert_close(found.diagonal(), whole.diagonal())
    assert found.diagonal()[3] == 0.25  # a drug without a structure is like none, not even itself


def test_a_weight_is_there_for_each_similarity() -> None:
    views = {name: torch.from_numpy(rows) for name, rows in fingerprints(SMILES).items()}
    with pytest.raises(ShapeError, match="weights: 6 values, expected 7"):
        StructureColumns(views, WEIGHTS[1:])
