"""The two passes over edges in Triton, for GPUs; with TRITON_INTERPRET=1 they run on any machine, slowly.

See `model/kernels/stack.py`. One program computes one row (or one source) of one head, so no atomic operations are
needed, and results are reproducible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from pharmagraph.model.kernels import stack
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation
from pharmagraph.model.kernels.stack import Rows, Stacked

TILE_FLOATS = 4096  # features that one program processes at a time


def attend(
    relations: Sequence[Relation],
    *,
    negative_slope: float,
    dropout: Dropout,
    shared_softmax: bool,
    attention: bool,
) -> tuple[Tensor, list[Tensor]]:
    """See `model.kernels.attend`."""
    return stack.attend(
        TritonKernel(),
        relations,
        negative_slope=negative_slope,
        dropout=dropout,
        shared_softmax=shared_softmax,
        attention=attention,
    )


class TritonKernel:
    """Forward by row; backward by row, then by source."""

    def forward(
        self, rows: Rows, x: Stacked, slope: float, dropout: Dropout
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `model.kernels.stack.Kernel`."""
        heads, channels = x.att.shape[1:]
        out, lse = x.x_src.new_empty(rows.n_rows, heads, channels), x.x_src.new_empty(rows.n_rows, heads)
        scores = x.x_src.new_empty(heads, len(rows.src))
        if rows.n_rows:
            _forward[(rows.n_rows, heads)](
                rows.indptr, rows.relation, rows.src, x.x_src, x.x_dst[rows.dst], x.att, x.edge_attr, x.edge_weight,
                slope, rows.edge_id, _keys(dropout, x), dropout.threshold, 1 / (1 - dropout.p), out, lse, scores,
                len(rows.src), **_sizes(x),
            )  # fmt: skip
        return out, lse, scores

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
        """See `model.kernels.stack.Kernel`."""
        heads, n_edges = scores.shape
        width, by_row = x.edge_attr.shape[1], x.x_dst[rows.dst]
        weight, score_grad = torch.empty_like(scores), torch.empty_like(scores)
        grad_dst, grad_src, row_att = (
            torch.empty_like(grad),
            torch.empty_like(x.x_src),
            torch.empty_like(grad),
        )
        row_weight = grad.new_empty(rows.n_rows, heads, width, grad.shape[2])
        grad_attr = grad.new_empty(heads, n_edges, width)
        given = (x.att, x.edge_attr, x.edge_weight, slope)
        if rows.n_rows:
            _backward_rows[(rows.n_rows, heads)](
                rows.indptr, rows.relation, rows.src, x.x_src, by_row, *given, rows.edge_id, _keys(dropout, x),
                dropout.threshold, 1 / (1 - dropout.p), scores, lse, total, grad,
                scores if grad_attention is None else grad_attention, weight, score_grad, grad_dst, row_att, row_weight,
                grad_attr, n_edges, HAS_GRAD_ATTENTION=grad_attention is not None, **_sizes(x),
            )  # fmt: skip
        if len(x.x_src):
            _backward_sources[(len(x.x_src), heads)](
                rows.src_indptr, rows.src_relation, rows.by_src, rows.row, x.x_src, by_row, *given, grad, weight,
                score_grad, grad_src, n_edges, **_sizes(x),
            )  # fmt: skip
        grad_att = torch.zeros_like(x.att).index_add_(0, rows.relation, row_att)
        grad_weight = torch.zeros_like(x.edge_weight).index_add_(0, rows.relation, row_weight)
        return Stacked(grad_src, grad_dst, grad_att, grad_attr.sum(0), grad_weight)


def _keys(dropout: Dropout, x: Stacked) -> Tensor:
    return torch.tensor(dropout.keys(x.att.shape[1]), dtype=torch.int64, device=x.att.device)


def _sizes(x: Stacked) -> dict[str, Any]:
    _, heads, channels = x.att.shape
    block_d = triton.next_power_of_2(channels)
    block_e = max(1, min(64, TILE_FLOATS // block_d))
    return {"H": heads, "D": channels, "WIDTH": x.edge_attr.shape[1], "BLOCK_E": block_e, "BLOCK_D": block_d}


@triton.jit
def _mix(x):  # type: ignore[no-untyped-def]
    x = x & 0xFFFFFFFF  # int64 products wrap, so their low 32 bits are right
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


@triton.jit
def _kept(edge_id, key, threshold, scale):  # type: ignore[no-untyped-def]
    mixed = _mix(_mix(edge_id.to(tl.int64) * 0x9E3779B9 + key) ^ key)
    return tl.where(mixed >= threshold, scale, 0.0)


@triton.jit
def _total(  # type: ignore[no-untyped-def]
    x_j, x_i, e, in_edges, attr, weight, d, in_channels, D: tl.constexpr, WIDTH: tl.constexpr
):
    """x_src + x_dst + edges, (BLOCK_E, BLOCK_D)."""
    t = x_j + x_i
    for f in range(WIDTH):
        value = tl.load(attr + e * WIDTH + f, mask=in_edges, other=0.0)
        t += value[:, None] * tl.load(weight + f * D + d, mask=in_channels, other=0.0)[None, :]
    return t


@triton.jit
def _forward(  # type: ignore[no-untyped-def]
    indptr, relation, src, x_src, x_row, att, attr, edge_weight, slope, edge_id, keys, threshold, scale, out, lse,
    scores, n_edges,
    H: tl.constexpr, D: tl.constexpr, WIDTH: tl.constexpr, BLOCK_E: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    begin, end, r = tl.load(indptr + row), tl.load(indptr + row + 1), tl.load(relation + row)
    d = tl.arange(0, BLOCK_D)
    in_channels = d < D
    x_i = tl.load(x_row + (row * H + head) * D + d, mask=in_channels, other=0.0)[None, :]
    a = tl.load(att + (r * H + head) * D + d, mask=in_channels, other=0.0)[None, :]
    weight = edge_weight + (r * H + head) * WIDTH * D
    key = tl.load(keys + head)
    peak = -float("inf")
    denominator = 0.0
    total = tl.zeros([BLOCK_D], tl.float32)
    for start in range(begin, end, BLOCK_E):
        e = start + tl.arange(0, BLOCK_E)
        in_edges = e < end
        j = tl.load(src + e, mask=in_edges, other=0)
        mask = in_edges[:, None] & in_channels[None, :]
        x_j = tl.load(x_src + (j[:, None] * H + head) * D + d[None, :], mask=mask, other=0.0)
        t = _total(x_j, x_i, e, in_edges, attr, weight, d, in_channels, D, WIDTH)
        score = tl.sum(tl.where(t > 0, t, slope * t) * a, axis=1)
        tl.store(scores + head * n_edges + e, score, mask=in_edges)
        score = tl.where(in_edges, score, -float("inf"))
        new_peak = tl.maximum(peak, tl.max(score, axis=0))
        shrink = tl.exp(peak - new_peak)
        power = tl.exp(score - new_peak)
        denominator = denominator * shrink + tl.sum(power, axis=0)
        power *= _kept(tl.load(edge_id + e, mask=in_edges, other=0), key, threshold, scale)
        total = total * shrink + tl.sum(power[:, None] * x_j, axis=0)
        peak = new_peak
    if begin < end:
        total = total / denominator
        peak = peak + tl.log(denominator)
    tl.store(out + (row * H + head) * D + d, total, mask=in_channels)
    tl.store(lse + row * H + head, peak)


@triton.jit
def _backward_rows(  # type: ignore[no-untyped-def]
    indptr, relation, src, x_src, x_row, att, attr, edge_weight, slope, edge_id, keys, threshold, scale, scores, lse,
    total, grad, grad_attention, weight_out, score_grad, grad_dst, row_att, row_weight, grad_attr, n_edges,
    HAS_GRAD_ATTENTION: tl.constexpr, H: tl.constexpr, D: tl.constexpr, WIDTH: tl.constexpr, BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    begin, end, r = tl.load(indptr + row), tl.load(indptr + row + 1), tl.load(relation + row)
    d = tl.arange(0, BLOCK_D)
    in_channels = d < D
    at = (row * H + head) * D + d
    x_i = tl.load(x_row + at, mask=in_channels, other=0.0)[None, :]
    g = tl.load(grad + at, mask=in_channels, other=0.0)[None, :]
    a = tl.load(att + (r * H + head) * D + d, mask=in_channels, other=0.0)[None, :]
    weight = edge_weight + (r * H + head) * WIDTH * D
    row_total, row_lse = tl.load(total + row * H + head), tl.load(lse + row * H + head)
    key = tl.load(keys + head)
    dst_sum = tl.zeros([BLOCK_D], tl.float32)
    att_sum = tl.zeros([BLOCK_D], tl.float32)
    for f in range(WIDTH):
        tl.store(row_weight + ((row * H + head) * WIDTH + f) * D + d, dst_sum, mask=in_channels)
    for start in range(begin, end, BLOCK_E):
        e = start + tl.arange(0, BLOCK_E)
        in_edges = e < end
        j = tl.load(src + e, mask=in_edges, other=0)
        mask = in_edges[:, None] & in_channels[None, :]
        x_j = tl.load(x_src + (j[:, None] * H + head) * D + d[None, :], mask=mask, other=0.0)
        score = tl.load(scores + head * n_edges + e, mask=in_edges, other=-float("inf"))
        alpha = tl.where(in_edges, tl.exp(score - row_lse), 0.0)
        after = alpha * _kept(tl.load(edge_id + e, mask=in_edges, other=0), key, threshold, scale)
        s = after * tl.sum(g * x_j, axis=1) - alpha * row_total
        if HAS_GRAD_ATTENTION:
            s += alpha * tl.load(grad_attention + e * H + head, mask=in_edges, other=0.0)
        tl.store(weight_out + head * n_edges + e, after, mask=in_edges)
        tl.store(score_grad + head * n_edges + e, s, mask=in_edges)
        t = _total(x_j, x_i, e, in_edges, attr, weight, d, in_channels, D, WIDTH)
        leaky = s[:, None] * tl.where(t > 0, 1.0, slope)
        att_sum += tl.sum(leaky * t, axis=0)
        through = leaky * a
        dst_sum += tl.sum(through, axis=0)
        for f in range(WIDTH):
            value = tl.load(attr + e * WIDTH + f, mask=in_edges, other=0.0)
            to = row_weight + ((row * H + head) * WIDTH + f) * D + d
            so_far = tl.load(to, mask=in_channels, other=0.0)
            tl.store(to, so_far + tl.sum(value[:, None] * through, axis=0), mask=in_channels)
            w = tl.load(weight + f * D + d, mask=in_channels, other=0.0)[None, :]
            tl.store(grad_attr + (head * n_edges + e) * WIDTH + f, tl.sum(through * w, axis=1), mask=in_edges)
    tl.store(grad_dst + at, dst_sum, mask=in_channels)
    tl.store(row_att + at, att_sum, mask=in_channels)


@triton.jit
def _backward_sources(  # type: ignore[no-untyped-def]
    src_indptr, relation, by_src, row_of, x_src, x_row, att, attr, edge_weight, slope, grad, weight_in, score_grad,
    grad_src, n_edges,
    H: tl.constexpr, D: tl.constexpr, WIDTH: tl.constexpr, BLOCK_E: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    source, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    begin, end, r = tl.load(src_indptr + source), tl.load(src_indptr + source + 1), tl.load(relation + source)
    d = tl.arange(0, BLOCK_D)
    in_channels = d < D
    x_j = tl.load(x_src + (source * H + head) * D + d, mask=in_channels, other=0.0)[None, :]
    a = tl.load(att + (r * H + head) * D + d, mask=in_channels, other=0.0)
    weight = edge_weight + (r * H + head) * WIDTH * D
    bent = tl.zeros([BLOCK_D], tl.float32)
    message = tl.zeros([BLOCK_D], tl.float32)
    for start in range(begin, end, BLOCK_E):
        k = start + tl.arange(0, BLOCK_E)
        in_edges = k < end
        e = tl.load(by_src + k, mask=in_edges, other=0)
        row = tl.load(row_of + e, mask=in_edges, other=0)
        mask = in_edges[:, None] & in_channels[None, :]
        at = (row[:, None] * H + head) * D + d[None, :]
        x_i = tl.load(x_row + at, mask=mask, other=0.0)
        g = tl.load(grad + at, mask=mask, other=0.0)
        s = tl.load(score_grad + head * n_edges + e, mask=in_edges, other=0.0)
        after = tl.load(weight_in + head * n_edges + e, mask=in_edges, other=0.0)
        t = _total(x_j, x_i, e, in_edges, attr, weight, d, in_channels, D, WIDTH)
        bent += tl.sum(s[:, None] * tl.where(t > 0, 1.0, slope), axis=0)
        message += tl.sum(after[:, None] * g, axis=0)
    tl.store(grad_src + (source * H + head) * D + d, message + a * bent, mask=in_channels)
