"""Divides training pairs in the way of the outer split: inner folds for selection, and chunks for training steps."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold


def inner_split(
    responses: Responses,
    split: Split,
    *,
    share: float,
    seed: int,
    number: int = 0,
    groups: Groups | None = None,
) -> Fold:
    """Make an inner fold: set some of the training pairs aside for selection.

    Parameters
    ----------
    responses
        Training pairs only.
    split
        For ``unseen-drug`` whole drugs are set aside, for ``unseen-cell`` whole cell lines. For ``unseen-both`` pairs
        are set aside whose drug and cell line are both unseen; pairs with one of them unseen are left out of both
        sides. Otherwise any pairs are set aside.
    share
        Share of the pairs, drugs or cell lines that is set aside, in (0, 1).
    seed
        Another seed sets other pairs aside.
    number
        Number of the inner fold. Inner folds of one seed are disjoint until all pairs were set aside once.
    groups
        Entities that are set aside together; by default each is a group of its own.

    Raises
    ------
    ModelError
        If no pair is left for training or for selection.
    """
    generator = np.random.default_rng([seed, 7])
    sides = held_out_sides(responses, split, groups)
    if not sides:
        aside = np.zeros(len(responses), bool)
        aside[_part(generator.permutation(len(responses)), share, number)] = True
        return Fold(np.flatnonzero(~aside), np.flatnonzero(aside))
    held_out = []
    for side in sides:
        held_out.append(np.isin(side, _part(generator.permutation(np.unique(side)), share, number)))
    test, train = np.logical_and.reduce(held_out), ~np.logical_or.reduce(held_out)
    if not test.any() or not train.any():
        counts = " and ".join(str(len(np.unique(side))) for side in sides)
        what = {Split.unseen_drug: "drugs", Split.unseen_cell: "cell lines"}.get(
            split, "drugs and cell lines"
        )
        raise ModelError(
            f"of {counts} groups of {what} (near twins and the like count once) none can be set aside for selection: "
            f"{test.sum()} pairs would select, {train.sum()} train; use more data, fewer folds or another split"
        )
    return Fold(np.flatnonzero(train), np.flatnonzero(test))


def draw_chunks(
    training: Responses,
    split: Split,
    n_chunks: int,
    generator: np.random.Generator,
    groups: Groups | None = None,
) -> list[Fold]:
    """Divide training pairs into chunks: in each, ``test`` is predicted while ``train`` passes messages.

    For splits with unseen drugs or cell lines, a chunk predicts whole drugs or cell lines. Entities of one group, such
    as near twins, are in one chunk; otherwise the network would learn to rely on a near twin, which a held-out entity
    does not have.

    Returns
    -------
    list of Fold
        Each pair is predicted in one chunk. With ``unseen-both`` only pairs are predicted whose drug and cell line both
        pass no message in the chunk. Chunks are empty only if there are fewer entities or groups than chunks.
    """
    sides = held_out_sides(training, split, groups)
    if not sides:
        predicted = np.zeros((n_chunks, len(training)), bool)
        for chunk, part in zip(
            predicted, np.array_split(generator.permutation(len(training)), n_chunks), strict=True
        ):
            chunk[part] = True
        return [Fold(np.flatnonzero(~chunk), np.flatnonzero(chunk)) for chunk in predicted]
    parts = [np.array_split(generator.permutation(np.unique(side)), n_chunks) for side in sides]
    found = []
    for part in zip(*parts, strict=True):
        held_out = [np.isin(side, entities) for side, entities in zip(sides, part, strict=True)]
        predicted, seen = np.logical_and.reduce(held_out), ~np.logical_or.reduce(held_out)
        found.append(Fold(np.flatnonzero(seen), np.flatnonzero(predicted)))
    return found


def _part(order: np.ndarray, share: float, number: int) -> np.ndarray:
    size = max(1, round(share * len(order)))
    taken: np.ndarray = order[(number * size + np.arange(size)) % len(order)]
    return taken


def held_out_sides(responses: Responses, split: Split, groups: Groups | None) -> list[np.ndarray]:
    """Group numbers of the pairs' drugs, cell lines or both, by what the split holds out; one array for each side."""
    sides = []
    if split.of_unseen_drugs:
        sides.append(responses.drug if groups is None else groups.drug[responses.drug])
    if split.of_unseen_cell_lines:
        sides.append(responses.cell_line if groups is None else groups.cell_line[responses.cell_line])
    return sides
