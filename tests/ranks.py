"""Several ranks of a fit in tests: copies of this process that join it, without the seconds that a new one takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from pharmagraph.model import ranks
from pharmagraph.model.ranks import Rank, ServedError

T = TypeVar("T")


def on_ranks(size: int, folder: Path, work: Callable[[int], T]) -> T:
    """What rank 0 makes of a function that is given the number of its rank, while other ranks call it, too."""
    meeting = folder / f"meeting-{os.urandom(4).hex()}"

    def joined(number: int) -> T:
        with ranks.joined(Rank(number, size, number, size), meeting):
            return work(number)

    def serve(number: int) -> None:
        try:
            joined(number)
        except ServedError as end:
            os._exit(end.code)
        os._exit(9)  # only a ServedError ends the work of another rank

    others = [get_context("fork").Process(target=serve, args=(number,)) for number in range(1, size)]
    try:
        for one in others:
            one.start()
        found = joined(0)
        for one in others:
            one.join(60)
        assert [one.exitcode for one in others] == [0] * len(others)
    finally:
        for one in others:
            one.kill()
            one.join()
    return found
