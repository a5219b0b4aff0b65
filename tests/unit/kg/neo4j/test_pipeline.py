"""Reading ahead and working in flight: the order stays, errors come through, and the overlap is real."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pharmagraph.kg.neo4j.pipeline import ahead, in_flight


def test_items_come_in_order_and_the_next_is_made_while_one_is_used() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    seen = []
    for number in ahead(items()):
        if number < 3:
            assert made[number + 1].wait(5)  # would not come if it were made only when it is asked for
        seen.append(number)
    assert seen == [0, 1, 2, 3]
    assert list(ahead(iter([]))) == []


def test_an_error_of_the_reader_reaches_the_user_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_results_keep_the_order_of_the_items_though_a_later_one_is_done_first() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(5)  # two are in work at once
        if number == 1:
            second_is_done.set()
        return -number

    assert list(in_flight(work, range(5), 2)) == [0, -1, -2, -3, -4]


def test_one_at_a_time_never_has_two_in_work() -> None:
    busy = threading.Lock()

    def work(number: int) -> int:
        assert busy.acquire(blocking=False)
        busy.release()
        return number

    assert list(in_flight(work, range(50))) == list(range(50))


def test_an_error_in_work_reaches_the_user() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_flight(lambda number: 1 // number, [1, 0, 2], 2))
