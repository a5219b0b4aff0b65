"""`cli predict`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands import many
from pharmagraph.model.commands.many import SHOWN, for_people
from pharmagraph.model.commands.options import Device, Quiet


def predict(
    drug: Annotated[
        str | None,
        typer.Option(help="Name, id or SMILES; all drugs when left out.", autocompletion=completion.drugs),
    ] = None,
    smiles: Annotated[
        list[str] | None, typer.Option(help="SMILES of a new drug, even if it is a name, too; repeatable.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(
            help="Name, id, or a file of expression with the columns gene and z, or gene and TPM, counts or log2 of "
            "either (docs/omics.md); all when left out.",
            autocompletion=completion.cell_lines,
        ),
    ] = None,
    drugs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Drugs of a file: an SDF, SMILES (.smi), or a table with a column drug, smiles or both "
            "(docs/predict.md).",
        ),
    ] = None,
    cells: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Cell lines of a file: a table with a column cell_line, or of expression, with a column gene and one "
            "for each new cell line.",
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Pairs of a table with the columns drug or smiles, and cell_line."),
    ] = None,
    tissue: Annotated[
        str | None,
        typer.Option(help="All cell lines of this tissue.", autocompletion=completion.tissues),
    ] = None,
    pilot: Annotated[
        Path | None,
        typer.Option(
            help="CSV of responses measured for the drug, with the columns cell_line and ln_ic50 or response, or for "
            "the cell line, with drug for cell_line: the others are predicted with them."
        ),
    ] = None,
    suggest_pilots: Annotated[
        int | None,
        typer.Option(min=1, help="Print which responses of the drug, or the cell line, to measure first."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Run id; the promoted run when left out.", autocompletion=completion.runs),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Rows in all, the most sensitive first; 20 when left out, all with --out."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Cell lines of each drug, the most sensitive first.")
    ] = None,
    level: Annotated[
        float | None, typer.Option(help="Level of the interval, between 0 and 1; 0.9 when left out.")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(help="Print only pairs whose likelier class has this calibrated probability, from 0.5."),
    ] = None,
    interval: Annotated[
        bool, typer.Option(help="Tell how sure predictions are; many pairs take a third less time without.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write all pairs to a .csv or .parquet file; with neither drugs nor cell lines, the whole matrix.",
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write all pairs into the graph, as edges PREDICTED of the run with low, high and level: cli predict "
            "--drug trametinib --tissue skin --write",
        ),
    ] = False,
    reject_rows: Annotated[
        bool, typer.Option("--reject-rows", help="Leave bad rows of files out in place of ending.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Predict the response of a cell line to a drug, known to the graph or new.

    Of many: cli predict --drugs compounds.sdf --out predicted.csv; the whole matrix: cli predict --out matrix.parquet
    """
    from pharmagraph import rows
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    given = {"drugs": drugs, "cells": cells, "pairs": pairs, "out": out, "top": top, "write": write or None}
    asked = {"drug": drug, "smiles": smiles or None, "cell": cell, "tissue": tissue}
    others = {"pilot": pilot, "suggest-pilots": suggest_pilots, "level": level, "at-least": at_least}
    many.require_options(given | asked | others | {"no-interval": None if interval else True})
    if not interval or any(value is not None for value in given.values()):
        settings = {"top": top, "device": device, "level": level, "at_least": at_least, "intervals": interval}
        files = {"drugs_file": drugs, "cell_lines_file": cells, "pairs_file": pairs}
        wanted = {"drugs": drug, "cell_lines": cell, "smiles": smiles or None, "tissue": tissue}
        many.predict(
            store, run, wanted | files | settings | {"reject_rows": reject_rows}, out=out, into_graph=write,
            limit=limit, quiet=quiet, format=format,
        )  # fmt: skip
        return
    with open_store(store, read_only=True) as graph:
        opened = Run.open(graph, run)
        if suggest_pilots is not None:
            if pilot is not None:
                raise InputError(
                    "--suggest-pilots says what to measure, --pilot what was measured; give one of both"
                )
            predicted = rows.suggest_pilots(
                opened, suggest_pilots, drug, cell, smiles=smiles or None, note=note
            )
        else:
            predicted = rows.predict(
                opened, drug, cell, smiles=smiles or None, pilot=pilot, note=note, limit=limit or SHOWN,
                device=device, level=level, at_least=at_least, tissue=tissue,
            )  # fmt: skip
        if format is Format.table:
            predicted = for_people(graph, predicted, with_level=level is not None)
    print_rows(predicted, format)
