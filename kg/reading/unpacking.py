"""Opens a file as bytes, unpacked. How it is packed is told from its first bytes, never from its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, cast

from pharmagraph.kg.errors import InputError

LARGEST = 16 * 2**30
"""Bytes that a file may have once it is unpacked."""

UNCHECKED, RATIO = 2**28, 200
"""From so many unpacked bytes on, a file may not be so many times as large as it is packed. Tables of zeros shrink
to a hundredth; what shrinks to less was made to fill a disk."""

LOOKED_THROUGH = 2**26
"""Bytes up to which a packed file is unpacked once before it is read: what is made to fill a disk has few, and the rows
of all that it unpacks to would take minutes."""

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What Python raises on archives whose bytes were changed."""

_PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file))),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"BZh", bz2.BZ2File),
)
_NO_TEXT = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook; save its sheet as CSV"),
    (b"(\xb5/\xfd", "is packed with zstandard; unpack it, or pack it with gzip"),
    (b"PK\x05\x06", "is a zip archive of 0 files; give one with a table"),
    (b"PAR1", "is a Parquet file; save it as CSV"),
    (
        b"\x89HDF",
        "is an HDF5 file, as AnnData writes; save its table with adata.to_df().to_parquet('expression.parquet')",
    ),
    (b"%PDF", "is a PDF document; save its table as CSV"),
)
_ZIP = b"PK\x03\x04"


def unpacked(path: Path, called: str) -> io.BufferedReader:
    """A file's bytes; gzip, xz, bzip2 and a zip archive of one file are unpacked.

    Parameters
    ----------
    path
        The file.
    called
        What messages call it.

    Raises
    ------
    InputError
        If it is no text whatever its encoding, or an archive of several files. Reading raises it where the content is
        larger than `LARGEST`, or more than `RATIO` times as large as the file.
    """
    file = path.open("rb")
    first = file.peek(8)
    for magic, refusal in _NO_TEXT:
        if first.startswith(magic):
            file.close()
            raise InputError(f"{called} {refusal}")
    if first.startswith(_ZIP):
        file.close()
        content: IO[bytes] = _member(path, called)
    else:
        opener = next((opener for magic, opener in _PACKED if first.startswith(magic)), None)
        if opener is None:
            return file
        content = opener(file)
    status = path.stat()
    if status.st_size <= LOOKED_THROUGH:
        said = _look_through(path, called, status.st_size, status.st_mtime_ns)
        if said:
            file.close()
            raise InputError(said)
    return io.BufferedReader(_Bounded(content, file, called, status.st_size), 1 << 16)


@lru_cache(maxsize=256)
def _look_through(path: Path, called: str, size: int, _changed: int) -> str:
    """Unpack a file once, so that one that is too large is refused before its rows are read.

    Returns
    -------
    str
        Why it is refused; empty if it is not. Damage is told when the file is read.
    """
    file = path.open("rb")
    first = file.peek(8)
    packing = next((opener for magic, opener in _PACKED if first.startswith(magic)), None)
    content = packing(file) if packing else _member(path, called)
    buffer = memoryview(bytearray(1 << 20))
    with _Bounded(content, file, called, size) as bounded:
        try:
            while bounded.readinto(buffer):
                pass
        except InputError as error:
            return str(error)
        except DAMAGED:
            pass
    return ""


def unpacked_copy(path: Path, called: str, is_binary: Callable[[bytes], bool]) -> IO[bytes] | None:
    """A temporary file with the content of one that is packed; None if it is not packed, or its content is text.

    Parameters
    ----------
    path
        The file.
    called
        What messages call it.
    is_binary
        Whether content that begins so is no text.

    Raises
    ------
    InputError
        As `unpacked` does, and if the file is damaged.
    """
    with path.open("rb") as file:
        if not file.read(8).startswith((*(magic for magic, _ in _PACKED), _ZIP)):
            return None
    try:
        with unpacked(path, called) as content:
            if not is_binary(content.peek(8)[:8]):
                return None
            whole = tempfile.NamedTemporaryFile()  # noqa: SIM115, the caller closes it
            shutil.copyfileobj(content, whole)
            whole.flush()
            return whole
    except DAMAGED as error:
        raise InputError(f"{called} cannot be read to its end ({error}); fetch it again") from None


def _member(path: Path, called: str) -> IO[bytes]:
    try:
        return _only_member(zipfile.ZipFile(path), called)
    except DAMAGED as error:
        raise InputError(f"{called} cannot be read to its end ({error}); fetch it again") from None


def _only_member(archive: zipfile.ZipFile, called: str) -> IO[bytes]:
    files = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
    if any(i.filename in {"[Content_Types].xml", "mimetype"} for i in files):
        raise InputError(f"{called} is a workbook; save its sheet as CSV")
    if len(files) != 1:
        raise InputError(f"{called} is a zip archive of {len(files)} files; unpack it and give one of them")
    if files[0].flag_bits & 1:
        raise InputError(f"{called} is locked with a password; unpack it")
    return archive.open(files[0])


class _Bounded(io.RawIOBase):
    """Unpacked bytes, as long as they are not too many."""

    def __init__(self, content: IO[bytes], file: BinaryIO, called: str, packed: int) -> None:
        self._content, self._file, self._called, self._packed, self._n = content, file, called, packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._content.read(len(buffer))
        self._n += len(piece)
        if self._n > LARGEST:
            raise InputError(f"{self._called} has more than {LARGEST:,} bytes unpacked; give a smaller file")
        if self._n > UNCHECKED and self._n > RATIO * self._packed:
            raise InputError(
                f"{self._called} unpacks to more than {RATIO} times its size, {self._n:,} bytes; unpack it yourself "
                "if you trust it"
            )
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._file.close()
        super().close()
