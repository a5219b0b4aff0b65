"""A saved heterograph as NumPy arrays, each read when it is asked for; torch is not loaded.

A prediction needs a few of a graph's arrays, and loading torch takes longer than the prediction.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from safetensors import safe_open

from pharmagraph.kg.schema import PROFILES

TENSORS, NODES = "graph.safetensors", "nodes.parquet"


class SavedArrays:
    """The arrays of a folder that `heterograph.save` wrote.

    Parameters
    ----------
    folder
        The folder. It is opened at once; OSError or SafetensorError where a file is not there or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._nodes = folder / NODES
        self._file: Any = safe_open(folder / TENSORS, framework="numpy")

    def ids(self, kind: str) -> list[str]:
        """Ids of a kind of nodes, in the order of their numbers."""
        return self._ids.get(kind, [])

    @cached_property
    def _ids(self) -> dict[str, list[str]]:
        with pq.ParquetFile(self._nodes) as file:  # `read_table` loads pandas, which takes half a second
            table = file.read()
        found: dict[str, list[str]] = {}
        for kind, id_ in zip(table["kind"].to_pylist(), table["id"].to_pylist(), strict=True):
            found.setdefault(kind, []).append(id_)
        return found

    @cached_property
    def about(self) -> dict[str, Any]:
        """``edge_types``, ``kinds``, ``datasets`` and ``tissues``."""
        return {name: json.loads(text) for name, text in (self._file.metadata() or {}).items()}

    def node_feature(self, kind: str, name: str) -> npt.NDArray[Any]:
        """A feature of nodes, (n, …)."""
        values: npt.NDArray[Any] = self._file.get_tensor(f"{kind}/{name}")
        return values

    def has_node_feature(self, kind: str, name: str) -> bool:
        """Whether nodes of a kind have a feature; graphs of earlier versions lack the later ones."""
        return f"{kind}/{name}" in self._file.keys()  # noqa: SIM118  (no mapping)

    def edges(self, src: str, type_: str, dst: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Ends of the edges of one type, (n_edges,) each; none where the graph does not have the type."""
        key = f"{src}-{type_}-{dst}"
        if f"{key}/src" not in self._file.keys():  # noqa: SIM118  (no mapping)
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return self._file.get_tensor(f"{key}/src"), self._file.get_tensor(f"{key}/dst")

    def edge_feature(self, src: str, type_: str, dst: str, feature: str) -> npt.NDArray[Any]:
        """A feature of the edges of one type, (n_edges, …)."""
        values: npt.NDArray[Any] = self._file.get_tensor(f"{src}-{type_}-{dst}/{feature}")
        return values

    def profile(self, kind: str) -> npt.NDArray[np.float32]:
        """What is known of cell lines, as `heterograph.profiles.known`: (n_cell_lines, n_genes), NaN where nothing.

        Parameters
        ----------
        kind
            A key of `kg.schema.PROFILES`.
        """
        if self.has_node_feature("CellLine", kind):
            return self.node_feature("CellLine", kind)
        type_, name = PROFILES[kind]
        shape = (len(self.ids("CellLine")), len(self.ids("Gene")))
        return self.matrix("CellLine", type_, "Gene", name, shape, missing=np.nan)

    def matrix(
        self, src: str, type_: str, dst: str, feature: str, shape: tuple[int, int], *, missing: float = 0.0
    ) -> npt.NDArray[np.float32]:
        """A feature of edges as a table from source to destination, the mean over datasets.

        Parameters
        ----------
        shape
            Numbers of sources and destinations.
        missing
            Value where there is no edge.
        """
        row, column = self.edges(src, type_, dst)
        total = np.full(shape, missing, np.float32)
        if not len(row):
            return total
        values = self.edge_feature(src, type_, dst, feature).astype(np.float32)
        finite = np.isfinite(values)
        at, values = (row * shape[1] + column)[finite], values[finite]
        flat = total.reshape(-1)
        flat[at] = values
        pairs, first, count = np.unique(at, return_inverse=True, return_counts=True)
        if len(pairs) < len(at):
            flat[pairs] = np.bincount(first, values) / count
        return total
