"""Starts the other ranks of a training on this machine, and ends it with one line when one of them is lost.

A rank is a new interpreter: a copy of this process could use neither a GPU nor the store that is open here.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from pharmagraph.kg import folders, steps
from pharmagraph.kg.errors import ModelError, PharmagraphError
from pharmagraph.kg.wording import named
from pharmagraph.model import ranks
from pharmagraph.model.cores import cores, require
from pharmagraph.model.ranks import Rank, ServedError

WAITS = 5.0
"""Seconds for the end of a process to be known after its connection was lost. Set by hand."""

WAITS_FOR_FIRST = 60.0
"""Seconds in which rank 0, whose connection was lost, tells and ends this process, or ends itself. Set by hand."""

GO_ON = "the same command again goes on from where the fit was last kept"

_SIGNAL_AT_PARENTS_END = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl."""


def require_room(count: int, device: str) -> None:
    """Refuse more ranks on this machine than it has cores, or GPUs.

    Raises
    ------
    ModelError
        If there are fewer.
    """
    there, kind = (torch.cuda.device_count(), "GPUs") if device.startswith("cuda") else (cores(), "cores")
    require(count, there, kind)


def require_loopback() -> None:
    """Refuse to start ranks where this machine cannot be reached by itself, as in a sandbox without any network.

    Raises
    ------
    ModelError
        If it cannot.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=WAITS).close()
    except OSError as error:
        raise ModelError(
            f"the processes of a training talk to each other over 127.0.0.1, which cannot be used here "
            f"({error.strerror}); bring the loopback up (ip link set lo up), or leave {named('devices')} out"
        ) from None


@contextmanager
def started(count: int, serve: Callable[..., None], arguments: Sequence[Any]) -> Iterator[None]:
    """Be rank 0 within the block, beside new processes that are the other ranks.

    Parameters
    ----------
    count
        Ranks on this machine, this process among them.
    serve
        What the others call; a function of a module.
    arguments
        Of that function; they are sent to the new processes.

    Raises
    ------
    ModelError
        If one of them ends before its work, or there is no loopback.
    """
    require_loopback()
    context = get_context("spawn")
    with folders.temporary() as folder:
        meeting = folder / "meeting"
        others = [
            context.Process(
                target=_serve, args=(Rank(n, count, n, count), meeting, os.getpid(), serve, *arguments),
                daemon=True,
            )
            for n in range(1, count)
        ]  # fmt: skip
        try:
            for one in others:
                one.start()
            with _told_of_loss(others, count):
                while not all(_ready(meeting, n).exists() for n in range(1, count)):
                    time.sleep(0.02)  # torch would wait for a rank that has ended meanwhile
                with ranks.joined(Rank(0, count, 0, count), meeting):
                    yield
        finally:
            for one in others:
                one.kill()
                one.join()


@contextmanager
def _told_of_loss(others: Sequence[BaseProcess], count: int) -> Iterator[None]:
    """Raise a ModelError within the block as soon as another rank has failed, whatever is being done."""

    def lost() -> ModelError | None:
        for number, one in enumerate(others, 1):
            if one.exitcode:
                return ModelError(_line(number, count, one.exitcode))
        return None

    def on_end_of_child(*_: object) -> None:
        if not ranks.steps_have_ended() and (error := lost()) is not None:
            raise error

    watched = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGCHLD, on_end_of_child) if watched else None
    try:
        yield
    except RuntimeError as error:
        if not ranks.is_loss(error):
            raise
        until = time.monotonic() + WAITS
        while (told := lost()) is None and time.monotonic() < until:
            time.sleep(0.05)
        raise told or ModelError(f"the connection between the ranks was lost: {error}; {GO_ON}") from None
    finally:
        if watched:
            signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)


def _line(number: int, count: int, code: int) -> str:
    """What is told of a rank that has ended, by its exit code."""
    how = f"with exit code {code}" if code > 0 else f"killed by signal {-code}"
    if code == -signal.SIGKILL:
        how += ", as happens where memory is short"
    return f"rank {number} of {count} ended before its work was done, {how}; {GO_ON}"


@contextmanager
def torchrun_rank() -> Iterator[Rank]:
    """Be what torchrun has started this process as, within the block; alone where it has not.

    Raises
    ------
    ModelError
        On rank 0, and on the other one of two, if another rank is lost.
    ServedError
        On other ranks at the end of their part, or when they have lost another rank.
    """
    one = ranks.of_torchrun()
    if one is None:
        yield Rank()
        return
    with ExitStack() as stack:
        if not one.leads:
            stack.enter_context(steps.unheard())
            stack.enter_context(redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))
            signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
        stack.enter_context(_loss_in_words(one))
        stack.enter_context(ranks.joined(one))
        try:
            yield one
        except PharmagraphError as error:
            if one.leads:
                raise
            ranks.tell_error(error)
            raise ServedError(1) from None


@contextmanager
def _loss_in_words(one: Rank) -> Iterator[None]:
    """Raise what is told of a lost rank where torchrun has started the ranks: by rank 0, or by the other one of two."""
    try:
        yield
    except RuntimeError as error:
        if not ranks.is_loss(error):
            raise
        if one.leads or one.size == 2:
            which = f"rank {1 - one.number}" if one.size == 2 else "a rank"
            report = "; torchrun's report below says which" if one.size > 2 else ""
            raise ModelError(
                f"{which} of {one.size} ended before its work was done{report}; {GO_ON}"
            ) from None
        raise ServedError(1) from None


def _serve(one: Rank, meeting: Path, parent: int, serve: Callable[..., None], *arguments: Any) -> None:
    """In a new process: be a rank until the fits are done, and print nothing unless rank 0 is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; rank 0 stops this one
    signal.signal(signal.SIGTERM, lambda *_: _without_first(one, parent))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_END, signal.SIGTERM)
    if os.getppid() != parent:
        _without_first(one, parent)
    _ready(meeting, one.number).touch()
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), ranks.joined(one, meeting):
            try:
                serve(*arguments)
            except PharmagraphError as error:
                ranks.tell_error(error)
    except ServedError as end:
        sys.exit(end.code)
    except RuntimeError as error:
        if not ranks.is_loss(error):
            raise
        # rank 0 tells and kills this process, unless it is rank 0 that was killed: its connections end before itself
        until = time.monotonic() + WAITS_FOR_FIRST
        while os.getppid() == parent and time.monotonic() < until:
            time.sleep(0.05)
        _without_first(one, parent)


def _without_first(one: Rank, parent: int) -> None:
    """End, as rank 0 has; if it could not say so, rank 1 does."""
    if one.number == 1 and os.getppid() != parent:
        print(
            f"error: rank 0 of {one.size} was killed, as happens where memory is short; {GO_ON}",
            file=sys.stderr,
            flush=True,
        )
    os._exit(1)


def _ready(meeting: Path, number: int) -> Path:
    """A file that is there once a rank waits for the others."""
    return meeting.with_name(f"ready-{number}")
