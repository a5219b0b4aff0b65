"""`cli ingest curves`: dose–response points to fitted curves; parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pharmagraph.ingest.commands.options import FormatOption
from pharmagraph.kg.console import Format


def curves(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Points: columns drug, cell_line, a concentration such as dose_uM, value or viability; plate, control "
            "and time_zero when there. Rows of the drug DMSO, or of none, are controls. Or GDSC's raw data as "
            "downloaded.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="CSV of the fitted curves; as DIR/responses.csv it is read by: cli ingest tables DIR."
        ),
    ],
    unit: Annotated[
        str | None, typer.Option(help="Of the concentrations: uM, nM, pM, mM, M, or log10 M and the like.")
    ] = None,
    value_unit: Annotated[
        Literal["fraction", "percent"] | None,
        typer.Option(help="Of the viability; told from its header and values when left out."),
    ] = None,
    compounds: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of GDSC's raw data: screened_compounds_rel_8.5.csv, with the names of the drugs.",
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Fit a curve to each drug on each cell line: ln IC50 or its bound, area, ends, slope, and flags."""
    from pharmagraph.ingest.dose_response import table
    from pharmagraph.ingest.dose_response.figures import LEAST, fitted
    from pharmagraph.ingest.dose_response.series import read
    from pharmagraph.kg.console import note, print_rows, progress
    from pharmagraph.kg.errors import InputError, some
    from pharmagraph.kg.folders import require_file

    require_file(out)
    if out.exists() and file.exists() and out.samefile(file):
        raise InputError(f"--out {out} is the file of points itself; give another")
    series, notes = read(file, unit=unit, value_unit=value_unit, compounds=compounds)
    for line in notes:
        note(line)
    with progress(quiet=format is not Format.table) as bar:
        task = bar.add_task("fitting curves", total=len(series), note="")
        found = fitted(series, lambda done: bar.update(task, completed=done))
    if not any(curve.auc is not None for curve in found):
        raise InputError(
            f"{file}: no drug has {LEAST} concentrations on a cell line, so there is no curve; measure more. "
            "Nothing was written"
        )
    left_out = table.write(out, found)
    if left_out:
        names = some([f"{curve.drug} on {curve.cell_line}" for curve in left_out])
        note(f"{len(left_out):,} curves with fewer than {LEAST} concentrations are not in {out}: {names}")
    print_rows(table.counts(found), format)
    if format is Format.table:
        print(f"{out}: {len(found) - len(left_out):,} curves")
