"""Runs the layers of a network over blocks of edges: over sampled ones in training, over all of them for inference.

A layer is what `Layer` says, whatever it consists of, so long as the state of a node depends on its own in-neighbours
alone. Then a step over blocks with all neighbours computes what the whole graph would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.inputs.neighbourhoods import Block, Incoming
from pharmagraph.model.kernels import Csr

Layer = Callable[[tuple[Tensor, Tensor], Csr, Tensor | None], tuple[Tensor, Tensor]]
"""(states of sources, states of destinations), edges, edge features → new states of destinations, and the attention on
the edges, (n_edges, heads), in order of edge id."""

Features = Callable[[Block], Tensor | None]
"""Block → features of its edges, (n_edges, width)."""


def over_sample(
    layers: Sequence[Layer], states: Tensor, blocks: Sequence[Block], features: Features
) -> Tensor:
    """States of the last block's destinations, (n_dst, width).

    Parameters
    ----------
    layers, blocks
        One block a layer, as `Incoming.sample` gives them.
    states
        States of the first block's nodes, (n_nodes, width).
    features
        Of the edges.
    """
    for layer, block in zip(layers, blocks, strict=True):
        sent = states[: len(block.node)], states[: block.n_dst]
        states, _ = layer(sent, block.csr().to(states.device), features(block))
    return states


def over_all(
    layer: Layer,
    states: Tensor,
    incoming: Incoming,
    features: Features,
    *,
    n_edges: int,
    attention: Tensor | None = None,
) -> Tensor:
    """New states of all destinations by one layer, a block of destinations after the other, (n_dst, width).

    Parameters
    ----------
    layer, features
        The layer, and the features of the edges.
    states
        States of all nodes, (n_nodes, width).
    n_edges
        Most edges of a block, which bounds what is held beside states; a node with more has a block of its own.
    attention
        Is filled with the attention on each edge, at the id of the edge, (n_edges of the graph, heads); it may lie in a
        mapped file.
    """
    found: Tensor | None = None
    for start, stop in incoming.ranges(n_edges):
        block = incoming.into(np.arange(start, stop))
        node = torch.from_numpy(block.node).to(states.device)
        sent = states.index_select(0, node)  # faster than states[node]
        new, weight = layer((sent, sent[: block.n_dst]), block.csr().to(states.device), features(block))
        found = new.new_empty(incoming.n_dst, new.shape[1]) if found is None else found
        found[start:stop] = new
        if attention is not None:
            attention[torch.from_numpy(block.edge).to(attention.device)] = weight.to(attention.device)
    return states[:0] if found is None else found
