"""The files of a table that is in many, in folders or named one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pharmagraph.ingest.replicates.engines import Kind
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.columnar import PARQUET

_ENDINGS = (".parquet", ".csv", ".tsv", ".txt")
_SEPARATORS: tuple[Kind, ...] = (",", ";", "\t")


def files_of(paths: Sequence[Path]) -> tuple[list[Path], Kind]:
    """The files of all paths in order, and what they are.

    Raises
    ------
    InputError
        If one is not there, a folder has none, or some are text and others Parquet.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                p for p in path.iterdir() if p.suffix in _ENDINGS and not p.name.startswith(("_", "."))
            )
            if not inside:
                raise InputError(
                    f"{path} has no files that end in {' or '.join(_ENDINGS)}; give another folder"
                )
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"{path} does not exist; give files of Parquet or text, or folders of them")
    kinds = {}
    for file in files:
        with file.open("rb") as content:
            kinds[content.read(len(PARQUET)) == PARQUET] = file
    if len(kinds) > 1:
        raise InputError(f"{kinds[True]} is Parquet and {kinds[False]} is not; give files of one kind")
    return files, "parquet" if True in kinds else _separator(files[0])


def _separator(file: Path) -> Kind:
    """The sign that divides the header of a text most often."""
    with file.open("rb") as content:
        header = content.readline(1 << 16)
    return max(_SEPARATORS, key=lambda sign: header.count(sign.encode()))
