"""Server and client killed at random moments of an ingest and of a write-back: the same work again ends as if
nothing had happened, and no half-written run is ever listed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from kg import runs
from kg.local_server import LocalServer
from kg.neo4j_sessions import Credentials
from kg.store import GraphStore, open_store
from tests.integration import fault_work
from tests.store import neo4j_server

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(1200)]

KILLS = 20
CHECKOUT = Path(__file__).resolve().parents[2]


class Client:
    """The process that does the jobs."""

    def __init__(self, url: str, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.integration.fault_work", url, str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=CHECKOUT
        )
        assert self.answer() == "ready"

    def send(self, job: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class Machine:
    """A server of our own that may be killed."""

    def __init__(self, home: Path) -> None:
        neo4j_server.archive_classes(home / "archive")
        self.server: LocalServer = neo4j_server.new_server(
            home / "server", settings={"db.tx_log.preallocate": "false"}
        )
        self.login: Credentials = neo4j_server.new_login()
        self.server.start(self.login)

    def kill(self) -> None:
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def restart(self) -> None:
        self.server.start(self.login)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("faults"))
    with neo4j_server.environment(machine.login):
        yield machine
    machine.server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def wipe(url: str, job: str) -> None:
    """Back to the state before a job."""
    with open_store(url) as store:
        if job == "ingest":
            for label in ("Drug", "CellLine", "Gene"):
                store.delete_nodes(label, store.read_nodes(label, ["id"])["id"].to_pylist())
        else:
            runs.delete(store, fault_work.RUN)


def written(store: GraphStore) -> dict[str, pa.Table]:
    """What the jobs write, all properties."""
    tables = {name: store.read_edges(*edges) for name, edges in fault_work.EDGES.items()}
    tables["attends"] = store.read_edges("ATTENDS", ("CellLine", "Gene"))
    tables |= {label: store.read_nodes(label) for label in ("Drug", "CellLine", "Gene")}
    tables["runs"] = store.read_nodes("Run", ["id", "promoted", "status"])
    return tables


def assert_no_half_run_is_listed(url: str, whole: dict[str, pa.Table]) -> None:
    with open_store(url, read_only=True) as store:
        listed = {run["id"]: run["promoted"] for run in runs.runs(store)}
        if fault_work.RUN not in listed:
            return
        attends = store.read_edges("ATTENDS", ("CellLine", "Gene"), equals={"run_id": fault_work.RUN})
        assert attends.num_rows == whole["attends"].num_rows
        if listed[fault_work.RUN]:
            expresses = store.read_edges(*fault_work.EDGES["expresses"])
            assert expresses.column("attention").null_count == 0


def undisturbed(url: str, job: str, folder: Path) -> tuple[dict[str, pa.Table], float]:
    """What a job writes when nothing happens, and how long it takes."""
    client = Client(url, folder)
    for earlier in ("ingest",) if job == "write-back" else ():
        client.send(earlier)
        assert client.answer() == "done"
    start = time.monotonic()
    client.send(job)
    assert client.answer() == "done"
    seconds = time.monotonic() - start
    client.kill()
    with open_store(url) as store:
        return written(store), seconds


@pytest.mark.parametrize("job", ["ingest", "write-back"])
def test_a_server_killed_at_random_moments_loses_nothing(machine: Machine, job: str, folder: Path) -> None:
    url, moments = machine.server.url, random.Random(job)
    whole, seconds = undisturbed(url, job, folder)
    client, kills, unfinished = Client(url, folder), 0, 0
    wipe(url, job)
    while kills < KILLS:
        client.send(job)
        time.sleep(moments.uniform(0, seconds))
        machine.kill()
        kills += 1
        machine.restart()
        assert_no_half_run_is_listed(url, whole)
        if client.answer() != "done":  # it may have waited for the server to come back
            unfinished += 1
            client.send(job)
            answer = client.answer()
            assert answer == "done", answer
        with open_store(url) as store:
            for name, table in written(store).items():
                assert table.equals(whole[name]), (name, kills)
        wipe(url, job)
    client.kill()
    print(f"{job}: {kills} kills, {unfinished} commands run again, the others went on by themselves")


@pytest.mark.parametrize("job", ["ingest", "write-back"])
def test_a_client_killed_at_random_moments_finishes_the_next_time(
    machine: Machine, job: str, folder: Path
) -> None:
    url, moments = machine.server.url, random.Random(job)
    whole, seconds = undisturbed(url, job, folder)
    for _ in range(KILLS // 2):
        wipe(url, job)
        client = Client(url, folder)
        client.send(job)
        time.sleep(moments.uniform(0, seconds))
        client.kill()
        assert_no_half_run_is_listed(url, whole)
        client = Client(url, folder)
        client.send(job)
        assert client.answer() == "done"
        client.kill()
        with open_store(url) as store:
            for name, table in written(store).items():
                assert table.equals(whole[name]), name
