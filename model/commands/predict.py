"""`cli predict`: parses, calls one function and prints its result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.kg.commands.status import FormatOption, Store
from pharmagraph.kg.console import Format
from pharmagraph.kg.errors import shortened
from pharmagraph.model.commands.options import Device

if TYPE_CHECKING:
    from pharmagraph.kg.store import GraphStore

_LONGEST = 40
"""Characters of a new drug's SMILES in a table."""


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
            "either (docs/data.md); all when left out.",
            autocompletion=completion.cell_lines,
        ),
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
        int, typer.Option(min=1, help="Rows when one side is left out, the most sensitive first.")
    ] = 20,
    level: Annotated[
        float | None, typer.Option(help="Level of the interval, between 0 and 1; 0.9 when left out.")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(help="Print only pairs whose likelier class has this calibrated probability, from 0.5."),
    ] = None,
    device: Device = "auto",
    store: Store = None,
    format: FormatOption = Format.table,
) -> None:
    """Predict the response of a cell line to a drug, known to the graph or new."""
    from pharmagraph import rows
    from pharmagraph.kg.console import note, print_rows
    from pharmagraph.kg.errors import InputError
    from pharmagraph.kg.store import open_store
    from pharmagraph.run import Run

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
                opened, drug, cell, smiles=smiles or None, pilot=pilot, note=note, limit=limit, device=device,
                level=level, at_least=at_least,
            )  # fmt: skip
        if format is Format.table:
            names = _names(graph)
            said = {"unlike": any(row.get("unlike") for row in predicted), "level": level is not None}
            predicted = [
                {column: value for column, value in _shown(row, names).items() if said.get(column, True)}
                for row in predicted
            ]
    print_rows(predicted, format)


def _names(graph: GraphStore) -> dict[str, dict[str, str]]:
    """Column → id → name, of the graph's drugs and cell lines."""
    return {
        column: {row["id"]: row["name"] or row["id"] for row in graph.node_rows(label, ["id", "name"])}
        for column, label in (("drug", "Drug"), ("cell_line", "CellLine"))
    }


def _shown(row: dict[str, Any], names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """A row for people: names in place of ids, and a long SMILES cut."""
    there = {
        c: shortened(names[c].get(row[c], row[c]), _LONGEST) for c in names if isinstance(row.get(c), str)
    }
    return row | there
