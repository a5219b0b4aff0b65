"""The GATv2 layer (Brody, Alon and Yahav, arXiv 2105.14491), for one relation and for many; the arithmetic over
edges is in `model/kernels`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, overload

import torch
from torch import Tensor, nn

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels import Csr, Dropout, Relation, attend


class GATv2Conv(nn.Module):
    r"""Graph attention with scores that depend on both ends of an edge.

    .. math::
        s_{ij} &= a^\top \mathrm{LeakyReLU}(W_l x_j + W_r x_i + W_e e_{ij}), \quad
        \alpha_{ij} = \mathrm{softmax}_j(s_{ij}) \\
        y_i &= \sum_j \alpha_{ij} W_l x_j + b

    Parameters
    ----------
    in_channels
        Width of the features; a pair (sources, destinations) for a bipartite graph.
    out_channels
        Width of each head.
    heads
        Number of attention heads.
    concat
        Concatenate the heads; otherwise average them.
    negative_slope
        Slope of the LeakyReLU for negative arguments.
    dropout
        Probability of dropping an attention coefficient in training.
    edge_dim
        Width of the edge features; None without.
    share_weights
        Use one projection for both ends, which needs equal widths.
    bias
        Learn additive biases.
    residual
        Add a projection of the destination's features.

    Shapes
    ------
    x ``(n, in)`` or ``((n_src, in_src), (n_dst, in_dst))``, edge_attr ``(n_edges, edge_dim)`` in order of edge id;
    returns ``(n_dst, heads * out)``, or ``(n_dst, out)`` without ``concat``, and attention ``(n_edges, heads)``.
    """

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        heads: int = 1,
        *,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        edge_dim: int | None = None,
        share_weights: bool = False,
        bias: bool = True,
        residual: bool = False,
    ) -> None:
        super().__init__()
        in_src, in_dst = (in_channels, in_channels) if isinstance(in_channels, int) else in_channels
        if share_weights and in_src != in_dst:
            raise ShapeError(f"share_weights needs equal widths; in_channels is ({in_src}, {in_dst}).")
        _check_options(out_channels, heads, dropout)
        self.in_channels, self.out_channels, self.heads = (in_src, in_dst), out_channels, heads
        self.concat, self.negative_slope, self.dropout = concat, negative_slope, dropout
        self.edge_dim, self.share_weights = edge_dim, share_weights
        self.lin_src = nn.Linear(in_src, heads * out_channels, bias=bias)
        self.lin_dst = self.lin_src if share_weights else nn.Linear(in_dst, heads * out_channels, bias=bias)
        self.lin_edge = None if edge_dim is None else nn.Linear(edge_dim, heads * out_channels, bias=False)
        self.att = nn.Parameter(torch.empty(heads, out_channels))
        width = heads * out_channels if concat else out_channels
        self.lin_residual = nn.Linear(in_dst, width, bias=False) if residual else None
        self.bias = nn.Parameter(torch.empty(width)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot's uniform initialisation; biases zero."""
        for linear in (self.lin_src, self.lin_dst, self.lin_edge, self.lin_residual):
            if linear is not None:
                _glorot(linear)
        nn.init.xavier_uniform_(self.att)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    @overload
    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        graph: Csr,
        edge_attr: Tensor | None = None,
        *,
        return_attention: Literal[False] = False,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        graph: Csr,
        edge_attr: Tensor | None = None,
        *,
        return_attention: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        graph: Csr,
        edge_attr: Tensor | None = None,
        *,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Pass messages along all edges of `graph`; see the class for shapes.

        The returned attention is that before dropout. A destination without edges gets the bias (and the residual).

        Raises
        ------
        ShapeError
            If an argument does not fit; the message names it.
        """
        x_src, x_dst = (x, x) if isinstance(x, Tensor) else x
        _check_features("x" if isinstance(x, Tensor) else "x[0]", x_src, graph.n_src, self.in_channels[0])
        _check_features("x" if isinstance(x, Tensor) else "x[1]", x_dst, graph.n_dst, self.in_channels[1])
        relation = Relation(
            graph,
            _heads(self.lin_src(x_src), self.heads),
            _heads(self.lin_dst(x_dst), self.heads),
            self.att,
            *_edge_features("edge_attr", edge_attr, self.lin_edge, graph, self.heads),
        )
        dropout = Dropout.draw(self.dropout if self.training else 0.0)
        out, (attention,) = attend(
            [relation], negative_slope=self.negative_slope, dropout=dropout, attention=return_attention
        )
        out = out.flatten(1) if self.concat else out.mean(1)
        if self.lin_residual is not None:
            out = out + self.lin_residual(x_dst)
        if self.bias is not None:
            out = out + self.bias
        return (out, attention) if return_attention else out

    def extra_repr(self) -> str:
        """Sizes, for `print`."""
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"


class RelationalGATv2Conv(nn.Module):
    """GATv2 over all relations into one kind of destination; each relation has its own projections and attention
    vector.

    Parameters
    ----------
    in_channels
        Width of the destination's features.
    out_channels
        Width of each head.
    relations
        For each relation the width of the source features and of the edge features (None without).
    softmax
        ``"relation"``: one softmax over the edges of each relation, and a sum over relations.
        ``"destination"``: one softmax over all edges into a node, as in one adjacency over all kinds of nodes.
    heads, concat, negative_slope, dropout, bias, residual
        As in :class:`GATv2Conv`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        relations: Mapping[str, tuple[int, int | None]],
        heads: int = 1,
        *,
        softmax: Literal["relation", "destination"] = "relation",
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        bias: bool = True,
        residual: bool = False,
    ) -> None:
        super().__init__()
        if softmax not in ("relation", "destination"):
            raise ValueError(f'softmax is "{softmax}": give "relation" or "destination".')
        if not relations:
            raise ShapeError("relations is empty: give at least one relation.")
        _check_options(out_channels, heads, dropout)
        self.in_channels, self.out_channels, self.heads = in_channels, out_channels, heads
        self.softmax, self.concat = softmax, concat
        self._src_channels = {r: n for r, (n, _) in relations.items()}
        self.negative_slope, self.dropout = negative_slope, dropout
        width = heads * out_channels
        self.lin_src = nn.ModuleDict({r: nn.Linear(n, width, bias=bias) for r, (n, _) in relations.items()})
        self.lin_dst = nn.ModuleDict({r: nn.Linear(in_channels, width, bias=bias) for r in relations})
        self.lin_edge = nn.ModuleDict(
            {r: nn.Linear(n, width, bias=False) for r, (_, n) in relations.items() if n is not None}
        )
        self.att = nn.ParameterDict({r: torch.empty(heads, out_channels) for r in relations})
        out_width = width if concat else out_channels
        self.lin_residual = nn.Linear(in_channels, out_width, bias=False) if residual else None
        self.bias = nn.Parameter(torch.empty(out_width)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot's uniform initialisation; biases zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _glorot(module)
        for att in self.att.values():
            nn.init.xavier_uniform_(att)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(
        self,
        x_dst: Tensor,
        x_src: Mapping[str, Tensor],
        graphs: Mapping[str, Csr],
        edge_attr: Mapping[str, Tensor | None] | None = None,
        *,
        return_attention: bool = True,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pass messages along all relations in `graphs`; it may lack some of the layer's relations.

        Parameters
        ----------
        x_dst
            ``(n_dst, in_channels)``.
        x_src
            Features of each relation's sources, ``(n_src, width)``.
        graphs
            Edges of each relation; all end in the same ``n_dst`` nodes.
        edge_attr
            Edge features of those relations that have them, ``(n_edges, width)`` in order of edge id.

        Returns
        -------
        out
            ``(n_dst, heads * out_channels)``, or ``(n_dst, out_channels)`` without ``concat``.
        attention
            For each relation ``(n_edges, heads)`` in order of edge id, before dropout; empty unless
            ``return_attention``, which costs a pass over the edges.

        Raises
        ------
        ShapeError
            If an argument does not fit; the message names it and its relation.
        """
        edge_attr = edge_attr or {}
        unknown = sorted((set(graphs) | set(edge_attr)) - set(self.lin_src))
        if unknown:
            raise ShapeError(
                f'"{unknown[0]}" is not a relation of this layer, which has {", ".join(self.lin_src)}.'
            )
        names = [r for r in self.lin_src if r in graphs]
        out, attention = self._attend(names, x_dst, x_src, graphs, edge_attr, return_attention)
        out = out.flatten(1) if self.concat else out.mean(1)
        if self.lin_residual is not None:
            out = out + self.lin_residual(x_dst)
        if self.bias is not None:
            out = out + self.bias
        return out, dict(zip(names, attention, strict=True)) if return_attention else {}

    def _attend(
        self,
        names: list[str],
        x_dst: Tensor,
        x_src: Mapping[str, Tensor],
        graphs: Mapping[str, Csr],
        edge_attr: Mapping[str, Tensor | None],
        return_attention: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        if not names:
            return x_dst.new_zeros(len(x_dst), self.heads, self.out_channels), []
        relations = []
        for r in names:
            lin_src, lin_dst = self.lin_src[r], self.lin_dst[r]
            lin_edge = self.lin_edge[r] if r in self.lin_edge else None  # noqa: SIM401 (ModuleDict has no get)
            if r not in x_src:
                raise ShapeError(f'x_src has no features for relation "{r}", which has edges.')
            _check_features(f'x_src["{r}"]', x_src[r], graphs[r].n_src, self._src_channels[r])
            _check_features(f'x_dst for "{r}"', x_dst, graphs[r].n_dst, self.in_channels)
            edges = _edge_features(f'edge_attr["{r}"]', edge_attr.get(r), lin_edge, graphs[r], self.heads)
            projected = _heads(lin_src(x_src[r]), self.heads), _heads(lin_dst(x_dst), self.heads)
            relations.append(Relation(graphs[r], *projected, self.att[r], *edges))
        return attend(
            relations,
            negative_slope=self.negative_slope,
            dropout=Dropout.draw(self.dropout if self.training else 0.0),
            shared_softmax=self.softmax == "destination",
            attention=return_attention,
        )


def _heads(projected: Tensor, heads: int) -> Tensor:
    return projected.unflatten(1, (heads, -1))


def _glorot(linear: nn.Linear) -> None:
    bound = math.sqrt(6.0 / (linear.in_features + linear.out_features))
    nn.init.uniform_(linear.weight, -bound, bound)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def _edge_features(
    name: str, edge_attr: Tensor | None, lin_edge: nn.Module | None, graph: Csr, heads: int
) -> tuple[Tensor | None, Tensor | None]:
    """Edge features as a matrix, and their projection as (heads, width, channels)."""
    if lin_edge is None:
        if edge_attr is not None:
            raise ShapeError(f"{name} is given, but the layer was made without edge_dim.")
        return None, None
    weight = lin_edge.weight
    assert isinstance(weight, Tensor)
    width = weight.shape[1]
    if edge_attr is None:
        raise ShapeError(f"{name} is missing: the layer was made with edge_dim={width}.")
    if edge_attr.dim() == 1:
        edge_attr = edge_attr[:, None]
    if tuple(edge_attr.shape) != (graph.n_edges, width):
        wanted = (graph.n_edges, width)
        raise ShapeError(f"{name} has shape {tuple(edge_attr.shape)}, wanted {wanted}: one row an edge.")
    return edge_attr, weight.unflatten(0, (heads, -1)).transpose(1, 2)


def _check_features(name: str, x: Tensor, n: int, width: int) -> None:
    if tuple(x.shape) != (n, width):
        raise ShapeError(
            f"{name} has shape {tuple(x.shape)}, wanted {(n, width)}: one row a node of the graph."
        )
    if not x.is_floating_point():
        raise ShapeError(f"{name} holds {x.dtype}: give floating-point features.")


def _check_options(out_channels: int, heads: int, dropout: float) -> None:
    if out_channels < 1 or heads < 1:
        raise ShapeError(f"out_channels is {out_channels}, heads {heads}: both are at least 1.")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}: give a probability of at least 0 and below 1.")
