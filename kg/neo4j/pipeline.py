"""Reading, working and writing at the same time, on threads: while one waits for the server the other goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made while the one before is used."""
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
    """Results of ``work`` in the order of the items, ``n`` of them in work while the next one is made."""
    with ThreadPoolExecutor(n, thread_name_prefix="writing") as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            while len(waiting) >= n:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
