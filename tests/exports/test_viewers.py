"""Exports read by Gephi's own toolkit and by cytoscape.js, which are fetched: PHARMAGRAPH_TEST_VIEWERS=fetch, 90 MB."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote_plus

import networkx as nx
import pytest

from pharmagraph.kg import views
from pharmagraph.kg.store import GraphStore
from tests.exports.conftest import edge_rows, in_order

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    os.environ.get("PHARMAGRAPH_TEST_VIEWERS") != "fetch"
    or not shutil.which("mvn")
    or not shutil.which("npm"),
    reason="PHARMAGRAPH_TEST_VIEWERS=fetch fetches Gephi's toolkit and cytoscape.js, by mvn and npm",
)

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>test</artifactId><version>1</version><dependencies><dependency>
<groupId>org.gephi</groupId><artifactId>gephi-toolkit</artifactId><version>0.10.1</version><classifier>all</classifier>
<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
</dependency></dependencies></project>"""
SCRIPT = """const cytoscape = require("cytoscape"), fs = require("fs");
const file = JSON.parse(fs.readFileSync(process.argv[1]));
const cy = cytoscape({headless: true, elements: file.elements});
const read = {nodes: cy.nodes().map(n => n.data()), edges: cy.edges().map(e => e.data())};
fs.writeFileSync(process.argv[2], JSON.stringify(read));"""


def run(*words: str | Path, folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr


def test_gephi_reads_every_node_and_edge(store: GraphStore, graph: nx.MultiDiGraph, tmp_path: Path) -> None:
    (tmp_path / "pom.xml").write_text(POM)
    run("mvn", "-q", "dependency:copy-dependencies", "-DoutputDirectory=lib", folder=tmp_path)
    (jar,) = (tmp_path / "lib").iterdir()
    views.write_graphml(store, tmp_path / "g.graphml", dialect=views.DIALECTS["gephi"])
    run("java", "-cp", jar, HERE / "GephiReads.java", "g.graphml", "read.tsv", folder=tmp_path)
    lines = [
        [unquote_plus(c) for c in line.split("\t")]
        for line in (tmp_path / "read.tsv").read_text().splitlines()
    ]
    nodes = [tuple(line[1:5]) for line in lines if line[0] == "node"]
    shown = {
        n: d["id"] if d["label"] == "Gene" else d.get("name", d["id"]) for n, d in graph.nodes(data=True)
    }
    assert sorted(nodes) == sorted((n, shown[n], d["label"], d["curie"]) for n, d in graph.nodes(data=True))
    edges = [(*line[1:4], float(line[4])) for line in lines if line[0] == "edge"]
    weight = [d.get("similarity", d.get("weight", 1.0)) for _, _, d in graph.edges(data=True)]
    expected = [(s, t, d["type"], w) for (s, t, d), w in zip(graph.edges(data=True), weight, strict=True)]
    assert sorted(edges) == sorted(expected)


def test_cytoscape_js_reads_every_node_and_edge(
    store: GraphStore, graph: nx.MultiDiGraph, tmp_path: Path
) -> None:
    run("npm", "install", "--silent", "cytoscape@3", folder=tmp_path)
    views.write_cytoscape_json(store, tmp_path / "g.cyjs")
    run("node", "-e", SCRIPT, "g.cyjs", "read.json", folder=tmp_path)
    read = json.loads((tmp_path / "read.json").read_text())
    by_id = {node["id"]: node for node in read["nodes"]}
    assert set(by_id) == set(graph.nodes)
    for name, properties in graph.nodes(data=True):
        assert by_id[name]["curie"] == properties["curie"]
        assert by_id[name].get("aliases") == properties.get("aliases")
    ends = [
        {"src": e["source"], "dst": e["target"], "type": e["interaction"], "of": e.get("dataset", "")}
        for e in read["edges"]
    ]
    assert in_order(ends) == in_order(
        {**{k: row[k] for k in ("src", "dst", "type")}, "of": row.get("dataset", "")}
        for row in edge_rows(graph)
    )
