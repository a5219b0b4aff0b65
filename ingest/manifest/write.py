"""Writes a manifest of guesses, with a comment on each that says what it was guessed from."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pharmagraph.ingest.manifest.draft import Guesses, Line
from pharmagraph.ingest.manifest.entries import NAME, OPEN, PARTS
from pharmagraph.ingest.manifest.guess import guessed
from pharmagraph.kg.errors import InputError

_PLAIN = re.compile(r"[A-Za-z0-9_/(][\w./()%+-]*(?: [\w./()%+-]+)*")
_NOTHING = {"null", "Null", "NULL"}
_COMMENTS_AT = 40
_TOP = """\
# Which file holds what. A comment says what a guess was made from: correct what is wrong.
# Where {open} stands nothing tells, and it has to be written. Then: cli ingest tables FOLDER --check
"""
_BOTTOM = """
# Labels, where responses have none; z:-0.8 is the usual rule:
# threshold: z:-0.8
"""


def write_manifest(folder: Path) -> tuple[Path, Guesses]:
    """Look at the files of a folder and write its manifest.

    Raises
    ------
    InputError
        If it is no folder, has a manifest, no file of it may be part of a screen, or the manifest cannot be written.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that the files are in")
    path = folder / NAME
    if path.exists():
        raise InputError(f"{path} is there and is not overwritten; correct it, or move it away")
    guesses = guessed(folder)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=folder, suffix=".yaml.part", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text_of(guesses))
        temporary.chmod(0o644)
        os.link(temporary, path)  # fails where another one was written meanwhile
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); free the place, or copy the files"
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path, guesses


def text_of(guesses: Guesses) -> str:
    """The text of a manifest."""
    words = {part: word for word, part in PARTS.items()}
    lines = _TOP.format(open=OPEN).splitlines()
    for guess in guesses.parts:
        lines += ["", *_lines([Line(words[guess.part], guess.lines)], 0)]
    if guesses.others:
        lines += ["", "# Not used:", *(f"# - {_comment(other)}" for other in guesses.others)]
    return "\n".join(lines) + "\n" + _BOTTOM


def _lines(lines: Sequence[Line], depth: int) -> Iterator[str]:
    for line in lines:
        value = line.value
        nested = [one for one in value if isinstance(one, Line)] if isinstance(value, tuple) else []
        if isinstance(value, str):
            text = f" {_word(value)}"
        else:
            text = "" if nested else f" [{', '.join(_word(v) for v in value if isinstance(v, str))}]"
        written = f"{'  ' * depth}{line.key}:{text}"
        yield f"{written:<{_COMMENTS_AT}}  # {_comment(line.reason)}" if line.reason else written
        yield from _lines(nested, depth + 1)


def _word(text: str) -> str:
    """A word as YAML has it, in quotes where it would be something else."""
    plain = _PLAIN.fullmatch(text) is not None and text not in _NOTHING
    return text if plain else json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
