"""Keeps rows of measurements in a folder, one JSON file each, with the commands that made them; and in docs.

Rows of a second command take the place of earlier ones with the same key, so that an evaluation may be made in parts.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.model.reports.evaluation_folder import write_json

Kept = dict[str, Any]
"""``commands`` (each with ``command``, ``commit`` and ``machine``), ``rows``, and what the rows are of."""


def file_of(folder: Path, words: Sequence[str]) -> Path:
    """The file of rows that some words tell from others."""
    return folder / f"{re.sub('[^A-Za-z0-9]+', '-', ' '.join(words)).strip('-')}.json"


def stored(path: Path) -> Kept | None:
    """What a file has; None where there is none."""
    found: Kept | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def keep(
    path: Path, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], of: Mapping[str, Any], command: str
) -> Path:
    """Write rows, in the place of earlier ones with the same values of ``key``; returns the file.

    Parameters
    ----------
    path
        As of `file_of`.
    rows
        The rows.
    key
        Columns that tell rows of one fit from those of others.
    of
        What the rows are of, kept beside them.
    command
        The command line that made them.
    """

    def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in key)

    before = stored(path) or {"commands": [], "rows": []}
    made = {
        "command": command, "commit": git_fingerprint(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip
    done = {place(row) for row in rows}
    earlier = [row for row in before["rows"] if place(row) not in done]
    commands = [one for one in before["commands"] if one["command"] != command]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"commands": [*commands, made], **of, "rows": [*earlier, *rows]})
    return path


def read(folder: Path, *, otherwise: str) -> list[Kept]:
    """What all files of a folder have, by their names.

    Raises
    ------
    InputError
        If there are none; ``otherwise`` says what is not there, and how to make it.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise InputError(f"{folder} holds {otherwise} --folder {folder}")
    return found


def of_page(arguments: Sequence[str], page: Path, *, what: str, otherwise: str) -> list[Kept]:
    """What a page of docs is made of: the files of a folder, which are kept as JSON beside the page, or these.

    Parameters
    ----------
    arguments
        The folder, or nothing.
    page
        The page; the JSON has its name.
    what
        What the folder is of, for messages.
    otherwise
        As of `read`.
    """
    if len(arguments) > 1:
        raise SystemExit(f"give the folder of {what}, or nothing")
    kept = page.with_suffix(".json")
    if not arguments:
        found: list[Kept] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    found = read(Path(arguments[0]), otherwise=otherwise)
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in found)
    kept.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return found
