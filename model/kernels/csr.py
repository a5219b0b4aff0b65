"""The edges of one relation, sorted by destination: the only graph structure that the kernels use.

Message passing of every kind runs over it; it is not a graph container (that is `kg.heterograph`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels.library import compiled

Indices = Tensor | np.ndarray[Any, Any]

MAX_COUNT = 2**31 - 1  # positions are kept as int32, which halves what the kernels read


@dataclass(eq=False)
class Csr:
    """Edges ``source -> destination`` sorted by destination, then by source.

    Build it with :meth:`from_edges`. It is immutable. Structures that a kernel derives from it are kept in ``plans``,
    so they are made once for a graph.

    Attributes
    ----------
    n_src, n_dst
        Numbers of source and destination nodes, isolated ones included.
    indptr
        int32 ``(n_dst + 1,)``: the edges of destination ``i`` are at ``indptr[i]:indptr[i + 1]``.
    src
        int32 ``(n_edges,)``: source of each edge, in sorted order.
    edge_id
        int32 ``(n_edges,)``: position of each edge in the caller's arrays, in sorted order.
    by_src
        int32 ``(n_edges,)``: sorted positions in order of source (the transpose).
    src_indptr
        int32 ``(n_src + 1,)``: the edges of source ``j`` are at ``by_src[src_indptr[j]:src_indptr[j + 1]]``.
    """

    n_src: int
    n_dst: int
    indptr: Tensor
    src: Tensor
    edge_id: Tensor
    by_src: Tensor
    src_indptr: Tensor
    plans: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_edges(cls, src: Indices, dst: Indices, n_src: int, n_dst: int) -> Csr:
        """Sort edges given in any order; repeated edges stay separate edges.

        Parameters
        ----------
        src, dst
            Integers ``(n_edges,)``: where each edge starts, ``0 <= src < n_src``, and ends, ``0 <= dst < n_dst``.
            The position of an edge here is its edge id.
        n_src, n_dst
            Numbers of nodes.

        Raises
        ------
        ShapeError
            If the arrays are not one-dimensional integers of one length, or an index is out of range.
        """
        src, dst = _indices("src", src), _indices("dst", dst)
        if len(src) != len(dst):
            raise ShapeError(f"src has {len(src)} edges, dst has {len(dst)}: give both ends of every edge.")
        if src.device != dst.device:
            raise ShapeError(f"src is on {src.device}, dst on {dst.device}: put both on one device.")
        n_src, n_dst = _count("n_src", n_src), _count("n_dst", n_dst)
        library = compiled() if src.device.type == "cpu" else None
        if library is not None:
            arrays = library.sort_csr(src.contiguous(), dst.contiguous(), n_src, n_dst)
            if not isinstance(arrays, int):
                indptr, sources, edge_id, by_src, src_indptr = arrays
                return cls(n_src, n_dst, indptr, sources, edge_id, by_src, src_indptr)
        _in_range("src", src, n_src, "n_src")
        _in_range("dst", dst, n_dst, "n_dst")
        by_source = torch.argsort(src, stable=True)
        order = by_source[torch.argsort(dst[by_source], stable=True)]
        src_sorted = src[order]
        return cls(
            n_src,
            n_dst,
            indptr=_pointers(dst, n_dst),
            src=src_sorted.int(),
            edge_id=order.int(),
            by_src=torch.argsort(src_sorted, stable=True).int(),
            src_indptr=_pointers(src, n_src),
        )

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return int(self.src.shape[0])

    @property
    def device(self) -> torch.device:
        """Device of the structure."""
        return self.src.device

    def dst(self) -> Tensor:
        """Destination of each edge in sorted order, int64 ``(n_edges,)``."""
        degree = (self.indptr[1:] - self.indptr[:-1]).long()
        return torch.repeat_interleave(torch.arange(self.n_dst, device=self.device), degree)

    def in_degree(self) -> Tensor:
        """Number of edges into each destination, int64 ``(n_dst,)``."""
        return (self.indptr[1:] - self.indptr[:-1]).long()

    def sort(self, per_edge: Tensor) -> Tensor:
        """Reorder rows from the order of edge ids to sorted order."""
        return per_edge[self.edge_id.long()]

    def unsort(self, per_edge: Tensor) -> Tensor:
        """Reorder rows from sorted order to the order of edge ids."""
        return torch.empty_like(per_edge).index_copy_(0, self.edge_id.long(), per_edge)

    def to(self, device: torch.device | str) -> Csr:
        """The same edges on another device."""
        if torch.device(device) == self.device:
            return self
        arrays = ("indptr", "src", "edge_id", "by_src", "src_indptr")
        return Csr(self.n_src, self.n_dst, **{name: getattr(self, name).to(device) for name in arrays})


def _indices(name: str, values: Indices) -> Tensor:
    tensor = torch.as_tensor(values)
    if tensor.dim() != 1:
        raise ShapeError(f"{name} has shape {tuple(tensor.shape)}: give one index an edge, shape (n_edges,).")
    if tensor.dtype not in (torch.int32, torch.int64, torch.int16, torch.uint8, torch.int8):
        raise ShapeError(f"{name} holds {tensor.dtype}: give integers.")
    if len(tensor) > MAX_COUNT:
        raise ShapeError(f"{name} holds {len(tensor)} edges; one graph takes at most {MAX_COUNT}.")
    return tensor.long()


def _count(name: str, value: int) -> int:
    if not 0 <= int(value) <= MAX_COUNT:
        raise ShapeError(f"{name} is {value}: give a number of nodes between 0 and {MAX_COUNT}.")
    return int(value)


def _in_range(name: str, index: Tensor, n: int, n_name: str) -> None:
    if len(index) == 0:
        return
    low, high = (int(v) for v in torch.aminmax(index))
    if low < 0 or high >= n:
        worst = low if low < 0 else high
        where = int((index == worst).nonzero()[0])
        raise ShapeError(f"{name}[{where}] is {worst}, outside 0 … {n - 1} ({n_name} is {n}).")


def _pointers(index: Tensor, n: int) -> Tensor:
    pointers = torch.zeros(n + 1, dtype=torch.int32, device=index.device)
    pointers[1:] = torch.cumsum(torch.bincount(index, minlength=n), 0)
    return pointers
