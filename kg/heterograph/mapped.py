"""A graph's relations as arrays on disk that are mapped into memory: their layout, and how they are made
and opened.

    manifest.json
    nodes.parquet                       kind and id of every node, in the order of the node numbers
    <relation>/indptr.npy    int64      (n_dst + 1,)   edges of destination d stand from indptr[d] to indptr[d + 1]
    <relation>/source.npy    int32      (n_edges,)     number of the source of each, ascending for each destination
    <relation>/edge.npy      int64      (n_edges,)     id: position among the edges of the relation ordered by source
    <relation>/<feature>.npy            (n_edges,)     float32, NaN where missing; codes as below

``<relation>`` is ``Drug-TESTED_ON-CellLine`` and the like. Relations without edges have no folder. Node numbers and
edge ids are those of `kg.heterograph.export`, so edge ``e`` here is position ``e`` of the relation there. Features are
those of `kg.heterograph.Heterograph`, and codes are ``dataset`` int32 (place in the manifest's ``datasets``),
``response`` int8 (-1 where missing) and ``censored`` int8. Every array is read by ``np.load(path, mmap_mode="r")``.

``manifest.json`` has ``format`` (this layout's version), ``schema`` (of the store), ``nodes`` (kind → number),
``datasets``, and ``relations``: name → ``n_edges``, ``n_src``, ``n_dst`` and ``arrays``, name → ``dtype``, ``shape``,
``bytes`` and ``sha256`` of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pharmagraph.kg import folders
from pharmagraph.kg.digests import checksum
from pharmagraph.kg.errors import InputError

FORMAT = 1
MANIFEST, NODES = "manifest.json", "nodes.parquet"
TYPES = {"indptr": "int64", "source": "int32", "edge": "int64"}
CODES = {"dataset": "int32", "response": "int8", "censored": "int8"}
"""Types of the arrays that every relation has, and of features that are codes; others are float32."""
_AT_ONCE = 1 << 22
"""Edges that are looked at at once."""
_AGAIN = "export it again: cli export arrays DIR"


@dataclass(frozen=True)
class MappedRelation:
    """One relation, compressed by destination; arrays are mapped, so that a part that is read is loaded.

    Attributes
    ----------
    name
        Such as ``Drug-TESTED_ON-CellLine``.
    n_src
        Number of nodes of the source's kind.
    indptr
        int64 (n_dst + 1,).
    source
        int32 (n_edges,).
    edge
        int64 (n_edges,).
    features
        Name → (n_edges,).
    """

    name: str
    n_src: int
    indptr: npt.NDArray[np.int64]
    source: npt.NDArray[np.int32]
    edge: npt.NDArray[np.int64]
    features: Mapping[str, npt.NDArray[Any]]

    @property
    def n_dst(self) -> int:
        """Number of nodes of the destination's kind."""
        return len(self.indptr) - 1

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class MappedGraph:
    """A folder of arrays.

    Attributes
    ----------
    folder
        Where it is.
    n_nodes
        Kind → number of nodes.
    datasets
        Ids of the datasets; the code in ``dataset`` is the position here.
    relations
        Name → relation; those without edges are left out.
    """

    folder: Path
    n_nodes: Mapping[str, int]
    datasets: tuple[str, ...]
    relations: Mapping[str, MappedRelation]

    def ids(self, kind: str) -> list[str]:
        """Ids of a kind of nodes, in the order of their numbers."""
        path = self.folder / NODES
        try:
            with pq.ParquetFile(path) as file:  # `read_table` loads pandas, which takes half a second
                table = file.read(["kind", "id"])
            kinds = table["kind"].to_pylist()
        except (OSError, KeyError, pa.ArrowException) as error:
            raise InputError(f"{path} cannot be read ({error}); {_AGAIN}") from None
        return [id_ for of, id_ in zip(kinds, table["id"].to_pylist(), strict=True) if of == kind]


def open_arrays(folder: Path, *, check: bool = True) -> MappedGraph:
    """Map a folder that `kg.heterograph.write_arrays` wrote.

    Parameters
    ----------
    folder
        The folder.
    check
        Whether the digest of every array is compared and every edge has a node, which reads all of them once; sizes
        and types always are, and where the edges of each destination begin.

    Raises
    ------
    InputError
        If there is no manifest, or it is of another format; or naming the first array that is missing, was changed, or
        is not of this layout.
    """
    manifest = _manifest(folder)
    try:
        nodes = {str(kind): _number(n) for kind, n in dict(manifest["nodes"]).items()}
        datasets = tuple(map(str, manifest["datasets"]))
        _require(folder, NODES, manifest["nodes_file"], check)
        relations = {}
        for name, of in manifest["relations"].items():
            arrays = {}
            for array, about in of["arrays"].items():
                _require(folder, f"{name}/{array}.npy", about, check)
                arrays[array] = _mapped(folder, f"{name}/{array}.npy", about)
            first = (arrays.pop("indptr"), arrays.pop("source"), arrays.pop("edge"))
            relations[name] = MappedRelation(name, _number(of["n_src"]), *first, arrays)
            _require_layout(folder / name, relations[name], nodes, _number(of["n_edges"]), check)
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise InputError(f"{folder / MANIFEST} is incomplete ({error}); {_AGAIN}") from None
    return MappedGraph(folder, nodes, datasets, relations)


def new_array(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Make a file of an array that is mapped, with all of its room on the disk taken.

    Raises
    ------
    OSError
        If the disk is full.
    """
    if 0 in shape:  # no file can be mapped that has no content
        empty: npt.NDArray[Any] = np.empty(shape, dtype)
        np.save(path, empty)
        return empty
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    folders.take_room(path)
    return array


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise ValueError("it is no file")
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} has no {MANIFEST}, so it is no export of arrays; {_AGAIN}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error}); {_AGAIN}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise InputError(f"{path} is of format {found}, and this program reads format {FORMAT}; {_AGAIN}")
    return manifest


def _number(value: Any) -> int:
    """A number of nodes or edges.

    Raises
    ------
    ValueError
        If it is none.
    """
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.40} is no number of nodes or edges")
    return value


def _require_layout(
    place: Path, relation: MappedRelation, nodes: Mapping[str, int], n_edges: int, check: bool
) -> None:
    """Refuse arrays that are not of the layout, whatever the manifest says of them."""

    def refuse(array: str, what: str) -> InputError:
        return InputError(f"{place / array}.npy {what}; {_AGAIN}")

    ends = relation.name.split("-")
    n_src, n_dst = nodes[ends[0]], nodes[ends[-1]]
    if relation.n_src != n_src:
        raise ValueError(f"{relation.name} has {relation.n_src} sources, and there are {n_src}")
    arrays: dict[str, npt.NDArray[Any]] = {
        "indptr": relation.indptr, "source": relation.source, "edge": relation.edge
    }  # fmt: skip
    for name, array in {**arrays, **relation.features}.items():
        kind = TYPES.get(name) or CODES.get(name, "float32")
        length = n_dst + 1 if name == "indptr" else n_edges
        if (str(array.dtype), array.shape) != (kind, (length,)):
            raise refuse(name, f"is {array.dtype} {array.shape} in place of {kind} {(length,)}")
    indptr = relation.indptr
    if indptr[0] != 0 or indptr[-1] != n_edges or bool((indptr[1:] < indptr[:-1]).any()):
        raise refuse("indptr", f"does not rise from 0 to {n_edges:,}")
    if check:
        for name, below in (("source", n_src), ("edge", n_edges)):
            for start in range(0, n_edges, _AT_ONCE):
                part = arrays[name][start : start + _AT_ONCE]
                if part.min() < 0 or part.max() >= below:
                    worst = part.min() if part.min() < 0 else part.max()
                    raise refuse(name, f"has {worst}, which is not from 0 to {below - 1:,}")


def _require(folder: Path, name: str, about: Mapping[str, Any], check: bool) -> None:
    """Refuse a file that is not the one that was written."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f'{folder / MANIFEST}: "{name}" leads out of the folder; {_AGAIN}')
    if not os.path.isfile(path):  # `Path.is_file` raises at a name that is too long
        raise InputError(f"{path} is missing; {_AGAIN}")
    size = path.stat().st_size
    if size != about["bytes"]:
        raise InputError(
            f"{path} was changed: it has {size:,} bytes in place of {about['bytes']:,}; {_AGAIN}"
        )
    if check and checksum(path) != about["sha256"]:
        raise InputError(f"{path} was changed: its SHA-256 is not that of the manifest; {_AGAIN}")


def _mapped(folder: Path, name: str, about: Mapping[str, Any]) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(folder / name, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / name} cannot be read ({error}); {_AGAIN}") from None
    if (str(array.dtype), list(array.shape)) != (about["dtype"], list(about["shape"])):
        raise InputError(
            f"{folder / name} was changed: it is {array.dtype} {array.shape} in place of {about['dtype']} "
            f"{tuple(about['shape'])}; {_AGAIN}"
        )
    return array
