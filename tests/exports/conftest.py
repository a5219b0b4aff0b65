"""A graph of every kind of node and edge, some with hostile names, and what networkx has of it, to compare with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pytest

from pharmagraph.kg import views
from pharmagraph.kg.schema import node
from pharmagraph.kg.store import GraphStore, open_store
from tests.graphs import fill_everything

HOSTILE_NAME = "<b>&amp; \"quoted\" 'too'\nnew\tline\r\n🧬 ]]> \u202e {x} | ; $1 --></script>"
HOSTILE_ID = 'a "b"\n<c>|🧬~.'
EGFR = {
    "id": "EGFR",
    "name": "epidermal growth factor receptor",
    "hgnc_id": "HGNC:3236",
    "entrez_id": 1956,
    "ensembl_id": "ENSG00000146648",
    "aliases": ["ERBB1", HOSTILE_NAME, "x|y"],
}
ERLOTINIB = {
    "id": HOSTILE_ID,
    "name": "Erlotinib",
    "pubchem_cid": 176870,
    "inchikey": "AAKJLRGGTJKAMG-UHFFFAOYSA-N",
    "aliases": ["CHEMBL553", "DB00530", "Tarceva"],
}
A375 = {
    "id": "A375",
    "name": HOSTILE_NAME,
    "cellosaurus_id": "CVCL_0132",
    "depmap_id": "ACH-000219",
    "tissue": "skin",
}
TWINS = [{"id": id_, "name": id_, "inchikey": "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"} for id_ in ("twin-1", "twin-2")]
CHECKOUT = Path(__file__).resolve().parents[2]


def fill(store: GraphStore) -> None:
    """`tests.graphs.fill_everything`, nodes that public registries know, and hostile names."""
    fill_everything(store)
    for label, rows in (("Drug", [ERLOTINIB, *TWINS]), ("Gene", [EGFR]), ("CellLine", [A375])):
        types = {p.name: pa.list_(pa.string()) for p in node(label).columns if p.type == "strings"}
        names = list(dict.fromkeys(key for row in rows for key in row))
        columns = {name: pa.array([row.get(name) for row in rows], types.get(name)) for name in names}
        store.upsert_nodes(label, pa.table(columns))
    edges = {"src": [HOSTILE_ID], "dst": ["EGFR"], "source": [HOSTILE_NAME], "dataset": ["A"]}
    store.upsert_edges("TARGETS", ("Drug", "Gene"), pa.table(edges))
    tested = {
        "src": [HOSTILE_ID] * 2,
        "dst": ["A375"] * 2,
        "ln_ic50": [-1.5, 1e30],
        "dataset": ["A", HOSTILE_NAME],
    }
    store.upsert_edges("TESTED_ON", ("Drug", "CellLine"), pa.table(tested))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path_factory.mktemp('exports') / 'graph.lbug'}") as graph:
        fill(graph)
        yield graph


@pytest.fixture(scope="session")
def graph(store: GraphStore) -> nx.MultiDiGraph:
    """The same in networkx, which `tests/unit/kg/test_views.py` compares with the store."""
    return views.to_networkx(store)


def edge_rows(graph: nx.MultiDiGraph) -> list[dict[str, Any]]:
    """Every edge with its ends, in an order that two readers share."""
    return in_order({"src": s, "dst": d, **properties} for s, d, properties in graph.edges(data=True))


def in_order(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: sorted((k, str(v)) for k, v in row.items()))


def environment(folder: Path, *packages: str) -> Path:
    """A Python with some packages, in an environment of its own; the test is skipped where they cannot be had."""
    uv = shutil.which("uv") or CHECKOUT / ".tools" / "bin" / "uv"
    try:
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", folder], check=True, timeout=120)
        python = folder / "bin" / "python"
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", python, *packages], check=True, timeout=300
        )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{', '.join(packages)} cannot be installed: {error}")
    return python
