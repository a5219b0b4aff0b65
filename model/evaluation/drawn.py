"""A smaller graph, with some drugs and cell lines drawn at random: on it a whole evaluation takes minutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import Heterograph, Relation

TESTED_ON = ("Drug", "TESTED_ON", "CellLine")

WORDS = {"Drug": "drugs", "CellLine": "cell lines"}


def drawn(heterograph: Heterograph, sizes: dict[str, int | None], *, seed: int) -> Heterograph:
    """The graph with some of its measured drugs and cell lines alone; other nodes stay as they are.

    Parameters
    ----------
    heterograph
        The whole graph.
    sizes
        ``Drug`` and ``CellLine`` → how many to draw of those that were measured; None keeps them all.
    seed
        Fixes which are drawn.

    Raises
    ------
    InputError
        If there are fewer than asked for.
    """
    kept = {}
    tested = heterograph.relations[TESTED_ON]
    for kind, ends in (("Drug", tested.src), ("CellLine", tested.dst)):
        if (size := sizes.get(kind)) is None:
            continue
        measured = np.unique(ends.numpy())
        if not 1 <= size <= len(measured):
            raise InputError(
                f"{size} {WORDS[kind]} cannot be drawn: {len(measured)} have measured responses; give another number"
            )
        kept[kind] = np.sort(np.random.default_rng([seed, 19]).permutation(measured)[:size])
    return _part(heterograph, kept) if kept else heterograph


def _part(heterograph: Heterograph, kept: dict[str, np.ndarray]) -> Heterograph:
    """The graph with some nodes of some kinds, given by number, and the edges between nodes that are left."""
    number = {}
    for kind, of_kind in heterograph.ids.items():
        at = np.arange(len(of_kind)) if kind not in kept else np.full(len(of_kind), -1)
        if kind in kept:
            at[kept[kind]] = np.arange(len(kept[kind]))
        number[kind] = torch.from_numpy(at)
    relations = {}
    for edge_type, relation in heterograph.relations.items():
        src, dst = number[edge_type[0]][relation.src], number[edge_type[2]][relation.dst]
        there = (src >= 0) & (dst >= 0)
        relations[edge_type] = Relation(src, dst, relation.features).take(there)
    nodes = {
        kind: {
            name: values[torch.from_numpy(kept[kind])] if kind in kept else values
            for name, values in of.items()
        }
        for kind, of in heterograph.nodes.items()
    }
    ids = {kind: of[kept[kind]] if kind in kept else of for kind, of in heterograph.ids.items()}
    return replace(heterograph, ids=ids, nodes=nodes, relations=relations)
