"""Exports read back by the tools they are for, and compared with the store."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pytest
import torch

from pharmagraph.kg import copy, views
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import export, to_pyg
from pharmagraph.kg.neo4j import bulk_import as bulk
from pharmagraph.kg.schema import edge_tables
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.kg.subgraph import Choice
from pharmagraph.kg.views import parts, text
from tests.graphs import everything, fill_everything

CHOICES = [
    Choice(),
    Choice(drugs=["A", "B"]),
    Choice(around="Drug:A", hops=0),
    Choice(around="Gene:C d", hops=1),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with everything, which every test copies: to fill one takes ten times as long."""
    place = tmp_path_factory.mktemp("filled") / "graph.lbug"
    with open_store(f"ladybug://{place}") as graph:
        fill_everything(graph)
    return place


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[GraphStore]:
    place = tmp_path / "graph.lbug"
    place.write_bytes(filled.read_bytes())
    with open_store(f"ladybug://{place}") as graph:
        yield graph


def test_networkx_has_every_node_and_edge_with_its_properties(store: GraphStore) -> None:
    graph = views.to_networkx(store)
    counts = store.counts()
    assert graph.number_of_nodes() + graph.number_of_edges() == sum(
        n for kind, n in counts.items() if kind not in ("GenePanel", "Ingest", "OmicsProfile")
    )
    row = store.read_nodes("Drug").to_pylist()[0]
    properties = {k: v for k, v in row.items() if v is not None}
    assert graph.nodes["Drug:A"] == {"label": "Drug", "curie": "pharmagraph.drug:A", **properties}
    edge = store.read_edges("TARGETS", ("Drug", "Gene")).to_pylist()[0]
    found = graph["Drug:A"]["Gene:B"][f"TARGETS:{edge['dataset']}"]
    assert found["dataset"] == edge["dataset"]
    assert None not in found.values()


def as_graphml_holds_it(graph: nx.MultiDiGraph, path: Path) -> nx.MultiDiGraph:
    """The graph as networkx itself writes and reads it, with lists as text."""
    for _, properties in graph.nodes(data=True):
        for name, value in properties.items():
            if isinstance(value, list):
                properties[name] = "; ".join(value)
    nx.write_graphml(graph, path)
    return nx.read_graphml(path, force_multigraph=True)


@pytest.mark.parametrize("choice", CHOICES)
def test_graphml_is_read_as_what_networkx_writes(store: GraphStore, tmp_path: Path, choice: Choice) -> None:
    written = views.write_graphml(store, tmp_path / "new" / "graph.graphml", choice)
    read = nx.read_graphml(tmp_path / "new" / "graph.graphml", force_multigraph=True)
    expected = as_graphml_holds_it(views.to_networkx(store, choice), tmp_path / "expected.graphml")
    assert dict(read.nodes(data=True)) == dict(expected.nodes(data=True))
    assert sorted(read.edges(data=True), key=str) == sorted(expected.edges(data=True), key=str)
    assert written == {"nodes": len(read), "edges": read.number_of_edges(), "texts changed": 0}


def test_control_characters_are_replaced_in_graphml_and_counted(store: GraphStore, tmp_path: Path) -> None:
    row = {"id": ["A"], "name": ["name\x0bwith a tab\x00"], "mechanism": ["a\tb\r\nc"]}
    store.upsert_nodes("Drug", pa.table(row))
    written = views.write_graphml(store, tmp_path / "graph.graphml")
    read = nx.read_graphml(tmp_path / "graph.graphml")
    assert written["texts changed"] == 1
    assert read.nodes["Drug:A"]["name"] == "name\ufffdwith a tab\ufffd"
    assert read.nodes["Drug:A"]["mechanism"] == "a\tb\r\nc"


@pytest.mark.parametrize("rows", [1, 2, 1000])
@pytest.mark.parametrize("choice", CHOICES)
def test_node_link_json_is_what_networkx_gives(
    store: GraphStore, tmp_path: Path, choice: Choice, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROWS", rows)
    written = views.write_node_link(store, tmp_path / "graph.json", choice)
    found = json.loads((tmp_path / "graph.json").read_text())
    whole = views.to_networkx(store, choice)
    for _, _, properties in whole.edges(data=True):
        if "source" in properties:  # networkx itself would lose it
            properties["evidence_source"] = properties.pop("source")
    expected = nx.node_link_data(whole, edges="edges")
    assert found["nodes"] == expected["nodes"]
    found_edges, expected_edges = (
        sorted(g["edges"], key=lambda e: (e["source"], e["target"], e["key"])) for g in (found, expected)
    )
    assert found_edges == expected_edges
    assert (found["directed"], found["multigraph"]) == (True, True)
    assert written["nodes"] == len(expected["nodes"])


def test_numbers_in_json_are_those_that_python_writes() -> None:
    values = [1.0, 0.1, 1e-5, 1e22, -0.0, 123456789.125, float("inf"), float("-inf"), 5e-324, None]
    table = pa.table({"n": list(range(len(values))), "x": values, "yes": [True] * len(values)})
    for line, row in zip(text.json_objects(table).to_pylist(), table.to_pylist(), strict=True):
        expected = {k: v for k, v in row.items() if v is not None}
        found = json.loads(line)
        assert found == expected
        assert [type(v) for v in found.values()] == [type(v) for v in expected.values()]


def test_a_part_keeps_the_nodes_of_the_heterograph_and_the_edges_between_them(store: GraphStore) -> None:
    for choice in CHOICES:
        graph = views.to_networkx(store, choice)
        heterograph = export(
            store, drugs=choice.drugs, tissues=choice.tissues, around=choice.around, hops=choice.hops
        )
        for label, ids in heterograph.ids.items():
            assert {n for n, d in graph.nodes(data=True) if d["label"] == label} == {
                f"{label}:{i}" for i in ids
            }
        whole = views.to_networkx(store)
        between = {e for e in whole.edges(keys=True) if e[0] in graph and e[1] in graph}
        assert set(graph.edges(keys=True)) == between


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
        == (15, 2 * len(list(edge_tables())))
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


@pytest.mark.parametrize("write", [views.write_csv, views.write_kgx, bulk.export])
def test_an_export_that_fails_leaves_no_files(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., object]
) -> None:
    """The disk is full when the edges come, after the nodes were written."""

    def full(part: parts.Part) -> object:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parts.Part, "edges", full)
        with pytest.raises(OSError, match="No space"):
            write(store, tmp_path / "out")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "graph.lbug"]
    write(store, tmp_path / "out")  # the same folder can be used once there is room
    assert any((tmp_path / "out").iterdir())
    assert not (tmp_path / ".new.out").exists()
