"""An open Ladybug file: opening, locks, transactions and the engine's errors.

Two Database objects on one path in one process corrupt the file. So there is one for each real path, and the stores
that use the file share it. This module knows nothing of the tables in the file.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ladybug

from pharmagraph.kg.descriptors import fill_standard
from pharmagraph.kg.errors import (
    TOO_LONG,
    PharmagraphError,
    QueryError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from pharmagraph.kg.schema import EDGES, NODES

if TYPE_CHECKING:
    import pyarrow as pa

BUFFER_POOL = min(3 << 28, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
"""Bytes that the engine may take, 768 MiB at most: it fills them with pages of the file that it has read and written.
Its default is 80 % of the machine's memory."""
ADDRESS_SPACE = 1 << 38
"""Bytes of addresses reserved for a file, which bounds its size. With the engine's default of 8 TiB for each open
file, a process runs out of addresses after fifteen files."""

Run = Callable[..., "pa.Table"]
"""Runs one statement with its parameters and returns its rows."""
Rows = list[dict[str, Any]]

_C = ctypes.CDLL(None)
_log = logging.getLogger("pharmagraph.store")


def _as_arrow(result: Any) -> pa.Table:
    import pyarrow as pa

    return result.get_as_arrow() if result.get_column_names() else pa.table({})


def _as_rows(result: Any, most: int | None = None) -> Rows:
    names = result.get_column_names()
    return [dict(zip(names, row, strict=True)) for row in islice(result, most)]


def give_back() -> None:
    """Give memory that was freed back to the system, where the C library can.

    The engine allocates and frees gigabytes while it copies edges, of which the library would keep a third.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if hasattr(_C, "malloc_trim"):
        _C.malloc_trim(0)


class File:
    """A file that this process has open, and the number of stores that use it.

    Parameters
    ----------
    path
        The path as the user gave it, for messages.
    real
        The path with symbolic links resolved.
    """

    def __init__(self, path: Path, real: Path, read_only: bool) -> None:
        self.path, self.real, self.read_only = path, real, read_only
        self.users = 1
        self._writing = threading.RLock()
        self._database = _database(path, real, read_only)
        self._stale = False
        """Whether the disk was full at a write. The engine then refuses to write until the file is opened again, or
        holds rows in memory that are not on the disk."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A context in which no other thread writes."""
        with self._writing:
            yield

    @contextmanager
    def reading(self, refused: type[StoreError] = StoreError) -> Iterator[Run]:
        """A read-only transaction."""
        with self._transaction("BEGIN TRANSACTION READ ONLY", refused) as run:
            yield run

    @contextmanager
    def reading_rows(
        self,
        refused: type[StoreError] = StoreError,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> Iterator[Callable[..., Rows]]:
        """A read-only transaction whose statements return dictionaries, so that Arrow is not loaded.

        A statement returns at most so many rows, and is stopped after so many seconds.
        """
        made = partial(_as_rows, most=most)
        with self._transaction("BEGIN TRANSACTION READ ONLY", refused, made, seconds) as run:
            yield run

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """A transaction for any statement but COPY, which needs a transaction of its own (see `statement`)."""
        with self._writing, self._transaction("BEGIN TRANSACTION") as run:
            yield run

    def statement(self, statement: str, **parameters: Any) -> None:
        """Run one statement in a transaction of its own.

        The engine does not log the rows of a COPY: they are durable from the checkpoint that ends the transaction.
        If the transaction held other statements, too, a process killed before the checkpoint would leave half of it.
        """
        with self._writing, self._transaction(None) as run:
            run(statement, **parameters)

    @contextmanager
    def _transaction(
        self,
        begin: str | None,
        refused: type[StoreError] = StoreError,
        made: Callable[[Any], Any] = _as_arrow,
        seconds: float | None = None,
    ) -> Iterator[Callable[..., Any]]:
        """A new connection for each transaction, because a connection caches statements with the tables they use.

        ``made`` turns the engine's result into what the statement returns.
        """
        if self._stale:
            self._reopen()
        connection = ladybug.Connection(self._database)
        if seconds is not None:
            connection.set_query_timeout(int(1000 * seconds))

        def run(statement: str, /, **parameters: Any) -> Any:
            # prepared, because the engine refuses to prepare more than one statement
            prepared = ladybug.PreparedStatement(connection, statement, parameters)
            return made(connection.execute(prepared, parameters))

        try:
            if begin is None:
                yield run
                return
            run(begin)
            try:
                yield run
                run("COMMIT")
            except BaseException:
                with suppress(RuntimeError):  # the engine has rolled back when a statement failed
                    run("ROLLBACK")
                raise
        except (RuntimeError, MemoryError) as error:
            told = translated(error, self.path, refused)
            self._stale = self._stale or isinstance(told, StoreFullError)
            raise told from error
        finally:
            connection.close()

    def _reopen(self) -> None:
        with _opening:
            if self._stale:
                self.close_database()
                self._database = _database(self.path, self.real, self.read_only)
                self._stale = False

    def close_database(self) -> None:
        """Close the file; on a full disk the log is left, and it is applied when the file is opened next."""
        with suppress(RuntimeError):
            self._database.close()


_files: dict[Path, File] = {}
_opening = threading.RLock()


def acquire(path: Path, *, read_only: bool, create: bool = True) -> File:
    """Open a file, or share it if this process has it open.

    Raises
    ------
    StoreLockedError
        If another process writes to it, or this one has it open read-only and ``read_only`` is false.
    StoreError
        If the file does not exist and may not be created, is not a Ladybug file, or its folder does not exist.
    """
    real = path.resolve()
    with _opening:
        file = _files.get(real)
        if file is None:
            if (read_only or not create) and not real.exists():
                raise StoreError(
                    f"there is no store at {path}; make one with `cli ingest` or `cli demo`, or pass --store"
                )
            if not real.parent.is_dir():
                raise StoreError(
                    f"the folder {real.parent} of the store does not exist; make it, or pass --store"
                )
            file = _files[real] = File(path, real, read_only)
        elif file.read_only and not read_only:
            raise StoreLockedError(f"{path} is open read-only in this process; close that store first")
        else:
            file.users += 1
        return file


def release(file: File) -> None:
    """Close the file if no other store of this process uses it."""
    with _opening:
        file.users -= 1
        if not file.users:
            del _files[file.real]
            file.close_database()


def _database(path: Path, real: Path, read_only: bool) -> ladybug.Database:
    def opened(*, whole_log: bool) -> ladybug.Database:
        return ladybug.Database(
            str(real),
            buffer_pool_size=BUFFER_POOL,
            max_db_size=ADDRESS_SPACE,
            read_only=read_only,
            throw_on_wal_replay_failure=whole_log,
        )

    fill_standard()  # on a full disk the engine aborts, and its message would go into the store
    try:
        try:
            return opened(whole_log=True)
        except RuntimeError as error:
            if read_only and "recovery is pending" in str(error):
                # a process ended during a checkpoint, as on a full disk: finishing the checkpoint needs write access
                _database(path, real, read_only=False).close()
                return opened(whole_log=True)
            if "WAL file is corrupted" not in str(error):
                raise
        # a process was killed while it wrote the log: the engine refuses an incomplete entry unless told to skip it
        _log.warning("%s: the last write was cut off; it is undone", path)
        return opened(whole_log=False)
    except (RuntimeError, MemoryError) as error:
        raise translated(error, path) from error


_FULL = (
    "No space left",
    "File too large",
    "Disk quota",
    "Cannot write to file",
    "checkpoint failed",
    "Checkpoint failed",
    "panic state",
)
_TABLES = {kind.label for kind in NODES} | {kind.type for kind in EDGES}


def translated(error: Exception, path: Path, refused: type[StoreError] = StoreError) -> PharmagraphError:
    """The project's error for an error of the engine; ``refused`` is the class for a statement that it refuses."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, MemoryError) or "Buffer manager exception" in message:
        return StoreError(f"{path}: not enough memory; close other programs and run the same command again")
    if message.startswith("Interrupted"):
        return QueryError(TOO_LONG)
    if "Could not set lock" in message:
        return StoreLockedError(
            f"{path} is open for writing in another process; close that one, or open the store read-only"
        )
    if any(sign in message for sign in _FULL):
        return StoreFullError(
            f"{path} could not be written, its disk is full; the store holds either all or nothing of this change; "
            "make room and run the same command again"
        )
    if "not a valid Lbug database" in message or "cannot be a directory" in message:
        return StoreError(f"{path} is not a pharmagraph store; pass --store with another file")
    if "Reading past the end of the file" in message:
        return StoreError(
            f"{path} is not a pharmagraph store, or was cut short; pass --store with another file"
        )
    if message.startswith("Binder exception: Table") and message.split()[3] in _TABLES:
        return StoreError(f"{path} holds no graph yet; load one with `cli ingest` or `cli demo`")
    if refused is QueryError:
        return QueryError(f"the engine refused the query: {message}")
    return refused(f"{path}: {message}")
