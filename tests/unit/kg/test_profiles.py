"""Profiles as rows and back, and what becomes of them in the graph that training reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from pharmagraph.kg import profiles
from pharmagraph.kg.errors import ShapeError
from pharmagraph.kg.heterograph import export, load, save
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.heterograph.profiles import known
from pharmagraph.kg.profiles import PANEL, PROFILE, Profiles
from pharmagraph.kg.store import GraphStore, open_store

NAN = float("nan")
VALUES = np.array([[NAN, 1.0, -2.0], [NAN, NAN, NAN], [NAN, 0.5, NAN]])


def put(store: GraphStore, *many: Profiles) -> None:
    for one in many:
        store.upsert_nodes(PANEL, one.panel_table())
        store.upsert_nodes(PROFILE, one.table())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        for kind, ids in (("CellLine", ["A549", "HT29", "MCF7"]), ("Drug", ["ASPIRIN"])):
            graph.upsert_nodes(kind, pa.table({"id": ids, "name": ids}))
        graph.upsert_nodes("Gene", pa.table({"id": ["BRAF", "EGFR", "ESR1"]}))
        graph.upsert_nodes("Dataset", pa.table({"id": ["A", "B"]}))
        edges = {"src": ["A549", "MCF7", "HT29"], "dst": ["EGFR"] * 3, "z": [9.0, 4.0, 3.0]}
        graph.upsert_edges("EXPRESSES", ("CellLine", "Gene"), pa.table({**edges, "dataset": ["A", "A", "B"]}))
        yield graph


def test_what_was_never_measured_is_left_out_and_the_rest_is_ordered() -> None:
    one = Profiles.of("A", "expression", ["MCF7", "HT29", "A549"], ["BRAF", "ESR1", "EGFR"], VALUES)
    assert one.cell_lines == ["A549", "MCF7"] and one.genes == ["EGFR", "ESR1"]
    np.testing.assert_array_equal(one.values, np.array([[NAN, 0.5], [-2, 1]], np.float32))
    with pytest.raises(ShapeError, match=r"2 cell lines and 2 genes have the shape \(1, 2\)"):
        Profiles("A", "expression", one.cell_lines, one.genes, one.values[:1])


def test_a_panel_of_other_genes_has_another_id() -> None:
    """Else the values of a load that was cut off would be read as those of other genes."""
    ids = {
        Profiles("A", "expression", [], g, np.empty((0, len(g)), np.float32)).panel
        for g in ("XY", "YX", "XYZ")
    }
    assert len(ids) == 3


def test_profiles_come_back_as_they_were(store: GraphStore) -> None:
    first = Profiles.of("A", "expression", ["A549", "HT29", "MCF7"], ["BRAF", "EGFR", "ESR1"], VALUES)
    second = Profiles.of("B", "copy_number", ["HT29"], ["BRAF"], np.array([[-1.0]]))
    put(store, first, second)
    put(store, first)
    found = sorted(profiles.read(store), key=lambda one: one.dataset)
    for one, sent in zip(found, (first, second), strict=True):
        assert (one.dataset, one.kind, one.panel) == (sent.dataset, sent.kind, sent.panel)
        assert list(one.cell_lines) == list(sent.cell_lines) and list(one.genes) == list(sent.genes)
        np.testing.assert_array_equal(one.values, sent.values)
    change = store.upsert_nodes(PROFILE, first.table())
    assert (change.inserted, change.updated, change.unchanged) == (0, 0, 2)


def test_a_profile_goes_before_the_edges_of_its_dataset_and_beside_those_of_others(store: GraphStore) -> None:
    put(store, Profiles.of("A", "expression", ["A549", "HT29"], ["EGFR"], np.array([[2.0], [1.0]])))
    graph = export(store)
    expected = np.full((3, 3), NAN, np.float32)
    expected[:2, 1] = [2, (1 + 3) / 2]  # B has an edge alone; of A, which has profiles, no edge counts
    np.testing.assert_array_equal(graph.profiles["expression"], expected)
    assert list(graph.profiles) == ["expression"]
    only = export(store, datasets=["B"])
    assert not only.profiles and known(only, "expression")[:, 1].tolist() == [3.0]


def test_without_profiles_values_are_the_means_of_edges(store: GraphStore) -> None:
    edges = pa.table({"src": ["A549"], "dst": ["EGFR"], "z": [1.0], "dataset": ["B"]})
    store.upsert_edges("EXPRESSES", ("CellLine", "Gene"), edges)
    graph = export(store)
    assert not graph.profiles
    np.testing.assert_array_equal(known(graph, "expression")[:, 1], [5, 3, 4])
    assert known(graph, "expression")[:, [0, 2]].isnan().all() and known(graph, "copy_number").isnan().all()


def test_a_saved_graph_has_the_same_profiles_and_another_fingerprint(
    store: GraphStore, tmp_path: Path
) -> None:
    before = export(store)
    save(before, tmp_path / "edges")
    put(store, Profiles.of("A", "expression", ["A549", "HT29"], ["EGFR"], np.array([[2.0], [1.0]])))
    graph = export(store)
    save(graph, tmp_path / "whole")
    again = load(tmp_path / "whole")
    assert before.fingerprint() != graph.fingerprint() == again.fingerprint()
    for folder, original in (("edges", before), ("whole", graph)):
        for kind in ("expression", "copy_number"):
            saved = SavedArrays(tmp_path / folder).profile(kind)
            assert saved.dtype == np.float32
            np.testing.assert_array_equal(saved, known(original, kind))


def test_profiles_of_another_width_are_refused(store: GraphStore) -> None:
    with pytest.raises(ShapeError, match=r'"expression" of .3, 2. has no column for each of the 3 genes'):
        export(store).with_features("CellLine", {"expression": torch.zeros(3, 2)})
