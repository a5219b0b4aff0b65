"""The main job on Neo4j by its commands: ingest, train, promote, query, explain, and no password anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pharmagraph.cli as cli
from pharmagraph.kg.neo4j.sessions import Connection, credentials
from pharmagraph.kg.store import open_store

pytestmark = pytest.mark.neo4j


def test_the_loop_runs_on_neo4j_and_shows_no_password(
    neo4j_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = credentials().password
    monkeypatch.setenv("PHARMAGRAPH_STORE", neo4j_url)
    printed = []

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli.app, list(arguments))
        printed.append(result.output)
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        return result.output

    screen = ("ingest", "synthetic", "--drugs", "24", "--cells", "20", "--genes", "60", "--quiet")
    assert "24 inserted" in run(*screen)
    assert "Nothing to change" in run(*screen)
    run("train", "--preset", "fast", "--epochs", "2", "--promote", "--quiet")
    assert json.loads(run("runs", "list", "--format", "json"))[0]["promoted"] is True
    with open_store(neo4j_url, read_only=True) as store:
        expresses = store.read_edges("EXPRESSES", ("CellLine", "Gene"), ["attention"])
    assert expresses.num_rows > expresses.column("attention").null_count
    links = json.loads(run("query", "strongest-links", "limit=5", "--format", "json"))
    assert len(links) == 5
    run("status")
    run("export", "heterograph", "graph")
    connection = Connection(neo4j_url)
    by_hand = connection.rows(
        "MATCH (r:Run {promoted: true}) MATCH (d:Drug {name: $drug})-[a:ATTENDS {run_id: r.id}]->(g:Gene) "
        "RETURN g.id ORDER BY a.rank LIMIT 1",
        drug=links[0]["drug"],
    )
    assert by_hand == [[links[0]["gene"]]]
    properties = connection.rows("MATCH (n) RETURN properties(n)")
    connection.close()
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(password.encode() in content for content in kept)
    assert password not in "".join(printed)
    assert password not in str(properties)
