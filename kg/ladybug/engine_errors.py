"""The project's error for an error of the embedded engine, told by its text: the engine has one class for all."""

from __future__ import annotations

from pathlib import Path

from pharmagraph.kg.errors import (
    TOO_LARGE,
    TOO_LONG,
    PharmagraphError,
    QueryError,
    StoreError,
    StoreLockedError,
)
from pharmagraph.kg.ladybug.locks import in_use
from pharmagraph.kg.ladybug.room import full
from pharmagraph.kg.schema import EDGES, NODES

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
    if isinstance(error, MemoryError) or "Buffer manager exception" in message or "bad_alloc" in message:
        if refused is QueryError:
            return QueryError(TOO_LARGE)
        return StoreError(f"{path}: not enough memory; close other programs and run the same command again")
    if message.startswith("Interrupted"):
        return QueryError(TOO_LONG)
    if "Could not set lock" in message:
        return StoreLockedError(f"{in_use(path, path.resolve())}, or open the store read-only")
    if any(sign in message for sign in _FULL):
        return full(path)
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
