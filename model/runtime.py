"""What a fit sets in the process and puts back: the order of sums, notices, memory; and the device it runs on.

A fit on the CPU runs on one thread, whatever number the process has: the same seed gives the same bits. Several folds
are fitted side by side in processes, which makes more of the cores than threads do.
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
from pharmagraph.kg.one_thread import one_blas_thread
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
    """Sums in one order within the block, or within a function that it decorates: on one thread, and without races.

    With more threads a sum over a whole table is added up in other parts, and training makes more of the last digit.
    Tensors of a step are small, so that a second thread brings little, and on a busy machine it costs more than it
    brings. Where torch has no other way, on a GPU, it warns and goes on.
    """
    before = torch.get_deterministic_debug_mode()
    threads = torch.get_num_threads()
    torch.set_deterministic_debug_mode("warn")  # `use_deterministic_algorithms` would load torch's compiler
    torch.set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(before)


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


def require_precision(precision: int | str, device: str) -> None:
    """Refuse half precision where it brings nothing.

    Raises
    ------
    ModelError
        If the device is no GPU.
    """
    if precision != 32 and not device.startswith("cuda"):
        raise ModelError(
            f'training.precision is "{precision}", which is for GPUs, and the device is {device}: there it is slower '
            "and less exact; leave it at 32"
        )


def give_back_memory() -> None:
    """Free what is unreachable, and give the system the pages of it: a process would grow with every fold."""
    gc.collect()
    give_back()
