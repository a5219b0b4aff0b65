"""A process that reads the embedded store sees it before or after another's writes, never between, or is told."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg.errors import StoreLockedError
from pharmagraph.kg.ladybug import locks
from pharmagraph.kg.store import open_store
from tests.faults.conftest import CHECKOUT

WRITER = """
import sys
import pyarrow as pa
from pharmagraph.kg.store import open_store
store = open_store("ladybug://" + sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
n = 0
while sys.argv[2] == "often" and n < 12:
    store.close()
    store = open_store("ladybug://" + sys.argv[1])
    table = store.read_edges("EXPRESSES", ("CellLine", "Gene"))
    store.delete_edges("EXPRESSES", ("CellLine", "Gene"), equals={"dataset": "synthetic"})
    store.upsert_edges("EXPRESSES", ("CellLine", "Gene"), table)
    n += 1
store.upsert_nodes("Gene", pa.table({"id": ["NEW"]}))
print("written", flush=True)
if sys.argv[2] == "once":
    sys.stdin.readline()
store.close()
print("closed", flush=True)
"""


@contextmanager
def writer(file: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open for writing and writes when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    try:
        assert said(process) == "open"
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_store_that_is_being_written_says_by_whom(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "READER_WAITS", 0.5)
    url = f"ladybug://{small}"
    with writer(small, "once") as process:
        with open_store(url, read_only=True) as store:  # a training reads for long before it writes
            assert store.counts()["Gene"] == 40
        go(process)
        assert said(process) == "written"
        with pytest.raises(StoreLockedError, match=rf"in use by process {process.pid}, which began at \d\d:"):
            open_store(url, read_only=True)
        with pytest.raises(StoreLockedError, match=rf"in use by process {process.pid}"):
            open_store(url)
        go(process)
        assert said(process) == "closed"
    with open_store(url, read_only=True) as store:
        assert store.counts()["Gene"] == 41


def test_a_reader_is_told_when_the_store_has_changed_under_it(small: Path) -> None:
    url = f"ladybug://{small}"
    with open_store(url, read_only=True) as store:
        assert store.counts()["Gene"] == 40
        with writer(small, "once") as process:
            go(process)
            assert said(process) == "written"
            go(process)
            assert said(process) == "closed"
        with pytest.raises(StoreLockedError, match="was changed by another process while it was read"):
            store.counts()
    with open_store(url, read_only=True) as store:
        assert store.counts()["Gene"] == 41


def test_readers_never_see_a_load_between_its_writes(small: Path) -> None:
    url = f"ladybug://{small}"
    with open_store(url, read_only=True) as store:
        whole = store.read_edges("EXPRESSES", ("CellLine", "Gene"))
    seen = 0
    with writer(small, "often") as process:
        go(process)
        while process.poll() is None and seen < 200:
            try:
                with open_store(url, read_only=True) as store:
                    found = store.read_edges("EXPRESSES", ("CellLine", "Gene"))
                    genes = store.read_nodes("Gene", ["id"])["id"].to_pylist()
            except StoreLockedError:
                continue
            assert found.equals(whole)
            assert len(genes) == len(set(genes)) in {40, 41}
            seen += 1
    assert seen


def test_a_writer_waits_for_a_reader(small: Path) -> None:
    url = f"ladybug://{small}"
    reader = locks.Lock(small, small)
    with writer(small, "once") as process:
        with reader.read():
            go(process)
            assert process.stdout is not None
            assert not select.select([process.stdout], [], [], 1.0)[0], "it wrote while another process read"
        assert said(process) == "written"
    reader.close()
    with open_store(url) as store:
        store.upsert_nodes("Gene", pa.table({"id": ["AFTER"]}))
