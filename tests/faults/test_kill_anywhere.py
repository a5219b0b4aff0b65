"""Every command that writes, killed at random moments and run again: the store is as if nobody had disturbed it.

``PHARMAGRAPH_TEST_KILLS`` sets how often each is killed (``python -m benchmarks.reliability kills``: many times).
"""

from __future__ import annotations

import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.store import GraphStore, open_store
from tests.faults import compared
from tests.faults.killed import Commands, campaign

KILLS = int(os.environ.get("PHARMAGRAPH_TEST_KILLS", "1"))
pytestmark = pytest.mark.once
GRAPH = "pharmagraph.lbug"


@pytest.fixture
def start(two: Path, tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(two, tmp_path / name))


def rows(folder: Path, graph: str = GRAPH, *, without: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """All rows of a graph in a folder; none where there is no graph."""
    file = folder / graph
    return compared.rows(f"ladybug://{file}", without=without) if file.exists() else {}


DATA = {
    "load": "ingest synthetic --name third --drugs 8 --cells 10 --genes 20 --quiet",
    "changed load": "ingest synthetic --drugs 12 --cells 16 --genes 40 --seed 3 --quiet",
    "removal of data": "ingest remove other",
    "enrichment": "enrich --quiet",
}


@pytest.mark.parametrize("name", DATA)
def test_data(name: str, commands: Commands, start: Callable[[str], Path]) -> None:
    words = tuple(DATA[name].split())
    campaign(name, commands, words, start, rows, kills=KILLS, again_may_say='no dataset "other"')


def test_copy(commands: Commands, start: Callable[[str], Path]) -> None:
    words = ("copy", f"ladybug://{GRAPH}", "ladybug://copied.lbug", "--quiet")
    campaign("copy", commands, words, start, lambda folder: rows(folder, "copied.lbug"), kills=KILLS)


def test_restore(commands: Commands, start: Callable[[str], Path]) -> None:
    words = ("restore", "kept", "--store", "ladybug://restored.lbug", "--runs", "restored", "--quiet")

    def state(folder: Path) -> Any:
        files = {str(p.relative_to(folder)): p.read_bytes() for p in (folder / "restored").rglob("*.*")}
        return rows(folder, "restored.lbug"), files

    campaign("restore", commands, words, start, state, kills=KILLS)


def test_backup(commands: Commands, start: Callable[[str], Path]) -> None:
    campaign(
        "backup", commands, ("backup", "today", "--quiet"), start,
        lambda folder: rows(folder / "today", "graph.lbug"), kills=KILLS, again_may_say="today",
    )  # fmt: skip


def other_run(store: GraphStore, folder: Path) -> None:
    """Promote a small run in the place of the trained one."""
    drug, line = (store.read_nodes(kind, ["id"])["id"][:1] for kind in ("Drug", "CellLine"))
    gene = store.read_nodes("Gene", ["id"])["id"][:1]
    attention = pa.table({"src": drug, "dst": gene, "weight": [1.0], "competitors": [1]})
    predicted = pa.table({"src": drug, "dst": line, "probability": [0.5]})
    about = {"id": "other", "preset": "fast"}
    runs.register(store, about, {("Drug", "Gene"): attention}, predicted, folder=folder / "runs" / "other")
    runs.promote(store, "other")


@pytest.mark.parametrize("verb", ["promote", "delete"])
def test_runs(verb: str, commands: Commands, two: Path, tmp_path: Path) -> None:
    with open_store(f"ladybug://{two / GRAPH}", read_only=True) as store:
        (run,) = (str(row["id"]) for row in runs.runs(store))

    def start(name: str) -> Path:
        folder = Path(shutil.copytree(two, tmp_path / name))
        if verb == "promote":
            with open_store(f"ladybug://{folder / GRAPH}") as store:
                other_run(store, folder)
        return folder

    words = ("runs", verb, run, *(["--yes"] if verb == "delete" else []))
    name = {"promote": "promotion", "delete": "removal of a run"}[verb]
    campaign(name, commands, words, start, rows, kills=KILLS, again_may_say="no run")


def test_train(commands: Commands, start: Callable[[str], Path]) -> None:
    """A run that was registered before the kill stays, and another training makes another one with the same rows."""

    def state(folder: Path) -> Any:
        ids = frozenset({"id", "run_id"})
        found = {kind: sorted(set(of)) for kind, of in rows(folder, without=ids).items()}
        return found, not list(folder.glob("runs/.*"))

    words = ("train", "--preset", "fast", "--epochs", "1", "--seed", "7", "--promote", "--quiet")
    campaign("training", commands, words, start, state, kills=KILLS)


def test_migrate(commands: Commands, tmp_path: Path) -> None:
    packed = Path(__file__).parents[1] / "store" / "engines" / "ladybug-0.20.4.xz"

    def start(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / GRAPH).write_bytes(lzma.decompress(packed.read_bytes()))
        return folder

    def state(folder: Path) -> Any:
        return (
            (folder / GRAPH).read_bytes()[:12],
            rows(folder),
            sorted(file.name for file in folder.iterdir()),
        )

    campaign("migration", commands, ("db", "migrate"), start, state, kills=KILLS)
