"""Folders and files that the user named: tried before long work, and a file is put in place once it is whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pharmagraph.kg.errors import InputError

_LONGEST = 200
"""Bytes of a file's name without its ending; file systems allow 255."""
_TEMPORARY, _ALIVE = "pharmagraph-", ".alive"


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


def not_its_own(folder: Path) -> Path | None:
    """What leads out of a folder, such as a link to a file elsewhere, or is neither file nor folder, such as a pipe.

    Who gets a folder from somebody else reads no file of this machine by it, and waits for none.
    """
    inside = sorted(folder.rglob("*"))
    return next((p for p in inside if p.is_symlink() or not (p.is_file() or p.is_dir())), None)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The place to write a file's content to, beside the file; it takes the file's name when the block has ended.

    A block that fails, as on a full disk, leaves the former file or none. What is no file, such as a pipe, is written
    to as it is. The folder is made where it is not there.

    Raises
    ------
    InputError
        If no file can be there.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    make(target.parent)
    unfinished = target.with_name(f".new.{target.name}")
    try:
        yield unfinished
        unfinished.replace(target)
    except FileNotFoundError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; give another place") from None
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is told of without the file
        raise
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """The place to write an export's files to, beside its folder; it takes the folder's name when the block has ended.

    A block that fails leaves nothing: neither files nor a folder that was not there before.

    Raises
    ------
    InputError
        If there is something in the folder, or no folder can be there.
    """
    target = Path(os.path.realpath(folder))
    made = [place for place in (target, *target.parents) if not place.exists()]
    make(target)
    if any(target.iterdir()):
        raise InputError(f"{folder} is not empty; give a new folder")
    unfinished = target.with_name(f".new.{target.name}")
    shutil.rmtree(unfinished, ignore_errors=True)  # of an export that was killed
    try:
        unfinished.mkdir()
        yield unfinished
        target.rmdir()
        unfinished.replace(target)
        made = []
    except OSError as error:
        if not isinstance(error.filename, str) or Path(error.filename).is_relative_to(unfinished):
            error.filename = str(
                folder
            )  # a full disk is told of without a file, or with one of the temporary folder
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        for place in made:  # those that hold something else by now stay
            with suppress(OSError):
                place.rmdir()


def take_room(path: Path) -> None:
    """Take the disk's room for all of a file: writing to a mapped place that the disk has not ends the process.

    Raises
    ------
    OSError
        If the disk is full; naming the file.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                error.filename = str(path)
                raise


def file_name(*texts: str) -> str:
    """The first of some texts that can name a file of the working folder, without signs that lead elsewhere."""
    for text in texts:
        safe = re.sub(r"[^\w()+.-]+", "_", text).strip("._ ")
        if safe:
            return safe.encode()[:_LONGEST].decode(errors="ignore")
    digest = hashlib.blake2b("\0".join(texts).encode(errors="replace"), digest_size=4).hexdigest()
    return f"unnamed-{digest}"  # another one for "/" than for "../"


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder for files that are not kept. Those that killed processes left are removed first.

    A process holds a lock on its folder for as long as it lives.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*/{_ALIVE}"):
        with suppress(OSError), left.open("rb") as alive:
            if os.fstat(alive.fileno()).st_uid == os.getuid():
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY) as folder, Path(folder, _ALIVE).open("wb") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        yield Path(folder)


def require_file(path: Path) -> None:
    """Raise InputError where a file cannot be written, since a folder is there or its own folder cannot be made."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file")
    require_possible(path.parent)


def require_possible(folder: Path) -> None:
    """Raise InputError where a folder cannot be made; leaves nothing, so that interrupted work leaves nothing either.

    The folders that were missing are made and removed again.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    make(folder)
    for place in missing:
        with suppress(OSError):  # something was written there meanwhile
            place.rmdir()
