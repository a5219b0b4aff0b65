"""`cli predict`: parses, calls one function and prints its result."""

from __future__ import annotations

from typing import Annotated

import typer

from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.model.commands.options import Device


def predict(
    drug: Annotated[str | None, typer.Option(help="Name, id or SMILES; all drugs when left out.")] = None,
    cell: Annotated[
        str | None, typer.Option(help="Name, id, or a CSV file with columns gene and z; all when left out.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run id; the promoted run when left out.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Rows when one side is left out, the most sensitive first.")
    ] = 20,
    device: Device = "auto",
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Predict the response of a cell line to a drug, known to the graph or new."""
    from pharmagraph import rows
    from pharmagraph.kg.console import print_rows
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

    with open_store(store, read_only=True) as graph:
        predicted = rows.predict(Run.open(graph, run), drug, cell, limit=limit, device=device)
    print_rows(predicted, format)
