"""Exports read by programs that have an environment of their own: KGX with its validator, and BioCypher."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest

from pharmagraph.kg import markup, views
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.views.biocypher import NAMES
from pharmagraph.kg.views.kgx import CATEGORIES
from tests.exports.conftest import environment, in_order

HERE = Path(__file__).parent
pytestmark = [pytest.mark.packaging, pytest.mark.once]


def run(python: Path, script: str, *arguments: Path | str, folder: Path) -> None:
    done = subprocess.run(
        [python, HERE / script, *arguments], capture_output=True, text=True, timeout=300, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def kgx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("kgx"), "kgx==2.7.0", "biolink-model==4.4.3")


@pytest.fixture(scope="module")
def biocypher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("biocypher"), "biocypher==0.17.0", "pyarrow")


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_kgx_reads_all_and_finds_no_error(
    store: GraphStore, graph: nx.MultiDiGraph, kgx: Path, tmp_path: Path, form: str
) -> None:
    views.write_kgx(store, tmp_path / "kgx", json_lines=form == "jsonl")
    run(kgx, "kgx_reads.py", tmp_path / "kgx", form, tmp_path / "read.json", folder=tmp_path)
    read = json.loads((tmp_path / "read.json").read_text())
    assert read["errors"] == {}
    for _, node in graph.nodes(data=True):
        if node["label"] in CATEGORIES:
            found = read["nodes"].pop(node["curie"])
            assert found["category"] == [CATEGORIES[node["label"]]]
            assert found["name"] == kept(shown(node), form)
            full_name = [node["name"]] if node.get("name", shown(node)) != shown(node) else []
            others = [*full_name, *node.get("aliases", [])]
            assert {n for n in found.get("synonym", []) if n} == {kept(n, form) for n in others if n}
            assert found.get("xref", []) == node.get("xrefs", [])
    assert not read["nodes"]
    assert in_order(edge(row) for row in read["edges"]) == in_order(
        {
            "src": graph.nodes[s]["curie"],
            "dst": graph.nodes[d]["curie"],
            "relation": f"pharmagraph:{row['type']}",
            **{k: v for k, v in row.items() if k != "type"},
        }
        for s, d, row in graph.edges(data=True)
    )
    assert len({row["id"] for row in read["edges"]}) == len(read["edges"])


def shown(node: dict[str, Any]) -> str:
    return str(node["id"] if node["label"] == "Gene" else node.get("name", node["id"]))


def kept(text: str, form: str) -> str:
    """What KGX makes of a text: it replaces line breaks and tabs, and a table has no place for them either."""
    if form == "tsv":
        text = markup.allowed(text).replace("|", "/")
    return text.replace("\r\n", "  " if form == "tsv" else "\r ").replace("\n", " ").replace("\t", " ")


def edge(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "src": row["subject"],
        "dst": row["object"],
        "relation": row["relation"],
        **json.loads(row["properties"]),
    }


def test_biocypher_reads_all(
    store: GraphStore, graph: nx.MultiDiGraph, biocypher: Path, tmp_path: Path
) -> None:
    views.write_biocypher(store, tmp_path / "export")
    run(biocypher, "biocypher_reads.py", tmp_path / "export", tmp_path / "out", folder=tmp_path)
    tables = {p.name.partition("-part")[0]: pd.read_parquet(p) for p in (tmp_path / "out").rglob("*.parquet")}
    for label, name in NAMES.items():
        table = tables.pop("".join(word.capitalize() for word in name.split()))
        expected = {d["curie"]: d for _, d in graph.nodes(data=True) if d["label"] == label}
        assert set(table[":ID"]) == set(expected)
        for row in table.to_dict("records"):
            node = expected[row[":ID"]]
            assert row["key"] == node["id"].replace("\n", " ")  # BioCypher writes a line a node
    edges = Counter(
        (graph.nodes[s]["curie"], d["type"], graph.nodes[t]["curie"]) for s, t, d in graph.edges(data=True)
    )
    found = Counter(
        (row[":START_ID"], type_, row[":END_ID"])
        for type_, table in tables.items()
        for row in table.to_dict("records")
    )
    assert found == edges
