"""Predicts with a saved run: known drugs and cell lines, a new structure, or a new expression profile."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError, RowError
from pharmagraph.kg.fingerprints import is_structure
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import find
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.runs import saved


def predict(
    folder: Path,
    *,
    drug: str | None,
    cell_line: str | None,
    drug_names: Mapping[str, Sequence[str | None]],
    cell_line_names: Mapping[str, Sequence[str | None]],
    limit: int = 20,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """Predict pairs with a saved run.

    Parameters
    ----------
    folder
        The run's.
    drug
        A name, an alias, an id or a SMILES; all drugs of the run when None.
    cell_line
        A name, an alias, an id, or a CSV file with the columns gene and z; all when None.
    drug_names, cell_line_names
        Id → names and aliases, from the store.
    limit
        Rows returned when one side is left out, the most sensitive first.

    Returns
    -------
    list of dict
        ``drug``, ``cell_line``, ``probability`` or ``ln_ic50``, and ``measured`` (whether the run was
        trained on the pair).

    Raises
    ------
    NotFoundError
        If a name is neither known nor a structure or a file.
    ModelError
        If the run cannot be loaded, both sides are left out, or the run's graph lacks the drug or cell line.
    """
    if drug is None and cell_line is None:
        raise ModelError("name a drug, a cell line or both: cli predict --drug NAME --cell NAME")
    graph = saved.load_graph(folder)
    drugs, graph = _drugs(graph, drug, drug_names)
    cell_lines, graph = _cell_lines(graph, cell_line, cell_line_names)
    fitted = saved.load(folder, graph, device=device)
    d, c = np.repeat(drugs, len(cell_lines)), np.tile(cell_lines, len(drugs))
    predicted = fitted.predict(d, c)
    best_first = np.argsort(-predicted if fitted.scale.task == "classification" else predicted, kind="stable")
    if drug is None or cell_line is None:
        best_first = best_first[:limit]
    column = "probability" if fitted.scale.task == "classification" else "ln_ic50"
    measured = fitted.messages.visible.measured.cpu().numpy()
    return [
        {
            "drug": graph.ids["Drug"][d[i]],
            "cell_line": graph.ids["CellLine"][c[i]],
            column: float(predicted[i]),
            "measured": bool(measured[c[i], d[i]]),
        }
        for i in best_first
    ]


def read_expression(path: Path) -> dict[str, float]:
    """A CSV file with the columns gene and z → gene symbol → z score (standard deviations).

    Raises
    ------
    RowError
        If a column is missing or a value is not a finite number; the row is named.
    """
    with path.open(newline="") as file:
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


def _drugs(
    graph: Heterograph, drug: str | None, names: Mapping[str, Sequence[str | None]]
) -> tuple[np.ndarray, Heterograph]:
    if drug is None:
        return np.arange(graph.n_nodes("Drug")), graph
    id_ = find(drug, names)
    if id_ is None and is_structure(drug):
        graph = with_new_drug(graph, drug)
        return np.array([graph.n_nodes("Drug") - 1]), graph
    return _position(graph, "Drug", "drug", drug, id_, names), graph


def _cell_lines(
    graph: Heterograph, cell_line: str | None, names: Mapping[str, Sequence[str | None]]
) -> tuple[np.ndarray, Heterograph]:
    if cell_line is None:
        return np.arange(graph.n_nodes("CellLine")), graph
    id_ = find(cell_line, names)
    if id_ is None and Path(cell_line).is_file():
        graph = with_new_cell_line(graph, read_expression(Path(cell_line)))
        return np.array([graph.n_nodes("CellLine") - 1]), graph
    return _position(graph, "CellLine", "cell line", cell_line, id_, names), graph


def _position(
    graph: Heterograph,
    kind: str,
    what: str,
    name: str,
    id_: str | None,
    names: Mapping[str, Sequence[str | None]],
) -> np.ndarray:
    from pharmagraph.kg.errors import NotFoundError

    if id_ is None:
        raise NotFoundError(
            what, name, [n for i, others in names.items() for n in (i, *others) if n], "see: cli status"
        )
    where = np.flatnonzero(graph.ids[kind] == id_)
    if not len(where):
        raise ModelError(
            f"{what} {id_} came into the graph after this run was trained; train again: cli train"
        )
    return where
