"""Joins relations between kinds of nodes into one adjacency over all nodes, in files, a block of edges at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph.mapped import new_array
from pharmagraph.model.inputs.neighbourhoods import Incoming


@dataclass(frozen=True, eq=False)
class Part:
    """One relation of an adjacency.

    Attributes
    ----------
    incoming
        Its edges; sources and destinations are numbered within their kinds.
    first_src, first_dst
        Number, among all nodes, of the first source and of the first destination.
    """

    incoming: Incoming
    first_src: int
    first_dst: int


def join(parts: Sequence[Part], n_nodes: int, folder: Path, *, block_edges: int = 1_000_000) -> Incoming:
    """Write relations as one adjacency: the files of `Incoming.open`, with features in ``feature.npy``.

    Parameters
    ----------
    parts
        Relations. Ids of their edges follow one another: those of a part begin where those of the one before end.
    n_nodes
        Of all kinds together.
    folder
        Where the files are written; it is new.
    block_edges
        Edges that are in memory at once; beside them are two numbers a node.

    Raises
    ------
    InputError
        If there is something in the folder, a relation leads to or comes from a node beyond ``n_nodes``, or features
        have not one width.
    OSError
        If the disk has less room than the files take; nothing is left.
    """
    shapes = {None if p.incoming.feature is None else p.incoming.feature.shape[1:] for p in parts}
    if len(shapes) > 1:
        raise InputError(
            f"edge features have the shapes {', '.join(sorted(map(str, shapes)))}: give relations of one."
        )
    degree = np.zeros(n_nodes, np.int64)
    for number, part in enumerate(parts):
        if part.first_dst + part.incoming.n_dst > n_nodes:
            last = part.first_dst + part.incoming.n_dst - 1
            raise InputError(f"parts[{number}] leads to node {last}, but n_nodes is {n_nodes}.")
        degree[part.first_dst : part.first_dst + part.incoming.n_dst] += np.diff(part.incoming.indptr)
    indptr = np.concatenate([[0], np.cumsum(degree)])
    free = indptr[:-1].copy()  # place of the next edge into each node
    with folders.whole_folder(folder) as unfinished:
        np.save(unfinished / "indptr.npy", indptr)
        n_edges = int(indptr[-1])
        source = new_array(unfinished / "source.npy", np.int32, (n_edges,))
        edge = new_array(unfinished / "edge.npy", np.int64, (n_edges,))
        shape = next(iter(shapes), None)
        feature = (
            None if shape is None else new_array(unfinished / "feature.npy", np.float32, (n_edges, *shape))
        )
        first_edge = 0
        for part in parts:
            one = part.incoming
            for start, stop in one.ranges(block_edges):
                own = slice(int(one.indptr[start]), int(one.indptr[stop]))
                count = np.diff(one.indptr[start : stop + 1])
                nodes = slice(part.first_dst + start, part.first_dst + stop)
                within = np.arange(own.stop - own.start) - np.repeat(
                    one.indptr[start:stop] - own.start, count
                )
                place = np.repeat(free[nodes], count) + within
                of_edges = one.source[own]
                if len(of_edges) and not 0 <= of_edges.min() <= of_edges.max() < n_nodes - part.first_src:
                    worst = int(of_edges.min() if of_edges.min() < 0 else of_edges.max()) + part.first_src
                    raise InputError(
                        f"parts[{parts.index(part)}] comes from node {worst}, but n_nodes is {n_nodes}."
                    )
                source[place] = of_edges + part.first_src
                edge[place] = one.edge[own] + first_edge
                if feature is not None and one.feature is not None:
                    feature[place] = one.feature[own]
                free[nodes] += count
            first_edge += one.n_edges
    return Incoming.open(folder, None if shape is None else "feature")
