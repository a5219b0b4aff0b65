"""Each form is read by the library that it is for, and compared with the graph, node by node and edge by edge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest
import rdflib
import torch
from rdflib.namespace import RDF, RDFS, SKOS
from typer.testing import CliRunner

from pharmagraph.cli import app
from pharmagraph.kg import curies, views
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.heterograph import export
from pharmagraph.kg.schema import NODES, edge_tables
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import Choice
from tests.exports.conftest import HOSTILE_ID, HOSTILE_NAME, edge_rows, in_order

ERLOTINIB = f"Drug:{HOSTILE_ID}"


def joined(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, list) else value


def without_missing(properties: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in properties.items() if v is not None and v != "" and v == v}


def test_networkx_has_every_node_and_edge_of_the_store(store: GraphStore, graph: nx.MultiDiGraph) -> None:
    nodes = dict(graph.nodes(data=True))
    for kind in NODES:
        for row in store.read_nodes(kind.label).to_pylist() if kind.in_views else ():
            found = {
                k: v for k, v in nodes.pop(f"{kind.label}:{row['id']}").items() if k not in ("curie", "xrefs")
            }
            assert found == {"label": kind.label, **{k: v for k, v in row.items() if v is not None}}
    assert not nodes
    expected = []
    for edge_kind, ends in edge_tables():
        for row in store.read_edges(edge_kind.type, ends).to_pylist():
            row |= {
                "src": f"{ends[0]}:{row['src']}",
                "dst": f"{ends[1]}:{row['dst']}",
                "type": edge_kind.type,
            }
            expected.append({k: v for k, v in row.items() if v is not None})
    assert edge_rows(graph) == in_order(expected)


def test_nodes_are_named_by_the_registries_that_know_them(graph: nx.MultiDiGraph) -> None:
    named = {
        node: (data["curie"], data["xrefs"]) for node, data in graph.nodes(data=True) if data.get("xrefs")
    }
    assert named["Gene:EGFR"] == (
        "HGNC:3236",
        ["NCBIGene:1956", "ENSEMBL:ENSG00000146648", "pharmagraph.gene:EGFR"],
    )
    assert named["CellLine:A375"][0] == "cellosaurus:CVCL_0132"
    curie, xrefs = named[ERLOTINIB]
    assert curie == "CHEMBL.COMPOUND:CHEMBL553"
    assert xrefs[:3] == [
        "PUBCHEM.COMPOUND:176870",
        "INCHIKEY:AAKJLRGGTJKAMG-UHFFFAOYSA-N",
        "DRUGBANK:DB00530",
    ]
    assert curies.iri(xrefs[0]) == "http://identifiers.org/pubchem.compound/176870"


def test_an_id_that_two_nodes_have_names_neither_and_a_name_is_not_used_twice(graph: nx.MultiDiGraph) -> None:
    twins = [graph.nodes[f"Drug:twin-{n}"] for n in (1, 2)]
    assert [twin["curie"] for twin in twins] == ["pharmagraph.drug:twin-1", "pharmagraph.drug:twin-2"]
    assert all(twin["xrefs"] == ["INCHIKEY:BSYNRYMUTXBXSQ-UHFFFAOYSA-N"] for twin in twins)
    names = [data["curie"] for _, data in graph.nodes(data=True)]
    assert len(set(names)) == len(names)


def test_what_is_no_id_of_a_registry_is_not_taken_for_one(graph: nx.MultiDiGraph) -> None:
    """The other nodes of the graph have texts such as "hgnc_id 2" for ids."""
    assert graph.nodes["Gene:A"]["hgnc_id"] == "hgnc_id 2"
    assert graph.nodes["Gene:A"]["curie"] == "pharmagraph.gene:A"
    assert graph.nodes["Gene:C d"]["curie"] == "NCBIGene:6"
    assert graph.nodes["CellLine:C d"]["curie"] == "pharmagraph.cellline:C%20d"


def test_a_part_names_its_nodes_as_the_whole_does(store: GraphStore, graph: nx.MultiDiGraph) -> None:
    part = views.to_networkx(store, Choice(drugs=["twin-1"]))
    assert part.nodes["Drug:twin-1"] == graph.nodes["Drug:twin-1"]


def test_a_part_of_genes_and_runs(store: GraphStore, graph: nx.MultiDiGraph) -> None:
    part = views.to_networkx(store, Choice(genes=["ERBB1"], runs=["A"]))
    assert [n for n, d in part.nodes(data=True) if d["label"] == "Gene"] == ["Gene:EGFR"]
    assert [n for n, d in part.nodes(data=True) if d["label"] == "Run"] == ["Run:A"]
    results = {d["run_id"] for _, _, d in graph.edges(data=True) if "run_id" in d}
    assert len(results) > 1
    of_one = views.to_networkx(store, Choice(runs=["A"]))
    assert {d["run_id"] for _, _, d in of_one.edges(data=True) if "run_id" in d} <= {"A"}
    base = [e for e in graph.edges(keys=True, data=True) if "run_id" not in e[3]]
    assert [e for e in of_one.edges(keys=True, data=True) if "run_id" not in e[3]] == base
    with pytest.raises(NotFoundError, match='no run "B2"'):
        views.to_networkx(store, Choice(runs=["B2"]))


@pytest.mark.parametrize("reader", views.DIALECTS)
def test_graphml_is_read_by_networkx(
    store: GraphStore, graph: nx.MultiDiGraph, tmp_path: Path, reader: str
) -> None:
    dialect = views.DIALECTS[reader]
    views.write_graphml(store, tmp_path / "g.graphml", dialect=dialect)
    read = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    assert (len(read), read.number_of_edges()) == (len(graph), graph.number_of_edges())
    for node, properties in graph.nodes(data=True):
        found = dict(read.nodes[node])
        kind = found.pop(dialect.kind)
        name = found.pop(dialect.shown) if dialect.shown else None
        expected = {dialect.renamed.get(k, k): as_read(joined(v), reader) for k, v in properties.items()}
        assert kind == expected.pop("label")
        assert without_missing(found) == without_missing(expected)
        if dialect.shown:
            shown = properties["id"] if kind == "Gene" else properties.get("name", properties["id"])
            assert name == as_read(shown, reader)
    ends = sorted(
        (s, d, data[dialect.type], str(data.get("dataset"))) for s, d, data in read.edges(data=True)
    )
    assert ends == sorted(
        (s, d, data["type"], as_read(str(data.get("dataset")), reader))
        for s, d, data in graph.edges(data=True)
    )


def as_read(value: Any, reader: str) -> Any:
    """Cytoscape's dialect has no way to write some signs in one piece."""
    if reader != "cytoscape" or not isinstance(value, str) or not set("&<>\r") & set(value):
        return value
    return value.replace("\r\n", "\n").replace("]]>", "]] >")


def test_no_text_of_cytoscapes_graphml_comes_in_pieces(store: GraphStore, tmp_path: Path) -> None:
    """Its reader keeps the last piece of what a parser hands over in pieces, as at every escape."""
    views.write_graphml(store, tmp_path / "g.graphml", dialect=views.DIALECTS["cytoscape"])
    elements = (tmp_path / "g.graphml").read_text().split("<data ")[1:]
    texts = [element.partition(">")[2].rpartition("</data>")[0] for element in elements]
    assert any(text.startswith("<![CDATA[") for text in texts)
    for text in texts:
        assert text.count("<![CDATA[") <= 1
        assert "&" not in text or text.startswith("<![CDATA[")


def test_gephis_graphml_has_names_and_weights(store: GraphStore, tmp_path: Path) -> None:
    views.write_graphml(store, tmp_path / "g.graphml", dialect=views.DIALECTS["gephi"])
    read = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    assert read.nodes["Gene:EGFR"]["label"] == "EGFR" and read.nodes["Gene:EGFR"]["kind"] == "Gene"
    alike = [d for _, _, d in read.edges(data=True) if d["label"] == "SIMILAR_TO"]
    assert alike and all(d["weight"] == d["similarity"] for d in alike)


def test_ids_of_edges_are_unique(store: GraphStore, tmp_path: Path) -> None:
    """Gephi drops an edge whose id another edge has."""
    views.write_graphml(store, tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    keys = [key for _, _, key in read.edges(keys=True)]
    assert len(set(keys)) == len(keys) > 40


def test_cytoscape_json_is_read_by_networkx(
    store: GraphStore, graph: nx.MultiDiGraph, tmp_path: Path
) -> None:
    views.write_cytoscape_json(store, tmp_path / "g.cyjs")
    document = json.loads((tmp_path / "g.cyjs").read_text())
    elements = document["elements"]
    for node in elements["nodes"]:
        node["data"]["value"] = node["data"]["id"]  # networkx takes the node from a member of its own
    for edge in elements["edges"]:
        edge["data"]["key"] = edge["data"]["id"]
    read = nx.cytoscape_graph({"directed": True, "multigraph": True, "elements": elements, "data": []})
    renamed = {"id": "key", "name": "full_name", "label": "kind"}
    for node, properties in graph.nodes(data=True):
        found = dict(read.nodes[node])
        shown = (
            properties["id"] if properties["label"] == "Gene" else properties.get("name", properties["id"])
        )
        assert found.pop("name") == found.pop("shared_name") == shown
        assert (found.pop("id"), found.pop("value")) == (node, node)
        assert found == {renamed.get(k, k): v for k, v in properties.items()}
    own = {"id", "key", "name", "shared_interaction", "source", "target"}
    found_edges = in_order(
        {"src": s, "dst": d, **{k: v for k, v in data.items() if k not in own}}
        for s, d, data in read.edges(data=True)
    )
    of_edges = {"type": "interaction", "source": "evidence_source"}
    expected = [{of_edges.get(k, k): v for k, v in row.items()} for row in edge_rows(graph)]
    assert found_edges == in_order(expected)


def test_parquet_has_the_tables_of_the_store(store: GraphStore, tmp_path: Path) -> None:
    written = views.write_parquet(store, tmp_path / "parquet")
    assert sum(written.values()) == sum(store.counts().values())
    drugs = pd.read_parquet(tmp_path / "parquet" / "Drug.parquet").set_index("id")
    for row in store.read_nodes("Drug").to_pylist():
        found = drugs.loc[row["id"]]
        assert found["name"] == row["name"]
        assert (None if found["aliases"] is None else list(found["aliases"])) == row["aliases"]
    assert drugs.loc[HOSTILE_ID, "curie"] == "CHEMBL.COMPOUND:CHEMBL553"
    targets = pd.read_parquet(tmp_path / "parquet" / "Drug-TARGETS-Gene.parquet")
    expected = store.read_edges("TARGETS", ("Drug", "Gene")).to_pandas()
    pd.testing.assert_frame_equal(targets, expected)


def test_csv_has_the_tables_of_the_store(store: GraphStore, tmp_path: Path) -> None:
    views.write_csv(store, tmp_path / "csv")
    tables = {kind.label: store.read_nodes(kind.label) for kind in NODES}
    tables |= {f"{e[0]}-{kind.type}-{e[1]}": store.read_edges(kind.type, e) for kind, e in edge_tables()}
    for name, table in tables.items():
        read = pd.read_csv(tmp_path / "csv" / f"{name}.csv", keep_default_na=False, na_values=[], dtype=str)
        assert len(read) == table.num_rows, name
        for row, expected in zip(read.to_dict("records"), table.to_pylist(), strict=True):
            for column, value in expected.items():
                assert as_python(row[column], value) == value or (value is None and row[column] == "")


def as_python(text: str, like: object) -> object:
    if isinstance(like, bool):
        return text == "true"
    return json.loads(text) if isinstance(like, list) else type(like)(text) if like is not None else text


def written(store: GraphStore, command: str, place: Path) -> None:
    done = CliRunner().invoke(app, ["export", command, str(place), "--store", store.url])
    assert done.exit_code == 0, done.output


def test_pyg_reads_the_file_back(store: GraphStore, tmp_path: Path) -> None:
    written(store, "pyg", tmp_path / "g.pt")
    data, heterograph = torch.load(tmp_path / "g.pt", weights_only=False), export(store)
    assert data.validate()
    assert set(data.edge_types) == set(heterograph.relations)
    for kind, ids in heterograph.ids.items():
        assert data[kind].ids == list(ids)
        for name, values in heterograph.nodes.get(kind, {}).items():
            assert torch.equal(data[kind][name].nan_to_num(-9), values.nan_to_num(-9))
    for edge_type, edges in heterograph.relations.items():
        assert torch.equal(data[edge_type].edge_index, torch.stack([edges.src, edges.dst]))
        for name, values in edges.features.items():
            assert torch.equal(data[edge_type][name].nan_to_num(-9), values.nan_to_num(-9))


@pytest.mark.dgl
def test_dgl_reads_the_file_back(store: GraphStore, tmp_path: Path) -> None:
    written(store, "dgl", tmp_path / "dgl")
    from pharmagraph.kg.heterograph.dgl import require_dgl

    (graph,), _ = require_dgl().load_graphs(str(tmp_path / "dgl" / "graph.bin"))
    ids, heterograph = json.loads((tmp_path / "dgl" / "ids.json").read_text())["ids"], export(store)
    assert {kind: list(i) for kind, i in heterograph.ids.items()} == ids
    for kind, features in heterograph.nodes.items():
        assert graph.num_nodes(kind) == len(ids[kind])
        for name, values in features.items():
            assert torch.equal(graph.nodes[kind].data[name].nan_to_num(-9), values.nan_to_num(-9))
    for edge_type, edges in heterograph.relations.items():
        src, dst = graph.edges(etype=edge_type, order="eid")
        assert torch.equal(src.long(), edges.src) and torch.equal(dst.long(), edges.dst)
        for name, values in edges.features.items():
            assert torch.equal(graph.edges[edge_type].data[name].nan_to_num(-9), values.nan_to_num(-9))


@pytest.fixture(scope="module")
def triples(store: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> rdflib.Graph:
    path = tmp_path_factory.mktemp("turtle") / "g.ttl"
    views.write_turtle(store, path)
    return rdflib.Graph().parse(path)


PROPERTY = "urn:pharmagraph:property:"


def test_turtle_has_every_node_with_its_properties(graph: nx.MultiDiGraph, triples: rdflib.Graph) -> None:
    for _, properties in graph.nodes(data=True):
        subject = rdflib.URIRef(curies.iri(properties["curie"]))
        found: dict[str, set[Any]] = {}
        for predicate, value in triples.predicate_objects(subject):
            if str(predicate).startswith(PROPERTY):
                found.setdefault(str(predicate).removeprefix(PROPERTY), set()).add(value.toPython())
        other = {"label", "curie", "xrefs"}
        expected = {
            k: set(v) if isinstance(v, list) else {v} for k, v in properties.items() if k not in other
        }
        assert found == {k: v for k, v in expected.items() if v}
        matches = {str(o) for o in triples.objects(subject, SKOS.exactMatch)}
        assert matches == {curies.iri(x) for x in properties.get("xrefs", [])}
    egfr = rdflib.URIRef("http://identifiers.org/hgnc/3236")
    assert triples.value(egfr, RDF.type) == rdflib.URIRef("https://w3id.org/biolink/vocab/Gene")
    assert str(triples.value(egfr, RDFS.label)) == "EGFR"
    a375 = rdflib.URIRef("http://identifiers.org/cellosaurus/CVCL_0132")
    assert str(triples.value(a375, RDFS.label)) == HOSTILE_NAME
    derived = triples.value(a375, rdflib.URIRef("https://w3id.org/biolink/vocab/derives_from"))
    assert str(derived) == "urn:pharmagraph:tissue:skin"


def test_turtle_has_every_edge_with_its_properties(graph: nx.MultiDiGraph, triples: rdflib.Graph) -> None:
    association = rdflib.URIRef("https://w3id.org/biolink/vocab/Association")
    found = []
    for edge in triples.subjects(RDF.type, association):
        stated = tuple(triples.value(edge, part) for part in (RDF.subject, RDF.predicate, RDF.object))
        assert stated in triples
        row = {"src": str(stated[0]), "dst": str(stated[2])}
        for predicate, value in triples.predicate_objects(edge):
            if str(predicate).startswith(PROPERTY):
                row[str(predicate).removeprefix(PROPERTY)] = value.toPython()
        row["type"] = str(row["type"]).removeprefix("urn:pharmagraph:")
        found.append(row)
    iris = {node: curies.iri(data["curie"]) for node, data in graph.nodes(data=True)}
    expected = [{**row, "src": iris[row["src"]], "dst": iris[row["dst"]]} for row in edge_rows(graph)]
    assert in_order(found) == in_order(expected)
