"""Directed edges of one relation as tensors; `kernels.Csr` is their sorted form."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Edges:
    """Directed edges of one relation.

    Attributes
    ----------
    src, dst
        int64 (n_edges,).
    weight
        float32 (n_edges, n_features).
    """

    src: Tensor
    dst: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.src)

    def reversed(self) -> Edges:
        """The same edges with source and destination exchanged."""
        return Edges(self.dst, self.src, self.weight)

    def keep(self, mask: Tensor) -> Edges:
        """Edges where a boolean mask (n_edges,) is true."""
        return Edges(self.src[mask], self.dst[mask], self.weight[mask])

    def to(self, device: torch.device) -> Edges:
        """The same edges on another device."""
        return Edges(self.src.to(device), self.dst.to(device), self.weight.to(device))
