"""Attention dropout by hashing: a hash of (seed, head, edge id) decides what is dropped, so no mask is stored.

Every implementation computes the same hash, so for one seed all drop the same edges, forward and backward, on any
device and with any number of threads. The hash is not cryptographic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MASK32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Dropout:
    """Determines which attention coefficients are dropped.

    Attributes
    ----------
    p
        Probability of dropping a coefficient, ``0 <= p < 1``; kept ones are divided by ``1 - p``.
    seed
        64 bits; the same seed drops the same coefficients.
    """

    p: float = 0.0
    seed: int = 0

    @classmethod
    def draw(cls, p: float) -> Dropout:
        """Sample a seed from torch's global generator, so that `torch.manual_seed` makes a run reproducible."""
        return cls(p, int(torch.randint(0, 2**63 - 1, ())) if p > 0 else 0)

    @property
    def threshold(self) -> int:
        """Coefficients with a smaller hash are dropped."""
        return min(int(self.p * 2**32), MASK32)

    def keys(self, heads: int) -> list[int]:
        """One 32-bit key per head."""
        low, high = self.seed & MASK32, (self.seed >> 32) & MASK32
        return [_mix((low + _mix((high + head * 0x9E3779B9) & MASK32)) & MASK32) for head in range(heads)]

    def scale(self, edge_id: Tensor, heads: int) -> Tensor:
        """Factor of each attention coefficient, 0 or ``1 / (1 - p)``; float64 ``(n_edges, heads)``."""
        keys = torch.tensor(self.keys(heads), dtype=torch.int64, device=edge_id.device)
        hashed = _mix_tensor(_mix_tensor(edge_id.long()[:, None] * 0x9E3779B9 + keys) ^ keys)
        return (hashed >= self.threshold).double() / (1.0 - self.p)


def _mix(x: int) -> int:
    """The `lowbias32` finaliser (C. Wellons, hash-prospector, public domain)."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK32
    return x ^ (x >> 16)


def _mix_tensor(x: Tensor) -> Tensor:
    # int64 products wrap around modulo 2^64, so their low 32 bits are right
    x = x & MASK32
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK32
    return x ^ (x >> 16)
