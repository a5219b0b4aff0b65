"""Gives memory that was freed back to the system.

The GNU C library keeps freed blocks of less than 32 MB between those that live on. An engine that copies edges, and a
fold of an evaluation, free gigabytes of them.
"""

from __future__ import annotations

import ctypes
import sys

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
"""Of the GNU C library; others have no such call and need none."""

_set = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
_MOST_ARENAS = -8
"""Number of the setting in `malloc.h`."""


def give_back() -> None:
    """Give the system the pages that nothing is in."""
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)


def share_between_threads() -> None:
    """Let all threads take memory from two places: where each has one of its own, many keep what one page freed."""
    if _set is not None:
        _set(_MOST_ARENAS, 2)
