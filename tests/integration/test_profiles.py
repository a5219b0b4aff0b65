"""Whole profiles from files to tensors: the share of edges decides nothing that a model reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pharmagraph import ingest
from pharmagraph.kg import profiles
from pharmagraph.kg.copy import copy
from pharmagraph.kg.heterograph import Heterograph, export
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.presets.choices import CellLineGroups, Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.splits import folds

SCREEN = {"drugs": 12, "cells": 20, "genes": 40}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        yield graph


def loaded(store: GraphStore, share: float) -> Heterograph:
    ingest.synthetic(store, **SCREEN, share=share)
    return export(store)


def test_groups_folds_and_tensors_are_the_same_for_every_share(store: GraphStore) -> None:
    few, many = loaded(store, 0.05), loaded(store, 1.0)
    n = {len(graph.relations["CellLine", "EXPRESSES", "Gene"]) for graph in (few, many)}
    assert n == {20 * 2, 20 * 40}
    groups = [Groups.of(graph, cell_lines=CellLineGroups.twins) for graph in (few, many)]
    np.testing.assert_array_equal(groups[0].cell_line, groups[1].cell_line)
    cut = [
        folds(responses(graph), graph, Split.unseen_cell, n_folds=3, seed=0, groups=of)
        for graph, of in zip((few, many), groups, strict=True)
    ]
    for one, other in zip(*cut, strict=True):
        np.testing.assert_array_equal(one.test, other.test)
        np.testing.assert_array_equal(one.train, other.train)
    first, second = (graph_tensors(graph, n_expressed=5, n_neighbours=3) for graph in (few, many))
    for field in fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        for part in ("src", "dst", "weight") if isinstance(a, Edges) else (None,):
            assert torch.equal(*(t if part is None else getattr(t, part) for t in (a, b))), field.name
    assert bool(first.expression_known.all()) and not bool(first.copy_number_known.any())
    assert (first.expression != 0).float().mean() > 0.9


def test_a_load_replaces_its_profiles_and_the_same_load_changes_nothing(
    store: GraphStore, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    pd.DataFrame({"drug": ["X", "Y"], "cell_line": ["L1", "L2"], "ln_ic50": [1.0, 2.0]}).to_csv(
        folder / "responses.csv", index=False
    )
    values = pd.DataFrame(
        [
            (c, g, i * j + i)
            for i, c in enumerate(("L1", "L2", "L3"))
            for j, g in enumerate(("EGFR", "BRAF", "MET"))
        ],
        columns=["cell_line", "gene", "value"],
    )
    values.to_csv(folder / "expression.csv", index=False)
    assert ingest.tables(store, folder, without_smiles=True).changed
    (before,) = profiles.read(store)
    assert list(before.cell_lines) == ["L1", "L2", "L3"] and list(before.genes) == ["BRAF", "EGFR", "MET"]
    assert not ingest.tables(store, folder, without_smiles=True).changed
    values[(values.gene != "MET") & (values.cell_line != "L3")].to_csv(folder / "expression.csv", index=False)
    report = ingest.tables(store, folder, without_smiles=True)
    (after,) = profiles.read(store)
    assert list(after.cell_lines) == ["L1", "L2"] and list(after.genes) == ["BRAF", "EGFR"]
    assert report.table.set_index("kind")["removed"][["OmicsProfile", "GenePanel"]].tolist() == [1, 1]
    expression = export(store).profiles["expression"]  # nothing else tells of L3 and MET, which are gone
    assert expression.shape == (2, 2) and not expression.isnan().any()


def test_every_measured_gene_is_a_node_and_copy_numbers_of_0_are_known(
    store: GraphStore, tmp_path: Path
) -> None:
    loaded(store, 0.1)
    lines = store.read_nodes("CellLine", ["id"])["id"].to_pylist()[:3]
    table = pd.DataFrame({"gene": ["BRAF", "MET"], lines[0]: [0, 1], lines[1]: [0, -2], lines[2]: [0, 0]})
    table.to_csv(tmp_path / "copies.csv", index=False)
    ingest.omics(store, tmp_path / "copies.csv", "copy_number", new_genes=True)
    graph = export(store)
    tensors = graph_tensors(graph, n_expressed=5, n_neighbours=3)
    at = [list(graph.ids["Gene"]).index(g) for g in ("BRAF", "MET")]
    assert tensors.copy_number[:3, at].tolist() == [[0, 1], [0, -2], [0, 0]]
    assert tensors.copy_number_known.nonzero().flatten().tolist() == sorted(at)
    assert len(graph.relations["CellLine", "COPY_NUMBER", "Gene"]) == 2


def test_a_copy_and_a_part_have_the_profiles_of_their_cell_lines(store: GraphStore, tmp_path: Path) -> None:
    whole = loaded(store, 0.1)
    with open_store(f"ladybug://{tmp_path}/other.lbug") as other:
        copy(store, other)
        assert export(other).fingerprint() == whole.fingerprint()
    part = export(store, tissues=["breast"])
    kept = np.isin(whole.ids["CellLine"], part.ids["CellLine"])
    assert 0 < kept.sum() < len(kept)
    torch.testing.assert_close(
        part.profiles["expression"], whole.profiles["expression"][torch.from_numpy(kept)]
    )
