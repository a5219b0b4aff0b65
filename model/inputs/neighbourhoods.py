"""Neighbourhoods of some nodes of a large graph: in-neighbours drawn for a step, or all of them a block at a time.

The arrays of the graph are in memory or mapped from files; only what the asked nodes need is read. This module makes
blocks of edges and nothing of states: layers run over blocks in `networks/by_blocks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pharmagraph.kg.errors import InputError
from pharmagraph.model.kernels import Csr

ALL = 0
"""In place of a number of neighbours: all of them."""


@dataclass(frozen=True, eq=False)
class Block:
    """Edges into some nodes, with nodes numbered within the block.

    Attributes
    ----------
    node
        Number in the whole graph of each node of the block, int64 (n_nodes,). The first ``n_dst`` are the destinations,
        in the order in which they were asked for.
    n_dst
        Number of destinations.
    src, dst
        Ends of each edge as places in ``node``, int64 (n_edges,), in order of destination.
    edge
        Id of each edge in the whole graph, (n_edges,): what is computed of an edge belongs there.
    position
        Place of each edge in the arrays of `Incoming`, int64 (n_edges,).
    """

    node: np.ndarray
    n_dst: int
    src: np.ndarray
    dst: np.ndarray
    edge: np.ndarray
    position: np.ndarray

    def csr(self) -> Csr:
        """The edges for a kernel; their ids are their places in the block."""
        return Csr.from_edges(self.src, self.dst, len(self.node), self.n_dst)

    def keep(self, mask: np.ndarray) -> Block:
        """The block with those edges alone where a mask (n_edges,) is true."""
        parts = {name: getattr(self, name)[mask] for name in ("src", "dst", "edge", "position")}
        return replace(self, **parts)

    def without(self, first: np.ndarray, second: np.ndarray) -> Block:
        """The block without edges between the two nodes of a pair, in either direction.

        Parameters
        ----------
        first, second
            The pairs, as places in ``node``, (n_pairs,): a pair that is predicted passes no message.
        """
        if not len(first):
            return self
        n = int(max(first.max(), second.max())) + 1
        within = np.flatnonzero((self.src < n) & (self.dst < n))
        src, dst = self.src[within], self.dst[within]
        pairs = np.concatenate([first * n + second, second * n + first])
        mask = np.ones(len(self.src), bool)
        mask[within[np.isin(src * n + dst, pairs)]] = False
        return self.keep(mask)


@dataclass(frozen=True, eq=False)
class Incoming:
    """All edges of a graph, by destination. Destinations and sources are numbered alike.

    Attributes
    ----------
    indptr
        Integers (n_dst + 1,): the edges into node ``i`` are at ``indptr[i]:indptr[i + 1]``.
    source
        Integers (n_edges,): node that each edge comes from.
    edge
        Integers (n_edges,): id of each edge, one of 0 … n_edges - 1.
    feature
        Features of each edge at the place of the edge, float32 (n_edges, width) or (n_edges,); None without.
    """

    indptr: np.ndarray
    source: np.ndarray
    edge: np.ndarray
    feature: np.ndarray | None = None

    @classmethod
    def open(cls, folder: Path, feature: str | None = None) -> Incoming:
        """Map ``indptr.npy``, ``source.npy`` and ``edge.npy`` of a folder, which are read when they are needed.

        Parameters
        ----------
        folder
            Has those files.
        feature
            Name of the file of edge features, without ``.npy``; no features unless named.

        Raises
        ------
        InputError
            If a file is missing or is no array, or types or lengths do not fit.
        """
        indptr, source, edge = (_mapped(folder / f"{name}.npy") for name in ("indptr", "source", "edge"))
        found = cls(indptr, source, edge, None if feature is None else _mapped(folder / f"{feature}.npy"))
        for file, numbers in (("indptr", indptr), ("source", source), ("edge", edge)):
            if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
                raise InputError(
                    f"{folder}/{file}.npy: is {numbers.dtype} {numbers.shape}; give integers in one dimension."
                )
        if found.feature is not None and (
            found.feature.ndim not in (1, 2) or found.feature.dtype.kind != "f"
        ):
            raise InputError(
                f"{folder}/{feature}.npy: is {found.feature.dtype} {found.feature.shape}; give floats, one row an edge."
            )
        n_edges = int(found.indptr[-1]) if len(found.indptr) else -1
        if n_edges < 0 or found.indptr[0] != 0 or bool((found.indptr[1:] < found.indptr[:-1]).any()):
            raise InputError(f"{folder}/indptr.npy: does not rise from 0; give the first edge of each node.")
        for name, array in (("source", found.source), ("edge", found.edge), (feature, found.feature)):
            if array is not None and len(array) != n_edges:
                raise InputError(
                    f"{folder}/{name}.npy: has {len(array)} rows, but indptr.npy ends with {n_edges}: give one an edge."
                )
        return found

    @classmethod
    def of(cls, graph: Csr) -> Incoming:
        """The edges of a graph in memory, with their ids in it; features are kept by the caller."""
        return cls(*(part.cpu().numpy() for part in (graph.indptr, graph.src, graph.edge_id)))

    @property
    def n_dst(self) -> int:
        """Number of destinations."""
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.source)

    def into(self, dst: np.ndarray, k: int = ALL, generator: np.random.Generator | None = None) -> Block:
        """Edges into some nodes: all of them, or ``k`` drawn ones of a node that has more.

        Parameters
        ----------
        dst
            Distinct nodes, (n,).
        k
            Most edges into one node. They are drawn without replacement, each set as likely as any other.
        generator
            Draws; needed where ``k`` is given.
        """
        first = self.indptr[dst].astype(np.int64)
        degree = self.indptr[dst + 1] - first
        taken = np.minimum(degree, k) if k else degree
        start = np.cumsum(taken) - taken
        place = np.arange(int(taken.sum())) - np.repeat(start, taken)  # among the edges of the same node
        if k and generator is not None:
            crowded = np.flatnonzero(degree > k)
            if len(crowded):
                place[start[crowded, None] + np.arange(k)] = distinct(degree[crowded], k, generator)
        position = np.repeat(first, taken) + place
        # destinations come first and each once, so that they are numbered 0 … n - 1
        local, node = pd.factorize(np.concatenate([dst, self.source[position]]))
        return Block(
            node=node,
            n_dst=len(dst),
            src=local[len(dst) :],
            dst=np.repeat(np.arange(len(dst)), taken),
            edge=self.edge[position],
            position=position,
        )

    def sample(
        self, seeds: np.ndarray, neighbours: Sequence[int], generator: np.random.Generator
    ) -> list[Block]:
        """A block for each layer, the first layer's first: what the states of ``seeds`` are computed from.

        Parameters
        ----------
        seeds
            Distinct nodes, int64 (n,): the destinations of the last block, and the first nodes of every block.
        neighbours
            Most edges into one node for each layer, the first layer's first; 0 for all.
        generator
            Draws edges; the same state draws the same ones.
        """
        blocks: list[Block] = []
        wanted = seeds
        for k in reversed(neighbours):
            blocks.append(self.into(wanted, k, generator))
            wanted = blocks[-1].node
        return blocks[::-1]

    def ranges(self, n_edges: int) -> Iterator[tuple[int, int]]:
        """Cut the destinations into ranges with at most so many edges; a node with more has a range of its own."""
        start = 0
        while start < self.n_dst:
            fitting = np.searchsorted(self.indptr, int(self.indptr[start]) + n_edges, side="right") - 1
            stop = min(max(int(fitting), start + 1), start + n_edges, self.n_dst)
            yield start, stop
            start = stop


def distinct(total: np.ndarray, k: int, generator: np.random.Generator) -> np.ndarray:
    """Draw ``k`` different numbers below each total, int64 (n, k); each set of numbers is as likely as any other.

    Time and memory depend on ``k``, however large the totals are.

    Parameters
    ----------
    total
        Integers above ``k``, (n,).
    """
    drawn = np.empty((len(total), k), np.int64)
    low = np.flatnonzero(total <= 2 * k)
    if len(low):  # the k smallest of one random number for each candidate
        number = generator.random((len(low), 2 * k))
        number[np.arange(2 * k) >= total[low, None]] = 1.0
        drawn[low] = np.argpartition(number, k - 1, axis=1)[:, :k]
    left = np.flatnonzero(total > 2 * k)
    drawn[left] = generator.integers(0, total[left, None], (len(left), k))
    while len(left):  # what was drawn twice is drawn again; it is new more often than not
        rows = np.sort(drawn[left], axis=1)
        row, column = np.nonzero(rows[:, 1:] == rows[:, :-1])
        rows[row, column] = generator.integers(0, total[left[row]])
        drawn[left] = rows
        left = left[np.unique(row)]
    return drawn


def _mapped(path: Path) -> np.ndarray:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InputError(f"{path}: no file; give the folder of the arrays of one relation.")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the folder of the arrays of one relation.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no array of NumPy ({error}); write it with numpy.save.") from None


def features_of(incoming: Incoming, block: Block) -> torch.Tensor | None:
    """Features of a block's edges, read from the arrays of the graph, float32 (n_edges, width)."""
    if incoming.feature is None:
        return None
    rows = torch.from_numpy(np.asarray(incoming.feature[block.position], np.float32))
    return rows[:, None] if rows.dim() == 1 else rows
