"""Rows without Arrow are those of the Arrow tables."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.cypher import catalogue
from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError, QueryError
from pharmagraph.kg.store import GraphStore, open_store
from tests.graphs import fill_everything


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with everything, which every test copies."""
    place = tmp_path_factory.mktemp("filled") / "graph.lbug"
    with open_store(f"ladybug://{place}") as graph:
        fill_everything(graph)
        json_columns = {name: pa.nulls(3, pa.string()) for name in ("config", "metrics", "unused_attention")}
        graph.upsert_nodes("Run", pa.table({"id": ["A", "B", "C d"], **json_columns}))
    return place


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{shutil.copy(filled, tmp_path)}") as graph:
        yield graph


@pytest.mark.parametrize("kind", schema.NODES, ids=lambda kind: kind.label)
def test_rows_of_nodes_are_those_of_the_table(store: GraphStore, kind: schema.NodeKind) -> None:
    columns = [p.name for p in kind.columns]
    assert store.node_rows(kind.label, columns) == store.read_nodes(kind.label, columns).to_pylist()


def test_a_column_that_is_not_there_is_refused(store: GraphStore) -> None:
    with pytest.raises(InputError, match="column nope is not in the schema"):
        store.node_rows("Drug", ["id", "nope"])


def test_rows_of_a_query_are_those_of_its_table(store: GraphStore) -> None:
    cypher = "MATCH (d:Drug)-[t:TARGETS]->(g:Gene) RETURN d.id AS drug, t.attention AS a, g.aliases AS b, [1, 2] AS c"
    assert store.rows(cypher) == store.query(cypher).to_pylist()


def test_a_named_query_has_the_columns_that_it_lists(store: GraphStore) -> None:
    for query in catalogue.catalogue().values():
        values = {
            "drug": "A",
            "gene": "A",
            "cell_line": "A",
            "run": "A",
            "string": "A",
            "integer": "1",
            "float": "1",
        }
        given = {p.name: values[p.type] for p in query.parameters}
        table = catalogue.run(store, query.name, given)
        assert list(query.columns) == table.column_names
        assert catalogue.rows(store, query.name, given) == table.to_pylist()


@pytest.mark.parametrize("words", [["query", "coverage"], ["status"], ["runs", "list"]])
def test_what_only_reads_rows_loads_neither_arrow_nor_numpy(tmp_path: Path, words: list[str]) -> None:
    url = f"ladybug://{tmp_path}/graph.lbug"
    with open_store(url) as graph:
        graph.create_schema()
    script = (
        "import json, sys; from pharmagraph import cli; sys.argv = json.loads(sys.argv[1])\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pyarrow', 'pandas', 'rich', 'torch'} & set(sys.modules)))"
    )
    command = json.dumps(["cli", *words, "--store", url])
    done = subprocess.run([sys.executable, "-c", script, command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_more_rows_are_fetched_than_asked_for(store: GraphStore) -> None:
    endless = "MATCH (a:Gene), (b:Gene), (c:Gene) RETURN a.id AS x, b.id AS y, c.id AS z ORDER BY x, y, z"
    assert store.rows(endless, most=2) == store.rows(endless)[:2]
    assert store.rows(endless, most=100) == store.rows(endless)


def test_a_query_is_stopped_after_its_time(store: GraphStore) -> None:
    with pytest.raises(QueryError, match="took too long"):
        store.rows(
            "UNWIND range(1, 100000) AS i UNWIND range(1, 100000) AS j RETURN max(i * j % 7)", seconds=0.5
        )
