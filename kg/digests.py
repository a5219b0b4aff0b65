"""SHA-256 of the files of a run's folder, kept in the folder, so that a file that was changed since is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.folders import whole

DIGESTS = "digests.json"


def write(folder: Path) -> None:
    """Keep the digest of every file of a folder, in the order of their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS)
    digests = {path.relative_to(folder).as_posix(): checksum(path) for path in files}
    with whole(folder / DIGESTS) as place:
        place.write_text(json.dumps({"sha256": digests}, indent=1) + "\n", encoding="utf-8")


def changed(folder: Path) -> dict[str, list[str]]:
    """Names of the files that were changed or are gone since the digests were made.

    Returns
    -------
    dict
        ``changed`` and ``gone``, each only if there is such a file. A folder without digests gives an empty dictionary.

    Raises
    ------
    InputError
        If the file of digests cannot be read.
    """
    try:
        text = (folder / DIGESTS).read_text(encoding="utf-8")
    except FileNotFoundError:  # a folder that an earlier release made
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder / DIGESTS} cannot be read: {error}") from None
    try:
        digests = json.loads(text)["sha256"]
        pairs = [(str(name), str(value)) for name, value in digests.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{folder / DIGESTS} cannot be read: it is no list of digests") from None
    found: dict[str, list[str]] = {}
    root = folder.resolve()
    for name, value in pairs:
        if "\0" in name:
            raise InputError(f"{folder / DIGESTS} cannot be read: a name has a zero byte")
        path = Path(os.path.realpath(folder / name))  # resolve() raises at a link to itself
        if not path.is_relative_to(root):
            raise InputError(f'{folder / DIGESTS} cannot be read: "{name}" leads out of the folder')
        if not os.path.isfile(path):  # `Path.is_file` raises at a name that is too long
            found.setdefault("gone", []).append(name)
        elif checksum(path) != value:
            found.setdefault("changed", []).append(name)
    return found


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
