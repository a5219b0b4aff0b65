"""Runs tasks side by side, each in a process of its own, which begins as a copy of this one.

A fit runs on one thread, so that the same seed gives the same bits. Tasks that do not wait for each other, such as the
networks of an ensemble, make use of the other cores here. The copy is a fork: it has the graph in memory already and
shares the memory with this process. A task gives the same result in either process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import option
from pharmagraph.model.cores import cores

T = TypeVar("T")

Tell = Callable[..., None]
"""What a task calls to tell this process of its progress."""

_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl."""


def most_workers() -> int:
    """Processes that make sense here: the cores that this process may use, and one where it cannot be copied.

    macOS has libraries that fail in a copy, Windows has no copies, numba's threads end the copy, and Python lets no
    daemon have processes of its own. Where torch sees a GPU, the first backward pass starts threads for it, even on the
    CPU, and torch refuses a backward pass in a copy made after that.
    """
    if (
        sys.platform != "linux"
        or "pharmagraph.model.kernels.cpu_numba" in sys.modules
        or current_process().daemon
        or torch.cuda.is_available()
    ):
        return 1
    return cores()


def side_by_side(tasks: Sequence[Callable[[Tell], T]], workers: int, tell: Tell | None = None) -> list[T]:
    """The results of tasks, in their order.

    Parameters
    ----------
    tasks
        Each is called with what it may tell its progress to. In a process of its own it changes nothing here: all that
        counts has to be in its result, which must be one that can be sent, as arrays and numbers can (`sent_weights`).
    workers
        Tasks that run at once. With 1 they run in this process, one after the other.
    tell
        Called here with what tasks tell.

    Raises
    ------
    ModelError
        If a process ended before its task, as happens where memory is short.
    Exception
        The first one that a task raises. From another process it has a note that says where; one that cannot be sent
        comes as a ModelError with its words. The other tasks are stopped.
    """
    tell = tell or (lambda *what: None)
    if min(workers, len(tasks), most_workers()) < 2:
        return [task(tell) for task in tasks]
    waiting, found = deque(enumerate(tasks)), dict[int, T]()
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                number, task = waiting.popleft()
                connection, process = _started(task)
                running[connection] = number, process
            for ready in wait(running):
                assert isinstance(ready, Connection)
                number, process = running[ready]
                kind, value = _received(ready, process)
                if kind == "told":
                    tell(*value)
                    continue
                if kind == "raised":
                    raise value
                found[number] = value
                del running[ready]
                ready.close()
                process.kill()  # it is done; at its end it could wait for a lock that was held at the fork
                process.join()
    finally:
        for connection, (_, process) in running.items():
            process.kill()
            process.join()
            connection.close()
    return [found[number] for number in range(len(tasks))]


def sent_weights(weights: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Weights by name, for the result of a task: as arrays, since torch sends tensors in shared memory."""
    return {name: values.cpu().numpy() for name, values in weights.items()}


def take_weights(module: nn.Module, sent: Mapping[str, np.ndarray]) -> None:
    """Let a module have what `sent_weights` gave of one like it."""
    module.load_state_dict({name: torch.from_numpy(values) for name, values in sent.items()})


def _started(task: Callable[[Tell], Any]) -> tuple[Connection, BaseProcess]:
    """A process for a task, and what it is heard by."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, there, os.getpid()), daemon=True)
    with warnings.catch_warnings():
        # Python warns that other threads do not come along; a task needs none of them, and takes no lock of theirs
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    there.close()
    return here, process


def _received(connection: Connection, process: BaseProcess) -> tuple[str, Any]:
    try:
        kind, value = connection.recv()
    except (EOFError, OSError):  # OSError: it ended in the middle of a message
        process.join()
        raise ModelError(
            f"a process that fitted side by side with others ended before it was done (exit code {process.exitcode}), "
            f"as happens where memory is short; use {option('workers', '1')}"
        ) from None
    return kind, value


def _work(task: Callable[[Tell], Any], there: Connection, parent: int) -> None:
    """In the new process: do the task and send what became of it."""
    # Ctrl-C reaches all processes; this one is stopped by its parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with(parent)
    # past a progress bar, whose thread may have held its lock at the fork
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    try:
        there.send(("done", task(lambda *what: there.send(("told", what)))))
    except BaseException as error:
        there.send(("raised", _as_sent(error)))


def _as_sent(error: BaseException) -> BaseException:
    """The error if it can be sent, or a ModelError with its words, with a note that says where it was raised."""
    where = "".join(traceback.format_exception(error))
    sent: BaseException
    try:
        sent = ForkingPickler.loads(ForkingPickler.dumps(error))  # made on this line
    except Exception:  # one whose attributes cannot be written, or that takes other arguments than a message
        sent = ModelError("".join(traceback.format_exception_only(error)).strip())
    sent.add_note(f"In a process of its own:\n{where}")
    return sent


def _end_with(parent: int) -> None:
    """Let this process be killed when the one that started it ends, in whatever way."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
