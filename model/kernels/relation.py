"""The arguments of the kernels for one relation: projected features, attention vector and edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels.csr import Csr


@dataclass(frozen=True, eq=False)
class Relation:
    """Edges and features of one relation, as attention needs them.

    Attributes
    ----------
    graph
        Edges of the relation.
    x_src
        Projected sources ``(n_src, heads, channels)``, which are also the messages.
    x_dst
        Projected destinations ``(n_dst, heads, channels)``.
    att
        Attention vector ``(heads, channels)``.
    edge_attr
        Edge features ``(n_edges, width)`` in order of edge id, or None.
    edge_weight
        Projection of the edge features ``(heads, width, channels)``, or None.
    """

    graph: Csr
    x_src: Tensor
    x_dst: Tensor
    att: Tensor
    edge_attr: Tensor | None = None
    edge_weight: Tensor | None = None

    def projected_as(self, dtype: torch.dtype) -> Relation:
        """The same with projected features and edge features of a type."""
        edge_attr = None if self.edge_attr is None else self.edge_attr.to(dtype)
        return replace(self, x_src=self.x_src.to(dtype), x_dst=self.x_dst.to(dtype), edge_attr=edge_attr)

    def check(self, name: str) -> None:
        """Raise a `ShapeError` that names the argument, if one does not fit."""
        graph = self.graph
        if self.att.dim() != 2 or 0 in self.att.shape:
            raise ShapeError(
                f"{name}: att has shape {tuple(self.att.shape)}, wanted (heads, channels), both at least 1."
            )
        if self.att.dtype not in (torch.float32, torch.float64):
            raise ShapeError(f"{name}: att holds {self.att.dtype}, wanted float32 or float64.")
        heads, channels = self.att.shape
        wanted: dict[str, tuple[Tensor, tuple[int, ...]]] = {
            "att": (self.att, (heads, channels)),
            "x_src": (self.x_src, (graph.n_src, heads, channels)),
            "x_dst": (self.x_dst, (graph.n_dst, heads, channels)),
        }
        if (self.edge_attr is None) != (self.edge_weight is None):
            raise ShapeError(f"{name}: edge_attr and edge_weight go together, one of them is missing.")
        if self.edge_attr is not None and self.edge_weight is not None:
            if self.edge_weight.dim() != 3:
                shape = tuple(self.edge_weight.shape)
                raise ShapeError(f"{name}: edge_weight has shape {shape}, wanted (heads, width, channels).")
            width = self.edge_weight.shape[1]
            wanted["edge_attr"] = (self.edge_attr, (graph.n_edges, width))
            wanted["edge_weight"] = (self.edge_weight, (heads, width, channels))
        for argument, (tensor, shape) in wanted.items():
            if tuple(tensor.shape) != shape:
                raise ShapeError(f"{name}: {argument} has shape {tuple(tensor.shape)}, wanted {shape}.")
            if tensor.dtype != self.att.dtype:
                raise ShapeError(
                    f"{name}: {argument} holds {tensor.dtype}, wanted {self.att.dtype} as the parameters."
                )
            if tensor.device != graph.device:
                raise ShapeError(f"{name}: {argument} is on {tensor.device}, the graph on {graph.device}.")
