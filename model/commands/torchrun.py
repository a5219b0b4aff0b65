"""What torchrun makes of a command: rank 0 is the command as ever, and the other ranks print nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served() -> Iterator[bool]:
    """Be what torchrun has started this process as, within the block; the block is told whether it only serves."""
    if "TORCHELASTIC_RUN_ID" not in os.environ and "LOCAL_WORLD_SIZE" not in os.environ:
        yield False  # without torch, whose import takes as long as the rest of a refusal
        return
    from pharmagraph.model.launching import torchrun_rank
    from pharmagraph.model.ranks import ServedError

    try:
        with torchrun_rank() as rank:
            yield not rank.leads
    except ServedError as end:
        raise SystemExit(end.code) from None
