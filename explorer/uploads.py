"""Keeps files that the explorer's pages were given, in a folder that goes when the process ends.

What is kept is text: a list of SMILES, an SDF, or a table with separators. Nothing is unpacked.
"""

from __future__ import annotations

import secrets
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from threading import Lock

from pharmagraph.kg.errors import InputError, shortened

ENDINGS = (".smi", ".smiles", ".ism", ".sdf", ".sd", ".mol", ".csv", ".tsv", ".txt")
MOST_BYTES = 5 * 1024 * 1024
MOST_KEPT = 20
"""Files that are kept; the oldest goes first."""
PASTED = "pasted.txt"
"""Name of a text that was pasted and is too long for an address."""

_BYTE_ORDER = (b"\xff\xfe", b"\xfe\xff")


class Uploads:
    """Uploaded files by a name that nobody can guess."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._kept: dict[str, Path] = {}

    def keep(self, name: str, content: bytes) -> str:
        """Keep a file; returns its key.

        Raises
        ------
        InputError
            If it is too large, empty, no text, or its name has none of `ENDINGS`.
        """
        name = PurePosixPath(PureWindowsPath(name).name).name
        ending = PurePosixPath(name).suffix.lower()
        if ending not in ENDINGS:
            raise InputError(f'"{shortened(name)}": give a file that ends in {", ".join(ENDINGS)}')
        if len(content) > MOST_BYTES:
            raise InputError(too_large(name, len(content)))
        if not content.strip():
            raise InputError(f'"{shortened(name)}" is empty')
        if b"\0" in content[:8192] and not content.startswith(_BYTE_ORDER):
            raise InputError(f'"{shortened(name)}" is no text; unpack it, or save it as CSV')
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._folder = self._folder or TemporaryDirectory(prefix="pharmagraph-explorer-")
            path = Path(self._folder.name) / key / f"{_plain(PurePosixPath(name).stem)}{ending}"
            path.parent.mkdir()
            path.write_bytes(content)
            self._kept[key] = path
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept))).unlink(missing_ok=True)
        return key

    def path(self, key: str) -> Path:
        """The file of a key.

        Raises
        ------
        InputError
            If it is no longer kept.
        """
        with self._lock:
            path = self._kept.get(key)
        if path is None:
            raise InputError(
                "the file is not kept any more: it goes when the explorer is started anew; choose it again"
            )
        return path


def too_large(name: str, size: int) -> str:
    """What is said of a file that is too large."""
    return (
        f'"{shortened(name)}" has {size / 1024**2:.1f} MiB, and {MOST_BYTES // 1024**2} MiB are allowed here; '
        "the command reads files of any size"
    )


def _plain(stem: str) -> str:
    """A stem that is safe in a path and in a command line."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in stem[:60]).strip("-")
    return kept or "compounds"


UPLOADS = Uploads()
"""Of this process."""
