"""Same seed, same bits, for any number of threads: how torch is told to sum in one order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible() -> Iterator[None]:
    """Sums in one order within the block, or within a function that it decorates.

    Otherwise torch adds the gradients of gathered rows up as its threads come. Where it has no other way, on a GPU,
    it warns and goes on.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
