"""Relations as mapped arrays equal the heterograph of the same store, and a file that is not as written is named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import pharmagraph as pg
from pharmagraph.kg import copy
from pharmagraph.kg.digests import checksum
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.heterograph import (
    Heterograph,
    MappedGraph,
    export,
    mapped_export,
    open_arrays,
    write_arrays,
)
from pharmagraph.kg.ladybug import edges
from pharmagraph.kg.store import GraphStore, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """Two screens, whose nodes do not stand in the order of their ids; edges between one pair of two datasets, a
    censored response, and one that is gone."""
    folder = tmp_path_factory.mktemp("mapped")
    with open_store(f"ladybug://{folder}/graph.lbug") as graph:
        pg.ingest.synthetic(graph, name="synthetic", drugs=12, cells=16, genes=40)
        pg.ingest.synthetic(graph, name="made", drugs=10, cells=12, genes=30, seed=1)
        drug, line = "SYNTHETICDRUG0003", "SYNTHETICLINE0002"
        rows = {
            "src": [drug, drug, "MADEDRUG0001"],
            "dst": [line, line, line],
            "dataset": ["made", "another", "gone"],
        }
        more = {"ln_ic50": [1.25, None, 3.0], "response": [1, None, 0], "censored": ["above", "below", None]}
        table = pa.table(rows | more | {"gone": [None, None, "2026-01-01"]})
        graph.upsert_edges("TESTED_ON", ("Drug", "CellLine"), table)
        graph.upsert_nodes("Dataset", pa.table({"id": ["gone", "another"], "marked": [1, None]}))
        yield graph


def as_in(heterograph: Heterograph, graph: MappedGraph) -> None:
    """Every edge of one stands in the other at the place that its id says, with the same features."""
    for kind, ids in heterograph.ids.items():
        assert graph.ids(kind) == list(ids) and graph.n_nodes[kind] == len(ids)
    filled = {"-".join(e): r for e, r in heterograph.relations.items() if len(r)}
    assert set(graph.relations) == set(filled)
    for name, relation in filled.items():
        mapped = graph.relations[name]
        at = np.array(mapped.edge)
        assert sorted(at.tolist()) == list(range(len(relation)))
        assert (mapped.source == relation.src.numpy()[at]).all()
        dst = np.repeat(np.arange(mapped.n_dst), np.diff(mapped.indptr))
        assert (dst == relation.dst.numpy()[at]).all()
        same = dst[1:] == dst[:-1]
        assert (np.diff(mapped.source)[same] >= 0).all()
        assert set(mapped.features) == set(relation.features)
        for feature, values in relation.features.items():
            ours = np.array(mapped.features[feature])
            if feature == "dataset":
                ours, theirs = (
                    np.array(g.datasets, object)[v]
                    for g, v in ((graph, ours), (heterograph, values.numpy()[at]))
                )
                assert (ours == theirs).all()
            else:
                np.testing.assert_array_equal(ours, values.numpy()[at])


def test_arrays_equal_the_heterograph_in_memory(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "BLOCK_OF_DESTINATIONS", 60)
    monkeypatch.setattr(mapped_export, "_IDS_AT_ONCE", 50)
    counts = write_arrays(store, tmp_path / "arrays")
    graph = open_arrays(tmp_path / "arrays")
    heterograph = export(store)
    as_in(heterograph, graph)
    assert graph.relations["Drug-TESTED_ON-CellLine"].features["censored"].any()
    assert counts["Drug-TESTED_ON-CellLine"] == len(heterograph.relations["Drug", "TESTED_ON", "CellLine"])
    assert not list(tmp_path.glob(".new*"))


class OrderedBySource:
    """A store as the one of a server gives blocks: ordered by source, with ids as texts."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def edge_blocks(self, type_: str, ends: tuple[str, str], columns: list[str]) -> Iterator[pa.Table]:
        for block in copy.edge_blocks(self._store, type_, ends):
            yield block.select(columns)


def test_blocks_ordered_by_source_give_the_same_arrays(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "BLOCK_EDGES", 40)
    write_arrays(store, tmp_path / "one")
    write_arrays(OrderedBySource(store), tmp_path / "two")  # type: ignore[arg-type]
    one, two = (json.loads((tmp_path / n / "manifest.json").read_text()) for n in ("one", "two"))
    assert one == two


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("Drug-TARGETS-Gene/source.npy", Path.unlink, "is missing"),
        ("Drug-TESTED_ON-CellLine/ln_ic50.npy", truncate, "was changed: it has"),
        ("CellLine-EXPRESSES-Gene/z.npy", flip, "was changed: its SHA-256"),
        ("nodes.parquet", flip, "was changed: its SHA-256"),
        ("manifest.json", Path.unlink, "has no manifest.json"),
        ("manifest.json", truncate, "cannot be read"),
        ("manifest.json", lambda path: path.write_text('{"format": 2}'), "is of format 2"),
        ("manifest.json", lambda path: path.write_text('{"format": 1}'), "is incomplete"),
    ],
)
def test_an_array_that_is_missing_or_changed_is_named(
    store: GraphStore, tmp_path: Path, name: str, damage: Callable[[Path], object], said: str
) -> None:
    folder = tmp_path / "arrays"
    write_arrays(store, folder)
    damage(folder / name)
    with pytest.raises(InputError) as error:
        open_arrays(folder)
    text = str(error.value)
    assert said in text and (name in text or name == "manifest.json") and "\n" not in text
    assert text.endswith("export it again: cli export arrays DIR")


def test_sizes_are_compared_even_without_digests(store: GraphStore, tmp_path: Path) -> None:
    write_arrays(store, tmp_path / "arrays")
    flip(tmp_path / "arrays" / "CellLine-EXPRESSES-Gene" / "z.npy")
    open_arrays(tmp_path / "arrays", check=False)
    truncate(tmp_path / "arrays" / "CellLine-EXPRESSES-Gene" / "z.npy")
    with pytest.raises(InputError, match=r"z\.npy was changed"):
        open_arrays(tmp_path / "arrays", check=False)


def test_a_name_in_the_manifest_does_not_lead_out_of_the_folder(store: GraphStore, tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    write_arrays(store, folder)
    text = (folder / "manifest.json").read_text().replace("Drug-TARGETS-Gene", "../Drug-TARGETS-Gene")
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="leads out of the folder"):
        open_arrays(folder)


def test_nothing_is_left_where_the_graph_changes_meanwhile(store: GraphStore, tmp_path: Path) -> None:
    class Changed(OrderedBySource):
        def edge_blocks(self, type_: str, ends: tuple[str, str], columns: list[str]) -> Iterator[pa.Table]:
            for block in super().edge_blocks(type_, ends, columns):
                yield block.slice(1)

    with pytest.raises(StoreError, match="was changed while it was read"):
        write_arrays(Changed(store), tmp_path / "arrays")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_and_an_empty_store_and_a_full_disk_are_refused(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(InputError, match="used is not empty; give a new folder"):
        write_arrays(store, tmp_path / "used")
    with open_store(f"ladybug://{tmp_path}/empty.lbug") as empty:
        empty.create_schema()
        with pytest.raises(InputError, match="holds no edges to export"):
            write_arrays(empty, tmp_path / "arrays")
    monkeypatch.setattr(mapped_export.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(InputError, match=r"the arrays need [\d.]+ kB of disk, and .*full has 10 bytes"):
        write_arrays(store, tmp_path / "new" / "full")
    assert not (tmp_path / "new").exists()


def rewritten(folder: Path, relation: str, name: str, change: Callable[[Any], Any]) -> None:
    """Change an array and what the manifest says of it, as who makes a hostile folder does."""
    path = folder / relation / f"{name}.npy"
    array = change(np.load(path))
    np.save(path, array)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["relations"][relation]["arrays"][name] = {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "bytes": path.stat().st_size,
        "sha256": checksum(path),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("source", lambda a: a.astype(np.float32), "is float32"),
        ("source", lambda a: a[:, None], "is int32"),
        ("source", lambda a: a[:-1], "in place of int32"),
        ("source", lambda a: a + 10**6, "which is not from 0 to"),
        ("source", lambda a: a - 10**6, "which is not from 0 to"),
        ("edge", lambda a: a + len(a), "which is not from 0 to"),
        ("indptr", lambda a: a[::-1].copy(), "does not rise from 0"),
        ("indptr", lambda a: a[:0], "in place of int64"),
        ("ln_ic50", lambda a: a[:-1], "in place of float32"),
    ],
)
def test_arrays_that_are_not_of_the_layout_are_refused_whatever_the_manifest_says(
    store: GraphStore, tmp_path: Path, name: str, change: Callable[[Any], Any], said: str
) -> None:
    write_arrays(store, tmp_path / "arrays")
    rewritten(tmp_path / "arrays", "Drug-TESTED_ON-CellLine", name, change)
    with pytest.raises(InputError, match=rf"{name}\.npy .*{said}.*; export it again"):
        open_arrays(tmp_path / "arrays")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["nodes"].update(Drug="many"),
        lambda m: m["nodes"].update(Drug=3),
        lambda m: m["relations"]["Drug-TARGETS-Gene"].update(n_src=float("inf")),
        lambda m: m["relations"]["Drug-TARGETS-Gene"].update(n_src=-1),
        lambda m: m["relations"].update({"a" * 5000: m["relations"]["Drug-TARGETS-Gene"]}),
    ],
)
def test_numbers_and_names_of_a_hostile_manifest_are_one_line(
    store: GraphStore, tmp_path: Path, change: Callable[[Any], object]
) -> None:
    write_arrays(store, tmp_path / "arrays")
    path = tmp_path / "arrays" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"; export it again: cli export arrays DIR$"):
        open_arrays(tmp_path / "arrays", check=False)


def test_a_pipe_in_place_of_the_manifest_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(InputError, match="it is no file"):
        open_arrays(tmp_path)
