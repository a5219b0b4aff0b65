"""The steps of a command, with counts and duration, for whoever listens; without a listener nothing is done.

`kg.step_log` writes them as lines of JSON or sends them to a tracer, and a training keeps its own in the
folder of its run.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

LOG = "log.jsonl"
"""In the folder of a run: a line a step of its training."""

Count = int | float | str
P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Step:
    """One step.

    Attributes
    ----------
    name
        In words, such as ``calibrating``; never a path, and never what a user typed.
    counts
        Numbers, and names that the program gives itself.
    begun
        Seconds since 1970.
    seconds
        Duration.
    failed
        Name of the error that ended it, or nothing.
    """

    name: str
    counts: dict[str, Count] = field(default_factory=dict)
    begun: float = field(default_factory=time.time)
    seconds: float = 0.0
    failed: str = ""

    def row(self) -> dict[str, Count]:
        """As a line of a log has it."""
        at = datetime.fromtimestamp(self.begun, UTC).isoformat(timespec="milliseconds")
        row: dict[str, Count] = {"begun": at, "step": self.name, "seconds": round(self.seconds, 3)}
        row |= self.counts
        return row | ({"failed": self.failed} if self.failed else {})


class Listener(Protocol):
    """Is told of each step twice."""

    def begun(self, step: Step) -> None:
        """The step begins."""

    def ended(self, step: Step) -> None:
        """The step has ended; its counts and duration are known."""


_listeners: list[Listener] = []
_kept: list[list[Step]] = []


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tell a listener of the steps within the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def unheard() -> Iterator[None]:
    """Tell nobody of the steps within the block: another process tells of the same ones."""
    listeners = list(_listeners)
    _listeners.clear()
    try:
        yield
    finally:
        _listeners.extend(listeners)


@contextmanager
def step(name: str, **counts: Count) -> Iterator[dict[str, Count]]:
    """A step, which ends with the block; the block may add counts to the dictionary that it is given."""
    one = _begin(name, counts)
    clock = time.perf_counter()
    try:
        yield one.counts
    except BaseException as error:
        if not (isinstance(error, SystemExit) and not error.code):
            one.failed = type(error).__name__
        raise
    finally:
        one.seconds = time.perf_counter() - clock
        _end(one)


def happened(name: str, seconds: float, **counts: Count) -> None:
    """Tell of a step that has just ended."""
    one = _begin(name, counts)
    one.begun, one.seconds = one.begun - seconds, seconds
    _end(one)


def staged(work: Callable[P, R]) -> Callable[P, R]:
    """Make a step of each stage that a function tells its argument ``stage``, and keep them (`so_far`)."""

    @functools.wraps(work)
    def in_steps(*given: P.args, **named: P.kwargs) -> R:
        tell = named.get("stage")
        stages = _Stages(tell if callable(tell) else lambda what: None)
        named["stage"] = stages
        _kept.append([])
        try:
            done = work(*given, **named)
        except BaseException as error:
            stages.end(type(error).__name__)
            raise
        else:
            stages.end()
            return done
        finally:
            _kept.pop()

    return in_steps


def write_so_far(folder: Path) -> None:
    """Write the steps that have ended within the innermost `staged` function into a folder, as `LOG`."""
    lines = [json.dumps(one.row()) + "\n" for one in _kept[-1]]
    (folder / LOG).write_text("".join(lines), encoding="utf-8")


class _Stages:
    """Called with the name of each stage; the next call ends it."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._one: Step | None = None
        self._clock = 0.0

    def __call__(self, what: str) -> None:
        self.end()
        self._one, self._clock = _begin(what, {}), time.perf_counter()
        self._tell(what)

    def end(self, failed: str = "") -> None:
        if self._one is not None:
            self._one.seconds, self._one.failed = time.perf_counter() - self._clock, failed
            _end(self._one)
            self._one = None


def _begin(name: str, counts: Mapping[str, Count]) -> Step:
    one = Step(name, dict(counts))
    for listener in _listeners:
        listener.begun(one)
    return one


def _end(one: Step) -> None:
    if _kept:
        _kept[-1].append(one)
    for listener in _listeners:
        listener.ended(one)
