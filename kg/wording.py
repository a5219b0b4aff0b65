"""How a message names an argument: as a command has it, ``--reject-rows``, or as Python does, ``reject_rows=True``.

Messages come from code that both the commands and the callers of the library reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_typed: ContextVar[bool] = ContextVar("typed", default=False)

_OPTIONS = {"files": "from", "keep_all": "all", "n_null": "null", "only": "fold", "units": "unit"}
"""Arguments whose option has another name."""


@contextmanager
def typed() -> Iterator[None]:
    """Name arguments as the command line has them, as long as a command runs."""
    before = _typed.set(True)
    try:
        yield
    finally:
        _typed.reset(before)


def named(argument: str) -> str:
    """``--new-genes`` for who typed a command, ``new_genes`` for who called the library."""
    return f"--{_OPTIONS.get(argument, argument).replace('_', '-')}" if _typed.get() else argument


def option(argument: str, value: str | None = None) -> str:
    """``--new-genes`` or ``new_genes=True``; with a value, ``--from FILE`` or ``files="FILE"``."""
    if _typed.get():
        return named(argument) + (f" {value}" if value is not None else "")
    return f"{argument}=True" if value is None else f'{argument}="{value}"'
