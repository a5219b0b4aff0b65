"""Predicts with a run's network, for presets of which a component needs it: the graph gets the new entity, and the
network runs on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runtime import resolve_device


def predicted(
    folder: Path, drugs: Sequence[Asked], cell_lines: Sequence[Asked], *, device: str
) -> Iterator[tuple[list[str], list[str], str, np.ndarray, np.ndarray]]:
    """Blocks as in `runs.predictions`: the known entities together, and each new one alone.

    What is predicted of a new entity does not depend on what else is asked.
    """
    graph = saved.load_graph(folder)
    for of_drugs in _alone(drugs):
        for of_cell_lines in _alone(cell_lines):
            yield _block(folder, graph, of_drugs, of_cell_lines, resolve_device(device))


def _alone(asked: Sequence[Asked]) -> list[list[Asked]]:
    known = [one for one in asked if one.number is not None]
    return ([known] if known else []) + [[one] for one in asked if one.number is None]


def _block(
    folder: Path, graph: Heterograph, drugs: list[Asked], cell_lines: list[Asked], device: str
) -> tuple[list[str], list[str], str, np.ndarray, np.ndarray]:
    if (smiles := drugs[0].smiles) is not None:
        graph = with_new_drug(graph, smiles)
    if (z := cell_lines[0].z) is not None:
        graph = with_new_cell_line(graph, z)
    fitted = saved.load(folder, graph, device=device)
    drug, cell_line = _numbers(drugs, graph, "Drug"), _numbers(cell_lines, graph, "CellLine")
    shape = (len(cell_line), len(drug))
    values = fitted.predict(np.tile(drug, len(cell_line)), np.repeat(cell_line, len(drug))).reshape(shape)
    measured = fitted.messages.visible.measured.cpu().numpy()[np.ix_(cell_line, drug)] > 0
    column = "probability" if fitted.scale.task == "classification" else "ln_ic50"
    return [one.name for one in drugs], [one.name for one in cell_lines], column, values, measured


def _numbers(asked: Sequence[Asked], graph: Heterograph, kind: str) -> np.ndarray:
    """Numbers of nodes; a new entity is the last of its kind."""
    return np.array(
        [graph.n_nodes(kind) - 1 if one.number is None else one.number for one in asked], np.int64
    )
