"""What a fit sets in the process and puts back: the order of sums, notices, memory; and the device it runs on.

The same seed and number of threads give the same bits. Another number of threads changes the last digits.
"""

from __future__ import annotations

import gc
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pharmagraph.kg import arguments
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.freed_memory import give_back
from pharmagraph.kg.wording import option


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence Lightning's notices, and raise KeyboardInterrupt on Ctrl-C, where Lightning would exit with code 1."""
    logger, handler = logging.getLogger("pytorch_lightning"), signal.getsignal(signal.SIGINT)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SystemExit as end:
        signal.signal(signal.SIGINT, handler)
        if end.code != 1:  # SIGTERM's, which is no interruption from the keyboard
            raise
        raise KeyboardInterrupt from None
    finally:
        logger.setLevel(level)


@contextmanager
def reproducible() -> Iterator[None]:
    """Sums in one order within the block, or within a function that it decorates.

    Otherwise torch adds the gradients of gathered rows up as its threads come. Where it has no other way, on a GPU,
    it warns and goes on.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def resolve_device(device: str) -> str:
    """``auto`` → what there is.

    Raises
    ------
    TypeError
        If it is no text.
    ModelError
        If it is no device, or a GPU is asked for and torch sees none.
    """
    if arguments.device(device) == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError(f"torch sees no CUDA device here; use {option('device', 'cpu')}, or see: cli doctor")
    return device


@contextmanager
def _one_thread() -> Iterator[None]:
    """A step's tensors are small: on a busy machine a second thread costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def give_back_memory() -> None:
    """Free what is unreachable, and give the system the pages of it: a process would grow with every fold."""
    gc.collect()
    give_back()
