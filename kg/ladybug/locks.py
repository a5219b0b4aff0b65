"""Keeps a process that reads the embedded store apart from one that writes it.

The engine lets one process write and any number read, all at once, and who reads while another writes gets torn or
doubled rows. So a writer holds an advisory lock (`flock`) on the store's file from its first write until it closes the
file, and a reader holds a shared one for each transaction. A reader whose file has changed since it was opened is told
so, since what the engine keeps of it in memory is no longer true.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pharmagraph.kg.descriptors import fill_standard
from pharmagraph.kg.errors import StoreLockedError

READER_WAITS, WRITER_WAITS = 10.0, 120.0
"""Seconds. Writes last seconds to minutes, and readers release the lock after each transaction."""
_PAUSE = 0.02
_UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}

Stamp = tuple[tuple[int, int, int] | None, ...]


class Lock:
    """The lock of a store's file in this process, which its threads share; closing it releases it.

    It must be closed after the engine has closed the file: closing any descriptor of a file releases all locks that
    the process has of the engine's kind.

    Parameters
    ----------
    path
        As the user gave it, for messages.
    real
        The file, which is there.
    """

    def __init__(self, path: Path, real: Path) -> None:
        self._path, self._real = path, real
        fill_standard()  # where standard error is closed, this file would take its place
        self._descriptor = os.open(real, os.O_RDONLY)
        self._mutex = threading.Lock()
        self._readers, self._exclusive = 0, False
        self._seen: Stamp | None = None

    def write(self, seconds: float | None = None) -> None:
        """Take the lock for writing, and keep it; waits for readers."""
        with self._mutex:
            if not self._exclusive:
                self._take(fcntl.LOCK_EX, WRITER_WAITS if seconds is None else seconds)
                self._exclusive = True

    def release(self) -> None:
        """Let others read and write."""
        with self._mutex:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._exclusive = False

    @contextmanager
    def read(self, *, unchanged: bool = False) -> Iterator[None]:
        """A context in which no other process writes; waits for one that does.

        Raises
        ------
        StoreLockedError
            If another process writes for long, or, with ``unchanged``, has written since `seen`.
        """
        with self._mutex:
            if not self._readers:
                self._take(fcntl.LOCK_SH, READER_WAITS)
            self._readers += 1
        try:
            if unchanged and self._stamp() != self._seen:
                raise StoreLockedError(
                    f"{self._path} was changed by another process while it was read; run the same command again, "
                    "or open the store again"
                )
            yield
        finally:
            with self._mutex:
                self._readers -= 1
                if not self._readers:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def seen(self) -> None:
        """Note the file as it is now, as what the engine has read of it."""
        self._seen = self._stamp()

    def close(self) -> None:
        """Release the lock for good."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _stamp(self) -> Stamp:
        """What tells whether the file, or the log beside it, has been written."""
        return _stamp(self._real), _stamp(self._real.with_name(self._real.name + ".wal"))

    def _take(self, kind: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreLockedError(in_use(self._path, self._real)) from None
            except OSError as error:
                if error.errno in _UNSUPPORTED:  # some network disks; docs/reliability.md says so
                    return
                raise
            time.sleep(_PAUSE)


def in_use(path: Path, real: Path) -> str:
    """The message of a file that another process uses: which one and since when, where the system tells."""
    pid = _holder(real)
    who = "another process" if pid is None else f"process {pid}"
    since = "" if pid is None else _since(pid)
    return f"{path} is in use by {who}{since}; wait until it has closed the store, and try again"


def _holder(real: Path) -> int | None:
    """The process that has a lock on a file; None if the system does not tell."""
    if sys.platform != "linux":
        return None
    found = real.stat()
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        words = line.split()
        if "->" not in words and place in words and int(words[4]) not in {0, os.getpid()}:
            return int(words[4])
    return None


def _since(pid: int) -> str:
    try:
        started = os.stat(f"/proc/{pid}").st_ctime
    except OSError:
        return ""
    return f", which began at {time.strftime('%H:%M:%S', time.localtime(started))}"


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
