"""The engines that average large tables: Polars on one machine, Spark on one or on many.

`ingest.replicates.means` writes its steps once, for narwhals, which hands them to either.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from pharmagraph.kg.errors import InputError

Name = Literal["polars", "spark"]
Kind = Literal["parquet", "csv"]
Frame = Any
"""A lazy frame of narwhals."""


class Engine(Protocol):
    """What differs between the engines."""

    name: Name

    def scan(self, files: Sequence[Path], kind: Kind, separator: str) -> Frame:
        """The rows of files with the same columns; all cells of CSV are texts, with a separator between them."""

    def frame(self, columns: Mapping[str, Sequence[str]]) -> Frame:
        """A small table of texts."""

    def collect(self, frame: Frame) -> Frame:
        """The few rows of a frame in memory; those that it is made of need not fit there."""

    def numbers(self, frame: Frame, columns: Sequence[str]) -> Frame:
        """The rows, with the numbers that columns of texts hold; null where a text is no number."""

    def write(self, frame: Frame, file: Path, order: Sequence[str]) -> None:
        """Write the rows to one Parquet file, ordered by columns."""


class Polars:
    """The streaming engine of Polars, on all cores of this machine."""

    name: Name = "polars"

    def __init__(self) -> None:
        import polars

        self._pl = polars

    def scan(self, files: Sequence[Path], kind: Kind, separator: str) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        paths = [str(file) for file in files]
        if kind == "parquet":
            return nw.from_native(self._pl.scan_parquet(paths, glob=False))
        return nw.from_native(self._pl.scan_csv(paths, separator=separator, infer_schema=False, glob=False))

    def frame(self, columns: Mapping[str, Sequence[str]]) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        return nw.from_native(self._pl.LazyFrame(columns, schema=dict.fromkeys(columns, self._pl.String)))

    def collect(self, frame: Frame) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        return nw.from_native(frame.to_native().collect(engine="streaming"))

    def numbers(self, frame: Frame, columns: Sequence[str]) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        cast = [self._pl.col(c).cast(self._pl.Float64, strict=False) for c in columns]
        return nw.from_native(frame.to_native().with_columns(cast))

    def write(self, frame: Frame, file: Path, order: Sequence[str]) -> None:
        """As in `Engine`."""
        frame.to_native().sort(list(order)).sink_parquet(file, engine="streaming")


class Spark:
    """A session of Spark.

    Parameters
    ----------
    master
        Where it runs: ``local[*]``, ``local-cluster[2,1,1024]``, ``spark://host:7077``, ``yarn`` or ``k8s://…``. Files
        have to be where all executors see them.
    """

    name: Name = "spark"

    def __init__(self, master: str = "local[*]") -> None:
        with warnings.catch_warnings():  # of pandas' version, which is not used
            warnings.simplefilter("ignore", FutureWarning)
            from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(master).appName("pharmagraph")
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sql.csv.parser.columnPruning.enabled": "false",  # else rows of other lengths are let through
        }
        for key, value in settings.items():
            builder = builder.config(key, value)
        self._session = builder.getOrCreate()

    def scan(self, files: Sequence[Path], kind: Kind, separator: str) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        paths = [str(file.absolute()) for file in files]
        read = self._session.read
        if kind == "parquet":
            return nw.from_native(read.parquet(*paths))
        strict = {"mode": "FAILFAST", "escape": '"'}  # else the surplus cells of a row are cut off
        return nw.from_native(read.csv(paths, header=True, sep=separator, **strict))

    def frame(self, columns: Mapping[str, Sequence[str]]) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        schema = ", ".join(f"{column} string" for column in columns)
        rows = list(zip(*columns.values(), strict=True))
        return nw.from_native(self._session.createDataFrame(rows, schema))

    def collect(self, frame: Frame) -> Frame:
        """As in `Engine`."""
        return frame.collect()

    def numbers(self, frame: Frame, columns: Sequence[str]) -> Frame:
        """As in `Engine`."""
        import narwhals as nw

        native = frame.to_native()
        return nw.from_native(native.withColumns({c: native[c].try_cast("double") for c in columns}))

    def write(self, frame: Frame, file: Path, order: Sequence[str]) -> None:
        """As in `Engine`."""
        folder = file.with_name(f"{file.name}.parts")
        try:
            parts = frame.to_native().coalesce(1).sortWithinPartitions(*order)
            parts.write.mode("overwrite").parquet(str(folder.absolute()))
            (part,) = folder.glob("part-*.parquet")
            part.replace(file)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End the session."""
        self._session.stop()


@contextmanager
def engine(name: Name, master: str | None = None) -> Iterator[tuple[Engine, str]]:
    """An engine, and why it is not the one that was asked for; that is empty where it is.

    Parameters
    ----------
    name
        Where Spark or the Java that it needs is missing, Polars takes its place.
    master
        Of Spark; ``local[*]`` when None.

    Raises
    ------
    InputError
        If Polars is needed and not installed, or a master is given to Polars or cannot be reached.
    """
    if master is not None and name != "spark":
        raise InputError(f"--master {master} is of Spark; add --engine spark, or leave it out")
    instead = ""
    if name == "spark":
        try:
            spark = Spark(master or "local[*]")
        except ImportError:
            instead = (
                "pyspark is not installed (pip install 'pharmagraph[spark]'); Polars does it, on this machine"
            )
        except Exception as error:
            if not (absent := _without_java(error)):
                raise InputError(
                    f"Spark cannot start at --master {master or 'local[*]'}: {reason(error)}"
                ) from None
            instead = absent
        else:
            try:
                yield spark, ""
            finally:
                spark.stop()
            return
    try:
        polars = Polars()
    except ImportError:
        raise InputError("Polars is not installed (pip install 'pharmagraph[replicates]')") from None
    yield polars, instead


def _without_java(error: Exception) -> str:
    text = str(error)
    missing = "JAVA_GATEWAY_EXITED" in text or (isinstance(error, FileNotFoundError) and "java" in text)
    return (
        "Spark needs Java 17 or later, which is not there; Polars does it, on this machine" if missing else ""
    )


def reason(error: Exception) -> str:
    """What an engine says of an error: its first line, or of Java the last cause, without the names of classes."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    of_java = [line for line in lines if line.startswith(("Caused by: ", ": "))]
    return of_java[-1].rpartition("Exception: ")[2] if of_java else lines[0]
