"""Opens a file as text, unpacked, in the encoding that it has: UTF-8, or UTF-16, with or without a byte order mark."""

from __future__ import annotations

import codecs
import io
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.unpacking import unpacked

LONGEST = 2**26
"""Characters that a line may have; a line of 20,000 genes has a few hundred thousand."""

ENDINGS = (
    *(".gz", ".xz", ".bz2", ".zip", ".csv", ".tsv", ".txt", ".tab", ".gmt", ".parquet", ".feather", ".arrow"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
)
"""Endings that say how a file is written, not what it is."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNSEEN = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Characters that take no place, in the brackets of a pattern: soft hyphens, joiners, marks of direction."""

_UNSEEN = re.compile(f"[{UNSEEN}]")
_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " "))
"""Blanks that break no line become blanks."""


def shown(path: Path) -> str:
    """A file's name in messages: its folder and name."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def located(path: Path) -> tuple[Path, str | None]:
    """The file of a path, and the sheet where the path goes on behind a workbook: ``screen.xlsx/Responses``."""
    return (path.parent, path.name) if path.parent.is_file() else (path, None)


def existing(path: Path, *, what: str) -> Path:
    """The path, if it is a file, or a sheet of one.

    Raises
    ------
    InputError
        If it is not.
    """
    if not located(path)[0].is_file():
        raise InputError(f"{path} is not a file; {what}")
    return path


def first_bytes(path: Path) -> bytes:
    """What a file begins with; nothing of one that cannot be read, which `opened` refuses."""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""


def stem(path: Path) -> str:
    """A file's name without the endings that say how it is written: ``c2.cp.v1.symbols`` of that and ``.gmt.gz``."""
    name = path.name
    while (ending := next((e for e in ENDINGS if name.lower().endswith(e)), "")) and len(name) > len(ending):
        name = name[: -len(ending)]
    return name


def tidy(text: str) -> str:
    """A cell's text without blanks around it and without what is not seen, with characters in composed form (NFC)."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text.translate(_BLANKS))).strip()


@contextmanager
def opened(path: Path, called: str | None = None) -> Iterator[TextIO]:
    """A file of text, open for reading; every kind of line end becomes a line feed.

    Parameters
    ----------
    path
        The file.
    called
        What messages call it; by default its folder and name.

    Raises
    ------
    InputError
        If it cannot be opened or read to its end, or is neither UTF-8 nor UTF-16.
    """
    called = called or shown(path)
    try:
        with unpacked(path, called) as content:
            found = encoding(content.peek(1 << 12)[: 1 << 12])
            with io.TextIOWrapper(content, encoding=found) as text:
                yield text
    except UnicodeDecodeError as error:
        near = error.object[max(error.start - 8, 0) : error.start + 8].decode("utf-8", "replace").split("\n")
        place = next((part for part in near if "\ufffd" in part), near[0]).strip()
        kind = "UTF-16" if error.encoding.startswith("utf-16") else "UTF-8"
        raise InputError(f'{called} is not {kind} text (near "{place}"); save it as UTF-8') from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise InputError(f"{called} cannot be read to its end ({error}); fetch it again") from None
    except OSError as error:  # a gzip file that is damaged raises one without a number
        way = "give another file" if error.errno else "fetch it again"
        reason = (
            f"cannot be read ({error.strerror})" if error.errno else f"cannot be read to its end ({error})"
        )
        raise InputError(f"{called} {reason}; {way}") from None


def encoding(head: bytes) -> str:
    """The encoding of a text that begins so."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(head) >= 4:  # letters of a table are below 256, so that every other byte of UTF-16 is 0
        odd, even = head[1::2].count(0), head[0::2].count(0)
        if max(odd, even) > 0.4 * len(head) > min(odd, even) * 10:
            return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"
