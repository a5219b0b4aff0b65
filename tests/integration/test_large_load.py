"""A screen that is made block by block is loaded whole or not at all, and read as any other."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import pharmagraph as pg
from pharmagraph.ingest import large_load
from pharmagraph.ingest.sources.large_screen import LargeScreen
from pharmagraph.kg import history
from pharmagraph.kg.check import check
from pharmagraph.kg.errors import InputError, StoreFullError
from pharmagraph.kg.ladybug import fill, size
from pharmagraph.kg.schema import edge_count_key
from pharmagraph.kg.store import GraphStore, open_store

SIZE = {"drugs": 30, "cells": 24, "genes": 60}
TESTED = ("Drug", "CellLine")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        yield graph


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: (row["src"], row["dst"]))


def test_the_store_holds_the_rows_of_the_screen_and_a_second_load_changes_nothing(
    store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "LEAST_AT_ONCE", 100)
    monkeypatch.setattr(fill, "MOST_AT_ONCE", 200)
    report = pg.ingest.synthetic(store, **SIZE, density=0.7)
    assert report.changed
    screen = LargeScreen(**SIZE, density=0.7)
    for (type_, ends), blocks in screen.edges().items():
        made = pa.concat_tables(
            [
                pa.table(
                    {
                        n: b[n].cast(pa.string()) if pa.types.is_dictionary(b[n].type) else b[n]
                        for n in b.column_names
                    }
                )
                for b in blocks
            ]
        )
        held = store.read_edges(type_, ends, made.column_names)
        assert rows(held) == rows(made), type_
    assert check(store) == []
    again = pg.ingest.synthetic(store, **SIZE, density=0.7)
    assert not again.changed
    assert [s.change.total for s in again.steps if s.ends] == [s.change.total for s in report.steps if s.ends]
    assert len(history.entries(store)) == 1


def test_another_screen_of_the_name_and_edges_of_others_are_refused(store: GraphStore) -> None:
    pg.ingest.synthetic(store, **SIZE, density=0.7)
    before = store.counts()
    with pytest.raises(InputError, match=r'has a dataset "synthetic" already .*; load into a new file'):
        pg.ingest.synthetic(store, **SIZE, density=0.8)
    with pytest.raises(
        InputError, match="edges SIMILAR_TO of other data sets, which filling by blocks would replace"
    ):
        pg.ingest.synthetic(store, **SIZE, density=0.7, name="other")
    assert store.counts() == before


def test_a_load_that_was_cut_off_is_finished_by_the_same_load(
    store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate, seen = large_load.validate, []

    def failing(kind: Any, table: pa.Table) -> pa.Table:
        seen.append(kind)
        if getattr(kind, "type", None) == "TESTED_ON":
            raise KeyboardInterrupt
        return validate(kind, table)

    monkeypatch.setattr(large_load, "validate", failing)
    with pytest.raises(KeyboardInterrupt):
        pg.ingest.synthetic(store, **SIZE, density=0.7)
    held = store.counts()
    assert held["CellLine-EXPRESSES-Gene"] and not held["Drug-TESTED_ON-CellLine"] and not held["Dataset"]
    monkeypatch.setattr(large_load, "validate", validate)
    with pytest.raises(InputError, match="holds 10 nodes Drug of a load of another size that was cut off"):
        pg.ingest.synthetic(store, **SIZE | {"drugs": 20}, density=0.7)  # ten drugs of no screen would stay
    report = pg.ingest.synthetic(store, **SIZE, density=0.7)
    now = store.counts()
    for step in report.steps:
        if step.ends:
            assert now[edge_count_key(step.kind, step.ends)] == step.change.total


def test_a_block_that_breaks_a_rule_leaves_the_edges_that_were_there(store: GraphStore) -> None:
    pg.ingest.synthetic(store, **SIZE, density=0.7)
    before = rows(store.read_edges("TESTED_ON", TESTED))

    def edge(src: str, dst: str, **more: Any) -> pa.Table:
        return pa.table({"src": [src], "dst": [dst], "dataset": ["x"], **{k: [v] for k, v in more.items()}})

    one, two, line = "SYNTHETICDRUG0001", "SYNTHETICDRUG0002", "SYNTHETICLINE0001"
    wrong = {
        r"rows 2 to 2: source SYNTHETICDRUG0001 comes after SYNTHETICDRUG0002; give whole sources in order": [
            edge(two, line), edge(one, line)],
        r"rows 2 to 2: source SYNTHETICDRUG0001 comes after SYNTHETICDRUG0001": [edge(one, line), edge(one, line)],
        r'rows 2 to 2: dst: 1 ids are not in the graph \("NOBODY"\)': [edge(one, line), edge(two, "NOBODY")],
        r"rows 1 to 2: TESTED_ON: 1 rows repeat a key": [pa.concat_tables([edge(one, line), edge(one, line)])],
        r"rows 1 to 1: TESTED_ON: column response is not integer": [edge(one, line, response="high")],
    }  # fmt: skip
    for said, blocks in wrong.items():
        with pytest.raises(InputError, match=said):
            store.fill_edges("TESTED_ON", {TESTED: blocks}, about={TESTED: 2})  # type: ignore[attr-defined]
    assert rows(store.read_edges("TESTED_ON", TESTED)) == before


def test_a_screen_beyond_disk_or_memory_is_refused_before_a_store_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"ladybug://{tmp_path}/large.lbug"
    huge = {"drugs": 2_000_000_000, "cells": 1_000_000, "genes": 100_000}
    with pytest.raises(
        StoreFullError,
        match=r"^[\d,]+ edges and [\d,]+ nodes need about [\d,.]+ GB of disk, and .* has [\d.]+ [GM]B;",
    ) as e:
        pg.ingest.synthetic(url, **huge, density=0.9)
    assert "nothing was written" in str(e.value) and "\n" not in str(e.value)
    monkeypatch.setattr(size, "memory_left", lambda: 1_000_000)
    with pytest.raises(StoreFullError, match=r"need about [\d.]+ MB of memory, and 1\.0 MB are left"):
        pg.ingest.synthetic(url, **SIZE, density=0.9)
    with pytest.raises(InputError, match="fills an embedded store by blocks, and no server"):
        pg.ingest.synthetic("bolt://localhost:1", **SIZE, density=0.9)
    assert not list(tmp_path.iterdir())


def test_memory_left_is_that_of_the_container_where_it_has_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:      50 kB\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    monkeypatch.setattr(size, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(size, "_GROUP", tmp_path)
    assert size.memory_left() == 51_200
    (tmp_path / "memory.max").write_text("3000\n")
    assert size.memory_left() == 2000


def test_needs_grow_with_edges_and_the_largest_kind() -> None:
    def of(edges: Mapping[str, float]) -> size.Needs:
        return size.needs(edges, 1000, at_once=1 << 20)

    assert of({"A": 2e6}).disk == of({"A": 1e6, "B": 1e6}).disk
    assert of({"A": 2e6}).memory > of({"A": 1e6, "B": 1e6}).memory > of({"A": 1e5}).memory


def test_peak_memory_of_blocks_does_not_grow_with_the_edges() -> None:
    """What Python holds: the engine's memory is measured in docs/scale.md."""
    program = (
        "import sys, resource, pyarrow as pa\n"
        "from pharmagraph.ingest.sources.large_screen import LargeScreen\n"
        "for density in (0.05, 1.0):\n"
        "    s = LargeScreen(2000, 500, 100, density)\n"
        "    n = sum(b.num_rows for b in s.edges()['TESTED_ON', ('Drug', 'CellLine')])\n"
        "    print(n, pa.default_memory_pool().max_memory())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (few, small), (many, large) = (
        (int(n) for n in re.findall(r"\d+", line)) for line in done.stdout.splitlines()
    )
    assert many > 15 * few and large < 40 * (1 << 20) < many * 60
    assert small <= large
