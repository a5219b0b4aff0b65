"""What is particular to the embedded engine's file: locks, versions, links, other files, its limits."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import ladybug
import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError, SchemaVersionError, StoreError, StoreLockedError
from pharmagraph.kg.ladybug import file as ladybug_file
from pharmagraph.kg.store import DEFAULT_URL, GraphStore, open_store

GENES = pa.table({"id": ["EGFR", "KRAS"]})


def made(path: Path) -> GraphStore:
    store = open_store(f"ladybug://{path}")
    store.create_schema()
    store.upsert_nodes("Gene", GENES)
    return store


def in_another_process(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )


OPEN = """
import sys
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.store import open_store
try:
    with open_store("ladybug://" + sys.argv[1], read_only=sys.argv[2] == "True") as graph:
        print(graph.counts()["Gene"])
except PharmagraphError as error:
    print(type(error).__name__, error)
"""


def test_another_process_is_told_that_the_file_is_in_use_and_reads_where_nothing_was_written(
    tmp_path: Path,
) -> None:
    with made(tmp_path / "g.lbug"):
        for read_only in (False, True):
            other = in_another_process(OPEN, tmp_path / "g.lbug", read_only)
            assert other.stdout.startswith("StoreLockedError")
            assert str(tmp_path / "g.lbug") in other.stdout
    with open_store(f"ladybug://{tmp_path}/g.lbug"):
        assert in_another_process(OPEN, tmp_path / "g.lbug", True).stdout == "2\n"
        other = in_another_process(OPEN, tmp_path / "g.lbug", False)
        assert other.stdout.startswith("StoreLockedError")
        assert "read-only" in other.stdout
    assert in_another_process(OPEN, tmp_path / "g.lbug", False).stdout == "2\n"


def test_one_database_a_real_path_in_a_process_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # two of them on one file are allowed by the engine and corrupt it
    opened: list[str] = []
    real = ladybug.Database

    def counted(path: str, **settings: object) -> ladybug.Database:
        opened.append(path)
        return real(path, **settings)

    monkeypatch.setattr(ladybug, "Database", counted)
    (tmp_path / "link.lbug").symlink_to(tmp_path / "g.lbug")
    first = made(tmp_path / "g.lbug")
    second = open_store(f"ladybug://{tmp_path}/../{tmp_path.name}/g.lbug")
    third = open_store(f"ladybug://{tmp_path}/link.lbug", read_only=True)
    assert len(opened) == 1
    second.upsert_nodes("Gene", pa.table({"id": ["TP53"]}))
    first.close()
    assert third.counts()["Gene"] == 3
    with pytest.raises(StoreError, match="read-only"):
        third.upsert_nodes("Gene", GENES)
    second.close()
    third.close()
    with open_store(f"ladybug://{tmp_path}/g.lbug", read_only=True):
        assert len(opened) == 2
        with pytest.raises(StoreLockedError, match="open read-only in this process"):
            open_store(f"ladybug://{tmp_path}/g.lbug")


def test_threads_that_write_and_read_one_file_do_not_lose_rows(tmp_path: Path) -> None:
    with made(tmp_path / "g.lbug") as store, open_store(f"ladybug://{tmp_path}/g.lbug") as other:
        failures: list[Exception] = []

        def work(graph: GraphStore, start: int) -> None:
            try:
                for i in range(start, start + 5):
                    graph.upsert_nodes("Gene", pa.table({"id": [f"G{i}"]}))
                    graph.query("MATCH (g:Gene) RETURN count(*) AS n")
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(g, 10 * i)) for i, g in enumerate([store, other] * 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert store.counts()["Gene"] == 22


@pytest.mark.parametrize(("found", "way_out"), [(schema.VERSION + 1, "update pharmagraph"), (0, "new file")])
def test_a_store_of_another_version_is_refused_with_both_versions(
    tmp_path: Path, found: int, way_out: str
) -> None:
    made(tmp_path / "g.lbug").close()
    database = ladybug.Database(str(tmp_path / "g.lbug"), buffer_pool_size=1 << 28)
    ladybug.Connection(database).execute(f"MATCH (v:SchemaVersion) SET v.version = {found}")
    database.close()
    message = rf"g\.lbug was written by schema version {found}, .* version {schema.VERSION}; .*{way_out}"
    for read_only in (False, True):
        with pytest.raises(SchemaVersionError, match=message):
            open_store(f"ladybug://{tmp_path}/g.lbug", read_only=read_only)
    assert tmp_path / "g.lbug" not in ladybug_file._files, "a refused file is let go"


def test_files_that_are_no_store_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("my notes")
    (tmp_path / "folder").mkdir()
    for name in ("notes.txt", "folder"):
        with pytest.raises(StoreError, match="is not a pharmagraph store; pass --store"):
            open_store(f"ladybug://{tmp_path}/{name}")
    assert (tmp_path / "notes.txt").read_text() == "my notes"
    with pytest.raises(StoreError, match=r"the folder .*missing of the store does not exist"):
        open_store(f"ladybug://{tmp_path}/missing/g.lbug")
    with pytest.raises(InputError, match="names no file"):
        open_store("ladybug://")


def test_reading_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*cli ingest"):
        open_store(f"ladybug://{tmp_path}/g.lbug", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_the_default_store_is_a_file_in_the_working_folder(tmp_path: Path) -> None:
    with open_store() as store:
        assert store.url == DEFAULT_URL
    assert (tmp_path / "pharmagraph.lbug").is_file()


def test_a_store_without_graph_says_so_and_a_closed_one_too(tmp_path: Path) -> None:
    store = open_store(f"ladybug://{tmp_path}/g.lbug")
    for read in (
        lambda: store.read_nodes("Drug"),
        lambda: store.read_edges("TARGETS", ("Drug", "Gene")),
        lambda: store.query("MATCH (d:Drug) RETURN d.id"),
        lambda: store.upsert_nodes("Gene", GENES),
    ):
        with pytest.raises(StoreError, match="holds no graph yet; load one with `cli ingest`"):
            read()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.counts()


def test_page_cache_is_bounded_and_not_most_of_the_memory() -> None:
    assert 0 < ladybug_file.BUFFER_POOL <= 2 << 30


def test_a_query_cannot_leave_its_read_only_transaction(tmp_path: Path) -> None:
    # what guards when the text check is fooled: the engine prepares single statements only
    with made(tmp_path / "g.lbug") as store:
        with pytest.raises(StoreError), ladybug_file._files[(tmp_path / "g.lbug").resolve()].reading() as run:
            run("COMMIT; CREATE (:Gene {id: 'X'})")
        assert store.counts()["Gene"] == 2


def test_many_edges_are_copied_some_at_a_time_and_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pharmagraph.kg.ladybug.replace.AT_ONCE", 7)
    monkeypatch.setattr("pharmagraph.kg.ladybug.writes.AT_ONCE", 7)
    monkeypatch.setattr("pharmagraph.kg.ladybug.edges.BLOCK", 7)
    chance, ends = np.random.default_rng(5), ("CellLine", "Gene")
    lines, genes = [f"L{n}" for n in range(9)], [f"G{n}" for n in range(11)]
    held: dict[tuple[str, str], dict[str, object]] = {}
    with open_store(f"ladybug://{tmp_path}/g.lbug") as store:
        store.create_schema()
        store.upsert_nodes("CellLine", pa.table({"id": lines, "name": lines}))
        store.upsert_nodes("Gene", pa.table({"id": genes}))
        for n in (60, 3, 40, 80):
            pairs = [divmod(int(at), len(genes)) for at in chance.permutation(99)[:n]]
            values = chance.normal(size=n).round(3).tolist()
            src, dst = (pa.array([names[p[at]] for p in pairs]) for at, names in ((0, lines), (1, genes)))
            table = {"src": src.dictionary_encode(), "dst": dst, "value": values, "event": pa.nulls(n)}
            if n == 40:
                table["event"] = pa.array([None, "fusion"] * (n // 2)).dictionary_encode()
            change = store.upsert_edges("MUTATED", ends, pa.table({**table, "dataset": ["own"] * n}))
            new = {(lines[a], genes[b]) for a, b in pairs} - held.keys()
            assert (change.inserted, change.total) == (len(new), n)
            for row in pa.table(table).to_pylist():
                held[row["src"], row["dst"]] = {"value": row["value"], "event": row["event"]}
        stored = store.read_edges("MUTATED", ends).to_pylist()
        assert {(r["src"], r["dst"]): {c: r[c] for c in ("value", "event")} for r in stored} == held
        assert all(r["dataset"] == "own" and r["gone"] is None and r["attention"] is None for r in stored)
        assert store.rows("MATCH (:Gene)<-[r:MUTATED]-(:CellLine) RETURN count(r) AS n") == [{"n": len(held)}]
        assert not [r for r in store.rows("CALL show_tables() RETURN name") if "rebuilt" in r["name"]]
