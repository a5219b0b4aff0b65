"""Tables that a user brings to be compared with: delimited text with a header, its columns checked before any row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pharmagraph.kg.errors import InputError


def rows(path: Path, wanted: Sequence[str]) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns, and line numbers with cells; CSV, or with tabs as ``.tsv`` or ``.txt``.

    Parameters
    ----------
    path
        Of the table.
    wanted
        Columns that it must have.

    Raises
    ------
    InputError
        If there is no such file or column.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; a table with columns {' and '.join(wanted)} is needed"
        )
    with path.open(newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix in {".tsv", ".txt"} else ",", restval="")
        columns = [c.strip() for c in reader.fieldnames or ()]
        reader.fieldnames = columns
        for name in wanted:
            if name not in columns:
                raise InputError(
                    f'{path}, row 1: there is no column "{name}"; it has {", ".join(columns) or "nothing"}'
                )
        return columns, [(reader.line_num, {k: v or "" for k, v in row.items() if k}) for row in reader]
