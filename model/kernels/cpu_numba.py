"""The two passes over edges for numba, used where there is no C++ compiler; see `model/kernels/stack.py`."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numba import get_num_threads, njit, prange, set_num_threads
from torch import Tensor

from pharmagraph.model.kernels import stack
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.relation import Relation
from pharmagraph.model.kernels.stack import Rows, Stacked

CHUNKS = 32  # tasks per head; independent of the number of threads, so that the order of sums is, too
TILE_ROWS = 256  # rows whose features and gradients stay in the second-level cache for all sources of a task
WHOLE = (
    32  # channels that LLVM's loops take at a time; it does what is left over one by one, so there is none
)
WITH_CHANNELS = ("x_src", "x_dst", "att", "edge_weight")
# Loops over channels write to two arrays at most: LLVM checks that arrays do not overlap, or makes no vectors of a loop
# with more than a few to check.
# Sums may be reordered for vectors, but NaN and infinity keep their meaning.
_compile = functools.partial(njit, parallel=True, fastmath={"reassoc", "contract"}, cache=True)
Array = np.ndarray[Any, Any]


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
        NumbaKernel(),
        relations,
        negative_slope=negative_slope,
        dropout=dropout,
        shared_softmax=shared_softmax,
        attention=attention,
    )


class NumbaKernel:
    """Forward by row; backward by row, then by source."""

    def forward(
        self, rows: Rows, x: Stacked, slope: float, dropout: Dropout
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `model.kernels.stack.Kernel`."""
        n_edges, (_, heads, n_channels) = len(rows.src), x.x_src.shape
        x = _padded(x)
        channels = x.att.shape[2]
        out, lse = torch.zeros(rows.n_rows, heads, channels), torch.empty(rows.n_rows, heads)
        scores = torch.empty(heads, n_edges)
        _use_torch_threads()
        _forward(
            _cuts(rows.indptr), *_arrays(rows.indptr, rows.relation, rows.src, *_by_row(x, rows)), np.float32(slope),
            *_dropped(rows, dropout, heads), *_arrays(out, lse, scores),
        )  # fmt: skip
        return out[..., :n_channels], lse, scores

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
        (heads, n_edges), n_channels = scores.shape, x.att.shape[2]
        x, grad = _padded(x), _pad(grad)
        relations, width, channels = len(x.att), x.edge_attr.shape[1], x.att.shape[2]
        weight, score_grad = torch.empty_like(scores), torch.empty_like(scores)
        grad_dst, grad_src = torch.zeros_like(grad), torch.zeros_like(x.x_src)
        grad_att = torch.zeros(CHUNKS, relations, heads, channels)
        grad_weight = torch.zeros(CHUNKS, relations, heads, width, channels)
        grad_attr = torch.zeros(heads, n_edges if wants_edge_attr else 0, width)
        extra = torch.zeros(0, heads) if grad_attention is None else grad_attention
        given = _arrays(*_by_row(x, rows))
        _use_torch_threads()
        _backward_rows(
            _cuts(rows.indptr), *_arrays(rows.indptr, rows.relation, rows.src), *given, np.float32(slope),
            *_dropped(rows, dropout, heads), *_arrays(scores, lse, total, grad, extra, weight, score_grad, grad_dst),
            *_arrays(grad_att, grad_weight, grad_attr),
        )  # fmt: skip
        _backward_sources(
            _cuts(rows.src_indptr), *_arrays(rows.src_indptr, rows.src_relation, rows.by_src, rows.row), *given,
            np.float32(slope), *_arrays(grad, weight, score_grad, grad_src, grad_att),
        )  # fmt: skip
        edge_attr = grad_attr.sum(0) if wants_edge_attr else torch.zeros_like(x.edge_attr)
        leaky = grad_weight.sum(0)
        att = grad_att.sum(0) + (x.edge_weight * leaky).sum(2)  # by the terms of a score, see docs/kernels.md
        padded = Stacked(grad_src, grad_dst, att, edge_attr, leaky * x.att[:, :, None])
        return padded._replace(**{name: getattr(padded, name)[..., :n_channels] for name in WITH_CHANNELS})


def _padded(x: Stacked) -> Stacked:
    return x._replace(**{name: _pad(getattr(x, name)) for name in WITH_CHANNELS})


def _pad(x: Tensor) -> Tensor:
    return torch.nn.functional.pad(x, (0, -x.shape[-1] % WHOLE)).contiguous()


def _by_row(x: Stacked, rows: Rows) -> Stacked:
    return x._replace(x_dst=x.x_dst[rows.dst])


def _use_torch_threads() -> None:
    wanted = max(1, min(torch.get_num_threads(), _most_threads()))
    if get_num_threads() != wanted:
        set_num_threads(wanted)


@functools.lru_cache(maxsize=1)
def _most_threads() -> int:
    """The number of numba's threads. The first call starts them and changes torch's number of threads (numba issue
    9387)."""
    threads = torch.get_num_threads()
    most = int(get_num_threads())
    torch.set_num_threads(threads)
    return most


def _arrays(*tensors: Tensor) -> list[Array]:
    return [t.detach().numpy() for t in tensors]


def _cuts(indptr: Tensor) -> Array:
    """Row numbers that divide the edges into `CHUNKS` parts of about equal size."""
    targets = torch.linspace(0, int(indptr[-1]), CHUNKS + 1).long()
    cuts = torch.searchsorted(indptr, targets)
    cuts[0], cuts[-1] = 0, len(indptr) - 1
    return cuts.numpy()


def _dropped(rows: Rows, dropout: Dropout, heads: int) -> tuple[Array, Array, np.uint32, np.float32]:
    keys = np.array(dropout.keys(heads), dtype=np.uint32)
    edge_id = rows.edge_id.numpy()
    return edge_id, keys, np.uint32(dropout.threshold), np.float32(1 / (1 - dropout.p))


@njit(cache=True)
def _mix(x: Any) -> Any:
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D))
    x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@njit(cache=True)
def _kept(edge_id: Any, key: Any, threshold: Any, scale: Any) -> Any:
    """Dropout factor of one attention coefficient, by the same hash as `model/kernels/dropout.py`."""
    if threshold == 0:
        return scale
    mixed = _mix(np.uint32(np.uint32(edge_id) * np.uint32(0x9E3779B9) + key))
    return scale if _mix(np.uint32(mixed ^ key)) >= threshold else np.float32(0)


@_compile()
def _forward(
    cuts: Array, indptr: Array, relation: Array, src: Array, x_src: Array, x_dst: Array, att: Array, attr: Array,
    edge_weight: Array, slope: float, edge_id: Array, keys: Array, threshold: int, scale: float, out: Array, lse: Array,
    scores: Array,
) -> None:  # fmt: skip
    heads, channels, width = att.shape[1], att.shape[2], attr.shape[1]
    n_chunks = len(cuts) - 1
    for task in prange(heads * n_chunks):
        head, chunk = task // n_chunks, task % n_chunks
        t, total = np.empty(channels, np.float32), np.empty(channels, np.float32)
        for row in range(cuts[chunk], cuts[chunk + 1]):
            begin, end, r = indptr[row], indptr[row + 1], relation[row]
            x_i, a, w = x_dst[row, head], att[r, head], edge_weight[r, head]
            peak = np.float32(-np.inf)
            for e in range(begin, end):
                x_j = x_src[src[e], head]
                score = np.float32(0)
                if width == 1:
                    w_1, e_1 = w[0], attr[e, 0]
                    for d in range(channels):
                        u = x_j[d] + x_i[d] + e_1 * w_1[d]
                        score += a[d] * (u if u > 0 else slope * u)
                else:
                    for d in range(channels):
                        t[d] = x_j[d] + x_i[d]
                    for f in range(width):
                        for d in range(channels):
                            t[d] += attr[e, f] * w[f, d]
                    for d in range(channels):
                        score += a[d] * (t[d] if t[d] > 0 else slope * t[d])
                scores[head, e] = score
                peak = max(peak, score)
            denominator = np.float32(0)
            total[:] = 0
            for e in range(begin, end):
                power = np.exp(scores[head, e] - peak)
                denominator += power
                power *= _kept(edge_id[e], keys[head], threshold, scale)
                x_j = x_src[src[e], head]
                for d in range(channels):
                    total[d] += power * x_j[d]
            lse[row, head] = -np.inf if begin == end else peak + math.log(denominator)
            for d in range(channels):
                out[row, head, d] = 0 if begin == end else total[d] / denominator


@_compile()
def _backward_rows(
    cuts: Array, indptr: Array, relation: Array, src: Array, x_src: Array, x_dst: Array, att: Array, attr: Array,
    edge_weight: Array, slope: float, edge_id: Array, keys: Array, threshold: int, scale: float, scores: Array,
    lse: Array, total: Array, grad: Array, grad_attention: Array, weight: Array, score_grad: Array, grad_dst: Array,
    grad_att: Array, grad_weight: Array, grad_attr: Array,
) -> None:  # fmt: skip
    heads, channels, width = att.shape[1], att.shape[2], attr.shape[1]
    n_chunks = len(cuts) - 1
    for task in prange(heads * n_chunks):
        head, chunk = task // n_chunks, task % n_chunks
        t, row_sum = np.empty(channels, np.float32), np.empty(channels, np.float32)
        for row in range(cuts[chunk], cuts[chunk + 1]):
            r = relation[row]
            x_i, g, a, w = x_dst[row, head], grad[row, head], att[r, head], edge_weight[r, head]
            att_sum, weight_sum = grad_att[chunk, r, head], grad_weight[chunk, r, head]
            row_sum[:] = 0
            for e in range(indptr[row], indptr[row + 1]):
                x_j = x_src[src[e], head]
                alpha = np.exp(scores[head, e] - lse[row, head])
                after = alpha * _kept(edge_id[e], keys[head], threshold, scale)
                message = np.float32(0)
                for d in range(channels):
                    message += g[d] * x_j[d]
                s = after * message - alpha * total[row, head]
                if len(grad_attention):
                    s += alpha * grad_attention[e, head]
                weight[head, e], score_grad[head, e] = after, s
                low = s * slope
                if width == 1:
                    e_1, w_1, w_sum = attr[e, 0], w[0], weight_sum[0]
                    for d in range(channels):
                        u = s if x_j[d] + x_i[d] + e_1 * w_1[d] > 0 else low
                        row_sum[d] += u
                        w_sum[d] += e_1 * u
                else:
                    for d in range(channels):
                        t[d] = x_j[d] + x_i[d]
                    for f in range(width):
                        for d in range(channels):
                            t[d] += attr[e, f] * w[f, d]
                    for d in range(channels):
                        t[d] = s if t[d] > 0 else low
                        row_sum[d] += t[d]
                    for f in range(width):
                        for d in range(channels):
                            weight_sum[f, d] += attr[e, f] * t[d]
                if grad_attr.shape[1]:
                    if width == 1:
                        for d in range(channels):
                            t[d] = s if x_j[d] + x_i[d] + attr[e, 0] * w[0, d] > 0 else low
                    for f in range(width):
                        edge_sum = np.float32(0)
                        for d in range(channels):
                            edge_sum += w[f, d] * a[d] * t[d]
                        grad_attr[head, e, f] = edge_sum
            for d in range(channels):
                grad_dst[row, head, d] = a[d] * row_sum[d]
                att_sum[d] += x_i[d] * row_sum[d]


@_compile()
def _backward_sources(
    cuts: Array, src_indptr: Array, relation: Array, by_src: Array, row_of: Array, x_src: Array, x_dst: Array,
    att: Array, attr: Array, edge_weight: Array, slope: float, grad: Array, weight: Array, score_grad: Array,
    grad_src: Array, grad_att: Array,
) -> None:  # fmt: skip
    heads, channels, width = att.shape[1], att.shape[2], attr.shape[1]
    n_chunks = len(cuts) - 1
    for task in prange(heads * n_chunks):
        head, chunk = task // n_chunks, task % n_chunks
        first, n_sources = cuts[chunk], cuts[chunk + 1] - cuts[chunk]
        t, edge = np.empty(channels, np.float32), src_indptr[first : first + n_sources].copy()
        bents, messages = (
            np.zeros((n_sources, channels), np.float32),
            np.zeros((n_sources, channels), np.float32),
        )
        for tile in range(0, len(x_dst), TILE_ROWS):
            for k in range(n_sources):
                r = relation[first + k]
                x_j, w, bent, message = x_src[first + k, head], edge_weight[r, head], bents[k], messages[k]
                while edge[k] < src_indptr[first + k + 1]:
                    e = by_src[edge[k]]
                    row = row_of[e]
                    if row >= tile + TILE_ROWS:
                        break
                    edge[k] += 1
                    x_i, g = x_dst[row, head], grad[row, head]
                    s, after = score_grad[head, e], weight[head, e]
                    low = s * slope
                    if width == 1:
                        e_1, w_1 = attr[e, 0], w[0]
                        for d in range(channels):
                            bent[d] += s if x_j[d] + x_i[d] + e_1 * w_1[d] > 0 else low
                    else:
                        for d in range(channels):
                            t[d] = x_j[d] + x_i[d]
                        for f in range(width):
                            for d in range(channels):
                                t[d] += attr[e, f] * w[f, d]
                        for d in range(channels):
                            bent[d] += s if t[d] > 0 else low
                    for d in range(channels):
                        message[d] += after * g[d]
        for k in range(n_sources):
            r = relation[first + k]
            x_j, a, att_sum = x_src[first + k, head], att[r, head], grad_att[chunk, r, head]
            for d in range(channels):
                grad_src[first + k, head, d] = messages[k, d] + a[d] * bents[k, d]
                att_sum[d] += x_j[d] * bents[k, d]
