"""Every layer of omics is read by one reader, becomes edges and profiles of its own kind, and can be left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph import ingest
from pharmagraph.kg import heterograph
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph.saved import load, save
from pharmagraph.kg.layers import LAYERS, Layer, layer
from pharmagraph.kg.schema import edge
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import Choice
from pharmagraph.kg.views.kgx import write_kgx
from pharmagraph.model.inputs.edits import with_omics
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, OF_FURTHER_LAYERS
from pharmagraph.model.presets.choices import OMICS
from pharmagraph.model.presets.config import load_preset

GENES = ["SYNTHETICG00001", "SYNTHETICG00002", "SYNTHETICG00003"]
LINES = [f"synthetic-line-{n:04}" for n in range(1, 7)]
VALUES = np.array([[0, 1.5, -2], [1, 0, 0.3], [0, -0.7, 0], [2, 0.2, 0], [0, 0, 0.9], [1, 3, -1]])


def matrix(folder: Path, one: Layer, *, lines_down: bool = False) -> Path:
    features = GENES if one.features == "Gene" else ["lactate", "2-hydroxyglutarate", "alanine"]
    rows, columns, values = (LINES, features, VALUES) if lines_down else (features, LINES, VALUES.T)
    text = [",".join(["", *columns])]
    text += [",".join([name, *map(str, row)]) for name, row in zip(rows, values, strict=True)]
    file = folder / f"{one.name}.csv"
    file.write_text("\n".join(text) + "\n")
    return file


def read(store: GraphStore, one: Layer, dataset: str) -> dict[tuple[str, str], float]:
    name = one.value.name
    rows = store.read_edges(
        one.edges, one.ends, ["src", "dst", name], equals={"dataset": dataset}
    ).to_pylist()
    return {(row["src"], row["dst"]): row[name] for row in rows}


@pytest.mark.parametrize("one", LAYERS, ids=lambda one: one.name)
def test_a_layer_becomes_edges_by_its_rule_and_whole_profiles(
    store: GraphStore, tmp_path: Path, one: Layer
) -> None:
    before = store.counts()["OmicsProfile"]
    ingest.omics(store, matrix(tmp_path, one), one.name, share=1, name="mine")
    wanted = VALUES
    if one.standardised:
        wanted = (VALUES - VALUES.mean(0)) / VALUES.std(0)
    held = {"strongest": np.isfinite(wanted), "beyond": wanted != 0, "below": wanted < -0.5}[one.rule]
    found = read(store, one, "mine")
    assert len(found) == held.sum()
    assert sorted(found.values()) == pytest.approx(
        sorted(wanted[held].tolist()), abs=5e-5
    )  # z has four digits
    assert store.counts()["OmicsProfile"] - before == (len(LINES) if one.profile else 0)
    twice = ingest.omics(store, tmp_path / f"{one.name}.csv", one.option, share=1, name="mine")
    assert not twice.changed
    ingest.remove(store, "mine")
    assert read(store, one, "mine") == {}
    assert store.counts()["OmicsProfile"] == before
    assert store.counts()["Metabolite"] == 0


def test_a_matrix_may_lie_on_either_side(store: GraphStore, tmp_path: Path) -> None:
    one = layer("proteomics")
    ingest.omics(store, matrix(tmp_path, one), "proteomics", share=1, name="along")
    ingest.omics(store, matrix(tmp_path, one, lines_down=True), "proteomics", share=1, name="down")
    assert read(store, one, "along") == read(store, one, "down") != {}


def test_a_threshold_thins_the_edges_and_not_the_profiles(store: GraphStore, tmp_path: Path) -> None:
    one = layer("methylation")
    report = ingest.omics(store, matrix(tmp_path, one), "methylated", threshold=0.9, name="mine")
    assert set(read(store, one, "mine").values()) == {1.5, -2.0, 1.0, 2.0, 3.0, -1.0}
    assert "values are edges, those with a magnitude above 0.9; all are in profiles" in " ".join(
        report.bundle.notes
    )
    profile = heterograph.export(store).profiles["methylation"]
    assert int(profile.isfinite().sum()) == VALUES.size


def test_an_unknown_layer_is_named(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='no layer "lipids"; there are expression, mutation, copy_number'):
        ingest.omics(store, matrix(tmp_path, layer("hotspot")), "lipids")


def test_every_layer_has_edges_in_the_schema_and_a_name_for_ablations() -> None:
    for one in LAYERS:
        assert edge(one.edges).ends == (one.ends,)
        assert one.option in OMICS


@pytest.mark.parametrize("name", OF_FURTHER_LAYERS)
def test_a_further_layer_is_a_similarity_that_an_ablation_takes_away(
    store: GraphStore, tmp_path: Path, name: str
) -> None:
    without = heterograph.export(store)
    ingest.omics(store, matrix(tmp_path, layer(name)), name, name="mine")
    datasets = (
        ["synthetic", "mine"] if layer(name).relation else ["synthetic"]
    )  # what no screen brings is kept
    graph = heterograph.export(store, datasets=datasets)
    kernels = graph_tensors(graph, n_expressed=0, n_neighbours=1).cell_line_kernels
    assert kernels.shape[-1] == len(CELL_LINE_KERNELS) + 1
    raw = np.zeros((len(graph.ids["CellLine"]), VALUES.shape[1]))
    order = [graph.ids["CellLine"].tolist().index(line.replace("-", "").upper()) for line in LINES]
    raw[order] = VALUES if not layer(name).standardised else (VALUES - VALUES.mean(0)) / VALUES.std(0)
    raw[order] -= raw[order].mean(0)
    norm = np.maximum(np.linalg.norm(raw, axis=1), 1e-12)
    assert kernels[..., -1].numpy() == pytest.approx((raw @ raw.T) / norm / norm[:, None], abs=2e-4)
    ablated = with_omics(graph, [o for o in OMICS if o != layer(name).option])
    assert name not in ablated.profiles
    left = graph_tensors(ablated, n_expressed=0, n_neighbours=1).cell_line_kernels
    before = graph_tensors(without, n_expressed=0, n_neighbours=1).cell_line_kernels
    assert torch.equal(left, before)
    save(graph, tmp_path / "saved")
    again = load(tmp_path / "saved")
    assert again.fingerprint() == graph.fingerprint()
    assert torch.equal(again.profiles[name].nan_to_num(), graph.profiles[name].nan_to_num())


def test_a_graph_without_further_layers_is_the_graph_it_was(store: GraphStore) -> None:
    graph = heterograph.export(store)
    assert not set(OF_FURTHER_LAYERS) & set(graph.profiles)
    assert not {one.edges for one in LAYERS if not one.relation} & {e[1] for e in graph.relations}


def test_views_show_metabolites_and_may_be_taken_around_one(store: GraphStore, tmp_path: Path) -> None:
    ingest.omics(store, matrix(tmp_path, layer("metabolomics")), "metabolomics", share=1, name="mine")
    write_kgx(store, tmp_path / "kgx", Choice(around="lactate", hops=1))
    edges = (tmp_path / "kgx" / "edges.tsv").read_text().splitlines()
    assert sum("METABOLITE_LEVEL" in line and "lactate" in line for line in edges) == len(LINES)
    assert "biolink:SmallMolecule" in (tmp_path / "kgx" / "nodes.tsv").read_text()


def test_a_preset_names_the_omics_that_its_network_is_given() -> None:
    chosen = load_preset("fast", network={"omics": ["expression", "proteomics"]})
    assert chosen.network.omics == ("expression", "proteomics")
    assert load_preset("default").network.omics is None
    with pytest.raises(ModelError, match='"lipids" is no omics; there are expression, mutation'):
        load_preset("fast", network={"omics": ["lipids"]})
