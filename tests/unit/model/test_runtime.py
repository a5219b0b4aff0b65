"""Freed memory goes back to the system."""

from __future__ import annotations

import os
import platform

import pytest

from pharmagraph.model.runtime import give_back_memory

BLOCK, N_BLOCKS = 64 * 1024, 2048


def _resident() -> int:
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries keep no freed memory")
def test_what_lies_between_living_blocks_is_given_back() -> None:
    blocks = [bytearray(b"1" * BLOCK) for _ in range(N_BLOCKS)]
    full = _resident()
    living = blocks[::64]  # so that the heap cannot shrink from its end
    blocks.clear()
    give_back_memory()
    assert full - _resident() > 0.8 * BLOCK * N_BLOCKS
    assert len(living) == N_BLOCKS // 64
