"""One line for a file of a run that cannot be read or written, whatever its library raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from pharmagraph.kg.errors import ModelError, PharmagraphError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one line that a file of a run cannot be read, whatever its reader raises."""
    try:
        yield
    except (PharmagraphError, MemoryError):
        raise
    except Exception as error:  # JSON, Parquet, safetensors and pydantic each have errors of their own
        why = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise ModelError(f"{path} cannot be read ({why}); train again: cli train") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line that tensors cannot be written to a file of a run, as on a full disk."""
    try:
        yield
    except SafetensorError as error:
        raise ModelError(f"cannot write {path} ({error}); free space or change folder") from None
