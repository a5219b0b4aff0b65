"""`cli compare`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format


def compare(
    by: Annotated[
        str,
        typer.Option(
            help="tissue, tissue:NAME, mutation:GENE (driver events), mutation:GENE:any, msi, or a CSV with the "
            "columns cell_line and group: two groups, or one against all other lines."
        ),
    ],
    drug: Annotated[
        str | None,
        typer.Option(
            help="Name or id; all drugs when left out, the smallest p first.", autocompletion=completion.drugs
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Responses of this dataset; needed where the graph has several.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Picture, .svg, .png or .pdf: strips of one drug, or a volcano plot of all drugs."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Drugs that are printed.")] = 20,
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Compare measured responses between two groups of cell lines, of one drug or of all."""
    from pharmagraph.kg import picture_file
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.contrasts.measured import compare
    from pharmagraph.model.reports import contrasts

    if out is not None:
        picture_file.require(out)
    with open_store(store, read_only=True) as graph:
        result = compare(graph, by, drug=drug, dataset=dataset, note=note)
    shown = result.rows if drug is not None else result.rows[:limit]
    if format is Format.table:
        print_rows(
            contrasts.table(shown, by_drug=drug is None), title=contrasts.title(result, by_drug=drug is None)
        )
        if drug is not None:
            print("\n".join(contrasts.strip_lines(contrasts.strips(result))))
        if len(result.rows) == 1:
            print(f"\n{result.rows[0]}")
    else:
        print_rows([row.row() for row in shown], format)
    if out is not None:
        (contrasts.write_volcano if drug is None else contrasts.write_strips)(out, result)
        note(f"picture: {out}")
