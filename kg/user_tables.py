"""Reads a delimited table with a header that a user gives; its columns are checked before any row."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pharmagraph.kg.errors import InputError


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A file of a table, open for reading.

    Raises
    ------
    InputError
        If what is read is not UTF-8, or no table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise InputError(f"{path} is no table ({error}); save it as CSV") from None


def rows(path: Path, wanted: Sequence[str]) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read a table: CSV, or ``.tsv`` or ``.txt`` with tabs.

    Parameters
    ----------
    path
        The file.
    wanted
        Columns that it must have.

    Returns
    -------
    tuple
        The columns, and for each row its line number and its cells by column.

    Raises
    ------
    InputError
        If the file or a column does not exist, or the file is no table.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; a table with columns {' and '.join(wanted)} is needed"
        )
    with opened(path) as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix in {".tsv", ".txt"} else ",", restval="")
        columns = [c.strip() for c in reader.fieldnames or ()]
        reader.fieldnames = columns
        for name in wanted:
            if name not in columns:
                raise InputError(
                    f'{path}, row 1: there is no column "{name}"; it has {", ".join(columns) or "nothing"}'
                )
        return columns, [(reader.line_num, {k: v or "" for k, v in row.items() if k}) for row in reader]
