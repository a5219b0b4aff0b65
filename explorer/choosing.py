"""Chooses plates beside the pages: a page says how far a plate is and asks again; one that nobody waits for ends."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Hashable
from threading import Event, Lock, Semaphore, Thread

from pharmagraph.model.runs.suggestions import Suggestion
from pharmagraph.model.suggest.plate import Well
from pharmagraph.suggesting import Question

AT_ONCE, KEPT = 2, 8
"""Plates that are chosen at once, and plates that are kept."""
PATIENCE = 60.0
"""Seconds after which a plate that no page asks about is left."""

Plate = tuple[Suggestion, list[Well]]


class _LeftError(Exception):
    """Nobody waits any more."""


class Choosing:
    """A plate that is being chosen, or was.

    Parameters
    ----------
    question
        What was asked.
    seed
        Of all draws.
    turn
        Lets a few at once choose.
    patience
        As `PATIENCE`.
    """

    def __init__(self, question: Question, seed: int, turn: Semaphore, patience: float) -> None:
        self.n, self.total, self.begun = 0, question.plate.room, time.monotonic()
        self._question, self._seed, self._turn, self._patience = question, seed, turn, patience
        self._asked, self._ended = time.monotonic(), Event()
        self._plate: Plate | None = None
        self._error: BaseException | None = None
        context = contextvars.copy_context()  # messages name options as the page does
        Thread(target=context.run, args=(self._choose,), daemon=True).start()

    def wait(self, seconds: float | None) -> Plate | None:
        """The plate once it is there; None after some seconds. What went wrong is raised."""
        self._asked = time.monotonic()
        self._ended.wait(seconds)
        self._asked = time.monotonic()
        if self._error is not None:
            raise self._error
        return self._plate

    @property
    def is_over(self) -> bool:
        """Whether it ended without a plate."""
        return self._ended.is_set() and self._plate is None

    def _choose(self) -> None:
        try:
            while not self._turn.acquire(timeout=0.5):
                self._still_wanted()
            try:
                self._plate = self._question.chosen(seed=self._seed, advance=self._advance)
            finally:
                self._turn.release()
        except _LeftError:
            pass
        except BaseException as error:  # the page says it
            self._error = error
        self._ended.set()

    def _advance(self) -> None:
        self.n += 1
        self._still_wanted()

    def _still_wanted(self) -> None:
        if time.monotonic() - self._asked > self._patience:
            raise _LeftError


class Desk:
    """The plates of this process, by what was asked."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._lock, self._turn, self._patience = Lock(), Semaphore(AT_ONCE), patience
        self._known: dict[Hashable, Choosing] = {}

    def choosing(self, key: Hashable, read: Callable[[], tuple[Question, int]]) -> Choosing:
        """The plate of a key; where there is none, it is begun with what ``read`` returns: the question and a seed."""
        with self._lock:
            found = self._known.get(key)
            if found is not None and not found.is_over:
                return found
        question, seed = read()
        with self._lock:
            if self._known.get(key) is found:  # nobody else has begun it meanwhile
                self._known.pop(key, None)
                self._known[key] = Choosing(question, seed, self._turn, self._patience)
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
            return self._known[key]


DESK = Desk()
"""Of this process."""
