"""`cli ingest replicates`: a table of any size to one row a pair; parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.ingest.commands.options import FormatOption, Unit
from pharmagraph.ingest.replicates.engines import Name
from pharmagraph.kg.console import Format


def replicates(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Parquet or text, or folders of them: columns drug, cell_line, and an IC50 or auc; or cell_line, gene "
            "and value.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="A row a pair, CSV or else Parquet; as DIR/responses.parquet it is read by: cli ingest tables DIR."
        ),
    ],
    engine: Annotated[
        Name, typer.Option(help="Polars on this machine, or Spark; Polars where Spark is missing.")
    ] = "polars",
    master: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where Spark runs: local[*] when left out, spark://host:7077, yarn or k8s://….",
        ),
    ] = None,
    unit: Unit = None,
    reject_rows: Annotated[
        bool, typer.Option("--reject-rows", help="Leave bad rows out, and print how many they were.")
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Average replicates of responses or expression, with Polars or, of any size, with Spark."""
    from pharmagraph.ingest.replicates.means import average
    from pharmagraph.ingest.units.given import given
    from pharmagraph.kg.console import note, print_rows

    done = average(files, out, on=engine, master=master, units=given(unit or ()), reject_rows=reject_rows)
    for line in done.notes:
        note(line)
    for kept, others in list(done.spellings.items())[:5]:
        note(f"one name in several spellings: {kept} (also {', '.join(others)})")
    if len(done.spellings) > 5:
        note(f"and {len(done.spellings) - 5:,} more names in several spellings")
    counts = {
        "rows read": done.rows,
        "rows without a value, left out": done.without_value,
        "bad rows, left out": done.bad,
        "rows written": done.pairs,
        "of these from several values": done.repeated,
    }
    print_rows([{"what": what, "number": number} for what, number in counts.items()], format)
    if format is Format.table:
        print(f"{out}: {done.pairs:,} rows, by {done.engine}")
