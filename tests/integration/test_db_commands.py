"""`cli db` on a real server: what starts and stops, where passwords show, what is dropped."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pharmagraph.cli as cli
from pharmagraph.kg.errors import StoreUnavailableError
from pharmagraph.kg.neo4j.local_server import LocalServer
from pharmagraph.kg.neo4j.sessions import PASSWORD, PASSWORD_FILE, Connection, Credentials
from pharmagraph.kg.store import open_store
from tests.graphs import fill_everything
from tests.store import neo4j_server

pytestmark = pytest.mark.neo4j

LINUX = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")


def run(*arguments: str, answer: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments), input=answer)
    error = f"{result.exception}" if result.exception and not isinstance(result.exception, SystemExit) else ""
    return result.exit_code, result.output + error


class Watcher(threading.Thread):
    """Reads the command line and environment of every process, again and again."""

    def __init__(self, secret: str) -> None:
        super().__init__(daemon=True)
        self.secret, self.seen, self.looks, self.ended = secret.encode(), [], 0, threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                names = ("cmdline",) if int(place.name) == os.getpid() else ("cmdline", "environ")
                for name in names:
                    try:
                        if self.secret in (place / name).read_bytes():
                            self.seen.append((name, place.name))
                    except OSError:
                        continue
            self.looks += 1


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for `cli db` that is removed with its server."""
    folder = tmp_path / "neo4j"
    monkeypatch.setenv("PHARMAGRAPH_NEO4J_HOME", str(folder))
    yield folder
    LocalServer(folder.resolve()).stop()


@LINUX
def test_start_answers_with_authentication_and_no_process_shows_the_password(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, port = neo4j_server.new_login(), neo4j_server.free_port()
    file = tmp_path / "password"
    file.write_text(login.password + "\n")
    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.setenv(PASSWORD_FILE, str(file))
    watcher = Watcher(login.password)
    watcher.start()
    code, output = run("db", "start", "--java", "--port", str(port), "--http-port", "0")
    watcher.ended.set()
    watcher.join()
    assert code == 0, output
    assert watcher.looks > 10
    assert watcher.seen == []
    assert login.password not in output
    with open_store(f"bolt://localhost:{port}") as store:
        store.create_schema()
    with pytest.raises(StoreUnavailableError, match="refuses user"):
        Connection(f"bolt://localhost:{port}", login=Credentials("neo4j", "not the password"))
    texts = [
        p.read_text(errors="replace")
        for p in home.rglob("*")
        if p.is_file() and p.suffix in {".log", ".conf", ".json"}
    ]
    assert texts
    assert not any(login.password in text for text in texts)
    code, output = run("db", "status", "--format", "json")
    assert json.loads(output)[0]["state"] == "running"
    assert run("db", "logs")[1].count("\n") > 3
    code, output = run("db", "start", "--java", "--port", str(port), "--http-port", "0")
    assert "runs already" in output
    assert run("db", "stop", "--java")[0] == 0
    assert json.loads(run("db", "status", "--format", "json")[1])[0]["state"] == "stopped"
    with pytest.raises(StoreUnavailableError, match="nothing answers"):
        open_store(f"bolt://localhost:{port}")


def test_stop_leaves_a_process_alone_that_has_the_number_of_ours(home: Path) -> None:
    (home / "run").mkdir(parents=True)
    (home / "run" / "server.json").write_text(json.dumps({"pid": os.getpid(), "bolt_port": 7687}))
    assert run("db", "stop", "--java") == (0, "nothing that `cli db start` started is running\n")


def test_start_without_a_password_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.delenv(PASSWORD_FILE, raising=False)
    code, output = run("db", "start", "--java")
    assert code == 1
    assert PASSWORD in output
    assert not home.exists()


def test_a_taken_port_is_named(home: Path, neo4j_url: str) -> None:
    code, output = run("db", "start", "--java", "--port", neo4j_url.rpartition(":")[2])
    assert code == 1
    assert "is taken" in output


def test_drop_asks_first_and_leaves_what_is_not_ours(neo4j_url: str) -> None:
    connection = Connection(neo4j_url)
    connection.change(
        "CREATE (:Paper {id: 'p'})-[:MENTIONS {page: 1}]->(:Author {id: 'EGFR'})-[:TARGETS]->(:Paper)"
    )
    connection.change("CREATE CONSTRAINT theirs IF NOT EXISTS FOR (p:Paper) REQUIRE p.id IS UNIQUE")
    with open_store(neo4j_url) as store:
        fill_everything(store)
        assert store.counts()["Drug-TARGETS-Gene"] == 2, "their TARGETS is not counted"
    connection.change("MATCH (p:Paper {id: 'p'}), (g:Gene {id: 'A'}) CREATE (p)-[:MENTIONS]->(g)")
    code, output = run("db", "drop", "--store", neo4j_url, answer="n\n")
    assert code == 1
    assert "nothing was removed" in output
    with open_store(neo4j_url) as store:
        assert store.counts()["Drug"] == 3
    code, output = run("db", "drop", "--store", neo4j_url, "--yes")
    assert "1 of our nodes stay" in output
    assert connection.rows("MATCH (g:Gene) RETURN g.id") == [["A"]]
    code, output = run("db", "drop", "--store", neo4j_url, "--yes", "--detach")
    assert code == 0, output
    assert connection.rows("MATCH (n) RETURN labels(n)[0] AS l, count(*) ORDER BY l") == [
        ["Author", 1],
        ["Paper", 2],
    ]
    assert connection.rows("MATCH ()-[e]->() RETURN type(e) AS t ORDER BY t") == [["MENTIONS"], ["TARGETS"]]
    assert connection.rows("SHOW CONSTRAINTS YIELD name RETURN name") == [["theirs"]]
    connection.change("DROP CONSTRAINT theirs")
    connection.close()


def test_a_database_with_other_peoples_genes_is_refused(neo4j_url: str) -> None:
    connection = Connection(neo4j_url)
    connection.change("CREATE (:Gene {symbol: 'EGFR'})")
    with (
        open_store(neo4j_url) as store,
        pytest.raises(Exception, match="1 Gene nodes that pharmagraph did not make"),
    ):
        store.create_schema()
    assert connection.rows("MATCH (n) RETURN properties(n)") == [[{"symbol": "EGFR"}]]
    connection.change("MATCH (g:Gene) DELETE g")
    connection.close()
