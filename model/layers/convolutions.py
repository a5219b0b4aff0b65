"""The convolutions that GATv2 is compared with (GAT, Transformer, GCN), behind the same interface as `GATv2Conv`.

GAT and Transformer use the GATv2 kernels: each head has an additional channel that holds the score, and the attention
vector is zero for all other channels. They are for ablations; the Transformer's scores need memory of edges × channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels import Csr, Dropout, Relation, attend

Name = Literal["gat", "gcn", "transformer"]


class Convolution(nn.Module):
    """Base class of the convolutions of this module: sizes, a bias, and concatenated heads.

    Parameters
    ----------
    in_channels
        Width of the features; a pair (sources, destinations) for a bipartite graph.
    out_channels
        Width of each head.
    heads
        Number of heads.
    dropout
        Probability of dropping an attention coefficient in training.
    edge_dim
        Width of the edge features; None without.

    Shapes
    ------
    As in :class:`model.layers.gatv2.GATv2Conv`: returns ``(n_dst, heads * out)`` and attention ``(n_edges, heads)``.
    """

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        *,
        dropout: float = 0.0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        self.out_channels, self.heads, self.dropout, self.edge_dim = out_channels, heads, dropout, edge_dim
        self.bias = nn.Parameter(torch.zeros(heads * out_channels))

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        graph: Csr,
        edge_attr: Tensor | None = None,
        *,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Pass messages along all edges of `graph`.

        Raises
        ------
        ShapeError
            If an argument does not fit; the message names it.
        """
        x_src, x_dst = (x, x) if isinstance(x, Tensor) else x
        sizes = (("x[0]", x_src, graph.n_src, 0), ("x[1]", x_dst, graph.n_dst, 1))
        for name, given, n, end in sizes:
            if tuple(given.shape) != (n, self.in_channels[end]):
                wanted = (n, self.in_channels[end])
                raise ShapeError(f"{name} has shape {tuple(given.shape)}, wanted {wanted}: one row a node.")
        out, attention = self._convolve(x_src, x_dst, graph, self._edges(graph, edge_attr))
        out = out.flatten(1) + self.bias
        return (out, attention) if return_attention else out

    def _convolve(
        self, x_src: Tensor, x_dst: Tensor, graph: Csr, edge_attr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        raise TypeError(
            f"{type(self).__name__} is not a convolution: use GATConv, GCNConv or TransformerConv."
        )

    def _edges(self, graph: Csr, edge_attr: Tensor | None) -> Tensor | None:
        if edge_attr is not None and edge_attr.dim() == 1:
            edge_attr = edge_attr[:, None]
        wanted = None if self.edge_dim is None else (graph.n_edges, self.edge_dim)
        given = None if edge_attr is None else tuple(edge_attr.shape)
        if wanted != given:
            raise ShapeError(f"edge_attr has shape {given}, wanted {wanted}.")
        return edge_attr

    def _heads(self, linear: nn.Linear, x: Tensor) -> Tensor:
        projected: Tensor = linear(x)
        return projected.unflatten(1, (self.heads, self.out_channels))

    def _draw(self) -> Dropout:
        return Dropout.draw(self.dropout if self.training else 0.0)


class GATConv(Convolution):
    r"""Veličković et al., arXiv 1710.10903: :math:`s_{ij} = \mathrm{LeakyReLU}(a_l W x_j + a_r W x_i + a_e W_e e)`."""

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        *,
        dropout: float = 0.0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, heads, dropout=dropout, edge_dim=edge_dim)
        width = heads * out_channels
        self.lin_src = _linear(self.in_channels[0], width)
        self.lin_dst = self.lin_src if isinstance(in_channels, int) else _linear(self.in_channels[1], width)
        self.lin_edge = None if edge_dim is None else _linear(edge_dim, width)
        self.att_src, self.att_dst, self.att_edge = (
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, out_channels))) for _ in range(3)
        )

    def _convolve(
        self, x_src: Tensor, x_dst: Tensor, graph: Csr, edge_attr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        sources = self._heads(self.lin_src, x_src)
        score_dst = (self._heads(self.lin_dst, x_dst) * self.att_dst).sum(-1)
        weight = None
        if self.lin_edge is not None:
            projection = self.lin_edge.weight.unflatten(0, (self.heads, self.out_channels))
            weight = torch.einsum("hdf,hd->hf", projection, self.att_edge)
        return _attend_by_score(
            graph, sources, (sources * self.att_src).sum(-1), score_dst, edge_attr, weight, 0.2, self._draw()
        )


class TransformerConv(Convolution):
    r"""Shi et al., arXiv 2009.03509: :math:`s_{ij} = (W_q x_i)^\top (W_k x_j) / \sqrt{d} + W_e e_{ij}`."""

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        *,
        dropout: float = 0.0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, heads, dropout=dropout, edge_dim=edge_dim)
        width = heads * out_channels
        self.lin_key, self.lin_value = (
            _linear(self.in_channels[0], width),
            _linear(self.in_channels[0], width),
        )
        self.lin_query = _linear(self.in_channels[1], width)
        self.lin_edge = None if edge_dim is None else _linear(edge_dim, heads)

    def _convolve(
        self, x_src: Tensor, x_dst: Tensor, graph: Csr, edge_attr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        key, query = self._heads(self.lin_key, x_src), self._heads(self.lin_query, x_dst)
        product = (query[graph.dst()] * key[graph.src.long()]).sum(-1) / math.sqrt(self.out_channels)
        scores = graph.unsort(product)
        if self.lin_edge is not None and edge_attr is not None:
            scores = scores + self.lin_edge(edge_attr)
        no_score = torch.zeros_like(key[..., 0])
        one_each = torch.eye(self.heads, dtype=scores.dtype, device=scores.device)
        # with a slope of 1 the LeakyReLU is the identity, so the score does not change
        return _attend_by_score(
            graph, self._heads(self.lin_value, x_src), no_score, torch.zeros_like(query[..., 0]), scores, one_each,
            1.0, self._draw(),
        )  # fmt: skip


class GCNConv(Convolution):
    r"""Kipf and Welling, arXiv 1609.02907: messages weighted by :math:`a_{ij} / \sqrt{d_i d_j}`, nothing learned.

    Edge features of width 1 are the :math:`a_{ij}` and may be negative; :math:`d` sums their magnitudes. The returned
    attention is the weight of the message. ``dropout`` has no effect.
    """

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        *,
        dropout: float = 0.0,
        edge_dim: int | None = None,
    ) -> None:
        if edge_dim not in (None, 1):
            raise ShapeError(f"edge_dim is {edge_dim}: GCN weights its edges by one feature, or by none.")
        super().__init__(in_channels, out_channels, heads, dropout=dropout, edge_dim=edge_dim)
        self.lin_src = _linear(self.in_channels[0], heads * out_channels)

    def _convolve(
        self, x_src: Tensor, x_dst: Tensor, graph: Csr, edge_attr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        src, dst = graph.src.long(), graph.dst()
        weight = x_src.new_ones(graph.n_edges) if edge_attr is None else graph.sort(edge_attr[:, 0])
        into = x_src.new_zeros(graph.n_dst).index_add(0, dst, weight.abs())
        out_of = x_src.new_zeros(graph.n_src).index_add(0, src, weight.abs())
        weight = weight / (into[dst] * out_of[src]).sqrt().clamp(min=1e-12)
        projected = self.lin_src(x_src)
        index = torch.stack([dst, src])
        matrix = torch.sparse_coo_tensor(
            index, weight.detach(), (graph.n_dst, graph.n_src), check_invariants=False
        )
        out = torch.sparse.mm(matrix, projected)
        shared = graph.unsort(weight)[:, None].expand(-1, self.heads)
        return out.unflatten(1, (self.heads, self.out_channels)), shared


class RelationalConv(nn.Module):
    """Sum of one convolution per relation; the interface is that of :class:`model.layers.gatv2.RelationalGATv2Conv`."""

    def __init__(self, convolutions: Mapping[str, Convolution]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict(dict(convolutions))
        first = next(iter(convolutions.values()))
        self.width = first.heads * first.out_channels

    def forward(
        self,
        x_dst: Tensor,
        x_src: Mapping[str, Tensor],
        graphs: Mapping[str, Csr],
        edge_attr: Mapping[str, Tensor | None] | None = None,
        *,
        return_attention: bool = True,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pass messages along all relations in `graphs`; see :class:`model.layers.gatv2.RelationalGATv2Conv`."""
        parts, attention = [], {}
        for name, graph in graphs.items():
            if name not in self.convolutions:
                raise ShapeError(f'"{name}" is not a relation of this layer.')
            x = x_src[name], x_dst
            out, weights = self.convolutions[name](
                x, graph, (edge_attr or {}).get(name), return_attention=True
            )
            parts.append(out)
            attention[name] = weights
        if not parts:
            return x_dst.new_zeros(len(x_dst), self.width), {}
        return sum(parts[1:], parts[0]), attention if return_attention else {}


def conv(
    name: Name,
    in_channels: int | tuple[int, int],
    out_channels: int,
    heads: int = 1,
    *,
    dropout: float = 0.0,
    edge_dim: int | None = None,
) -> Convolution:
    """The convolution called `name`; options as in :class:`Convolution`.

    Raises
    ------
    ValueError
        If there is no such convolution.
    """
    kinds = {"gat": GATConv, "gcn": GCNConv, "transformer": TransformerConv}
    if name not in kinds:
        raise ValueError(f'convolution is "{name}": give {", ".join(kinds)}.')
    return kinds[name](in_channels, out_channels, heads, dropout=dropout, edge_dim=edge_dim)


def relational(
    name: Name,
    in_channels: int,
    out_channels: int,
    relations: Mapping[str, tuple[int, int | None]],
    heads: int = 1,
    *,
    dropout: float = 0.0,
) -> RelationalConv:
    """One convolution for each relation, which is given as (width of source features, width of edge features)."""
    return RelationalConv(
        {
            relation: conv(
                name, (width, in_channels), out_channels, heads, dropout=dropout, edge_dim=edge_dim
            )
            for relation, (width, edge_dim) in relations.items()
        }
    )


def _linear(in_channels: int, out_channels: int) -> nn.Linear:
    linear = nn.Linear(in_channels, out_channels, bias=False)
    nn.init.xavier_uniform_(linear.weight)
    return linear


def _attend_by_score(
    graph: Csr,
    messages: Tensor,
    score_src: Tensor,
    score_dst: Tensor,
    edge_attr: Tensor | None,
    edge_score: Tensor | None,
    negative_slope: float,
    dropout: Dropout,
) -> tuple[Tensor, Tensor]:
    """Attention with the scores LeakyReLU(score_src + score_dst + edge_score . edge_attr), held by an extra channel."""
    n_dst, heads, channels = graph.n_dst, messages.shape[1], messages.shape[2]
    x_src = torch.cat([messages, score_src[..., None]], -1)
    x_dst = torch.cat([messages.new_zeros(n_dst, heads, channels), score_dst[..., None]], -1)
    att = torch.cat([messages.new_zeros(heads, channels), messages.new_ones(heads, 1)], -1)
    weight = None
    if edge_attr is not None and edge_score is not None:
        weight = torch.nn.functional.pad(edge_score[..., None], (channels, 0))
    relation = Relation(graph, x_src, x_dst, att, edge_attr, weight)
    out, (attention,) = attend([relation], negative_slope=negative_slope, dropout=dropout)
    return out[..., :-1], attention
