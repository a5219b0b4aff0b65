"""Standard input, output or error closed: the store's file never takes their descriptor, where an abort writes why."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pharmagraph.ingest.commands import synthetic
from pharmagraph.kg.store import open_store

CHECKOUT = Path(__file__).resolve().parents[2]
ERROR, ALL = (2,), (0, 1, 2)

WHERE_FILES_ARE = """
import json, os, sys
import pyarrow as pa
from pharmagraph.kg.store import open_store

def where():
    return {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{name}")}

with open_store("ladybug://" + sys.argv[1]) as store:
    opened = where()
    store.upsert_nodes("Gene", pa.table({"id": store.read_nodes("Gene", ["id"])["id"][:3], "name": ["x"] * 3}))
    written = where()
with open(sys.argv[2], "w") as file:
    json.dump([opened, written], file)
"""

DELETE_ON_A_FULL_DISK = """
import resource, sys
from pharmagraph.kg.store import open_store

store = open_store("ladybug://" + sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
store.delete_nodes("Gene", store.read_nodes("Gene", ["id"])["id"].to_pylist()[:3])
"""

IMPORTED_WHILE_CLOSED = """
import json, os, sys

seen = []

def imports(event, arguments):
    if event == "import":
        try:
            os.fstat(2)
        except OSError:
            seen.append(arguments[0])

sys.addaudithook(imports)
import pharmagraph.cli
with open(sys.argv[1], "w") as file:
    json.dump(seen, file)
"""


def run(closed: Sequence[int], *command: str | Path, largest_file: int | None = None) -> int:
    """Run Python with descriptors closed, as ``2>&-`` does in a shell; returns its exit status."""

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if largest_file is not None:  # a write past it fails as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        for descriptor in closed:
            os.close(descriptor)

    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        preexec_fn=prepare, env=environment, cwd=CHECKOUT, check=False, timeout=300,
    ).returncode  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "graph.lbug"
    synthetic(drugs=12, cells=16, genes=40, store=f"ladybug://{path}", quiet=True)
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "graph.lbug"))


def counts(path: Path) -> dict[str, int]:
    with open_store(f"ladybug://{path}", read_only=True) as graph:
        return graph.counts()


@pytest.mark.parametrize("closed", [ERROR, ALL, (0,), (1, 2)])
def test_the_stores_files_never_take_a_standard_descriptor(
    path: Path, tmp_path: Path, closed: Sequence[int]
) -> None:
    found = tmp_path / "found.json"
    assert run(closed, "-c", WHERE_FILES_ARE, path, found) == 0
    opened, written = json.loads(found.read_text())
    assert str(path) in opened.values()
    assert str(path) + ".wal" in written.values(), "the log is opened at the first write"
    for where in (opened, written):
        assert {where[str(descriptor)] for descriptor in closed} == {os.devnull}


def test_a_full_disk_with_standard_error_closed_leaves_the_store_as_it_was(path: Path) -> None:
    held = counts(path)
    assert run(ERROR, "-c", DELETE_ON_A_FULL_DISK, path) != 0
    assert path.read_bytes()[:4] == b"LBUG", "not the engine's last words"
    assert counts(path) == held


def test_an_ingest_on_a_full_disk_with_standard_error_closed_keeps_what_the_store_held(path: Path) -> None:
    held = counts(path)
    ingest = ("ingest", "synthetic", "--drugs", "13", "--cells", "16", "--genes", "40", "--quiet")
    assert (
        run(ERROR, "-m", "pharmagraph.cli", *ingest, "--store", f"ladybug://{path}", largest_file=4096) != 0
    )
    assert path.read_bytes()[:4] == b"LBUG", "not the engine's last words"
    now = counts(path)
    assert all(now[kind] >= n for kind, n in held.items())


def test_the_command_line_fills_the_descriptors_before_it_imports_what_may_open_files(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    assert run(ERROR, "-c", IMPORTED_WHILE_CLOSED, seen) == 0
    heavy = {
        "typer",
        "ladybug",
        "pyarrow",
        "numpy",
        "pharmagraph.kg.commands.status",
        "pharmagraph.model.commands.train",
    }
    assert not heavy & set(json.loads(seen.read_text()))
