"""Makes a folder that the user names: before long work, so that one that cannot be made is no loss."""

from __future__ import annotations

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
