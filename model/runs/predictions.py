"""Predicts with a saved run: known drugs and cell lines, a new structure, or a new expression profile.

A run's predictor answers without its network. Where a component that needs the network has a part in the predictions,
the network runs on the graph with the new entity in it (`runs.by_network`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.kg.user_tables import Table
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.runs.asked import Asked, Note, asked_cell_lines, asked_drugs
from pharmagraph.model.runs.folder import GRAPH, checked, reading
from pharmagraph.model.runs.profiles import RunGenes

BLOCK = 512
"""New entities whose rows of similarities are in memory at once."""


def predict(
    folder: Path,
    *,
    drugs: Sequence[str] | None,
    cell_lines: Sequence[str | Mapping[str, float] | Table] | None,
    drug_names: Names,
    cell_line_names: Names,
    gene_names: Callable[[], Names],
    smiles: Sequence[str] | None = None,
    note: Note,
    limit: int | None = None,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Predict pairs with a saved run.

    Parameters
    ----------
    folder
        Of the run.
    drugs
        Names, aliases, ids or SMILES; all drugs of the run when None and no ``smiles`` are given.
    cell_lines
        Names, aliases, ids, files or tables of expression (`runs.profiles.read_profile`), or mappings of gene to z
        (standard deviations); all when None.
    drug_names, cell_line_names
        From the store.
    gene_names
        Gives the names of the store's genes; it is called where a new cell line is asked for.
    smiles
        New drugs; a text is read as a structure even where it is a name, too.
    note
        Is told what is read otherwise than typed.
    limit
        Rows returned, the most sensitive first; all unless given.
    device
        ``cpu``, ``cuda`` or ``auto``, for runs that need their network.

    Returns
    -------
    list of dict
        ``drug``, ``cell_line``, ``probability`` or ``ln_ic50``, and ``measured`` (whether the run was
        trained on the pair), the most sensitive first.

    Raises
    ------
    NotFoundError
        If a name is neither known nor a structure or a file, or is a structure that may be meant as a name.
    AmbiguousNameError
        If several drugs or cell lines have a name.
    InputError
        If a structure cannot be read or is too large, or expression cannot be read or standardised.
    ModelError
        If the run cannot be loaded, both sides are left out, or the run's graph lacks the drug or cell line.
    """
    if drugs is None and smiles is None and cell_lines is None:
        raise ModelError("name a drug, a cell line or both: cli predict --drug NAME --cell NAME")
    checked(folder)
    with reading(folder / GRAPH):
        graph = SavedArrays(folder / GRAPH)
        drug_ids, cell_line_ids = graph.ids("Drug"), graph.ids("CellLine")
    asked = (
        asked_drugs(drug_ids, drugs, smiles, drug_names, note),
        asked_cell_lines(cell_line_ids, cell_lines, cell_line_names, RunGenes(graph, gene_names), note),
    )
    predictor = Predictor.of(folder, graph)
    if predictor is None:
        from pharmagraph.model.runs.by_network import predicted

        blocks = predicted(folder, *asked, device=device)
    else:
        blocks = _predicted(predictor, *asked)
    rows = [row for block in blocks for row in _best(*block, limit)]
    ascending = "ln_ic50" in rows[0] if rows else False
    rows.sort(key=lambda row: row["ln_ic50"] if ascending else -row["probability"])
    return rows[:limit]


Block = tuple[list[str], list[str], str, np.ndarray, np.ndarray]
"""Drugs, cell lines, column, values and whether each was measured, the latter (n_cell_lines, n_drugs)."""


def _predicted(predictor: Predictor, drugs: Sequence[Asked], cell_lines: Sequence[Asked]) -> Iterator[Block]:
    column = "probability" if predictor.task == "classification" else "ln_ic50"
    sides = [
        [predictor.new_drug(one.smiles) if one.smiles is not None else Entity(one.number) for one in drugs],
        [predictor.new_cell_line(one.z) if one.z is not None else Entity(one.number) for one in cell_lines],
    ]
    for start in range(0, len(drugs), BLOCK):
        some = slice(start, start + BLOCK)
        values = predictor.predict(sides[0][some], sides[1])
        measured = predictor.was_measured(sides[0][some], sides[1])
        yield [one.name for one in drugs[some]], [one.name for one in cell_lines], column, values, measured


def _best(
    drugs: list[str],
    cell_lines: list[str],
    column: str,
    values: np.ndarray,
    measured: np.ndarray,
    limit: int | None,
) -> Iterator[dict[str, Any]]:
    """Rows of a block, or only those of its most sensitive pairs."""
    strength = (values if column == "probability" else -values).T.ravel()
    for at in np.argsort(-strength, kind="stable")[:limit]:
        d, c = divmod(int(at), len(cell_lines))
        yield {
            "drug": drugs[d],
            "cell_line": cell_lines[c],
            column: float(values[c, d]),
            "measured": bool(measured[c, d]),
        }
