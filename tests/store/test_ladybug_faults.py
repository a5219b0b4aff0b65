"""Kills and full disks: the embedded store is as it was before or as it was to become, nothing between."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import ladybug
import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg import schema
from pharmagraph.kg.errors import StoreFullError
from pharmagraph.kg.ladybug import tables as ladybug_tables
from pharmagraph.kg.store import GraphStore, open_store

N_LINES, N_GENES = 200, 300
EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))
CHECKOUT = Path(__file__).resolve().parents[2]

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[4])
from test_ladybug_faults import edges, attention, EXPRESSES
from pharmagraph.kg.store import open_store
store = open_store("ladybug://" + sys.argv[1])
action, value = sys.argv[2], float(sys.argv[3])
table = attention(value) if action == "attention" else edges(value)
print("go", flush=True)
start = time.perf_counter()
if action == "attention":
    store.set_attention(*EXPRESSES, table, str(value))
elif action == "remove":
    store.remove([(*EXPRESSES, {"dataset": "d"})], {"CellLine": ["C000", "C199"], "Gene": ["G299"]})
elif action == "few":
    store.upsert_edges(*EXPRESSES, table.slice(0, 5000))
elif action == "insert":
    store.upsert_edges("MUTATED", ("CellLine", "Gene"), table.rename_columns(["src", "dst", "value", "dataset"]))
else:
    store.upsert_edges(*EXPRESSES, table)
print(time.perf_counter() - start, flush=True)
time.sleep(60)
"""


def ends() -> tuple[np.ndarray, np.ndarray]:
    return (
        np.repeat([f"C{i:03}" for i in range(N_LINES)], N_GENES),
        np.tile([f"G{i:03}" for i in range(N_GENES)], N_LINES),
    )


def edges(value: float) -> pa.Table:
    src, dst = ends()
    return pa.table({"src": src, "dst": dst, "z": np.full(len(src), value), "dataset": ["d"] * len(src)})


def attention(value: float) -> pa.Table:
    src, dst = ends()
    return pa.table({"src": src, "dst": dst, "attention": np.full(len(src), value / 100)})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 expression edges, all 0."""
    path = tmp_path_factory.mktemp("store") / "g.lbug"
    with open_store(f"ladybug://{path}") as store:
        store.create_schema()
        store.upsert_nodes(
            "CellLine", pa.table({"id": [f"C{i:03}" for i in range(N_LINES)], "name": ["c"] * N_LINES})
        )
        store.upsert_nodes("Gene", pa.table({"id": [f"G{i:03}" for i in range(N_GENES)]}))
        store.upsert_edges(*EXPRESSES, edges(0))
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "g.lbug"))


def killed(path: Path, action: str, value: float, delay: float | None) -> float | None:
    """Do it in a process that is killed ``delay`` seconds after it began, or when done; returns its seconds."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), action, str(value), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "go\n"
    if delay is None:
        seconds = float(child.stdout.readline())
    else:
        time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    return seconds if delay is None else (float(rest) if rest else None)


def values(store: GraphStore) -> set[float]:
    z = store.read_edges(*EXPRESSES, ["z"])["z"].to_numpy()
    assert len(z) == N_LINES * N_GENES
    return set(z.tolist())


@pytest.mark.parametrize("action", ["rebuild", "few", "insert", "attention"])
def test_killed_write_leaves_the_old_or_the_new(path: Path, action: str) -> None:
    def state() -> tuple[object, ...]:
        with open_store(f"ladybug://{path}") as store:
            counts = store.counts()
            read = store.read_edges(*EXPRESSES, ["z", "attention"])
            assert read.num_rows == N_LINES * N_GENES
            few = read["z"].to_numpy()[:5000]
            rest = read["z"].to_numpy()[5000:]
            weight = read["attention"].to_numpy()
            assert min(few) == max(few)
            assert min(rest) == max(rest)
            assert np.isnan(weight).all() or min(weight) == max(weight)
            return few[0], rest[0], str(weight[0]), counts["CellLine-MUTATED-Gene"]

    before = state()
    whole = killed(path, action, 1.0, None)
    after = state()
    assert before != after, "acknowledged and killed: it is there"
    if action != "insert":
        before, expected = after, {after}
    else:
        with open_store(f"ladybug://{path}") as store:
            store.delete_edges("MUTATED", ("CellLine", "Gene"), equals={"dataset": "d"})
        expected = {before, after}
    assert whole is not None
    seen = set()
    for i, share in enumerate((0.15, 0.45, 0.7, 0.9)):
        value = 2.0 + i
        done = killed(path, action, value, share * whole)
        now = state()
        seen.add(now == before)
        if action == "insert":
            assert now in expected
            assert done is None or now == after
            with open_store(f"ladybug://{path}") as store:
                store.delete_edges("MUTATED", ("CellLine", "Gene"), equals={"dataset": "d"})
        else:
            new = {
                "rebuild": (value, value, before[2], before[3]),
                "few": (value, before[1], before[2], before[3]),
                "attention": (before[0], before[1], str(value / 100), before[3]),
            }[action]
            assert now == new or (now == before and done is None)
            before = now
    with open_store(f"ladybug://{path}") as store:
        names = store.query("CALL show_tables() RETURN name")["name"].to_pylist()
    assert not [name for name in names if "rebuilt" in name]


def test_killed_removal_leaves_all_or_nothing(original: Path, tmp_path: Path) -> None:
    def left(path: Path) -> tuple[int, ...]:
        with open_store(f"ladybug://{path}") as store:
            counts = store.counts()
            assert "Doomed" not in store.query("CALL show_tables() RETURN name")["name"].to_pylist()
        return tuple(counts[key] for key in ("CellLine", "Gene", "CellLine-EXPRESSES-Gene"))

    all_, nothing = (N_LINES, N_GENES, N_LINES * N_GENES), (N_LINES - 2, N_GENES - 1, 0)
    assert left(original) == all_
    whole = killed(Path(shutil.copy(original, tmp_path / "whole.lbug")), "remove", 0, None)
    assert whole is not None
    assert left(tmp_path / "whole.lbug") == nothing
    seen = set()
    for n, share in enumerate((0.1, 0.4, 0.6, 0.75, 0.9, 0.97)):
        path = Path(shutil.copy(original, tmp_path / f"{n}.lbug"))
        done = killed(path, "remove", 0, share * whole)
        now = left(path)
        assert now == nothing or (now == all_ and done is None)
        seen.add(now)
    assert all_ in seen


@pytest.mark.parametrize("read_only", [False, True])
def test_nodes_go_on_opening_where_a_kill_left_them_behind_their_edges(path: Path, read_only: bool) -> None:
    kind = schema.edge("EXPRESSES")
    raw(
        path,
        ladybug_tables.create_edge_table(kind, "EXPRESSES_rebuilt"),
        "CREATE NODE TABLE Doomed(id SERIAL, label STRING, node STRING, PRIMARY KEY(id))",
        "CREATE (:Doomed {label: 'Gene', node: 'G000'})",
        ladybug_tables.drop(kind, old=True),
    )
    with open_store(f"ladybug://{path}", read_only=read_only) as store:
        counts = store.counts()
        assert (counts["Gene"], counts["CellLine-EXPRESSES-Gene"]) == (N_GENES - 1, 0)


def test_nodes_stay_where_a_kill_came_before_their_edges_went(path: Path) -> None:
    raw(
        path,
        ladybug_tables.create_edge_table(schema.edge("EXPRESSES"), "EXPRESSES_rebuilt"),
        "CREATE NODE TABLE Doomed(id SERIAL, label STRING, node STRING, PRIMARY KEY(id))",
        "CREATE (:Doomed {label: 'Gene', node: 'G000'})",
    )
    with open_store(f"ladybug://{path}") as store:
        assert values(store) == {0.0}
        assert store.counts()["Gene"] == N_GENES


def raw(path: Path, *statements: str) -> None:
    database = ladybug.Database(str(path), buffer_pool_size=1 << 28)
    connection = ladybug.Connection(database)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    database.close()


def test_killed_between_drop_and_rename_is_finished_on_opening(path: Path) -> None:
    kind = schema.edge("EXPRESSES")
    for read_only in (False, True):
        raw(
            path,
            ladybug_tables.rename_rebuilt(kind).replace(
                "EXPRESSES_rebuilt RENAME TO EXPRESSES", "EXPRESSES RENAME TO EXPRESSES_rebuilt"
            ),
        )
        with open_store(f"ladybug://{path}", read_only=read_only) as store:
            assert values(store) == {0.0}


def test_killed_while_filling_is_undone_on_opening(path: Path) -> None:
    kind = schema.edge("EXPRESSES")
    raw(path, ladybug_tables.create_edge_table(kind, "EXPRESSES_rebuilt"))
    with open_store(f"ladybug://{path}", read_only=True) as store:
        assert values(store) == {0.0}, "a reader leaves it to the next writer"
    with open_store(f"ladybug://{path}") as store:
        assert values(store) == {0.0}
        names = store.query("CALL show_tables() RETURN name")["name"].to_pylist()
        assert "EXPRESSES_rebuilt" not in names


def test_log_torn_by_a_kill_opens_at_the_last_whole_write(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed(path, "few", 5.0, None)
    log = path.with_name(path.name + ".wal")
    torn = log.read_bytes()
    assert torn, "the write is in the log, not yet in the file"
    log.write_bytes(torn[: len(torn) // 2])
    with open_store(f"ladybug://{path}", read_only=True) as store:
        assert values(store) == {0.0}
    with open_store(f"ladybug://{path}") as store:
        assert values(store) == {0.0}
        assert "the last write was cut off; it is undone" in caplog.text
        store.upsert_edges(*EXPRESSES, edges(5).slice(0, 5000))
    with open_store(f"ladybug://{path}") as store:
        assert values(store) == {0.0, 5.0}


@pytest.fixture
def small_disk() -> Iterator[object]:
    """Sets how large a file may become; a write past it fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size is None else size, hard))

    yield limit
    limit(None)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 100_000, 500_000, 580_000, 600_000])
@pytest.mark.parametrize("action", ["rebuild", "insert", "attention"])
def test_full_disk_is_told_and_the_same_call_works_once_there_is_room(
    path: Path, small_disk: object, room: int, action: str
) -> None:
    assert callable(small_disk)
    mutated = edges(1).rename_columns(["src", "dst", "value", "dataset"])

    def write() -> object:
        return {
            "rebuild": lambda: store.upsert_edges(*EXPRESSES, edges(1)),
            "insert": lambda: store.upsert_edges("MUTATED", ("CellLine", "Gene"), mutated),
            "attention": lambda: store.set_attention(*EXPRESSES, attention(1), "r"),
        }[action]()

    def changed(graph: GraphStore) -> bool:
        read = graph.read_edges(*EXPRESSES, ["z", "attention"])
        n_mutated = graph.counts()["CellLine-MUTATED-Gene"]
        whole = {
            "rebuild": lambda: set(read["z"].to_pylist()) - {0.0},
            "insert": lambda: n_mutated,
            "attention": lambda: set(read["attention"].to_pylist()) - {None},
        }[action]()
        assert n_mutated in {0, N_LINES * N_GENES}
        assert len(set(read["z"].to_pylist())) == len(set(read["attention"].to_pylist())) == 1
        return bool(whole)

    store = open_store(f"ladybug://{path}")
    small_disk(path.stat().st_size + room)
    full: StoreFullError | None = None
    try:
        write()
    except StoreFullError as error:
        full = error
    small_disk(None)
    assert full is None or "disk is full" in str(full)
    assert full or changed(store)
    changed(store)
    write()
    assert changed(store)
    store.close()
    with open_store(f"ladybug://{path}") as reopened:
        assert changed(reopened)
