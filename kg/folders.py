"""Folders that the user named: tried before long work, so that one that cannot be made loses no work."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pharmagraph.kg.errors import InputError


def make(folder: Path) -> None:
    """Make a folder, and those above it, where they are not there.

    Raises
    ------
    InputError
        If it cannot be made, such as below a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the folder {folder} cannot be made: {why}; give another folder") from None


def require_possible(folder: Path) -> None:
    """Raise InputError where a folder cannot be made; leaves nothing, so that interrupted work leaves nothing either.

    The folders that were missing are made and removed again.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    make(folder)
    for place in missing:
        with suppress(OSError):  # something was written there meanwhile
            place.rmdir()
