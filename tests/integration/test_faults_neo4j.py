"""Server and client killed at random moments of an ingest and of a write-back: the same work again ends as if
nothing had happened, and no half-written run is ever listed.

Both jobs run side by side, so that a kill is a moment of both, on two servers in turn, so that one works while the
other starts again.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.neo4j.local_server import LocalServer
from pharmagraph.kg.neo4j.sessions import Connection, Credentials
from pharmagraph.kg.store import GraphStore, open_store
from tests.integration import fault_work
from tests.integration.fault_work import ATTENDS, EXPRESSES, JOBS, PREDICTED, RUN, TESTED_ON, WRITE_BACK
from tests.store import neo4j_server

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(1200)]

KILLS = int(os.environ.get("PHARMAGRAPH_TEST_KILLS", "2"))
"""Kills of each job while it runs, one on each server at least; `make faults` has 20."""
PROCESSES = multiprocessing.get_context("forkserver")
ONE_THREAD = threading.Lock()
"""Around what asks for the state of processes: multiprocessing loses the exit code when two threads ask."""
PROCESSES.set_forkserver_preload([fault_work.__name__])  # a process starts in milliseconds


class Machine:
    """A server of our own that may be killed, with what the undisturbed jobs write and the seconds that they take."""

    def __init__(self, home: Path, login: Credentials) -> None:
        self.server: LocalServer = neo4j_server.new_server(home)
        self.login = login
        self.server.start(login)
        self.whole, self.seconds = undisturbed(self, home.with_name(f"{home.name}-runs"))

    @property
    def url(self) -> str:
        return self.server.url

    def kill(self) -> None:
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # the other thread's next subprocess may have reaped it
            os.waitpid(pid, 0)

    def restart(self) -> None:
        self.server.start(self.login)

    def moment(self, counted: Counter[str], moments: random.Random) -> float:
        """Seconds after the start at which to kill: any of those in which the job that was killed least is at work."""
        job = min(JOBS, key=lambda job: (counted[job], -self.seconds[job]))
        return moments.uniform(0, self.seconds[job])

    def count(self, hit: list[str], counted: Counter[str]) -> None:
        """Count the jobs that were hit; where none was, the server is quicker than when the seconds were taken."""
        counted.update(hit)
        if not hit:
            self.seconds = {job: 0.8 * seconds for job, seconds in self.seconds.items()}


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    """Two servers with one login: one works while the other starts again."""
    folder, login = tmp_path_factory.mktemp("faults"), neo4j_server.new_login()
    neo4j_server.archive_classes(folder / "archive")
    with neo4j_server.environment(login):
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda name: Machine(folder / name, login), ("first", "second")))
        yield both
    for machine in both:
        machine.server.stop()


def on_each(machines: list[Machine], work: Callable[[Machine, int], Counter[str]]) -> Counter[str]:
    """Work on every machine at once, each with a seed of its own; the sum of what they count."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return sum(pool.map(work, machines, range(len(machines))), Counter[str]())


def started(machine: Machine, folder: Path, jobs: Iterable[str] = JOBS) -> dict[str, BaseProcess]:
    """The jobs, each in a process that has begun it."""
    arguments = (machine.url, machine.login, folder)
    processes = {job: PROCESSES.Process(target=fault_work.do, args=(job, *arguments)) for job in jobs}
    with ONE_THREAD:
        for process in processes.values():
            process.start()
    return processes


def at_work(processes: dict[str, BaseProcess]) -> list[str]:
    """The jobs that are not done."""
    with ONE_THREAD:
        return [job for job, process in processes.items() if process.is_alive()]


def failed(processes: dict[str, BaseProcess]) -> list[str]:
    """Waits for the end; the jobs that ended in an error."""
    while at_work(processes):
        time.sleep(0.02)
    return [job for job, process in processes.items() if process.exitcode != 0]


def wipe(url: str) -> None:
    """Back to the state before the jobs: only the edges that are to get attention."""
    connection = Connection(url)
    connection.change("MATCH ()-[e:ATTENDS|PREDICTED]->() DELETE e")
    connection.change("MATCH (:CellLine)-[e:EXPRESSES]->() REMOVE e.attention, e.attention_run")
    connection.change(
        "MATCH (n:Run|Drug|CellLine|Gene) WHERE NOT n.id STARTS WITH $kept DETACH DELETE n", kept=WRITE_BACK
    )
    connection.close()


def written(store: GraphStore) -> dict[str, pa.Table]:
    """What the jobs write, all properties."""
    tables = {kind[0]: store.read_edges(*kind) for kind in (EXPRESSES, TESTED_ON, ATTENDS, PREDICTED)}
    tables |= {label: store.read_nodes(label) for label in ("Drug", "CellLine", "Gene")}
    return {**tables, "Run": store.read_nodes("Run", ["id", "promoted", "status"])}


def assert_all_is_there(url: str, whole: dict[str, pa.Table]) -> None:
    with open_store(url) as store:
        for name, table in written(store).items():
            assert table.equals(whole[name]), name


def assert_no_half_run_is_listed(store: GraphStore, whole: dict[str, pa.Table]) -> None:
    listed = {run["id"]: run["promoted"] for run in runs.runs(store)}
    if RUN not in listed:
        return
    assert store.read_edges(*ATTENDS, equals={"run_id": RUN}).num_rows == whole["ATTENDS"].num_rows
    assert store.read_edges(*PREDICTED, equals={"run_id": RUN}).num_rows == whole["PREDICTED"].num_rows
    if listed[RUN]:
        expresses = store.read_edges(*EXPRESSES, ["attention"], equals={"dataset": WRITE_BACK})
        assert expresses.column("attention").null_count == 0


def undisturbed(machine: Machine, folder: Path) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """What the jobs write when nothing happens, and how long each takes."""
    url = machine.url
    with open_store(url) as store:
        fault_work.ingest(store, WRITE_BACK)
    for _ in range(2):  # the second time the server is warm
        wipe(url)
        start, seconds = time.monotonic(), dict.fromkeys(JOBS, 0.0)
        processes = started(machine, folder)
        while working := at_work(processes):
            seconds |= dict.fromkeys(working, time.monotonic() - start)
            time.sleep(0.02)
        assert failed(processes) == []
    with open_store(url) as store:
        whole = written(store)
    assert all(table.num_rows for table in whole.values())
    assert whole["Run"]["promoted"].to_pylist() == [True]
    return whole, seconds


def test_a_server_killed_at_random_moments_loses_nothing(machines: list[Machine], tmp_path: Path) -> None:
    def kill_again_and_again(machine: Machine, seed: int) -> Counter[str]:
        url, folder = machine.url, tmp_path / str(seed)
        moments, counted, whole = random.Random(seed), Counter[str](), machine.whole
        while min(counted[job] for job in JOBS) < KILLS / len(machines):
            wipe(url)
            processes = started(machine, folder)
            time.sleep(machine.moment(counted, moments))
            machine.count(at_work(processes), counted)
            machine.kill()
            machine.restart()
            with open_store(url, read_only=True) as store:
                assert_no_half_run_is_listed(store, whole)
            again = failed(processes)  # the others waited for the server to come back
            counted.update(f"{job} run again" for job in again)
            assert failed(started(machine, folder, again)) == []
            assert_all_is_there(url, whole)
        return counted

    print(dict(on_each(machines, kill_again_and_again)))


def test_a_client_killed_at_random_moments_finishes_the_next_time(
    machines: list[Machine], tmp_path: Path
) -> None:
    def kill_again_and_again(machine: Machine, seed: int) -> Counter[str]:
        url, folder = machine.url, tmp_path / str(seed)
        moments, counted, whole = random.Random(seed), Counter[str](), machine.whole
        with open_store(url, read_only=True) as watching:
            while min(counted[job] for job in JOBS) < KILLS / len(machines):
                wipe(url)
                processes = started(machine, folder)
                moment = time.monotonic() + machine.moment(counted, moments)
                while time.monotonic() < moment:
                    assert_no_half_run_is_listed(watching, whole)
                    time.sleep(0.1)
                machine.count(at_work(processes), counted)
                for process in processes.values():
                    process.kill()
                failed(processes)
                assert_no_half_run_is_listed(watching, whole)
                assert failed(started(machine, folder)) == []
                assert_all_is_there(url, whole)
        return counted

    print(dict(on_each(machines, kill_again_and_again)))
