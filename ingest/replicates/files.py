"""The files of a table that is in many, in folders or named one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pharmagraph.ingest.replicates.engines import Kind
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.columnar import PARQUET

_ENDINGS = (".parquet", ".csv", ".tsv", ".csv.gz")


def files_of(paths: Sequence[Path]) -> tuple[list[Path], Kind, tuple[str, ...]]:
    """The files of all paths in order, what they are, and a sentence for each folder with files that are not read.

    Raises
    ------
    InputError
        If one is not there or is named twice, a folder has none, some are CSV and others Parquet, or what is named
        like a file is none, such as a pipe, which would never end.
    """
    files: list[Path] = []
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            seen = sorted(p for p in path.iterdir() if not p.name.startswith(("_", ".")))
            inside = [p for p in seen if p.name.lower().endswith(_ENDINGS)]
            if none := next((p for p in inside if not p.is_file()), None):
                raise InputError(f"{none} is no file, or leads to none; take it out of the folder")
            if left := [p.name for p in seen if p not in inside]:
                more = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
                notes.append(f"{path} has {shortened(left[0])}{more}, which is not read")
            if not inside:
                raise InputError(
                    f"{path} has no files that end in {' or '.join(_ENDINGS)}; give another folder"
                )
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            why = "is no file" if path.exists() else "does not exist"
            raise InputError(f"{path} {why}; give files of Parquet or text, or folders of them")
    places: dict[Path, Path] = {}
    for file in files:
        if (place := file.resolve()) in places:
            raise InputError(f"{file} and {places[place]} are one file; name it once")
        places[place] = file
    kinds = {}
    for file in files:
        with file.open("rb") as content:
            kinds[content.read(len(PARQUET)) == PARQUET] = file
    if len(kinds) > 1:
        raise InputError(f"{kinds[True]} is Parquet and {kinds[False]} is not; give files of one kind")
    return files, "parquet" if True in kinds else "csv", tuple(notes)
