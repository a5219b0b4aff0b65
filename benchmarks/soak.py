"""Loads, trains, asks, deletes and serves the same small screen again and again, and measures what grows.

    python -m benchmarks.soak [--minutes 10] [--readers 20] [--format table|json]

`cli serve` answers readers in a process of its own while this one, as a notebook would, loads a data set beside the
first, trains, asks, and removes run and data set again. A row a round: memory and open files of both processes, bytes
of the store's file, answers to readers and queries, how many failed, and how many were none that a state of the first
round gives. Rounds are alike, so whatever rises from the third on is kept.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

import pharmagraph as pg
from pharmagraph.kg import runs as run_register
from pharmagraph.kg.errors import StoreLockedError
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.store import GraphStore

DRUG = "synthetic-drug-0001"
ADDRESSES = (
    f"api/query/responses?drug={DRUG}",
    f"api/query/top-genes?drug={DRUG}",
    f"api/search?text={DRUG}",
    "api/query/known-targets?drug=beside-drug-0001",
)
"""What readers ask; the second depends on the run, the last on the data set that comes and goes."""
PAUSE = 0.13
"""Seconds between two requests of all readers together: the server takes 600 a minute from one machine."""


@dataclass(frozen=True)
class Row:
    """What was measured after a round.

    Attributes
    ----------
    round
        From 1.
    seconds
        Since the beginning.
    memory_mb, server_mb
        Resident memory of the process that works, and of the one that serves.
    files, server_files
        Open files and sockets of both.
    threads
        Of the process that works.
    store_mb
        The store's file.
    answers, failed
        To readers and to the queries of a round; "the store is being written" (503) is an answer.
    wrong
        Answers that no state of the first round gives.
    """

    round: int
    seconds: float
    memory_mb: float
    server_mb: float
    files: int
    server_files: int
    threads: int
    store_mb: float
    answers: int
    failed: int
    wrong: int


class Answers:
    """Keeps the answers of the first round's states, and counts those that are others."""

    def __init__(self, address: str) -> None:
        self.given = self.failed = self.wrong = 0
        self._address, self._lock = address, threading.Lock()
        self._known: dict[str, set[str]] = {}

    def learn(self) -> None:
        """Ask everything in a state that the store may be in."""
        for path in ADDRESSES:
            while (answer := self._asked(path)) is None:
                time.sleep(0.1)
            self.know(path, answer)

    def know(self, question: str, answer: str) -> None:
        """Take an answer for a right one."""
        self._known.setdefault(question, set()).add(answer)

    def compare(self, question: str, answer: str) -> None:
        """Count an answer, and whether it is among the right ones."""
        with self._lock:
            self.given += 1
            self.wrong += answer not in self._known[question]

    def ask(self, path: str) -> None:
        """Ask as a reader does."""
        try:
            answer = self._asked(path)
        except OSError:  # a status of 5xx among them
            with self._lock:
                self.failed += 1
            return
        if answer is not None:
            self.compare(path, answer)
            return
        with self._lock:
            self.given += 1

    def _asked(self, path: str) -> str | None:
        """The answer; None while the store is written."""
        try:
            with urllib.request.urlopen(f"{self._address}{path}", timeout=60) as answer:  # nosec B310 # ours
                return without_times(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            if error.code == 429 or error.code >= 500:
                raise
            return f"{error.code} {without_times(error.read().decode())}"


class Readers:
    """Threads that ask the explorer until they are told to end."""

    def __init__(self, answers: Answers, n: int) -> None:
        self._ended, self._answers, self._pause = threading.Event(), answers, PAUSE * n
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._ended.is_set():
            for path in ADDRESSES:
                self._answers.ask(path)
                self._ended.wait(self._pause)

    def end(self) -> None:
        """Wait for the last answers."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)


def without_times(answer: str) -> str:
    """An answer without what differs from round to round: times, and ids of runs."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.+Z-]*|fast-\d+-\d+-\d+-\w+", "*", answer)


@contextmanager
def served(url: str) -> Iterator[tuple[psutil.Process, str]]:
    """The explorer in a process of its own, and its address."""
    words = ["serve", "--port", "0", "--no-browser", "--store", url]
    environment = {name: value for name, value in os.environ.items() if name != "PHARMAGRAPH_TOKEN"}
    with subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                raise SystemExit("cli serve did not start; type the command to see why")
            yield psutil.Process(server.pid), found[0]
        finally:
            server.terminate()
            server.wait(30)


def written(url: str, seconds: float = 60) -> GraphStore:
    """The store for writing, once no reader of this process has it open."""
    end = time.monotonic() + seconds
    while True:
        try:
            return pg.open_store(url)
        except StoreLockedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def rounds(folder: Path, minutes: float, at_least: int = 3, readers: int = 20) -> Iterator[Row]:
    """Work in a folder for some minutes; a row after each round."""
    file = folder / "soak.lbug"
    url = f"ladybug://{file}"
    begun, this = time.monotonic(), psutil.Process()
    with pg.open_store(url) as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    with served(url) as (server, address):
        answers = Answers(address)
        for _ in work(url, folder / "runs", answers, first=True):
            answers.learn()
        answers.learn()
        asking = Readers(answers, readers)
        number = 0
        try:
            while number < at_least or time.monotonic() - begun < 60 * minutes:
                number += 1
                for _ in work(url, folder / "runs", answers):
                    time.sleep(0.2)
                gc.collect()
                give_back()
                memory, files = zip(*map(_measured, (this, server)), strict=True)
                yield Row(
                    number, round(time.monotonic() - begun, 1),
                    memory[0], memory[1], files[0], files[1],
                    this.num_threads(), round(file.stat().st_size / 1e6, 2),
                    answers.given, answers.failed, answers.wrong,
                )  # fmt: skip
        finally:
            asking.end()


def _measured(process: psutil.Process) -> tuple[float, int]:
    """Megabytes and open files."""
    files = process.num_fds() if os.name == "posix" else process.num_handles()
    return round(process.memory_info().rss / 1e6, 1), files


def work(url: str, runs: Path, answers: Answers, *, first: bool = False) -> Iterator[None]:
    """A round, which stops after each state that readers may see; the last is as before the round."""
    check = answers.know if first else answers.compare
    with written(url) as store:
        pg.ingest.synthetic(store, name="beside", drugs=8, cells=10, genes=20)
    yield
    with written(url) as store:
        run = pg.train(store, "fast", training={"epochs": 1}, promote=True, folder=runs)
        check("genes", without_times(pg.query(store, "top-genes", drug=DRUG).to_csv()))
    yield
    with written(url) as store:
        run_register.delete(store, run.id)
    shutil.rmtree(run.folder)
    yield
    with written(url) as store:
        pg.ingest.remove(store, "beside")
        check("counts", repr({kind: n for kind, n in store.counts().items() if kind != "Ingest"}))


def table(rows: Sequence[Row]) -> str:
    """Rows as Markdown."""
    names = list(asdict(rows[0]))
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *(f"| {' | '.join(str(v) for v in asdict(row).values())} |" for row in rows)])


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for row in rounds(Path(folder), asked.minutes, readers=asked.readers):
            rows.append(row)
            if asked.format == "table":  # as they come, so that a soak that is stopped has told what it saw
                print(table(rows) if len(rows) == 1 else table(rows).splitlines()[-1], flush=True)
    if asked.format == "json":
        print(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
