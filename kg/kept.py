"""Keeps what takes long to read from a store until another load or training changes the store."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from pharmagraph.kg.store import GraphStore

T = TypeVar("T")

_MOST = 8
"""Things that are kept; the one that was kept first goes first."""

_kept: dict[tuple[str, str], tuple[object, Any]] = {}
_lock = Lock()


def kept(graph: GraphStore, what: str, make: Callable[[], T]) -> T:
    """What ``make`` returns; made again only when the store's data sets have changed.

    Parameters
    ----------
    graph
        Open.
    what
        Name of the thing, one for each ``make``.
    make
        Reads it from the store.
    """
    now = stamp(graph)
    key = (graph.url, what)
    with _lock:
        found = _kept.get(key)
    if found is not None and found[0] == now:
        return found[1]
    made = make()
    with _lock:
        _kept.pop(key, None)
        _kept[key] = (now, made)
        while len(_kept) > _MOST:
            del _kept[next(iter(_kept))]
    return made


def stamp(graph: GraphStore) -> tuple[tuple[object, ...], ...]:
    """Another one whenever the store's data sets have changed."""
    rows = graph.node_rows("Dataset", ["id", "version", "ingested_at"])
    return tuple(tuple(map(str, row.values())) for row in rows)
