"""Cypher of the user's own on a server: limits hold, Ctrl-C ends it there, too, and every value has a form."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmagraph.kg import free_cypher
from pharmagraph.kg.free_cypher import LimitError, Limits
from pharmagraph.kg.neo4j.local_server import LocalServer
from pharmagraph.kg.neo4j.sessions import Connection
from tests.cli.typed import typed
from tests.store import neo4j_server

LONG = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN count(a + b) AS n"


@pytest.fixture
def url() -> Iterator[str]:
    with neo4j_server.empty_database() as address:
        yield address


def running(url: str) -> list[str]:
    connection = Connection(url)
    try:
        rows = connection.rows("SHOW TRANSACTIONS YIELD currentQuery")
    finally:
        connection.close()
    return [str(row[0]) for row in rows if "UNWIND range" in str(row[0])]


def wait_for(url: str, *, n: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while len(running(url)) != n:
        assert time.monotonic() < deadline, running(url)
        time.sleep(0.2)


@pytest.mark.neo4j
def test_a_query_ends_at_its_limit_of_time(url: str) -> None:
    with pytest.raises(LimitError, match="took too long"):
        free_cypher.ask(url, LONG, {}, Limits(seconds=2))
    wait_for(url, n=0, seconds=20)


@pytest.mark.neo4j
def test_ctrl_c_ends_a_query_on_the_server(url: str) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", "query", "--store", url, "--cypher", LONG],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stderr=subprocess.PIPE,
        start_new_session=True,
        # a shell may have started the tests with SIGINT ignored, which children inherit
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(url, n=1, seconds=60)
    os.killpg(asking.pid, signal.SIGINT)
    asking.communicate(timeout=15)
    assert asking.returncode == 130
    wait_for(url, n=0, seconds=20)


@pytest.mark.neo4j
def test_values_of_a_server_have_a_form_in_json(url: str) -> None:
    text = "RETURN date('2020-01-01') AS a, duration('P1DT3S') AS b, datetime('2020-01-01T10:00:00Z') AS c"
    done = typed("query", "--store", url, "--format", "json", "--cypher", text)
    (row,) = json.loads(done.stdout)
    assert row["a"] == "2020-01-01" and row["b"] == "P1DT3S" and row["c"].startswith("2020-01-01T10:00:00")


def test_the_home_of_a_local_server_is_the_user_s_alone_and_it_reads_no_files(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "home")
    server._configure()
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    settings = (tmp_path / "home" / "conf" / "neo4j.conf").read_text()
    assert "dbms.security.allow_csv_import_from_file_urls=false" in settings.splitlines()
