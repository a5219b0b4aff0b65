"""The format of an embedded store's file: which one it has, and what this engine does with it.

The engine opens files of earlier formats. Reading leaves them as they are; the first program that opens one for writing
brings it to the engine's own format, in place, and earlier engines cannot open it from then on.
"""

from __future__ import annotations

from pathlib import Path

import ladybug

from pharmagraph.kg.errors import StoreError

MARK = b"LBUG"
"""First bytes of a file of the engine. The number of its format follows, 8 bytes, least first."""
OWN = int(ladybug.storage_version)
"""Format that the installed engine writes."""


def file_format(path: Path) -> int | None:
    """The number of a file's format; None where there is no such file, or it is not the engine's."""
    try:
        with path.open("rb") as file:
            first = file.read(len(MARK) + 8)
    except OSError:
        return None
    return int.from_bytes(first[len(MARK) :], "little") if first[: len(MARK)] == MARK else None


def older_format(path: Path) -> str | None:
    """What opening a file for writing does to its format; None if nothing."""
    found = file_format(path)
    if found is None or not 0 < found < OWN:
        return None
    return (
        f"the file's format {found} becomes {OWN}; engines before {ladybug.__version__} cannot open it then"
    )


def require_known(path: Path) -> None:
    """Raise StoreError where a file has a format that the installed engine does not know."""
    found = file_format(path)
    if found is not None and found > OWN:
        raise StoreError(
            f"{path} has format {found} of a newer engine; Ladybug {ladybug.__version__} knows formats up to {OWN}; "
            "update pharmagraph, or pass --store with another file"
        )
