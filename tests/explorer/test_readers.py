"""The readers of the benchmark are sent the pages that a browser is sent."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pharmagraph as pg
from benchmarks.readers import Client, Readers, kinds, looked_at
from pharmagraph.explorer.app import page_at
from pharmagraph.explorer.pages import home
from pharmagraph.kg.kept import kept
from pharmagraph.kg.ladybug.store import LadybugStore
from tests.explorer.conftest import DRUG, Site

pytestmark = pytest.mark.once


def test_each_kind_of_page_is_sent_to_a_reader(site: Site) -> None:
    port = int(site.url.rpartition(":")[2])
    with pg.open_store(site.store, read_only=True) as graph:
        names = looked_at(graph)
    client, draw = Client(port, 0), random.Random(0)
    for kind, ask in kinds(names).items():
        status, text = ask(client, draw)
        assert status == 200 and "This page failed" not in text, kind
    assert DRUG in client.page("/drug/SYNTHETICDRUG0001")[1]
    assert "SYNTHETICDRUG0001" in client.typed("synthetic-drug-000")[1]
    readers = Readers(port, names, 3, (0.0, 0.1))
    readers.run(3)
    assert sum(map(len, readers.seconds.values())) > 3 and not any(readers.failed.values())


def test_what_takes_long_is_asked_once_and_again_when_a_data_set_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked, counts = f"ladybug://{tmp_path / 'graph.lbug'}", list[str](), LadybugStore.counts
    monkeypatch.setattr(LadybugStore, "counts", lambda self: asked.append("counts") or counts(self))

    def shown(n: int) -> None:
        said = str(page_at(url, "/", None).component())
        assert f"Strong('{n}'), ' drugs'" in said

    for n in (12, 14):
        with pg.open_store(url) as store:
            pg.ingest.synthetic(store, drugs=n, cells=16, genes=40)
        asked.clear()
        shown(n)
        shown(n)
        assert asked == ["counts"]
        time.sleep(1.1)  # a data set's time has whole seconds
    monkeypatch.setattr(home, "COUNTS_KEPT", -1.0)
    shown(14)
    assert asked == ["counts", "counts"]
    made = list[int]()

    def slowly() -> int:
        time.sleep(0.3)
        made.append(1)
        return 7

    with pg.open_store(url, read_only=True) as graph, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: kept(graph, "slow", slowly), range(4))) == [7] * 4
    assert made == [1]


def test_the_explorer_starts_without_what_only_some_pages_need(site: Site) -> None:
    code = (
        "import sys; from pharmagraph.explorer.server import make_server; make_server(sys.argv[1], 0).stop();"
        "print([name for name in ('torch', 'scipy', 'pandas', 'rdkit', 'sklearn', 'IPython') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, site.store], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
