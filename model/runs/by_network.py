"""Predicts with a run's network, for presets of which a component needs it: the graph gets the new entity, and the
network runs on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.certainty.calibrate import tables
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.certainty.situation import Errors
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runs.block import Block
from pharmagraph.model.runs.certain import EXPRESSION, STRUCTURE, Judged, said
from pharmagraph.model.runtime import resolve_device
from pharmagraph.model.training.fitted import Fitted


def predicted(
    folder: Path,
    drugs: Sequence[Asked],
    cell_lines: Sequence[Asked],
    *,
    certainty: Certainty | None,
    level: float | None,
    device: str,
) -> Iterator[Block]:
    """Blocks as in `runs.predictions`: the known entities together, and each new one alone.

    What is predicted of a new entity does not depend on what else is asked.
    """
    graph = saved.load_graph(folder)
    for of_drugs in _alone(drugs):
        for of_cell_lines in _alone(cell_lines):
            fitted, block = _block(folder, graph, of_drugs, of_cell_lines, resolve_device(device))
            if certainty is not None:
                judged = _judged(certainty, fitted, block, (of_drugs, of_cell_lines), level)
                block = replace(block, judged=judged)
            yield block


def _alone(asked: Sequence[Asked]) -> list[list[Asked]]:
    known = [one for one in asked if one.number is not None]
    return ([known] if known else []) + [[one] for one in asked if one.number is None]


def _block(
    folder: Path, graph: Heterograph, drugs: list[Asked], cell_lines: list[Asked], device: str
) -> tuple[Fitted, Block]:
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
    names = [one.name for one in drugs], [one.name for one in cell_lines]
    return fitted, Block(*names, column, values, measured)


def _judged(
    certainty: Certainty,
    fitted: Fitted,
    block: Block,
    asked: tuple[list[Asked], list[Asked]],
    level: float | None,
) -> Judged:
    """How sure predictions are that the network made on a graph with the new entities as the last nodes."""
    is_new = [side[0].number is None for side in asked]
    sizes = (fitted.tensors.n_drugs, fitted.tensors.n_cell_lines)
    drug, cell_line = (
        np.array([size - 1 if one.number is None else one.number for one in side], np.int64)
        for side, size in zip(asked, sizes, strict=True)
    )
    if not any(is_new):
        known = certainty.tables["known_drugs"][drug], certainty.tables["known_cell_lines"][cell_line]
        return said(
            certainty, certainty.situation(block.values, drug, cell_line), block.values, *known, level
        )
    visible = fitted.messages.visible
    similarity = (
        fitted.tensors.drug_kernels[..., STRUCTURE],
        fitted.tensors.cell_line_kernels[..., EXPRESSION],
    )
    of_drugs, of_cell_lines = (
        _with_new(errors, table[-1, :-1].cpu().numpy()) if new else errors
        for errors, table, new in zip(
            (certainty.errors.drug, certainty.errors.cell_line), similarity, is_new, strict=True
        )
    )
    tissue = np.append(certainty.tables["tissue"], -1) if is_new[1] else certainty.tables["tissue"]
    extended = replace(certainty, errors=Errors(of_drugs, of_cell_lines), tables=tables(fitted, tissue))
    known = visible.known_drugs.cpu().numpy()[drug], visible.known_cell_lines.cpu().numpy()[cell_line]
    return said(extended, extended.situation(block.values, drug, cell_line), block.values, *known, level)


def _with_new(errors: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """Errors of the run's entities, then that of a new one by its similarities, (n + 1,)."""
    return np.append(errors, Errors.of_new(similarity[None], errors))


def _numbers(asked: Sequence[Asked], graph: Heterograph, kind: str) -> np.ndarray:
    """Numbers of nodes; a new entity is the last of its kind."""
    return np.array(
        [graph.n_nodes(kind) - 1 if one.number is None else one.number for one in asked], np.int64
    )
