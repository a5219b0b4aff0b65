"""The C++ kernels as a differentiable function of tensors; the arithmetic is in the folder `cpu`."""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Sequence
from ctypes import c_float, c_int32, c_int64, c_uint32, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels.csr import Csr
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.library import Library
from pharmagraph.model.kernels.library import library as load
from pharmagraph.model.kernels.relation import Relation

MAX_PER_EDGE = 2**31 - 1  # positions inside packed features are int32 in the backward sweep


class _Features(ctypes.Structure):
    _fields_ = [("at", c_void_p), ("per_node", c_int64), ("per_head", c_int64)]

    @classmethod
    def of(cls, x: Tensor) -> _Features:
        return cls(x.data_ptr(), x.stride(0), x.stride(1))


class _Relation(ctypes.Structure):
    """`struct Relation` of cpu/problem.h."""

    _fields_ = [
        ("plan", c_void_p),
        ("src", c_void_p),
        ("edge_id", c_void_p),
        ("x_src", _Features),
        ("x_dst", _Features),
        ("att", c_void_p),
        ("edge_weight", c_void_p),
        ("edge_attr", c_void_p),
        ("width", c_int64),
        ("packed", c_void_p),
        ("sorted_attr", c_void_p),
        ("scores", c_void_p),
        ("lse", c_void_p),
        ("out", c_void_p),
        ("attention", c_void_p),
        ("grad_attention", c_void_p),
        ("grad_total", c_void_p),
        ("grad_src", c_void_p),
        ("grad_dst", c_void_p),
        ("grad_att", c_void_p),
        ("grad_edge_weight", c_void_p),
        ("grad_edge_attr", c_void_p),
    ]


class _Problem(ctypes.Structure):
    """`struct Problem` of cpu/problem.h."""

    _fields_ = [
        ("relations", c_void_p),
        ("n_relations", c_int64),
        ("n_dst", c_int64),
        ("heads", c_int64),
        ("channels", c_int64),
        ("padded", c_int64),
        ("negative_slope", c_float),
        ("shared_softmax", c_int32),
        ("dropout_scale", c_float),
        ("dropout_threshold", c_uint32),
        ("dropout_keys", c_void_p),
        ("threads", c_int32),
        ("out", c_void_p),
        ("grad_out", _Features),
    ]


def attend(
    relations: Sequence[Relation],
    *,
    negative_slope: float,
    dropout: Dropout,
    shared_softmax: bool,
    attention: bool,
    library: Library | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """See `model.kernels.attend`; ``library`` is by default the one for this machine."""
    library = library or load()
    options = _Options(library, negative_slope, dropout, shared_softmax and len(relations) > 1, attention)
    tensors = [t for r in relations for t in (r.x_src, r.x_dst, r.att, r.edge_attr, r.edge_weight)]
    out, *per_relation = _Attend.apply([r.graph for r in relations], options, *tensors)
    return out, per_relation


def _plan(library: Library, graph: Csr, padded: int) -> int:
    """Address of the plan (the order of edges) for features padded to ``padded``; it is kept with the graph."""
    key = ("cpu", library.path, padded)
    if key not in graph.plans:
        graph.plans[key] = _Plan(library.functions, graph, padded)
    return int(graph.plans[key].address)


class _Plan:
    """Owns a plan in the library's memory, and frees it."""

    def __init__(self, functions: ctypes.CDLL, graph: Csr, padded: int) -> None:
        arrays = (graph.indptr, graph.src, graph.edge_id, graph.by_src, graph.src_indptr)
        sizes = (graph.n_src, graph.n_dst, graph.n_edges)
        self.address = functions.new_plan(
            *(c_int64(n) for n in sizes), *(c_void_p(t.data_ptr()) for t in arrays), c_int64(padded)
        )
        weakref.finalize(self, functions.free_plan, c_void_p(self.address))


@dataclass(frozen=True)
class _Options:
    library: Library
    negative_slope: float
    dropout: Dropout
    shared_softmax: bool
    attention: bool


@dataclass
class _Part:
    """One relation's tensors: the arguments, and those that forward keeps for backward."""

    graph: Csr
    x_src: Tensor
    x_dst: Tensor
    att: Tensor  # (heads, padded)
    edge_attr: Tensor | None
    edge_weight: Tensor | None  # (heads, width, padded)
    packed: Tensor
    sorted_attr: Tensor | None
    scores: Tensor
    lse: Tensor
    out: Tensor

    def structure(self, library: Library, **more: Tensor | None) -> _Relation:
        graph, pointers = self.graph, {k: _address(v) for k, v in more.items()}
        return _Relation(
            plan=_plan(library, graph, self.att.shape[1]),
            src=graph.src.data_ptr(),
            edge_id=graph.edge_id.data_ptr(),
            x_src=_Features.of(self.x_src),
            x_dst=_Features.of(self.x_dst),
            att=self.att.data_ptr(),
            edge_weight=_address(self.edge_weight),
            edge_attr=_address(self.edge_attr),
            width=0 if self.edge_weight is None else self.edge_weight.shape[1],
            packed=self.packed.data_ptr(),
            sorted_attr=_address(self.sorted_attr),
            scores=self.scores.data_ptr(),
            lse=self.lse.data_ptr(),
            out=self.out.data_ptr(),
            **pointers,
        )


class _Attend(torch.autograd.Function):
    """After the options there are five arguments per relation: x_src, x_dst, att, edge_attr, edge_weight."""

    @staticmethod
    def forward(
        ctx: Any, graphs: list[Csr], options: _Options, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        first = tensors[1]
        assert first is not None
        out = torch.empty(first.shape)
        alone = len(graphs) == 1
        parts = [
            _prepare(
                options.library, graph, tensors[5 * k : 5 * k + 5], out if alone else torch.empty_like(out)
            )
            for k, graph in enumerate(graphs)
        ]
        heads = out.shape[1]
        attention = [torch.empty(g.n_edges if options.attention else 0, heads) for g in graphs]
        asked = attention if options.attention else [None] * len(graphs)
        structures = [p.structure(options.library, attention=a) for p, a in zip(parts, asked, strict=True)]
        problem, _keep = _problem(options, structures, parts, out)
        options.library.call("forward", problem)
        _check_finite(parts, tensors)
        ctx.graphs, ctx.options = graphs, options
        fields = [
            (p.x_src, p.x_dst, p.att, p.edge_weight, p.packed, p.sorted_attr, p.scores, p.lse) for p in parts
        ]
        ctx.save_for_backward(
            out, *attention, *(t for f in fields for t in f), *([] if alone else [p.out for p in parts])
        )
        ctx.set_materialize_grads(False)
        return out, *attention

    @staticmethod
    @once_differentiable  # a second derivative would be wrong, and there would be no error
    def backward(
        ctx: Any, grad_out: Tensor | None, *grad_attention: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        options, graphs, n = ctx.options, ctx.graphs, len(ctx.graphs)
        out, *saved = ctx.saved_tensors
        attention, saved, outs = saved[:n], saved[n : 9 * n], saved[9 * n :]
        grad_out = _packable(torch.zeros_like(out) if grad_out is None else grad_out)
        totals = _attention_totals(options, graphs, attention, grad_attention)
        parts: list[tuple[_Part, dict[str, Tensor | None]]] = []
        structures: list[_Relation] = []
        gradients: list[Tensor | None] = []
        for k, graph in enumerate(graphs):
            x_src, x_dst, att, edge_weight, packed, sorted_attr, scores, lse = saved[8 * k : 8 * k + 8]
            mine = outs[k] if outs else out
            part = _Part(graph, x_src, x_dst, att, None, edge_weight, packed, sorted_attr, scores, lse, mine)
            channels = x_dst.shape[2]
            wants_attr = ctx.needs_input_grad[2 + 5 * k + 3]
            gradient = {
                "grad_src": torch.empty(x_src.shape),
                "grad_dst": torch.empty(x_dst.shape),
                "grad_att": torch.empty(len(att), channels),
                "grad_edge_attr": torch.empty(part.sorted_attr.shape)
                if wants_attr and part.sorted_attr is not None
                else None,
                "grad_edge_weight": None
                if edge_weight is None
                else torch.empty(*edge_weight.shape[:2], channels),
            }
            given = grad_attention[k]
            extra = {
                "grad_attention": None if given is None else given.contiguous(),
                "grad_total": None if totals is None else totals[k],
            }
            parts.append((part, extra))
            structures.append(part.structure(options.library, **gradient, **extra))
            gradients += gradient.values()
        problem, _keep = _problem(options, structures, [p for p, _ in parts], out)
        problem.grad_out = _Features.of(grad_out)
        options.library.call("backward", problem)
        return None, None, *gradients


def _prepare(library: Library, graph: Csr, tensors: Sequence[Tensor | None], out: Tensor) -> _Part:
    x_src, x_dst, att, edge_attr, edge_weight = tensors
    assert x_src is not None and x_dst is not None and att is not None
    heads, channels = att.shape
    padded = -(-channels // library.lanes) * library.lanes
    if max(graph.n_src, graph.n_dst) * heads * padded > 2**40:
        raise ShapeError(
            f"x_src has {graph.n_src} nodes of {heads} × {channels} channels: more than memory can hold."
        )
    return _Part(
        graph,
        _packable(x_src),
        _packable(x_dst),
        _pad(att, padded),
        None if edge_attr is None else edge_attr.contiguous(),
        None if edge_weight is None else _pad(edge_weight, padded),
        packed=torch.empty(heads, graph.n_src, padded),
        sorted_attr=None if edge_attr is None else torch.empty(edge_attr.shape),
        scores=torch.empty(heads, graph.n_edges),
        lse=torch.empty(heads, graph.n_dst),
        out=out,
    )


def _problem(
    options: _Options, structures: list[_Relation], parts: list[_Part], out: Tensor
) -> tuple[_Problem, tuple[Any, ...]]:
    """The problem for the library, and the objects that must stay alive while it is computed."""
    array = (_Relation * len(structures))(*structures)
    n_dst, heads, channels = out.shape
    keys = (c_uint32 * heads)(*options.dropout.keys(heads))
    problem = _Problem(
        relations=ctypes.addressof(array),
        n_relations=len(structures),
        n_dst=n_dst,
        heads=heads,
        channels=channels,
        padded=parts[0].att.shape[1],
        negative_slope=options.negative_slope,
        shared_softmax=options.shared_softmax,
        dropout_scale=1 / (1 - options.dropout.p),
        dropout_threshold=options.dropout.threshold,
        dropout_keys=ctypes.addressof(keys),
        threads=torch.get_num_threads(),
        out=out.data_ptr(),
    )
    return problem, (array, keys)


def _attention_totals(
    options: _Options, graphs: list[Csr], attention: list[Tensor], grads: Sequence[Tensor | None]
) -> list[Tensor] | None:
    """Sum over each softmax of attention times its gradient, ``(n_dst, heads)`` for each relation."""
    if all(g is None for g in grads):
        return None
    totals = []
    for graph, alpha, grad in zip(graphs, attention, grads, strict=True):
        total = alpha.new_zeros(graph.n_dst, alpha.shape[1])
        if grad is not None:
            total.index_add_(0, graph.dst(), graph.sort(alpha * grad))
        totals.append(total)
    return [sum(totals[1:], totals[0])] * len(totals) if options.shared_softmax else totals


def _check_finite(parts: list[_Part], tensors: Sequence[Tensor | None]) -> None:
    """Raise if a score is not finite; such a score leaves a NaN in the softmax's denominator, so only that is
    checked."""
    if not any(math.isnan(float(p.lse.sum())) for p in parts):
        return
    for k in range(len(parts)):
        for name, tensor in zip(
            ("x_src", "x_dst", "att", "edge_attr", "edge_weight"), tensors[5 * k : 5 * k + 5], strict=True
        ):
            if tensor is not None and not bool(tensor.isfinite().all()):
                raise ValueError(
                    f"relations[{k}]: {name} holds {int((~tensor.isfinite()).sum())} values that are NaN or infinite."
                )
    raise ValueError("the scores overflow float32: the features or parameters are too large.")


def _packable(x: Tensor) -> Tensor:
    """The tensor with its channels next to each other in memory, as the kernels read them; other strides are free."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def _pad(x: Tensor, padded: int) -> Tensor:
    return torch.nn.functional.pad(x, (0, padded - x.shape[-1])).contiguous()


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
