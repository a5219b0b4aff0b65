"""Exports read back by the tools they are for, and compared with the store."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest
import torch

from pharmagraph.kg import copy, views
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import export, to_pyg
from pharmagraph.kg.neo4j import bulk_import as bulk
from pharmagraph.kg.schema import edge_tables
from pharmagraph.kg.store import GraphStore, open_store
from tests.graphs import everything, fill_everything


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        fill_everything(graph)
        yield graph


def test_networkx_has_every_node_and_edge_with_its_properties(store: GraphStore) -> None:
    graph = views.to_networkx(store)
    counts = store.counts()
    assert graph.number_of_nodes() + graph.number_of_edges() == sum(counts.values())
    row = store.read_nodes("Drug").to_pylist()[0]
    assert graph.nodes["Drug:A"] == {"label": "Drug", **{k: v for k, v in row.items() if v is not None}}
    edge = store.read_edges("TARGETS", ("Drug", "Gene")).to_pylist()[0]
    found = graph["Drug:A"]["Gene:B"][f"TARGETS:{edge['dataset']}"]
    assert found["dataset"] == edge["dataset"]
    assert None not in found.values()


def test_graphml_reads_back(store: GraphStore, tmp_path: Path) -> None:
    written = views.write_graphml(store, tmp_path / "new" / "graph.graphml")
    read = nx.read_graphml(tmp_path / "new" / "graph.graphml")
    assert set(read.nodes) == set(written.nodes)
    assert read.number_of_edges() == written.number_of_edges()
    assert read.nodes["Gene:A"]["label"] == "Gene"


def test_csv_holds_every_row_and_value(store: GraphStore, tmp_path: Path) -> None:
    written = views.write_csv(store, tmp_path / "csv")
    assert sum(written.values()) == sum(store.counts().values())
    with (tmp_path / "csv" / "Drug.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, expected in zip(rows, store.read_nodes("Drug").to_pylist(), strict=True):
        assert row["name"] == expected["name"]
        assert (json.loads(row["aliases"]) if row["aliases"] else None) == expected["aliases"]


def test_kgx_edges_join_nodes_that_are_there(store: GraphStore, tmp_path: Path) -> None:
    written = views.write_kgx(store, tmp_path / "kgx")
    with (tmp_path / "kgx" / "nodes.tsv").open(newline="") as file:
        nodes = {row["id"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    with (tmp_path / "kgx" / "edges.tsv").open(newline="") as file:
        edges = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert (
        (len(nodes), len(edges))
        == (written["nodes.tsv"], written["edges.tsv"])
        == (12, 2 * len(list(edge_tables())))
    )
    assert all(":" in identifier for identifier in nodes)
    assert all(e["subject"] in nodes and e["object"] in nodes for e in edges)
    assert len({e["id"] for e in edges}) == len(edges)
    targets = [e for e in edges if e["relation"] == "pharmagraph:TARGETS"]
    assert {e["predicate"] for e in targets} == {"biolink:affects"}
    assert all(isinstance(json.loads(e["properties"]), dict) for e in edges)


def test_pyg_has_the_edges_and_features_of_the_heterograph(store: GraphStore) -> None:
    heterograph = export(store)
    data = to_pyg(heterograph)
    for edge_type, edges in heterograph.relations.items():
        assert torch.equal(data[edge_type].edge_index, torch.stack([edges.src, edges.dst]))
        for name, value in edges.features.items():
            assert torch.equal(data[edge_type][name].nan_to_num(-9), value.nan_to_num(-9))
    assert data["Drug"].ids == ["A", "B", "C d"]
    assert data.validate()


def test_blocks_are_the_whole_in_order(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "BLOCK_EDGES", 1)
    blocks = list(copy.edge_blocks(store, "EXPRESSES", ("CellLine", "Gene")))
    assert len(blocks) == 2
    whole = everything(store)["CellLine-EXPRESSES-Gene"].to_pylist()
    assert [row for part in blocks for row in part.to_pylist()] == whole


@pytest.mark.parametrize("write", [views.write_csv, views.write_kgx, bulk.export])
def test_a_folder_with_files_in_it_is_left_alone(store: GraphStore, tmp_path: Path, write: object) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write(store, tmp_path / "full")  # type: ignore[operator]
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
