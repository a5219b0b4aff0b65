"""Interventions on the message edges of a fitted network: remove edges, scale messages, read each layer's attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from scipy import sparse
from torch import Tensor, nn

from pharmagraph.model.explain.faithfulness.masked_edges import GENES
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers.gatv2 import RelationalGATv2Conv
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.presets.relations import RELATIONS
from pharmagraph.model.training.fitted import Fitted


def without_edges(fitted: Fitted, relation: str, keep: Tensor) -> Messages:
    """The run's messages with only those edges of one relation that a mask keeps, bool (n_edges,)."""
    edges = fitted.messages.edges[relation].keep(keep.to(fitted.device))
    sizes = fitted.tensors.sizes
    source, destination = RELATIONS[relation]
    graph = Csr.from_edges(edges.src, edges.dst, sizes[source], sizes[destination])
    messages = fitted.messages
    return replace(
        messages,
        edges={**messages.edges, relation: edges},
        graphs={**messages.graphs, relation: graph},
    )


@contextmanager
def scaled_messages(network: RelationalNetwork, edges: Edges, mask: Tensor) -> Iterator[None]:
    """Multiply the messages of the gene edges by a mask, float (n_edges,), in every layer; attention is not changed.

    A drug whose edges all have mask 0 receives nothing from genes, as if it had no gene edge.
    """
    convs = [conv for layer in network.layers for kind, conv in layer.convs.items() if kind == "Drug"]  # type: ignore[operator,union-attr]

    def less(conv: Any, given: Any, output: Any) -> Any:
        x_dst, x_src, _, edge_attr = given
        change = _messages(conv, x_dst, x_src[GENES], edges, edge_attr[GENES]) * (mask - 1)[:, None]
        return output[0].index_add(0, edges.dst, change), output[1]

    hooks = [conv.register_forward_hook(less) for conv in convs]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _messages(
    conv: RelationalGATv2Conv, x_dst: Tensor, x_src: Tensor, edges: Edges, edge_attr: Tensor
) -> Tensor:
    """Attention times the projected source on each gene edge, in plain torch, (n_edges, heads * channels)."""
    heads = conv.heads
    source = conv.lin_src[GENES](x_src).unflatten(1, (heads, -1))[edges.src]
    total = source + conv.lin_dst[GENES](x_dst).unflatten(1, (heads, -1))[edges.dst]
    if GENES in conv.lin_edge:
        total = total + conv.lin_edge[GENES](edge_attr).unflatten(1, (heads, -1))
    score = (nn.functional.leaky_relu(total, conv.negative_slope) * conv.att[GENES]).sum(-1)
    index = edges.dst[:, None].expand_as(score)
    peak = score.new_full((len(x_dst), heads), -torch.inf).scatter_reduce(0, index, score.detach(), "amax")
    power = torch.exp(score - peak[edges.dst])
    weight = power / score.new_zeros(peak.shape).index_add(0, edges.dst, power)[edges.dst]
    return (weight[..., None] * source).flatten(1)


def layer_matrices(network: RelationalNetwork, fitted: Fitted) -> tuple[list[sparse.csr_matrix], int]:
    """Attention of every layer between all nodes, mean over heads, and the place of the first gene.

    Drugs come first, then cell lines, then genes; the row attends to the column.
    """
    found: list[Mapping[str, Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, output: found.append(output[1])) for layer in network.layers
    ]
    try:
        with torch.inference_mode():
            network.states(fitted.tensors, fitted.messages)
    finally:
        for hook in hooks:
            hook.remove()
    tensors = fitted.tensors
    start = {"Drug": 0, "CellLine": tensors.n_drugs, "Gene": tensors.n_drugs + tensors.n_cell_lines}
    n = start["Gene"] + tensors.n_genes
    matrices = []
    for attention in found:
        parts = []
        for relation, weight in attention.items():
            edges, (source, destination) = fitted.messages.edges[relation], RELATIONS[relation]
            at = (edges.dst.cpu().numpy() + start[destination], edges.src.cpu().numpy() + start[source])
            parts.append(sparse.csr_matrix((weight.mean(1).cpu().numpy(), at), shape=(n, n)))
        matrices.append(sparse.csr_matrix(sum(parts[1:], parts[0])))
    return matrices, start["Gene"]
