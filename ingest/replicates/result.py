"""The file of means: how a full disk is told, what is checked in it, and how it becomes text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pharmagraph.kg.errors import InputError

REPLICATES = "replicates"
"""Column with the number of rows of a pair."""


@contextmanager
def full_disk(out: Path) -> Iterator[None]:
    """Tell the system's own reason why a file cannot be written, which Polars takes for a damaged table."""
    try:
        yield
    except Exception as error:
        said = re.search(r"\(os error (\d+)\)", str(error))
        if isinstance(error, OSError) or said is None:
            raise
        raise OSError(int(said[1]), os.strerror(int(said[1])), str(out)) from None


def written(place: Path, table: str, key: Sequence[str]) -> tuple[int, int]:
    """Rows of the file that was written, and those with several replicates.

    Raises
    ------
    InputError
        If a mean or a standard deviation is beyond what a number of 64 bits can be.
    """
    import pyarrow.compute as pc
    from pyarrow import parquet

    with parquet.ParquetFile(place) as file:
        replicates = file.read(columns=[REPLICATES]).column(REPLICATES)
        numbers = [f.name for f in file.schema_arrow if str(f.type) == "double"]
        for batch in file.iter_batches(columns=[*key, *numbers]):
            for name in numbers:
                if (at := pc.index(pc.is_finite(batch[name]), False).as_py()) >= 0:
                    pair = ", ".join(str(batch[c][at]) for c in key)
                    raise InputError(
                        f"{table}: the values of {pair} are too large for their {name}; correct them. Nothing was "
                        "written"
                    )
    return len(replicates), int(pc.sum(pc.greater(replicates, 1)).as_py() or 0)


def as_text(place: Path) -> None:
    """Put text with commas into the place of a Parquet file, a batch of rows at a time."""
    from pyarrow import csv, parquet

    text = place.with_name(f"{place.name}.csv")
    try:
        with parquet.ParquetFile(place) as file, csv.CSVWriter(text, file.schema_arrow) as writer:
            for batch in file.iter_batches():
                writer.write_batch(batch)
        text.replace(place)
    finally:
        text.unlink(missing_ok=True)
