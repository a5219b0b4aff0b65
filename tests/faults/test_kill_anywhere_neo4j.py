"""Every command that writes to Neo4j, killed at random moments and run again: the rows are as if it was left alone.

The server lives on; `tests/integration/test_faults_neo4j.py` kills servers. ``PHARMAGRAPH_TEST_KILLS`` sets how often
each command is killed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.copy import copy
from pharmagraph.kg.neo4j.sessions import PASSWORD, USERNAME, Connection, credentials
from pharmagraph.kg.store import open_store
from tests.faults import compared
from tests.faults.killed import Commands, campaign
from tests.faults.test_kill_anywhere import DATA, GRAPH, KILLS, other_run
from tests.store import neo4j_server

pytestmark = [pytest.mark.once, pytest.mark.neo4j]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with neo4j_server.empty_database() as address:
        yield address


@pytest.fixture(scope="module")
def on_server(url: str) -> Commands:
    login = credentials()
    return Commands(**{"PHARMAGRAPH_STORE": url, USERNAME: login.username, PASSWORD: login.password})


@pytest.fixture
def empty(url: str, two: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder with an embedded graph, a backup and the folder of a run, beside a server without rows."""

    def start(name: str) -> Path:
        connection = Connection(url)
        connection.change("MATCH (n) DETACH DELETE n")
        connection.close()
        folder = Path(shutil.copytree(two, tmp_path / name))
        with open_store(f"ladybug://{folder / GRAPH}") as store:  # runs are not looked for beside a server
            places = {str(row["id"]): str(folder / "runs" / str(row["id"])) for row in runs.runs(store)}
            store.upsert_nodes("Run", pa.table({"id": list(places), "folder": list(places.values())}))
        return folder

    return start


@pytest.fixture
def start(url: str, empty: Callable[[str], Path]) -> Callable[[str], Path]:
    """Makes the same folder beside a server that holds the graph."""

    def filled(name: str) -> Path:
        folder = empty(name)
        with open_store(f"ladybug://{folder / GRAPH}", read_only=True) as source, open_store(url) as target:
            copy(source, target)
        return folder

    return filled


@pytest.fixture
def rows(url: str) -> Callable[[Path], Any]:
    return lambda _: compared.rows(url)


@pytest.mark.parametrize("name", DATA)
def test_data(
    name: str, on_server: Commands, start: Callable[[str], Path], rows: Callable[[Path], Any]
) -> None:
    words = tuple(DATA[name].split())
    said = 'no dataset "other"'
    campaign(name, on_server, words, start, rows, kills=KILLS, engine="Neo4j", again_may_say=said)


def test_copy_to_the_server(
    url: str, on_server: Commands, empty: Callable[[str], Path], rows: Callable[[Path], Any]
) -> None:
    words = ("copy", f"ladybug://{GRAPH}", url, "--quiet")
    campaign("copy", on_server, words, empty, rows, kills=KILLS, engine="Neo4j")


def test_restore(on_server: Commands, empty: Callable[[str], Path], rows: Callable[[Path], Any]) -> None:
    words = ("restore", "kept", "--runs", "restored", "--quiet")

    def state(folder: Path) -> Any:
        files = {str(p.relative_to(folder)): p.read_bytes() for p in (folder / "restored").rglob("*.*")}
        return rows(folder), files

    campaign("restore", on_server, words, empty, state, kills=KILLS, engine="Neo4j")


def test_backup(on_server: Commands, start: Callable[[str], Path]) -> None:
    def state(folder: Path) -> Any:
        file = folder / "today" / "graph.lbug"
        return compared.rows(f"ladybug://{file}") if file.exists() else {}

    words = ("backup", "today", "--quiet")
    campaign("backup", on_server, words, start, state, kills=KILLS, engine="Neo4j", again_may_say="today")


@pytest.mark.parametrize("verb", ["promote", "delete"])
def test_runs(
    verb: str,
    url: str,
    two: Path,
    on_server: Commands,
    start: Callable[[str], Path],
    rows: Callable[[Path], Any],
) -> None:
    with open_store(f"ladybug://{two / GRAPH}", read_only=True) as store:
        (run,) = (str(row["id"]) for row in runs.runs(store))

    def demoted(name: str) -> Path:
        folder = start(name)
        if verb == "promote":
            with open_store(url) as store:
                other_run(store, folder)
        return folder

    words = ("runs", verb, run, *(["--yes"] if verb == "delete" else []))
    name = {"promote": "promotion", "delete": "removal of a run"}[verb]
    campaign(name, on_server, words, demoted, rows, kills=KILLS, engine="Neo4j", again_may_say="no run")


def test_train(url: str, on_server: Commands, start: Callable[[str], Path]) -> None:
    def state(folder: Path) -> Any:
        found = compared.rows(url, without=frozenset({"id", "run_id"}))
        return {kind: sorted(set(of)) for kind, of in found.items()}, not list(folder.glob("runs/.*"))

    words = ("train", "--preset", "fast", "--epochs", "1", "--seed", "7", "--promote", "--quiet")
    campaign("training", on_server, words, start, state, kills=KILLS, engine="Neo4j")
