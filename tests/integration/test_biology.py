"""Pathways and papers of attended genes, on a store: what is written, what stays, what is said when it cannot be."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from scipy.stats import hypergeom
from typer.testing import CliRunner

from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, ModelError, SchemaVersionError, ServiceUnavailableError
from pharmagraph.kg.ladybug.file import acquire, release
from pharmagraph.kg.migrations import migrate
from pharmagraph.kg.names import find_drug
from pharmagraph.kg.schema_changes import CHANGES, AddKind, FillProperty, ReplaceProperty, is_node
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.biology.annotate import attended, enrich, gene_sets, literature
from pharmagraph.model.biology.literature import PubMed
from pharmagraph.model.commands.enrich import enrich as enrich_command
from tests.pubmed import FakePubMed

GENES = [f"G{i:02d}" for i in range(40)] + ["EGFR", "TP53"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    """Two drugs that attend to 42 genes; the first six genes of the first drug are a pathway."""
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes("Drug", pa.table({"id": ["A", "B"], "name": ["erlotinib", "gefitinib"]}))
        graph.upsert_nodes("Gene", pa.table({"id": GENES}))
        graph.upsert_nodes("Pathway", pa.table({"id": ["P1", "P2"], "name": ["first", "second"]}))
        members = [(g, "P1") for g in GENES[:6]] + [(g, "P2") for g in GENES[20:30]]
        graph.upsert_edges(
            "MEMBER_OF",
            ("Gene", "Pathway"),
            pa.table(
                {
                    "src": [m[0] for m in members],
                    "dst": [m[1] for m in members],
                    "dataset": ["P"] * len(members),
                }
            ),
        )
        weight = np.linspace(1, 0.1, len(GENES))
        weight /= weight.sum()
        table = pa.table(
            {
                "src": ["A"] * len(GENES) + ["B"] * len(GENES),
                "dst": [*GENES, "EGFR", "TP53", *GENES[:40]],
                "weight": [*weight, *weight],
                "competitors": [len(GENES)] * 2 * len(GENES),
            }
        )
        nothing = pa.table({"src": pa.array([], pa.string()), "dst": pa.array([], pa.string())})
        runs.register(
            graph,
            {"id": "r1", "preset": "default"},
            {("Drug", "Gene"): table},
            nothing,
            folder=tmp_path / "r1",
        )
        runs.promote(graph, "r1")
        yield graph


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePubMed]:
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    fake = FakePubMed()
    threading.Thread(target=fake.serve_forever, daemon=True).start()
    yield fake
    fake.shutdown()
    fake.server_close()


def test_the_planted_pathway_is_written_with_its_hypergeometric_p(store: GraphStore) -> None:
    found = attended(store)
    rows = enrich(store, found, gene_sets(store, list(found.genes), None), test="over-representation", top=6)
    first = next(row for row in rows if row["drug"] == "A")
    assert (first["pathway"], first["overlap"]) == ("P1", 6)
    assert first["p"] == pytest.approx(hypergeom.sf(5, 42, 6, 6))
    stored = store.read_edges("ENRICHED", ("Drug", "Pathway"), equals={"src": "A"}).to_pylist()
    assert {(e["dst"], e["run_id"], e["test"]) for e in stored} == {("P1", "r1", "over-representation")}
    assert stored[0]["p"] == pytest.approx(first["p"])


def test_testing_again_replaces_the_drugs_edges_and_no_others(store: GraphStore) -> None:
    found = attended(store)
    sets = gene_sets(store, list(found.genes), None)
    enrich(store, found, sets, test="ranks")
    before = store.read_edges("ENRICHED", ("Drug", "Pathway"))
    enrich(store, found, sets, test="ranks", drugs=["A"])
    assert store.read_edges("ENRICHED", ("Drug", "Pathway")).equals(before)
    enrich(store, found, sets, test="over-representation", top=6)
    assert store.counts()["Drug-ENRICHED-Pathway"] > before.num_rows


def test_sets_of_a_file_become_pathways_of_the_graph(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "mine.gmt"
    path.write_text("X1:mine\tx\t" + "\t".join(GENES[:5]) + "\nP1:first\tx\t" + "\t".join(GENES[:5]) + "\n")
    found = attended(store)
    enrich(store, found, gene_sets(store, list(found.genes), path), test="ranks")
    pathways = {row["id"]: row for row in store.read_nodes("Pathway").to_pylist()}
    assert pathways["X1"]["name"] == "mine" and pathways["X1"]["source"] == "mine.gmt"
    assert pathways["P1"]["source"] is None  # a pathway the graph has stays as it was


def test_deleting_a_run_takes_its_enrichment_along(store: GraphStore) -> None:
    found = attended(store)
    enrich(store, found, gene_sets(store, list(found.genes), None), test="ranks")
    runs.delete(store, "r1")
    assert store.counts()["Drug-ENRICHED-Pathway"] == 0


def test_a_run_without_attention_to_genes_is_said(store: GraphStore, tmp_path: Path) -> None:
    pair = pa.table({"src": ["A"], "dst": ["B"], "weight": [1.0], "competitors": [1]})
    nothing = pa.table({"src": pa.array([], pa.string()), "dst": pa.array([], pa.string())})
    runs.register(
        store, {"id": "r2", "preset": "x"}, {("Drug", "Drug"): pair}, nothing, folder=tmp_path / "r2"
    )
    with pytest.raises(ModelError, match="no attention between drugs and genes"):
        attended(store, "r2")


def test_no_set_large_enough_is_said(store: GraphStore) -> None:
    with pytest.raises(InputError, match="between 5 and 500 of the 2 genes"):
        gene_sets(store, ["G00", "G01"], None)


def test_a_graph_without_pathways_is_refused_with_the_command_that_loads_some(store: GraphStore) -> None:
    store.delete_edges("MEMBER_OF", ("Gene", "Pathway"), equals={"dataset": "P"})
    with pytest.raises(
        InputError, match=r"no pathways; load GO .* \(cli ingest pathways\) or name a file: --gmt"
    ):
        gene_sets(store, GENES, None)


def test_the_command_opens_the_store_once(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.close()
    opened = []

    def counted(url: str | None, **options: Any) -> GraphStore:
        opened.append(url)
        return open_store(url, **options)

    monkeypatch.setattr("pharmagraph.kg.store.open_store", counted)
    app = typer.Typer()
    app.command()(enrich_command)
    words = ["--store", store.url, "--drug", "erlotinib", "--format", "json"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert json.loads(result.stdout)[0]["pathway"] == "P1" and opened == [store.url]


def test_papers_are_counted_on_the_edges(store: GraphStore, server: FakePubMed) -> None:
    pubmed = PubMed(Path("answers.jsonl"), url=server.url, rate=1e9, wait=lambda seconds: None)
    rows, error = literature(store, pubmed, None, find_drug(store, "Gefitinib"), limit=2)
    assert error is None and [row["publications"] for row in rows] == [0, 0]  # PubMed knows no gefitinib here
    store.upsert_nodes("Drug", pa.table({"id": ["B"], "name": ["erlotinib"]}))
    rows, _ = literature(store, pubmed, None, {"id": "B", "name": "erlotinib"}, limit=2)
    edges = store.read_edges("ATTENDS", ("Drug", "Gene"), equals={"src": "B"}).to_pylist()
    on_edge = {e["dst"]: e for e in edges}
    assert on_edge["EGFR"]["publications"] == 900 and on_edge["EGFR"]["publications_p"] < 1e-100
    assert on_edge["TP53"]["expected_publications"] == pytest.approx(60)
    assert on_edge["G00"]["publications"] is None and on_edge["G00"]["weight"] > 0
    assert on_edge["EGFR"]["weight"] > on_edge["TP53"]["weight"] and on_edge["EGFR"]["rank"] == 1


def test_pathways_and_papers_are_of_the_genes_attended_to_as_targets(
    store: GraphStore, server: FakePubMed, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "src": ["A"] * 4,
            "dst": ["G00", "EGFR", "EGFR", "TP53"],
            "weight": [0.75, 0.25, 0.5, 0.5],
            "competitors": [2] * 4,
            "objective": ["target", "target", "response", "response"],
            "feature": [None, None, "expression", "mutation"],
        }
    )
    nothing = pa.table({"src": pa.array([], pa.string()), "dst": pa.array([], pa.string())})
    for run_id, rows in {"both": table, "response": table.slice(2)}.items():
        run = {"id": run_id, "preset": "default"}
        runs.register(store, run, {("Drug", "Gene"): rows}, nothing, folder=tmp_path / run_id)
    found = attended(store, "both")
    assert found.genes.tolist() == ["EGFR", "G00"] and found.weight.tolist() == [[0.25, 0.75]]
    with pytest.raises(
        ModelError, match="response has no attention between drugs and genes: it attends to what decides"
    ):
        attended(store, "response")
    pubmed = PubMed(Path("answers.jsonl"), url=server.url, rate=1e9, wait=lambda seconds: None)
    literature(store, pubmed, "both", {"id": "A", "name": "erlotinib"}, limit=5)
    edges = store.read_edges("ATTENDS", ("Drug", "Gene"), equals={"run_id": "both"}).to_pylist()
    assert len(edges) == 4
    on_edge = {(e["dst"], e["objective"]): e["publications"] for e in edges}
    assert on_edge["EGFR", "target"] == 900
    assert on_edge["EGFR", "response"] is on_edge["TP53", "response"] is None


def test_what_was_found_before_pubmed_went_away_is_written(store: GraphStore, server: FakePubMed) -> None:
    pubmed = PubMed(Path("answers.jsonl"), url=server.url, rate=1e9, wait=lambda seconds: None)
    literature(store, pubmed, None, {"id": "B", "name": "erlotinib"}, limit=1)
    server.faults = [503] * 5
    rows, error = literature(store, pubmed, None, {"id": "B", "name": "erlotinib"}, limit=2)
    assert len(rows) == 1 and isinstance(error, ServiceUnavailableError)


def test_every_change_of_the_schema_is_of_a_kind_and_property_it_has() -> None:
    from pharmagraph.kg import schema

    for change in CHANGES:
        kind = (schema.node if is_node(change.of) else schema.edge)(change.of)
        if hasattr(change, "name"):
            assert change.name in {p.name for p in kind.columns}


def test_a_file_of_version_1_gets_what_version_2_added(tmp_path: Path) -> None:
    url = f"ladybug://{tmp_path}/old.lbug"
    with open_store(url) as graph:
        graph.create_schema()
        graph.upsert_nodes("Drug", pa.table({"id": ["A"], "name": ["erlotinib"]}))
        graph.upsert_nodes("Pathway", pa.table({"id": ["P1"], "name": ["first"]}))
    file = acquire(tmp_path / "old.lbug", read_only=False)
    with file.writing() as run:
        for change in reversed(CHANGES):
            if isinstance(change, FillProperty):
                continue  # there are no edges
            if isinstance(change, AddKind):
                run(f"DROP TABLE {change.of}")
                continue
            run(f"ALTER TABLE {change.of} DROP {change.name}")
            if isinstance(change, ReplaceProperty):
                run(f"ALTER TABLE {change.of} ADD {change.old} STRING")
        run("MATCH (v:SchemaVersion) SET v.version = 1")
    release(file)
    with pytest.raises(SchemaVersionError, match="cli db migrate"), open_store(url) as graph:
        graph.counts()
    assert len(migrate(url, dry_run=True).changes) == len(migrate(url).changes) == len(CHANGES)
    with open_store(url) as graph:
        edge = pa.table({"src": ["A"], "dst": ["P1"], "run_id": ["r1"], "test": ["ranks"], "q": [0.1]})
        graph.upsert_edges("ENRICHED", ("Drug", "Pathway"), edge)
        assert graph.read_edges("ATTENDS", ("Drug", "Gene"), ["q", "publications"]).num_rows == 0
        assert graph.read_nodes("Drug", ["name"])["name"].to_pylist() == ["erlotinib"]
