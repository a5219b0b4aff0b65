from __future__ import annotations

from pathlib import Path
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
    from pharmagraph.kg import names
    from pharmagraph.kg import runs as register
    from pharmagraph.kg.console import print_rows
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.runs.predictions import predict as predict_pairs
    from pharmagraph.model.runtime import resolve_device

    with open_store(store, read_only=True) as graph:
        found = register.find(graph, run)
        drug_names, cell_line_names = names.index(graph, "Drug"), names.index(graph, "CellLine")
    rows = predict_pairs(
        Path(found["folder"] or ""), drug=drug, cell_line=cell, drug_names=drug_names,
        cell_line_names=cell_line_names, limit=limit, device=resolve_device(device),
    )  # fmt: skip
    print_rows(rows, format)
