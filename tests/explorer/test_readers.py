"""The readers of the benchmark are sent the pages that a browser is sent."""

from __future__ import annotations

import random

import pytest

import pharmagraph as pg
from benchmarks.readers import Client, Readers, kinds, looked_at
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
