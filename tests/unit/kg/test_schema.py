"""What is drawn from the schema agrees with it: the stores' tables, the page of the docs, Arrow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ladybug
import pyarrow as pa
import pytest

from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import open_store

CHECKOUT = Path(__file__).resolve().parents[3]
ENGINE_TYPES = {
    "string": "STRING",
    "strings": "STRING[]",
    "integer": "INT64",
    "float": "DOUBLE",
    "boolean": "BOOL",
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> ladybug.Connection:
    path = tmp_path_factory.mktemp("schema") / "graph.lbug"
    with open_store(f"ladybug://{path}") as store:
        store.create_schema()
    return ladybug.Connection(ladybug.Database(str(path), buffer_pool_size=1 << 28, max_db_size=1 << 38))


def columns(connection: ladybug.Connection, table: str) -> dict[str, str]:
    rows = connection.execute(f"CALL table_info('{table}') RETURN *").get_as_arrow().to_pylist()
    return {row["name"]: row["type"] for row in rows}


def test_the_embedded_tables_are_those_of_the_schema(connection: ladybug.Connection) -> None:
    for kind in schema.NODES:
        assert columns(connection, kind.label) == {p.name: ENGINE_TYPES[p.type] for p in kind.columns}
    for edge_kind in schema.EDGES:
        expected = {p.name: ENGINE_TYPES[p.type] for p in edge_kind.columns if p.name not in ("src", "dst")}
        assert columns(connection, edge_kind.type) == expected
        rows = (
            connection.execute(f"CALL show_connection('{edge_kind.type}') RETURN *")
            .get_as_arrow()
            .to_pylist()
        )
        assert {(r["source table name"], r["destination table name"]) for r in rows} == set(edge_kind.ends)
    names = connection.execute("CALL show_tables() RETURN name").get_as_arrow()["name"].to_pylist()
    assert set(names) == {k.label for k in schema.NODES} | {k.type for k in schema.EDGES} | {"SchemaVersion"}


def test_the_page_of_the_schema_is_fresh() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "pharmagraph.kg.schema"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (CHECKOUT / "docs" / "schema.md").read_text() == printed.stdout


def test_the_page_names_every_kind_and_property() -> None:
    page = schema.markdown()
    for kind in (*schema.NODES, *schema.EDGES):
        assert f"## {kind.label if isinstance(kind, schema.NodeKind) else kind.type}\n" in page
        for p in kind.columns:
            assert f"| {p.name} | {p.type} |" in page


def test_ends_are_labels_and_identities_are_properties() -> None:
    labels = {kind.label for kind in schema.NODES}
    for kind in schema.EDGES:
        names = [p.name for p in kind.columns]
        assert len(set(names)) == len(names)
        assert {end for ends in kind.ends for end in ends} <= labels
        assert set(kind.key) <= set(names)
        optional = {p.name for p in kind.columns if p.name in kind.key and not p.required}
        assert optional == ({"objective", "feature"} if kind.type == "ATTENDS" else set())
        assert not kind.symmetric or all(a == b for a, b in kind.ends)


def test_conform_adds_what_lacks_and_refuses_what_is_foreign() -> None:
    kind = schema.node("Gene")
    table = schema.conform(
        pa.table({"entrez_id": pa.array([1956], pa.int32()), "id": ["EGFR"]}), kind.columns
    )
    assert table.schema.names == [column.name for column in kind.columns]
    assert table["ensembl_id"].null_count == 1
    assert table.schema.field("entrez_id").type == pa.int64()
    with pytest.raises(InputError, match="column symbol is not in the schema"):
        schema.conform(pa.table({"id": ["EGFR"], "symbol": ["EGFR"]}), kind.columns)
    with pytest.raises(InputError, match="column id is required and is empty in 1 rows"):
        schema.conform(pa.table({"id": pa.array([None], pa.string())}), kind.columns)
