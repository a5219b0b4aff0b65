"""Takes the screen that a replay hides, and one that was there before it, from a graph."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.evaluation.drawn import drawn
from pharmagraph.model.evaluation.replay import Screen
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.responses.measured import Responses, responses

MOST_KNOWN = 1_000
"""Pairs of an earlier screen that are known, drawn at random; the covariance of all of them is formed whole."""


def hidden(
    heterograph: Heterograph,
    dataset: str,
    task: Task,
    *,
    sizes: tuple[int, int] | None,
    seed: int,
    known: str | None = None,
) -> Screen:
    """A part of a data set, with similarities of its drugs and cell lines.

    Parameters
    ----------
    heterograph
        With the responses of ``dataset``, and of ``known`` if that is given, alone.
    dataset, task
        What is hidden, and which values of it.
    sizes
        How many drugs and cell lines are drawn; all when None.
    seed
        Of the draw.
    known
        A data set that was there before.

    Raises
    ------
    InputError
        If the data set has fewer drugs or cell lines, or both data sets are one.
    """
    if known == dataset:
        raise InputError(
            f"--known {known} is the data set that is hidden; name an earlier one, or leave it out"
        )
    if sizes is not None:
        heterograph = drawn(heterograph, {"Drug": sizes[0], "CellLine": sizes[1]}, seed=seed)
    found = responses(heterograph, task, dataset=dataset)
    found = found.take(found.certain(task))
    tensors = baseline_tensors(heterograph)
    at, own = np.unique(found.drug, return_inverse=True)
    lines, line = np.unique(found.cell_line, return_inverse=True)
    drugs = tensors.drug_kernels.numpy().astype(np.float64)[np.ix_(at, at)]
    cell_lines = tensors.cell_line_kernels.numpy().astype(np.float64)[np.ix_(lines, lines)]
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    earlier = nothing
    if known is not None:
        drugs, earlier = _with_earlier(
            drugs, at, lines, responses(heterograph, task, dataset=known), task, seed
        )
    value = found.label(task).astype(np.float64)
    return Screen(dataset, task, drugs, cell_lines, own, line, value, earlier)


def _with_earlier(
    drugs: np.ndarray, at: np.ndarray, lines: np.ndarray, before: Responses, task: Task, seed: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Similarities of drugs in both screens, that of being one drug being one more; and pairs of the earlier screen."""
    before = before.take(before.certain(task) & np.isin(before.drug, at) & np.isin(before.cell_line, lines))
    some = np.sort(np.random.default_rng([seed, 43]).permutation(len(before))[:MOST_KNOWN])
    before = before.take(some)
    same = np.eye(len(drugs))[..., None]
    both = np.tile(np.concatenate([drugs, same], -1), (2, 2, 1))
    number = len(drugs) + np.searchsorted(at, before.drug)
    return both, (number, np.searchsorted(lines, before.cell_line), before.label(task).astype(np.float64))
