"""Predicts with a saved run: known drugs and cell lines, a new structure, or a new expression profile."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import user_tables
from pharmagraph.kg.errors import ModelError, NotFoundError, RowError
from pharmagraph.kg.fingerprints import is_structure
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import find
from pharmagraph.model.inputs.edits import (
    NEW_CELL_LINE,
    NEW_DRUG,
    with_new_cell_line,
    with_new_drug,
)
from pharmagraph.model.runs import saved


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
        for drug in _drugs(graph, drugs, drug_names)
        for cell_line in _cell_lines(graph, cell_lines, cell_line_names)
        for row in _predicted(folder, graph, drug, cell_line, device)
    ]
    if rows and "probability" in rows[0]:
        rows.sort(key=lambda row: -row["probability"])
    else:
        rows.sort(key=lambda row: row["ln_ic50"])
    return rows[:limit]


@dataclass(frozen=True)
class _Asked:
    """Entities of one side that are predicted in one graph.

    Attributes
    ----------
    numbers
        Nodes of the run's graph, (n,); none for a new entity.
    add
        Puts the new entity at the end of the graph. Each is alone there: what is predicted of it does not depend on
        what else is asked.
    name
        Of the new entity, in the rows.
    """

    numbers: np.ndarray
    add: Callable[[Heterograph], Heterograph] | None = None
    name: str = ""

    def nodes(self, graph: Heterograph, kind: str) -> np.ndarray:
        """Their numbers in the graph that they were added to."""
        return self.numbers if self.add is None else np.array([graph.n_nodes(kind) - 1])

    def names(self, graph: Heterograph, kind: str) -> list[str]:
        """What rows call them."""
        return [str(id_) for id_ in graph.ids[kind][self.numbers]] if self.add is None else [self.name]


def _predicted(
    folder: Path, graph: Heterograph, drugs: _Asked, cell_lines: _Asked, device: str
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


def _drugs(
    graph: Heterograph, drugs: Sequence[str] | None, names: Mapping[str, Sequence[str | None]]
) -> list[_Asked]:
    if drugs is None:
        return [_Asked(np.arange(graph.n_nodes("Drug")))]
    known: list[int] = []
    new: list[_Asked] = []
    for drug in drugs:
        id_ = find(drug, names)
        if id_ is None and is_structure(drug):
            new.append(_Asked(_NONE, partial(with_new_drug, smiles=drug), _numbered(NEW_DRUG, len(new))))
        else:
            known.append(_position(graph, "Drug", "drug", drug, id_, names))
    return _asked(known, new)


def _cell_lines(
    graph: Heterograph,
    cell_lines: Sequence[str | Mapping[str, float]] | None,
    names: Mapping[str, Sequence[str | None]],
) -> list[_Asked]:
    if cell_lines is None:
        return [_Asked(np.arange(graph.n_nodes("CellLine")))]
    known: list[int] = []
    new: list[_Asked] = []
    for cell_line in cell_lines:
        id_ = find(cell_line, names) if isinstance(cell_line, str) else None
        if isinstance(cell_line, str) and (id_ is not None or not Path(cell_line).is_file()):
            known.append(_position(graph, "CellLine", "cell line", cell_line, id_, names))
        else:
            z = read_expression(Path(cell_line)) if isinstance(cell_line, str) else cell_line
            name = _numbered(NEW_CELL_LINE, len(new))
            new.append(_Asked(_NONE, partial(with_new_cell_line, z=z), name))
    return _asked(known, new)


_NONE = np.empty(0, np.int64)


def _asked(known: Sequence[int], new: Sequence[_Asked]) -> list[_Asked]:
    return ([_Asked(np.array(list(dict.fromkeys(known))))] if known else []) + list(new)


def _numbered(name: str, before: int) -> str:
    """``(new drug)``, then ``(new drug 2)`` and so on."""
    return name if not before else f"{name[:-1]} {before + 1})"


def _position(
    graph: Heterograph,
    kind: str,
    what: str,
    name: str,
    id_: str | None,
    names: Mapping[str, Sequence[str | None]],
) -> int:
    if id_ is None:
        raise NotFoundError(
            what, name, [n for i, others in names.items() for n in (i, *others) if n], "see: cli status"
        )
    where = np.flatnonzero(graph.ids[kind] == id_)
    if not len(where):
        raise ModelError(
            f"{what} {id_} came into the graph after this run was trained; train again: cli train"
        )
    return int(where[0])
