"""Readers at once on `cli serve`, while an ingest runs elsewhere: seconds of each kind of page, memory, and the start.

    python -m benchmarks.readers --store ladybug://pharmagraph.lbug [--readers 20] [--seconds 60] [--think 2,6]
                                 [--engine embedded|neo4j] [--format table|json]

The store holds a promoted run. The embedded engine serves a copy of the file, a snapshot, while `cli ingest gdsc` loads
GDSC1 into another file again and again. For Neo4j a server is started from the Maven artifact and removed afterwards;
the store is copied there, and the same ingest runs on it. Each reader asks from an address of its own on this
machine for one page after the other, and looks at each for some seconds. A page is what the server sends for it; how
long a browser takes to show the first one is measured with Chromium where there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil

from benchmarks.soak import served
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.kg.store import GraphStore, open_store

CLI = (sys.executable, "-m", "pharmagraph.cli")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
N_NAMES, N_LOOKS, EGO = 12, 7, 500
"""Drugs, genes and cell lines that are looked at; looks at a page in Chromium; edges of the ego graph asked for."""


@dataclass(frozen=True)
class Row:
    """What was measured of one kind.

    Attributes
    ----------
    what
        Kind of page, or what else was measured.
    n
        Answers.
    p50, p95
        Seconds; of memory, megabytes, the median and the most.
    asked
        What it is to reach.
    failed
        Answers that were none.
    """

    what: str
    n: int
    p50: float
    p95: float
    asked: str = ""
    failed: int = 0


class Client:
    """One reader's connection, from an address of its own."""

    def __init__(self, port: int, number: int) -> None:
        self._port, self._from = port, f"127.0.0.{number + 2}"
        dependencies = json.loads(self.get("/_dash-dependencies")[1])
        self._page = next(d for d in dependencies if "content.children" in d["output"])

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an address."""
        return self._asked("GET", path, None)

    def page(self, path: str) -> tuple[int, str]:
        """What is sent for a page."""
        pathname, _, search = path.partition("?")
        given = {"pathname": pathname, "search": f"?{search}" if search else ""}
        names = [name.split(".") for name in self._page["output"].strip(".").split("...")]
        body = {
            "output": self._page["output"],
            "outputs": [{"id": id_, "property": name} for id_, name in names],
            "inputs": [{**one, "value": given.get(one["property"])} for one in self._page["inputs"]],
            "changedPropIds": ["address.pathname", "address.search"],
        }
        return self._asked("POST", "/_dash-update-component", body)

    def typed(self, text: str) -> tuple[int, str]:
        """The suggestions below the search box."""
        body = {
            "output": "suggestions.children",
            "outputs": {"id": "suggestions", "property": "children"},
            "inputs": [{"id": "typed", "property": "data", "value": text}],
            "changedPropIds": ["typed.data"],
        }
        return self._asked("POST", "/_dash-update-component", body)

    def _asked(self, method: str, path: str, body: Any) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=120, source_address=(self._from, 0)
        )
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def kinds(
    names: Mapping[str, Sequence[str]],
) -> dict[str, Callable[[Client, random.Random], tuple[int, str]]]:
    """Kind of page → asks for one of it."""

    def of(address: str) -> Callable[[Client, random.Random], tuple[int, str]]:
        def ask(client: Client, draw: random.Random) -> tuple[int, str]:
            chosen = {kind: quote(draw.choice(some), safe="") for kind, some in names.items()}
            return client.page(address.format(**chosen))

        return ask

    return {
        "home": of("/"),
        "drug": of("/drug/{drug}"),
        "gene": of("/gene/{gene}"),
        "cell line": of("/cell-line/{cell_line}"),
        "pair": of("/pair/{drug}/{cell_line}"),
        "network": of("/network?node=Drug:{drug}"),
        "paths": of("/network?node=Drug:{drug}&to=CellLine:{cell_line}"),
        "runs": of("/runs"),
        "named query": of("/query/top-genes?drug={drug}"),
        "search": lambda client, draw: client.typed(draw.choice(names["drug"])[:-1]),
    }


class Readers:
    """Threads that look at one page after the other."""

    def __init__(
        self, port: int, names: Mapping[str, Sequence[str]], n: int, think: tuple[float, float]
    ) -> None:
        self.seconds: dict[str, list[float]] = {kind: [] for kind in kinds(names)}
        self.failed: dict[str, int] = dict.fromkeys(self.seconds, 0)
        self._kinds, self._think, self._ended = kinds(names), think, threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(Client(port, number), number), daemon=True)
            for number in range(n)
        ]

    def run(self, seconds: float) -> None:
        """Read for some seconds."""
        for thread in self._threads:
            thread.start()
        time.sleep(seconds)
        self._ended.set()
        for thread in self._threads:
            thread.join(120)

    def _read(self, client: Client, number: int) -> None:
        draw = random.Random(number)
        self._ended.wait(draw.uniform(0, self._think[1]))
        while not self._ended.is_set():
            kind = draw.choice(list(self._kinds))
            begun = time.perf_counter()
            try:
                status, text = self._kinds[kind](client, draw)
            except OSError:
                status, text = 0, ""
            self.seconds[kind].append(time.perf_counter() - begun)
            self.failed[kind] += status != 200 or "This page failed" in text or "Unreachable" in text
            self._ended.wait(draw.uniform(*self._think))


def looked_at(graph: GraphStore) -> dict[str, list[str]]:
    """Ids of drugs, genes and cell lines with much around them."""
    links = graph.rows(
        "MATCH (d:Drug)-[:TARGETS]->(g:Gene) RETURN d.id AS drug, g.id AS gene ORDER BY drug, gene LIMIT 400"
    )
    lines = graph.rows(
        "MATCH (:Drug)-[t:TESTED_ON]->(c:CellLine) RETURN c.id AS id, count(t) AS n ORDER BY n DESC, id LIMIT 12"
    )
    drugs = list(dict.fromkeys(row["drug"] for row in links))[::4][:N_NAMES]
    genes = list(dict.fromkeys(row["gene"] for row in links))[::4][:N_NAMES]
    return {"drug": drugs, "gene": genes, "cell_line": [row["id"] for row in lines]}


@contextmanager
def serving(store: str) -> Iterator[tuple[int, psutil.Process, float]]:
    """`cli serve` on a store: its port, its process, and the seconds until it answered."""
    begun = time.perf_counter()
    with served(store) as (process, address):
        port = urlsplit(address).port
        assert port is not None
        Client(port, 0).get("/")
        yield port, process, time.perf_counter() - begun


@contextmanager
def ingesting(store: str) -> Iterator[list[int]]:
    """`cli ingest gdsc` into a store, again and again; gives a list with the exit code of each."""
    ended, codes = threading.Event(), list[int]()
    current: list[subprocess.Popen[bytes]] = []

    def load() -> None:
        while not ended.is_set():
            words = [*CLI, "ingest", "gdsc", "--share", "0.2", "--store", store, "--quiet"]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            current[:] = [process]
            code = process.wait()
            if ended.is_set():
                return
            codes.append(code)
            if code:
                return

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    try:
        yield codes
    finally:
        ended.set()
        for process in current:
            process.terminate()
        thread.join(60)


def measure(
    store: str,
    names: Mapping[str, Sequence[str]],
    load_into: str,
    n: int,
    seconds: float,
    think: tuple[float, float],
) -> list[Row]:
    """Serve a store to one reader, then to all of them while an ingest runs."""
    with serving(store) as (port, process, started):
        rows = [Row("start until the first answer", 1, started, started, "3 s"), *_alone(port, names)]
        rows += _in_browser(port, names["drug"])
        memory, ended = list[float](), threading.Event()

        def watch() -> None:
            while not ended.wait(0.25):
                memory.append(process.memory_info().rss / 1e6)

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        with ingesting(load_into) as codes:
            time.sleep(2)  # it has begun
            readers, before = Readers(port, names, n, think), _processor(process)
            readers.run(seconds)
            used = _processor(process) - before
        ended.set()
        watching.join()
    rows += [
        _row(f"{n} readers: {kind}", found, "1 s", readers.failed[kind])
        for kind, found in readers.seconds.items()
        if found
    ]
    every = [one for found in readers.seconds.values() for one in found]
    rows.append(_row(f"{n} readers: all", every, "p95 1 s", sum(readers.failed.values())))
    a_page = round(used / max(len(every), 1), 3)
    rows.append(Row("processor seconds of the server, a page", len(every), a_page, a_page))
    rows.append(Row("memory, MB", len(memory), statistics.median(memory), max(memory), "1,000 MB"))
    rows.append(
        Row("ingests that ended", len([c for c in codes if not c]), 0.0, 0.0, "", sum(c > 0 for c in codes))
    )
    return rows


def _alone(port: int, names: Mapping[str, Sequence[str]]) -> list[Row]:
    """Seconds of each kind, and of an ego graph, with one reader and nothing else; the first of each is left out."""
    client, draw, rows = Client(port, 0), random.Random(0), []
    for kind, ask in kinds(names).items():
        ask(client, draw)
        found = [_seconds(lambda ask=ask: ask(client, draw)) for _ in range(10)]  # type: ignore[misc]
        rows.append(_row(f"alone: {kind}", found, "100 ms" if kind == "search" else "1 s"))
    found, n_edges = [], 0
    for drug, limit in itertools.product(names["drug"][:4], range(10, 61, 5)):
        address = f"/network?node=Drug:{quote(drug, safe='')}&limit={limit}"
        said = re.search(r"(\d+) nodes and (\d+) edges", client.page(address)[1])
        if said and int(said[2]) >= EGO:
            n_edges = int(said[2])
            found = [_seconds(lambda a=address: client.page(a)) for _ in range(10)]  # type: ignore[misc]
            break
    rows.append(_row(f"alone: ego graph of {n_edges} edges", found or [float("nan")], "500 ms"))
    return rows


def _in_browser(port: int, drugs: Sequence[str]) -> list[Row]:
    """Seconds until Chromium shows the heading of a page, and a drug's figure, in a new tab each time."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(base_url=f"http://127.0.0.1:{port}")

        def look(address: str, until: str = "main h1") -> float:
            tab, begun = context.new_page(), time.perf_counter()
            tab.goto(address)
            tab.wait_for_selector(until)
            seconds = time.perf_counter() - begun
            tab.close()
            return seconds

        look("/")
        pages = [f"/drug/{quote(drug, safe='')}" for drug in drugs[:N_LOOKS]]
        home = [look("/") for _ in range(N_LOOKS)]
        drug = [look(page) for page in pages]
        figure = [look(page, "figure .main-svg") for page in pages]
        browser.close()
    return [
        _row("browser: home is shown", home, "1 s"),
        _row("browser: drug is shown", drug, "1 s"),
        _row("browser: drug's figure is drawn", figure, ""),
    ]


def _processor(process: psutil.Process) -> float:
    """Seconds of the processor that a process and its children took so far."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _row(what: str, seconds: Sequence[float], asked: str, failed: int = 0) -> Row:
    ordered = sorted(seconds)
    at = min(len(ordered) - 1, int(0.95 * len(ordered)))
    return Row(what, len(ordered), round(statistics.median(ordered), 3), round(ordered[at], 3), asked, failed)


def main() -> None:
    """Measure, and print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="an embedded store with a promoted run")
    parser.add_argument("--engine", choices=["embedded", "neo4j"], default="embedded")
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--think", default="2,6", help="seconds for which a reader looks at a page, from and to"
    )
    parser.add_argument("--format", type=Format, default=Format.table, choices=list(Format))
    given = parser.parse_args()
    least, most = map(float, given.think.split(","))
    with contextlib.ExitStack() as there:
        folder = Path(there.enter_context(tempfile.TemporaryDirectory(prefix="pharmagraph-readers-")))
        file = given.store.removeprefix("ladybug://")
        with open_store(given.store, read_only=True) as graph:
            names = looked_at(graph)
        if given.engine == "neo4j":
            from benchmarks.stores import server_of_our_own
            from pharmagraph.kg.copy import copy

            store = load_into = there.enter_context(server_of_our_own()).url
            with open_store(given.store, read_only=True) as graph, open_store(store) as server:
                copy(graph, server)
        else:
            snapshot, other = folder / "snapshot.lbug", folder / "other.lbug"
            for path in (snapshot, other):
                shutil.copy(file, path)
            store, load_into = f"ladybug://{snapshot}", f"ladybug://{other}"
        os.environ.pop("PHARMAGRAPH_STORE", None)
        rows = measure(store, names, load_into, given.readers, given.seconds, (least, most))
    print_rows([asdict(row) for row in rows], given.format)


if __name__ == "__main__":
    main()
