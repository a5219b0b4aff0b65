"""Keeps what takes long to read from a store until another load or training changes the store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from pharmagraph.kg.store import GraphStore

T = TypeVar("T")

_MOST = 8
"""Things that are kept; the one that was kept first goes first."""

_kept: dict[tuple[str, str], tuple[object, Any, float]] = {}
_making: dict[tuple[str, str], Lock] = {}
_lock = Lock()


def kept(graph: GraphStore, what: str, make: Callable[[], T], *, seconds: float = math.inf) -> T:
    """What ``make`` returns; made again only when the store's data sets have changed, or some seconds are over.

    Parameters
    ----------
    graph
        Open.
    what
        Name of the thing, one for each ``make``.
    make
        Reads it from the store.
    seconds
        For which it is kept, where it may change without a data set.
    """
    now = stamp(graph)
    key = (graph.url, what)
    with _lock:
        making = _making.setdefault(key, Lock())
    with making:  # of many that ask at once, one reads and the others wait
        return _found_or_made(key, now, make, seconds)


def _found_or_made(key: tuple[str, str], now: object, make: Callable[[], T], seconds: float) -> T:
    with _lock:
        found = _kept.get(key)
    if found is not None and found[0] == now and time.monotonic() - found[2] <= seconds:
        return found[1]
    made = make()
    with _lock:
        _kept.pop(key, None)
        _kept[key] = (now, made, time.monotonic())
        while len(_kept) > _MOST:
            _making.pop(gone := next(iter(_kept)), None)
            del _kept[gone]
    return made


def stamp(graph: GraphStore) -> tuple[tuple[object, ...], ...]:
    """Another one whenever the store's data sets have changed."""
    rows = graph.node_rows("Dataset", ["id", "version", "ingested_at"])
    return tuple(tuple(map(str, row.values())) for row in rows)
