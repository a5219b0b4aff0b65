"""Keeps the latest solutions of Gaussian processes: no system is solved twice for the same prediction.

A run predicts, explains, freezes and calibrates with the same responses, and each of these asks for the same solution.
It is found by the digest of what the system is made of, so that a changed kernel or response is another system.
"""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

MOST_BYTES = 64 * 2**20
"""Size of the solutions that are kept, at most; those of GDSC1 have 1.2 MB each. Set by hand."""


class Solutions:
    """The solutions that were asked for last.

    Parameters
    ----------
    most_bytes
        Size of all that are kept; one that is larger than this is not kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_unlock, weakref.ref(self)))

    def of(self, system: Iterable[Tensor], solve: Callable[[], Tensor]) -> Tensor:
        """The solution of a system.

        Parameters
        ----------
        system
            All that the solution depends on, in a fixed order.
        solve
            Solves it, if that was not done before.

        Returns
        -------
        Tensor
            Not to be changed in place.
        """
        key = _digest(system)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = solve()
        if found.nbytes > self.most_bytes:
            return found
        with self._lock:
            self._kept[key] = found
            while sum(one.nbytes for one in self._kept.values()) > self.most_bytes:
                self._kept.popitem(last=False)
        return found


def _unlock(solutions: weakref.ref[Solutions]) -> None:
    """Free the lock in a copy of the process, in which the thread that held it does not run."""
    if (alive := solutions()) is not None:
        alive._lock = threading.Lock()


def _digest(tensors: Iterable[Tensor]) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        found.update(f"{tensor.device} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(
            tensor.detach().contiguous().cpu().view(torch.uint8).numpy().data if tensor.numel() else b""
        )
    return found.digest()
