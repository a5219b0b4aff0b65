"""Schema versions on both engines: an older graph is migrated on request, a newer one refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import pharmagraph.cli as cli
from pharmagraph.cypher import catalogue
from pharmagraph.kg import copy, migrations, runs, schema
from pharmagraph.kg.errors import SchemaVersionError
from pharmagraph.kg.ladybug import tables as ladybug_tables
from pharmagraph.kg.ladybug.file import acquire, release
from pharmagraph.kg.neo4j import statements as neo4j_statements
from pharmagraph.kg.neo4j.sessions import Connection
from pharmagraph.kg.schema_changes import AddKind, AddProperty, RenameProperty
from pharmagraph.kg.store import open_store
from tests.graphs import everything, fill_everything
from tests.store import neo4j_server

CHANGES = (
    AddProperty(1, "Gene", "entrez_id"),
    RenameProperty(1, "Drug", "sentence", "mechanism"),
    RenameProperty(1, "TARGETS", "kind", "action"),
    AddKind(1, "METHYLATED"),
)
"""What a made-up version 0 lacked."""

LAYERS = {
    "A": "targets from drugs to genes, all parts between similar nodes and to own responses, else last",
    "B": "axial between similar nodes, else last",
}
"""What runs of version 2 said of their attention in words; the third run says nothing."""

NEW_IN_7 = ("censored", "e_inf", "hill", "r2", "flags")

DRUG_GENE = ("Drug", "Gene")
Age = Callable[[int], None]


@pytest.fixture(params=["ladybug", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Age]]:
    """A filled store, and what makes it one of another version."""
    if request.param == "ladybug":
        url = f"ladybug://{tmp_path}/graph.lbug"
        with open_store(url) as store:
            fill_everything(store)
        yield url, lambda version: _age_ladybug(tmp_path / "graph.lbug", version)
    else:
        with neo4j_server.empty_database() as url:
            with open_store(url) as store:
                fill_everything(store)
            yield url, lambda version: _age_neo4j(url, version)


def _age_ladybug(path: Path, version: int) -> None:
    file = acquire(path, read_only=False)
    with file.writing() as run:
        if version == 2:
            run("ALTER TABLE Run DROP gene_attention")
            run("ALTER TABLE Run DROP unused_attention")
            run("ALTER TABLE Run ADD layer STRING")
            for id_, layer in LAYERS.items():
                run("MATCH (r:Run {id: $id}) SET r.layer = $layer", id=id_, layer=layer)
        if version == 4:
            for name in ("objective", "feature", "effect"):
                run(f"ALTER TABLE ATTENDS DROP {name}")
        if version == 6:
            for name in NEW_IN_7:
                run(f"ALTER TABLE TESTED_ON DROP {name}")
        if version == 0:
            run("ALTER TABLE Gene DROP entrez_id")
            run("ALTER TABLE Drug RENAME mechanism TO sentence")
            run("ALTER TABLE TARGETS RENAME action TO kind")
            run("DROP TABLE METHYLATED")
        run(f"MATCH (v:{ladybug_tables.VERSION_TABLE}) SET v.version = {version}")
    release(file)


def _age_neo4j(url: str, version: int) -> None:
    connection = Connection(url)
    if version == 2:
        connection.change("MATCH (r:Run) REMOVE r.gene_attention, r.unused_attention")
        for id_, layer in LAYERS.items():
            connection.change("MATCH (r:Run {id: $id}) SET r.layer = $layer", id=id_, layer=layer)
    if version == 4:
        connection.change("MATCH ()-[a:ATTENDS]->() REMOVE a.objective, a.feature, a.effect")
    if version == 6:
        removed = ", ".join(f"t.{name}" for name in NEW_IN_7)
        connection.change(f"MATCH ()-[t:TESTED_ON]->() REMOVE {removed}")
    if version == 0:
        connection.change("MATCH (g:Gene) REMOVE g.entrez_id")
        connection.change("MATCH (d:Drug) SET d.sentence = d.mechanism REMOVE d.mechanism")
        connection.change("MATCH ()-[t:TARGETS]->() SET t.kind = t.action REMOVE t.action")
        connection.change("MATCH ()-[m:METHYLATED]->() DELETE m")
        connection.change(f"DROP CONSTRAINT {neo4j_statements.PREFIX}Gene_id")
    connection.change(f"MATCH (v:{neo4j_statements.VERSION_LABEL}) SET v.version = {version}")
    connection.close()


def test_an_older_graph_is_migrated_on_request_and_keeps_its_values(
    graph: tuple[str, Age], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, age = graph
    monkeypatch.setattr(migrations, "CHANGES", CHANGES)
    with open_store(url) as store:
        before = everything(store)
    age(0)
    with pytest.raises(SchemaVersionError, match="version 0"):
        open_store(url)
    dry = CliRunner().invoke(cli.app, ["db", "migrate", "--store", url, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "Drug.sentence becomes Drug.mechanism" in dry.output
    assert "nothing was changed" in dry.output.lower()
    with pytest.raises(SchemaVersionError, match="version 0"):
        open_store(url)
    assert [c.of for c in migrations.migrate(url).changes] == ["Gene", "Drug", "TARGETS", "METHYLATED"]
    with open_store(url) as store:
        after = everything(store)
    assert after.pop("CellLine-METHYLATED-Gene").num_rows == 0
    assert after.pop("Gene").column("entrez_id").null_count == 3
    for key, table in after.items():
        assert table.to_pylist() == before[key].to_pylist(), key
    assert not migrations.migrate(url).changes, "the second time there is nothing to do"


def test_where_gene_attention_comes_from_is_told_from_the_sentence_of_version_2(
    graph: tuple[str, Age],
) -> None:
    url, age = graph
    age(2)
    done = CliRunner().invoke(cli.app, ["db", "migrate", "--store", url])
    assert done.exit_code == 0 and "Run.gene_attention takes the place of Run.layer" in done.output
    with open_store(url) as store:
        rows = {row["id"]: row for row in store.read_nodes("Run").to_pylist()}
    assert {i: row["gene_attention"] for i, row in rows.items()} == {
        "A": "targets",
        "B": "network",
        "C d": None,
    }
    assert all(row["unused_attention"] is None and "layer" not in row for row in rows.values())
    assert not migrations.migrate(url).changes


def test_what_is_written_after_a_migration_is_read_back(
    graph: tuple[str, Age], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A property that a migration added is the last of its table, not where the schema has it."""
    url, age = graph
    with open_store(url) as store:
        whole = {label: store.read_nodes(label) for label in ("Run", "Gene")}
        targets = store.read_edges("TARGETS", ("Drug", "Gene"))
    age(2)
    migrations.migrate(url)
    monkeypatch.setattr(migrations, "CHANGES", CHANGES)
    age(0)
    migrations.migrate(url)
    with open_store(url) as store:
        for label, table in whole.items():
            new = table.slice(0, 1).set_column(0, "id", pa.array(["new"]))
            store.upsert_nodes(label, new)
            assert [r for r in store.read_nodes(label).to_pylist() if r["id"] == "new"] == new.to_pylist()
        edge = targets.slice(0, 1).set_column(1, "dst", pa.array(["new"]))
        store.upsert_edges("TARGETS", ("Drug", "Gene"), edge)
        written = store.read_edges("TARGETS", ("Drug", "Gene"), equals={"dst": "new"})
        assert written.to_pylist() == edge.to_pylist()


def test_attention_of_version_4_becomes_attention_to_targets_and_a_run_of_both_objectives_is_written_beside_it(
    graph: tuple[str, Age], tmp_path: Path
) -> None:
    url, age = graph
    old = ["src", "dst", "run_id", "weight", "rank", "publications"]
    with open_store(url) as store:
        before = {ends: store.read_edges("ATTENDS", ends, old) for ends in schema.edge("ATTENDS").ends}
    age(4)
    assert "ATTENDS.objective from Drug to Gene is target where it is empty" in [
        change.about for change in migrations.migrate(url, dry_run=True).changes
    ]
    migrations.migrate(url)
    with open_store(url) as store:
        for ends, table in before.items():
            after = store.read_edges("ATTENDS", ends)
            assert after.select(old).equals(table)
            objective = "target" if ends == DRUG_GENE else None
            assert after["objective"].to_pylist() == [objective] * 2
            assert after["feature"].null_count == after["effect"].null_count == 2
        columns = {
            "src": ["A"] * 3, "dst": ["B", "B", "C d"], "weight": [1.0, 0.75, 0.25], "competitors": [1, 2, 2],
            "objective": ["target", "response", "response"], "feature": [None, "expression", "mutation"],
            "effect": [None, 0.5, -0.5],
        }  # fmt: skip
        nothing = pa.table({"src": pa.array([], pa.string()), "dst": pa.array([], pa.string())})
        run = {"id": "new", "preset": "default"}
        store.delete_nodes("Run", ["A", "B", "C d"])  # what they say is no JSON
        runs.register(store, run, {DRUG_GENE: pa.table(columns)}, nothing, folder=tmp_path / "new")
        rows = catalogue.rows(store, "biomarkers", {"drug": "A", "run": "new"})
        assert [(r["gene"], r["direction"]) for r in rows] == [
            ("B", "sensitive"), ("C d", "resistant"),
        ]  # fmt: skip
        assert [r["gene"] for r in catalogue.rows(store, "top-genes", {"drug": "A", "run": "new"})] == [
            "B",
            "C d",
        ]
        other = open_store(f"ladybug://{tmp_path}/copied.lbug")
        with other:
            copy.copy(store, other)
            written = store.read_edges("ATTENDS", DRUG_GENE).to_pylist()
            assert sorted(map(repr, other.read_edges("ATTENDS", DRUG_GENE).to_pylist())) == sorted(
                map(repr, written)
            )
        assert runs.delete(store, "new") == 3
    assert not migrations.migrate(url).changes


def test_responses_of_version_6_get_censoring_that_can_be_written_and_asked_for(
    graph: tuple[str, Age],
) -> None:
    url, age = graph
    tested: tuple[str, tuple[str, str]] = ("TESTED_ON", ("Drug", "CellLine"))
    with open_store(url) as store:
        before = store.read_edges(*tested)
    age(6)
    with pytest.raises(SchemaVersionError, match="version 6"):
        open_store(url)
    assert [c.about for c in migrations.migrate(url).changes] == [
        f"TESTED_ON gets the property {name}" for name in NEW_IN_7
    ]
    with open_store(url) as store:
        after = store.read_edges(*tested)
        old = [name for name in before.column_names if name not in NEW_IN_7]
        assert after.select(old).equals(before.select(old))
        assert all(after[name].null_count == len(after) for name in NEW_IN_7)
        edge = after.slice(0, 1).to_pylist()[0] | {
            "ln_ic50": 2.3, "censored": "above", "hill": 1.5, "flags": "no_response",
        }  # fmt: skip
        store.upsert_edges(*tested, pa.Table.from_pylist([edge], after.schema))
        asked = "MATCH (:Drug)-[t:TESTED_ON]->(:CellLine) WHERE t.censored = 'above' AND t.flags CONTAINS 'response' "
        rows = store.query(asked + "RETURN t.ln_ic50 AS bound, t.hill AS hill").to_pylist()
        assert rows == [{"bound": 2.3, "hill": 1.5}]


def test_a_newer_graph_is_refused(graph: tuple[str, Age]) -> None:
    url, age = graph
    age(99)
    for attempt in (open_store, migrations.migrate):
        with pytest.raises(SchemaVersionError, match="update pharmagraph"):
            attempt(url)


@pytest.mark.neo4j
def test_migrating_makes_constraints_that_lack(neo4j_url: str) -> None:
    with open_store(neo4j_url) as store:
        store.create_schema()
    connection = Connection(neo4j_url)
    constraint = f"{neo4j_statements.PREFIX}Gene_id"
    connection.change(f"DROP CONSTRAINT {constraint}")
    for arguments in (["--dry-run"], []):
        done = CliRunner().invoke(cli.app, ["db", "migrate", "--store", neo4j_url, *arguments])
        assert done.exit_code == 0, done.output
        assert f"{constraint} is made" in done.output
    names = {row[0] for row in connection.rows("SHOW CONSTRAINTS YIELD name RETURN name")}
    connection.close()
    assert set(neo4j_statements.constraints()) <= names
