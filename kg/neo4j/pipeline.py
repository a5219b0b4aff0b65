"""Reads, computes and writes at the same time, on threads: one goes on while another waits for the server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items; each is made while the caller uses the one before."""
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        waiting: Future[list[Item]] = pool.submit(_next, items)
        while found := waiting.result():
            waiting = pool.submit(_next, items)
            yield found[0]


def _next(items: Iterator[Item]) -> list[Item]:
    for item in items:
        return [item]
    return []


def in_flight(work: Callable[[Item], Result], items: Iterable[Item], n: int = 1) -> Iterator[Result]:
    """Results of ``work`` in the order of the items; up to ``n`` calls run while the next item is made."""
    with ThreadPoolExecutor(n, thread_name_prefix="writing") as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            while len(waiting) >= n:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
