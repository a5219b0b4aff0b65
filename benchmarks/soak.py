"""Loads, trains, asks, deletes and serves the same small screen again and again, and measures what grows.

    python -m benchmarks.soak [--minutes 10] [--format table|json]

A row a round: memory of this process and open files after garbage was collected, bytes of the store's file, answers of
the explorer to its readers, and how many of them failed. Rounds are alike, so whatever rises from the third on is kept.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

import pharmagraph as pg
from pharmagraph.explorer import access
from pharmagraph.explorer.server import make_server
from pharmagraph.kg import runs as run_register
from pharmagraph.kg.errors import StoreLockedError
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.store import GraphStore

ADDRESSES = ("api/describe", "api/query/coverage", "api/search?text=drug")


@dataclass(frozen=True)
class Row:
    """What was measured after a round.

    Attributes
    ----------
    round
        From 1.
    seconds
        Since the beginning.
    memory_mb
        Resident memory of this process.
    files
        Open files and sockets of this process.
    threads
        Of this process.
    store_mb
        The store's file.
    answers, failed
        Of the explorer to its readers; 503 while the store is written is an answer.
    """

    round: int
    seconds: float
    memory_mb: float
    files: int
    threads: int
    store_mb: float
    answers: int
    failed: int


class Readers:
    """Threads that ask the explorer until they are told to end."""

    def __init__(self, address: str, n: int = 2) -> None:
        self.answers, self.failed, self._ended = 0, 0, threading.Event()
        self._address = address
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._ended.is_set():
            for path in ADDRESSES:
                try:
                    with urllib.request.urlopen(f"{self._address}{path}", timeout=30) as answer:  # nosec B310 # ours
                        answer.read()
                    self.answers += 1
                except urllib.error.HTTPError as error:
                    self.answers += error.code == 503
                    self.failed += error.code != 503
                except OSError:
                    self.failed += 1
                self._ended.wait(0.2)

    def end(self) -> None:
        """Wait for the last answers."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)


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


def rounds(folder: Path, minutes: float, at_least: int = 2) -> Iterator[Row]:
    """Work in a folder for some minutes; a row after each round."""
    file = folder / "soak.lbug"
    url = f"ladybug://{file}"
    begun, this = time.monotonic(), psutil.Process()
    with pg.open_store(url) as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    access.COMPUTED = 1_000_000  # one address asks more here than a person does
    server = make_server(url, 0)
    threading.Thread(target=server.serve, daemon=True).start()
    readers = Readers(f"http://127.0.0.1:{server.bind_addr[1]}/")
    number = 0
    try:
        while number < at_least or time.monotonic() - begun < 60 * minutes:
            number += 1
            with written(url) as store:
                pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
                run = pg.train(store, "fast", training={"epochs": 1}, promote=True, folder=folder / "runs")
                pg.query(store, "top-genes", drug="synthetic-drug-0001")
                run_register.delete(store, run.id)
            shutil.rmtree(run.folder)
            del run, store
            gc.collect()
            give_back()
            yield Row(
                number, round(time.monotonic() - begun, 1), round(this.memory_info().rss / 1e6, 1),
                this.num_fds() if os.name == "posix" else this.num_handles(), this.num_threads(),
                round(file.stat().st_size / 1e6, 2), readers.answers, readers.failed,
            )  # fmt: skip
    finally:
        readers.end()
        server.stop()


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
    parser.add_argument("--format", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for row in rounds(Path(folder), asked.minutes):
            rows.append(row)
            if asked.format == "table":  # as they come, so that a soak that is stopped has told what it saw
                print(table(rows) if len(rows) == 1 else table(rows).splitlines()[-1], flush=True)
    if asked.format == "json":
        print(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
