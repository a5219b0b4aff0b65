"""Stacks all relations into one block-diagonal graph, for the kernels that take one graph: numba and Triton.

A kernel has two functions over rows. Everything else (joining rows into softmaxes, totals, attention) is plain torch
over nodes, and is here once for both. A row is a destination of one relation, or a part of a destination with many
edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pharmagraph.model.kernels.csr import Csr
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation

PIECE = 4096  # most edges of a row; a destination with more has several rows, so that a hub is computed in parallel


@dataclass(frozen=True, eq=False)
class Rows:
    """The edges of all relations, and the rows in which they are processed.

    Attributes
    ----------
    indptr
        int64 ``(n_rows + 1,)``: first edge of each row.
    dst
        int64 ``(n_rows,)``: the row's destination, as a position among stacked destinations.
    relation
        int64 ``(n_rows,)``: the row's relation.
    src
        int64 ``(n_edges,)``: each edge's source, as a position among stacked sources.
    row
        int64 ``(n_edges,)``: each edge's row.
    edge_id
        int64 ``(n_edges,)``: each edge's id within its relation.
    by_src, src_indptr, src_relation
        The transpose, and the relation of each stacked source.
    """

    indptr: Tensor
    dst: Tensor
    relation: Tensor
    src: Tensor
    row: Tensor
    edge_id: Tensor
    by_src: Tensor
    src_indptr: Tensor
    src_relation: Tensor

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.dst)


class Stacked(NamedTuple):
    """The tensors of all relations: features stacked along nodes, parameters along relations.

    ``edge_attr`` is ``(n_edges, width)`` in sorted order, zero where a relation has fewer features;
    ``edge_weight`` ``(relations, heads, width, channels)``.
    """

    x_src: Tensor
    x_dst: Tensor
    att: Tensor
    edge_attr: Tensor
    edge_weight: Tensor


class Kernel(Protocol):
    """The two passes over edges."""

    def forward(
        self, rows: Rows, x: Stacked, slope: float, dropout: Dropout
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Sums ``(n_rows, heads, channels)``, log denominators ``(n_rows, heads)``, scores ``(heads, n_edges)``."""

    def backward(
        self,
        rows: Rows,
        x: Stacked,
        slope: float,
        dropout: Dropout,
        scores: Tensor,
        lse: Tensor,
        total: Tensor,
        grad: Tensor,
        grad_attention: Tensor | None,
        *,
        wants_edge_attr: bool,
    ) -> Stacked:
        """Gradients of `x`; that of ``x_dst`` has one entry per row, as have ``lse``, ``total`` and ``grad``.

        The gradient of ``edge_attr`` is zero unless ``wants_edge_attr``.
        """


def attend(
    kernel: Kernel,
    relations: Sequence[Relation],
    *,
    negative_slope: float,
    dropout: Dropout,
    shared_softmax: bool,
    attention: bool,
) -> tuple[Tensor, list[Tensor]]:
    """See `model.kernels.attend`."""
    rows = _rows_of_one(relations[0].graph) if len(relations) == 1 else _rows([r.graph for r in relations])
    n_dst = relations[0].graph.n_dst
    group = rows.dst % n_dst if shared_softmax else rows.dst
    n_groups = n_dst if shared_softmax else n_dst * len(relations)
    call = _Call(kernel, rows, negative_slope, dropout, group, n_groups, n_dst, attention)
    out, alpha = _Attend.apply(call, *_stack(relations))
    if not attention:
        return out, [alpha[:0] for _ in relations]
    parts = alpha.split([r.graph.n_edges for r in relations])
    return out, [r.graph.unsort(part) for r, part in zip(relations, parts, strict=True)]


@dataclass(frozen=True, eq=False)
class _Call:
    kernel: Kernel
    rows: Rows
    slope: float
    dropout: Dropout
    group: Tensor  # (n_rows,) the softmax that each row belongs to
    n_groups: int
    n_dst: int
    attention: bool


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        x = Stacked(*(t.contiguous() for t in tensors))
        row_out, row_lse, scores = call.kernel.forward(call.rows, x, call.slope, call.dropout)
        out, lse = _join(row_out, row_lse, call.group, call.n_groups)
        if bool(lse.isnan().any()):
            raise ValueError(_blame(x))
        wanted = call.rows.row if call.attention else call.rows.row[:0]
        alpha = torch.exp(scores.T[: len(wanted)] - lse[call.group[wanted]])
        ctx.call = call
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*x, out, lse, scores, alpha)
        return out.view(-1, call.n_dst, *out.shape[1:]).sum(0), alpha

    @staticmethod
    @once_differentiable  # a second derivative would be wrong, and there would be no error
    def backward(ctx: Any, grad: Tensor | None, grad_alpha: Tensor | None) -> tuple[Tensor | None, ...]:
        call: _Call = ctx.call
        *tensors, out, lse, scores, alpha = ctx.saved_tensors
        x = Stacked(*tensors)
        grad = out.new_zeros(call.n_dst, *out.shape[1:]) if grad is None else grad
        group_dst = torch.arange(call.n_groups, device=out.device) % max(call.n_dst, 1)
        total = (grad[group_dst] * out).sum(-1)
        if grad_alpha is not None and call.attention:
            total = total.index_add(0, call.group[call.rows.row], alpha * grad_alpha)
        row_grad = grad[call.rows.dst % max(call.n_dst, 1)].contiguous()
        gradients = call.kernel.backward(
            call.rows, x, call.slope, call.dropout, scores, lse[call.group].contiguous(),
            total[call.group].contiguous(), row_grad,
            grad_alpha.contiguous() if grad_alpha is not None and call.attention else None,
            wants_edge_attr=bool(ctx.needs_input_grad[4]),
        )  # fmt: skip
        grad_dst = torch.zeros_like(x.x_dst).index_add_(0, call.rows.dst, gradients.x_dst)
        return None, *gradients._replace(x_dst=grad_dst)


def _join(row_out: Tensor, row_lse: Tensor, group: Tensor, n_groups: int) -> tuple[Tensor, Tensor]:
    """Join the softmaxes of several rows into one."""
    index = group[:, None].expand_as(row_lse)
    peak = row_lse.new_full((n_groups, row_lse.shape[1]), -torch.inf).scatter_reduce(
        0, index, row_lse, "amax"
    )
    shifted = torch.where(row_lse == -torch.inf, -torch.inf, row_lse - peak[group])
    lse = peak + torch.log(torch.zeros_like(peak).index_add_(0, group, torch.exp(shifted)))
    lse = torch.where(peak == -torch.inf, -torch.inf, lse)
    share = torch.where(row_lse == -torch.inf, 0.0, torch.exp(row_lse - lse[group]))
    out = row_out.new_zeros(n_groups, *row_out.shape[1:]).index_add_(0, group, share[..., None] * row_out)
    return out, lse


def _rows_of_one(graph: Csr) -> Rows:
    if "rows" not in graph.plans:
        graph.plans["rows"] = _rows([graph])
    rows: Rows = graph.plans["rows"]
    return rows


def _rows(graphs: Sequence[Csr]) -> Rows:
    device = graphs[0].device
    edges = torch.tensor([0, *(g.n_edges for g in graphs)]).cumsum(0).tolist()
    sources = torch.tensor([0, *(g.n_src for g in graphs)]).cumsum(0).tolist()
    degree = torch.cat([g.in_degree() for g in graphs])
    begin = torch.cumsum(degree, 0) - degree
    pieces = ((degree + PIECE - 1) // PIECE).clamp(min=1)
    dst = torch.repeat_interleave(torch.arange(len(degree), device=device), pieces)
    piece = torch.arange(len(dst), device=device) - (torch.cumsum(pieces, 0) - pieces)[dst]
    indptr = torch.cat([begin[dst] + piece * PIECE, torch.tensor([edges[-1]], device=device)])
    n_dst = max(graphs[0].n_dst, 1)

    def joined(parts: list[Tensor]) -> Tensor:
        return torch.cat(parts).long().contiguous()

    return Rows(
        indptr=indptr,
        dst=dst,
        relation=dst // n_dst,
        src=joined([g.src + n for g, n in zip(graphs, sources, strict=False)]),
        row=torch.repeat_interleave(torch.arange(len(dst), device=device), indptr.diff()),
        edge_id=joined([g.edge_id for g in graphs]),
        by_src=joined([g.by_src.long() + n for g, n in zip(graphs, edges, strict=False)]),
        src_indptr=joined(
            [graphs[0].src_indptr[:1], *(g.src_indptr[1:] + n for g, n in zip(graphs, edges, strict=False))]
        ),
        src_relation=joined([torch.full((g.n_src,), k, device=device) for k, g in enumerate(graphs)]),
    )


def _stack(relations: Sequence[Relation]) -> Stacked:
    width = max(0 if r.edge_weight is None else r.edge_weight.shape[1] for r in relations)
    attrs, weights = [], []
    for r in relations:
        if r.edge_attr is None or r.edge_weight is None:
            attrs.append(r.x_src.new_zeros(r.graph.n_edges, width))
            weights.append(r.att.new_zeros(len(r.att), width, r.att.shape[1]))
        else:
            missing = width - r.edge_attr.shape[1]
            attrs.append(torch.nn.functional.pad(r.graph.sort(r.edge_attr), (0, missing)))
            weights.append(torch.nn.functional.pad(r.edge_weight, (0, 0, 0, missing)))
    return Stacked(
        torch.cat([r.x_src for r in relations]),
        torch.cat([r.x_dst for r in relations]),
        torch.stack([r.att for r in relations]),
        torch.cat(attrs),
        torch.stack(weights),
    )


def _blame(x: Stacked) -> str:
    for name, tensor in x._asdict().items():
        if not bool(tensor.isfinite().all()):
            return f"{name} holds {int((~tensor.isfinite()).sum())} values that are NaN or infinite."
    return "the scores overflow float32: the features or parameters are too large."
