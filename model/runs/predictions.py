"""Predicts with a saved run: known drugs and cell lines, a new structure, or a new expression profile."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import user_tables
from pharmagraph.kg.errors import ModelError, RowError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import find
from pharmagraph.model.inputs.edits import NEW_CELL_LINE, with_new_cell_line
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.asked import NONE, Asked, asked_drugs, numbered, position, together


def predict(
    folder: Path,
    *,
    drugs: Sequence[str] | None,
    cell_lines: Sequence[str | Mapping[str, float]] | None,
    drug_names: Mapping[str, Sequence[str | None]],
    cell_line_names: Mapping[str, Sequence[str | None]],
    limit: int | None = None,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """Predict pairs with a saved run.

    Parameters
    ----------
    folder
        Of the run.
    drugs
        Names, aliases, ids or SMILES; all drugs of the run when None.
    cell_lines
        Names, aliases, ids, CSV files with the columns gene and z, or mappings of gene to z (standard deviations);
        all when None.
    drug_names, cell_line_names
        Id → names and aliases, from the store.
    limit
        Rows returned, the most sensitive first; all unless given.

    Returns
    -------
    list of dict
        ``drug``, ``cell_line``, ``probability`` or ``ln_ic50``, and ``measured`` (whether the run was
        trained on the pair), the most sensitive first.

    Raises
    ------
    NotFoundError
        If a name is neither known nor a structure or a file.
    ModelError
        If the run cannot be loaded, both sides are left out, or the run's graph lacks the drug or cell line.
    """
    if drugs is None and cell_lines is None:
        raise ModelError("name a drug, a cell line or both: cli predict --drug NAME --cell NAME")
    graph = saved.load_graph(folder)
    rows = [
        row
        for drug in asked_drugs(graph, drugs, drug_names)
        for cell_line in _cell_lines(graph, cell_lines, cell_line_names)
        for row in _predicted(folder, graph, drug, cell_line, device)
    ]
    if rows and "probability" in rows[0]:
        rows.sort(key=lambda row: -row["probability"])
    else:
        rows.sort(key=lambda row: row["ln_ic50"])
    return rows[:limit]


def _predicted(
    folder: Path, graph: Heterograph, drugs: Asked, cell_lines: Asked, device: str
) -> Iterator[dict[str, Any]]:
    for side in (drugs, cell_lines):
        if side.add is not None:
            graph = side.add(graph)
    fitted = saved.load(folder, graph, device=device)
    drug, cell_line = drugs.nodes(graph, "Drug"), cell_lines.nodes(graph, "CellLine")
    drug_name, cell_line_name = drugs.names(graph, "Drug"), cell_lines.names(graph, "CellLine")
    d, c = np.repeat(np.arange(len(drug)), len(cell_line)), np.tile(np.arange(len(cell_line)), len(drug))
    predicted = fitted.predict(drug[d], cell_line[c])
    column = "probability" if fitted.scale.task == "classification" else "ln_ic50"
    measured = fitted.messages.visible.measured.cpu().numpy()[cell_line[c], drug[d]]
    for i in range(len(d)):
        yield {
            "drug": drug_name[d[i]],
            "cell_line": cell_line_name[c[i]],
            column: float(predicted[i]),
            "measured": bool(measured[i]),
        }


def read_expression(path: Path) -> dict[str, float]:
    """A CSV file with the columns gene and z → gene symbol → z score (standard deviations).

    Raises
    ------
    InputError
        If the file is no text.
    RowError
        If a column is missing or a value is not a finite number; the row is named.
    """
    with user_tables.opened(path) as file:
        rows = csv.DictReader(file)
        for column in ("gene", "z"):
            if column not in (rows.fieldnames or ()):
                raise RowError(
                    str(path),
                    1,
                    column,
                    ", ".join(rows.fieldnames or ()),
                    "has no such column; give gene and z",
                )
        found = {}
        for number, row in enumerate(rows, start=2):
            try:
                value = float(row["z"])
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                raise RowError(str(path), number, "z", row["z"], "is not a finite number")
            found[row["gene"]] = value
    return found


def _cell_lines(
    graph: Heterograph,
    cell_lines: Sequence[str | Mapping[str, float]] | None,
    names: Mapping[str, Sequence[str | None]],
) -> list[Asked]:
    if cell_lines is None:
        return [Asked(np.arange(graph.n_nodes("CellLine")))]
    known: list[int] = []
    new: list[Asked] = []
    for cell_line in cell_lines:
        id_ = find(cell_line, names) if isinstance(cell_line, str) else None
        if isinstance(cell_line, str) and (id_ is not None or not Path(cell_line).is_file()):
            known.append(position(graph, "CellLine", "cell line", cell_line, id_, names))
        else:
            z = read_expression(Path(cell_line)) if isinstance(cell_line, str) else cell_line
            name = numbered(NEW_CELL_LINE, len(new))
            new.append(Asked(NONE, partial(with_new_cell_line, z=z), name))
    return together(known, new)
