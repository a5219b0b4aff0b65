"""Tries whether the disk has room for the engine's log: the engine ends the process where that cannot be written."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from pharmagraph.kg.errors import StoreFullError

ROOM, ROOM_OF_COPY = 4 << 20, 256 << 10
"""Bytes that the log of a transaction of single rows may need, and that of a COPY, whose rows are not logged."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def require_room(real: Path, path: Path, size: int) -> None:
    """Raise StoreFullError where so many more bytes cannot be written to the log of a store.

    Parameters
    ----------
    real, path
        The store's file, and how the user named it.
    size
        Bytes; they are taken beside the store and given back.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    log, probe = real.with_name(f"{real.name}.wal"), real.with_name(f".room.{real.name}")
    with suppress(FileNotFoundError):
        size += log.stat().st_size
    try:
        descriptor = os.open(probe, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    except OSError:
        return  # the engine says what is wrong with the folder
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno in _FULL:
            raise full(path) from None
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def full(path: Path) -> StoreFullError:
    """The error of a store whose disk is full."""
    return StoreFullError(
        f"{path} could not be written, its disk is full; the store holds either all or nothing of this change; "
        "make room and run the same command again"
    )
