"""Store → arrays on disk in the layout of `kg.heterograph.mapped`, relation by relation; memory holds one block.

Edges come in blocks from the store and go to their places in the files: the number of edges of each destination is
asked for first. torch is not loaded, and no node feature is written; `cli export heterograph` has those.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pharmagraph.kg import folders
from pharmagraph.kg.digests import checksum
from pharmagraph.kg.errors import InputError, StoreError, bytes_said
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.heterograph.mapped import CODES, FORMAT, MANIFEST, NODES, new_array
from pharmagraph.kg.heterograph.relations import FEATURES, NODE_KINDS, PROFILES_ALONE, columns
from pharmagraph.kg.schema import VERSION, EdgeKind, Ends, edge_tables
from pharmagraph.kg.store import GraphStore

_IDS_AT_ONCE = 1 << 20
"""Edges that get their ids at once."""

Advance = Callable[[str, int, int], None]
"""Told the relation that is being written, the edges written so far, and the edges of all relations."""
Ints = npt.NDArray[np.int64]


def write_arrays(
    store: GraphStore, folder: Path, *, advance: Advance = lambda what, done, total: None
) -> dict[str, int]:
    """Write all relations that models read as arrays, whole or not at all.

    Parameters
    ----------
    store
        An open store.
    folder
        A new or empty folder.
    advance
        Called to show progress.

    Returns
    -------
    dict
        Kind of nodes, or relation → how many there are.

    Raises
    ------
    InputError
        If the folder is not empty, the store holds no edges, or the disk has less room than the arrays take.
    StoreError
        If the graph is changed meanwhile.
    """
    ids = {label: store.read_nodes(label, ["id"]).column("id").combine_chunks() for label in NODE_KINDS}
    cards = store.read_nodes("Dataset", ["id", "marked"])
    datasets, gone = cards.column("id").combine_chunks(), any(cards["marked"].to_pylist())
    kinds = [(k, e) for k, e in edge_tables() if _is_relation(k, e)]
    counts = {(k.type, e): _degrees(store, k, e, ids[e[1]], gone) for k, e in kinds}
    total = sum(int(n.sum()) for n in counts.values())
    if not total:
        raise InputError(f"{store.url} holds no edges to export; see: cli status --store {store.url}")
    _require_room(folder, counts)
    done = 0
    with folders.whole_folder(folder) as place:
        _write_nodes(place / NODES, ids)
        relations = {}
        for kind, ends in kinds:
            degrees = counts[kind.type, ends]
            if not degrees.any():
                continue
            name = f"{ends[0]}-{kind.type}-{ends[1]}"
            relation = _Writer(place / name, degrees, len(ids[ends[0]]), _features(store, kind, ends))
            for block in store.edge_blocks(kind.type, ends, ["src", "dst", *["gone"] * gone, *columns(kind)]):
                if gone:
                    block = block.filter(pc.is_null(block["gone"]))
                src, dst = (
                    _numbers(block[c], ids[label]) for c, label in zip(("src", "dst"), ends, strict=True)
                )
                relation.add(src, dst, _values(block, datasets, relation.features))
                done += len(src)
                give_back()
                advance(name, done, total)
            relations[name] = relation.finished(name, store.url)
        manifest = {
            "format": FORMAT,
            "schema": VERSION,
            "nodes": {label: len(of) for label, of in ids.items()},
            "nodes_file": _about(place / NODES),
            "datasets": datasets.to_pylist(),
            "relations": relations,
        }
        (place / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return {
        **{label: len(of) for label, of in ids.items()},
        **{name: about["n_edges"] for name, about in relations.items()},
    }


class _Writer:
    """The files of one relation while they are filled; they are mapped for a block at a time."""

    def __init__(
        self, folder: Path, degrees: Ints, n_src: int, features: Mapping[str, np.dtype[Any]]
    ) -> None:
        folder.mkdir()
        self._folder, self._n_src, self.features = folder, n_src, features
        self._indptr = np.concatenate([[0], np.cumsum(degrees)])
        self._next = self._indptr[:-1].copy()
        self.n_edges = int(self._indptr[-1])
        np.save(folder / "indptr.npy", self._indptr)
        types: dict[str, np.dtype[Any]] = {
            "source": np.dtype(np.int32),
            "edge": np.dtype(np.int64),
            **features,
        }
        for name, dtype in types.items():
            new_array(self._path(name), dtype, (self.n_edges,))

    def add(self, src: Ints, dst: Ints, values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put edges behind those that their destinations have; those of one destination come ordered by source."""
        order, at = _behind(self._next, dst)
        if (self._next > self._indptr[1:]).any():
            raise _changed(self._folder.name)
        for name, column in {"source": src, **values}.items():
            self._open(name)[at] = column[order]

    def finished(self, name: str, url: str) -> dict[str, Any]:
        """Give edges their ids; what the manifest says of the relation."""
        if not np.array_equal(self._next, self._indptr[1:]):
            raise _changed(f"{url}, {name}")
        out = np.zeros(self._n_src, np.int64)
        for low in range(0, self.n_edges, _IDS_AT_ONCE):
            out += np.bincount(self._open("source")[low : low + _IDS_AT_ONCE], minlength=self._n_src)
        following = np.cumsum(out) - out  # id of the next edge of each source: destinations ascend
        for low in range(0, self.n_edges, _IDS_AT_ONCE):
            source = np.array(self._open("source")[low : low + _IDS_AT_ONCE])
            order, at = _behind(following, source)
            ids = np.empty(len(source), np.int64)
            ids[order] = at
            self._open("edge")[low : low + len(source)] = ids
        arrays = {}
        for array in ("indptr", "source", "edge", *self.features):
            values = np.load(self._path(array), mmap_mode="r")
            arrays[array] = {
                "dtype": str(values.dtype),
                "shape": list(values.shape),
                **_about(self._path(array)),
            }
        return {
            "n_edges": self.n_edges, "n_src": self._n_src, "n_dst": len(self._indptr) - 1, "arrays": arrays
        }  # fmt: skip

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npy"

    def _open(self, name: str) -> npt.NDArray[Any]:
        """Mapped anew each time: pages stay in this process's memory for as long as an array is mapped."""
        array: npt.NDArray[Any] = np.load(self._path(name), mmap_mode="r+")
        return array


def _behind(free: Ints, of: Ints) -> tuple[Ints, Ints]:
    """Edges ordered by one of their nodes, and the next free places of that node for them, which are taken then.

    Parameters
    ----------
    free
        First free place of each node; it is moved on.
    of
        Node of each edge, (n,).

    Returns
    -------
    order, place
        Edges in the order of their nodes, and the place of each of these, (n,).
    """
    order = np.argsort(of, kind="stable")
    of = of[order]
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    lengths = np.diff(np.append(starts, len(of)))
    place = free[of] + np.arange(len(of)) - np.repeat(starts, lengths)
    free[of[starts]] += lengths
    return order, place


def _is_relation(kind: EdgeKind, ends: Ends) -> bool:
    return kind.base and set(ends) <= set(NODE_KINDS) and kind.type not in PROFILES_ALONE


def _degrees(store: GraphStore, kind: EdgeKind, ends: Ends, ids: pa.Array, gone: bool) -> Ints:
    """Number of edges of each destination; without those that a load marked as gone, where there may be any."""
    where = " WHERE r.gone IS NULL" if gone else ""
    # A count of rows grouped by id would hold a text for each edge in the engine's memory.
    found = store.query(
        f"MATCH (b:{ends[1]}) RETURN b.id AS id, COUNT {{ MATCH (a:{ends[0]})-[r:{kind.type}]->(b){where} }} AS n"
    )
    degrees = np.zeros(len(ids), np.int64)
    if found.num_rows:
        degrees[_numbers(found["id"], ids)] = found["n"].to_numpy()
    return degrees


def _features(store: GraphStore, kind: EdgeKind, ends: Ends) -> dict[str, np.dtype[Any]]:
    """Name → type of the features of a relation; ``censored`` is one where any edge is."""
    names = [*FEATURES.get(kind.type, ()), "dataset"]
    if kind.type == "TESTED_ON":
        text = (
            f"MATCH (a:{ends[0]})-[r:{kind.type}]->(b:{ends[1]}) WHERE r.censored IS NOT NULL "
            "RETURN count(r) AS n"
        )
        names += ["response", *(["censored"] if store.rows(text)[0]["n"] else [])]
    return {name: np.dtype(CODES.get(name, "float32")) for name in names}


def _numbers(ids: pa.ChunkedArray, of: pa.Array) -> Ints:
    """Numbers of nodes that are given by id, or as dictionaries of all ids in order."""
    if pa.types.is_dictionary(ids.type):
        chunks = [chunk.indices.to_numpy() for chunk in ids.chunks]
        return np.concatenate([np.zeros(0, np.int64), *chunks]).astype(np.int64, copy=False)
    found = pc.index_in(ids.combine_chunks(), of)
    if found.null_count:
        raise _changed("nodes")
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


def _values(
    block: pa.Table, datasets: pa.Array, features: Mapping[str, np.dtype[Any]]
) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for name, dtype in features.items():
        column = block[name].combine_chunks()
        if name == "dataset":
            column = pc.index_in(column, datasets)
        elif name == "censored":
            above, below = (pc.equal(column, side).fill_null(False) for side in ("above", "below"))
            found[name] = above.to_numpy(zero_copy_only=False).astype(dtype) - below.to_numpy(
                zero_copy_only=False
            ).astype(dtype)
            continue
        missing = np.nan if dtype.kind == "f" else -1
        found[name] = column.fill_null(missing).to_numpy(zero_copy_only=False).astype(dtype)
    return found


def _write_nodes(path: Path, ids: Mapping[str, pa.Array]) -> None:
    kinds = pa.chunked_array([pa.array([label] * len(of), pa.string()) for label, of in ids.items()])
    pq.write_table(pa.table({"kind": kinds, "id": pa.chunked_array(list(ids.values()))}), path)


def _about(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": checksum(path)}


def _require_room(folder: Path, counts: Mapping[tuple[str, Ends], Ints]) -> None:
    """Refuse an export for which the disk has too little left."""
    needed = 0
    for (type_, _), degrees in counts.items():
        n_floats = len(FEATURES.get(type_, ())) + 1  # and the dataset
        needed += int(degrees.sum()) * (12 + 4 * n_floats + 2 * (type_ == "TESTED_ON")) + 8 * len(degrees)
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise InputError(
            f"the arrays need {bytes_said(needed)} of disk, and {folder} has {bytes_said(free)}; nothing was written. "
            "Give a folder on another disk"
        )


def _changed(what: str) -> StoreError:
    return StoreError(f"the graph was changed while it was read ({what}); export again")
