"""An open Ladybug file: opening, locks, transactions and the engine's errors.

Two Database objects on one path in one process corrupt the file. So there is one for each real path, and the stores
that use the file share it. This module knows nothing of the tables in the file.
"""

from __future__ import annotations

import logging
import os
import resource
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
    QueryError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    shortened,
)
from pharmagraph.kg.ladybug.engine_errors import translated
from pharmagraph.kg.ladybug.file_format import older_format, require_known
from pharmagraph.kg.ladybug.locks import READER_WAITS, Lock
from pharmagraph.kg.ladybug.room import ROOM, ROOM_OF_COPY, full, require_room

if TYPE_CHECKING:
    import pyarrow as pa

BUFFER_POOL = min(2 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
"""Bytes that the engine may take: it fills them with pages of the file that it has read and written. Its default is 80%
of the machine's memory. With 768 MiB, a load of ten million edges fails for lack of memory."""
ADDRESS_SPACE = 1 << 38
"""Bytes of addresses reserved for a file, which bounds its size. With the engine's default of 8 TiB for each open
file, a process runs out of addresses after fifteen files."""
LEAST_ADDRESS_SPACE = 1 << 33
"""Bytes that are reserved where a limit of addresses (`ulimit -v`) does not allow more."""

Run = Callable[..., "pa.Table"]
"""Runs one statement with its parameters and returns its rows."""
Rows = list[dict[str, Any]]

_log = logging.getLogger("pharmagraph.store")


def _as_arrow(result: Any) -> pa.Table:
    import pyarrow as pa

    return result.get_as_arrow() if result.get_column_names() else pa.table({})


def _as_rows(result: Any, most: int | None = None) -> Rows:
    names = result.get_column_names()
    return [dict(zip(names, row, strict=True)) for row in islice(result, most)]


def _as_answer(result: Any, most: int | None = None) -> tuple[list[str], Rows]:
    return list(result.get_column_names()), _as_rows(result, most)


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
        self._lock = Lock(path, real) if real.exists() else None
        try:
            self._database = self._opened()
            self._lock = self._lock or Lock(path, real)
        except BaseException:
            self._unlock()
            raise
        self._stale = False
        """Whether the disk was full at a write. The engine then refuses to write until the file is opened again, or
        holds rows in memory that are not on the disk."""

    def _opened(self) -> ladybug.Database:
        """Open the file while no other process writes.

        A log or a checkpoint that an ended process left is applied then, which only who may write can do.
        """
        if self._lock is None:
            return _database(self.path, self.real, self.read_only)
        if self.read_only:
            with self._lock.read():
                try:
                    database = _database(self.path, self.real, read_only=True)
                    self._lock.seen()
                    return database
                except PendingCheckpointError:
                    pass
        self._lock.write(READER_WAITS)
        try:
            database = _database(self.path, self.real, read_only=False)
            if self.read_only:
                database.close()
                database = _database(self.path, self.real, read_only=True)
            self._lock.seen()
            return database
        except PendingCheckpointError:
            raise full(self.path) from None
        finally:
            self._lock.release()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _apart(self, *, writes: bool) -> Iterator[None]:
        """A context in which this process and others that write are apart; from its first write on it keeps others out.

        Who has the file open for writing reads without a lock: the engine lets no other process write meanwhile.
        """
        assert self._lock is not None
        if writes:
            self._lock.write()
        if not self.read_only:
            yield
            return
        with self._lock.read(unchanged=True):
            yield

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
    def reading_rows(self) -> Iterator[Callable[..., Rows]]:
        """A read-only transaction whose statements return dictionaries, so that Arrow is not loaded."""
        with self._transaction("BEGIN TRANSACTION READ ONLY", made=_as_rows) as run:
            yield run

    @contextmanager
    def answering(
        self, *, most: int | None = None, seconds: float | None = None
    ) -> Iterator[Callable[..., tuple[list[str], Rows]]]:
        """A read-only transaction whose statements return column names and dictionaries, for Cypher of the user's.

        A statement returns at most so many rows, and is stopped after so many seconds.
        """
        made = partial(_as_answer, most=most)
        with self._transaction("BEGIN TRANSACTION READ ONLY", QueryError, made, seconds) as run:
            yield run

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """A transaction for any statement but COPY, which needs a transaction of its own (see `statement`)."""
        with self._writing:
            require_room(self.real, self.path, ROOM)
            with self._transaction("BEGIN TRANSACTION", writes=True) as run:
                yield run

    def statement(self, statement: str, **parameters: Any) -> None:
        """Run one statement in a transaction of its own.

        The engine does not log the rows of a COPY: they are durable from the checkpoint that ends the transaction.
        If the transaction held other statements, too, a process killed before the checkpoint would leave half of it.
        """
        with self._writing:
            require_room(self.real, self.path, ROOM_OF_COPY)
            with self._transaction(None, writes=True) as run:
                run(statement, **parameters)

    @contextmanager
    def _transaction(
        self,
        begin: str | None,
        refused: type[StoreError] = StoreError,
        made: Callable[[Any], Any] = _as_arrow,
        seconds: float | None = None,
        *,
        writes: bool = False,
    ) -> Iterator[Callable[..., Any]]:
        """A new connection for each transaction, because a connection caches statements with the tables they use.

        ``made`` turns the engine's result into what the statement returns.
        """
        if self._stale:
            self._reopen()
        with self._apart(writes=writes):
            yield from self._connected(begin, refused, made, seconds)

    def _connected(
        self,
        begin: str | None,
        refused: type[StoreError],
        made: Callable[[Any], Any],
        seconds: float | None,
    ) -> Iterator[Callable[..., Any]]:
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

    def close(self) -> None:
        """Close the file, then let others write; the engine writes its first page whenever it closes."""
        if self._lock is not None and not self.read_only:
            with suppress(StoreLockedError):  # a reader that does not end must not keep this process
                self._lock.write()
        self.close_database()
        self._unlock()


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
    try:
        real = path.resolve()
        is_there = real.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        why = getattr(error, "strerror", None) or "it is a link to itself"
        raise StoreError(
            f"{shortened(str(path), 200)} cannot be a store ({why}); pass --store with another file"
        ) from None
    with _opening:
        file = _files.get(real)
        if file is None:
            if (read_only or not create) and not is_there:
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
            file.close()


class PendingCheckpointError(Exception):
    """A process ended during a checkpoint, as on a full disk: finishing the checkpoint needs write access."""


def _reserved() -> Iterator[tuple[int, int]]:
    """Sizes of page cache and addresses to try, the largest first; the smaller ones where a limit is set."""
    yield BUFFER_POOL, ADDRESS_SPACE
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        size = ADDRESS_SPACE
        while size > LEAST_ADDRESS_SPACE:
            size //= 2
            yield min(BUFFER_POOL, size // 32), size


def _database(path: Path, real: Path, read_only: bool) -> ladybug.Database:
    def opened(*, whole_log: bool) -> ladybug.Database:
        *others, last = _reserved()
        for pool, addresses in others:
            with suppress(MemoryError, RuntimeError):
                return made(pool, addresses, whole_log)
        return made(*last, whole_log)

    def made(pool: int, addresses: int, whole_log: bool) -> ladybug.Database:
        return ladybug.Database(
            str(real),
            buffer_pool_size=pool,
            max_db_size=addresses,
            read_only=read_only,
            throw_on_wal_replay_failure=whole_log,
        )

    fill_standard()  # on a full disk the engine aborts, and its message would go into the store
    require_known(path)
    if not read_only and (what := older_format(path)):
        _log.warning("%s: %s", path, what)
    try:
        try:
            return opened(whole_log=True)
        except RuntimeError as error:
            if read_only and "recovery is pending" in str(error):
                raise PendingCheckpointError from None
            if "WAL file is corrupted" not in str(error):
                raise
        # a process was killed while it wrote the log: the engine refuses an incomplete entry unless told to skip it
        _log.warning("%s: the last write was cut off; it is undone", path)
        return opened(whole_log=False)
    except (RuntimeError, MemoryError) as error:
        raise translated(error, path) from error
