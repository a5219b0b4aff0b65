"""GATv2 attention in plain torch: the definition that the fast kernels are tested against, in any float type.

It makes tensors of size edges × heads × channels, so it is not for large graphs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation


def attend(
    relations: Sequence[Relation],
    *,
    negative_slope: float,
    dropout: Dropout,
    shared_softmax: bool,
    attention: bool = True,
) -> tuple[Tensor, list[Tensor]]:
    """Attention over all relations into one kind of destination; see `model.kernels.attend`."""
    n_dst, heads, channels = relations[0].x_dst.shape
    scores = [_scores(r, negative_slope) for r in relations]
    groups = [r.graph.dst() + (0 if shared_softmax else k * n_dst) for k, r in enumerate(relations)]
    n_groups = n_dst if shared_softmax else n_dst * len(relations)
    alpha = _softmax(torch.cat(scores), torch.cat(groups), n_groups)
    out = relations[0].x_src.new_zeros(n_dst, heads, channels)
    per_relation = []
    for relation, part in zip(relations, alpha.split([r.graph.n_edges for r in relations]), strict=True):
        graph = relation.graph
        per_relation.append(graph.unsort(part) if attention else part[:0])
        if dropout.p:
            part = part * dropout.scale(graph.edge_id, heads).to(part.dtype)
        out = out.index_add(0, graph.dst(), part[..., None] * relation.x_src[graph.src.long()])
    return out, per_relation


def _scores(relation: Relation, negative_slope: float) -> Tensor:
    graph = relation.graph
    total = relation.x_src[graph.src.long()] + relation.x_dst[graph.dst()]
    if relation.edge_attr is not None and relation.edge_weight is not None:
        total = total + torch.einsum("ef,hfd->ehd", graph.sort(relation.edge_attr), relation.edge_weight)
    return (torch.nn.functional.leaky_relu(total, negative_slope) * relation.att).sum(-1)


def _softmax(scores: Tensor, group: Tensor, n_groups: int) -> Tensor:
    index = group[:, None].expand_as(scores)
    peak = scores.new_full((n_groups, scores.shape[1]), -torch.inf).scatter_reduce(
        0, index, scores.detach(), "amax"
    )
    power = torch.exp(scores - peak[group])
    return power / scores.new_zeros(peak.shape).index_add(0, group, power)[group]
