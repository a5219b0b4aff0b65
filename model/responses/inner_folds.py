"""Cuts training pairs in the manner of the outer split: an inner fold that selects, and chunks predicted in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold


@dataclass(frozen=True)
class InnerFold:
    """Training pairs in two parts: one is fitted, the other selects among networks and options.

    Attributes
    ----------
    training, validation
        Pairs that are fitted, and pairs that are set aside.
    number
        Inner folds with different numbers set different pairs aside; see `inner_split`.
    """

    training: Responses
    validation: Responses
    number: int = 0

    @classmethod
    def of(
        cls,
        responses: Responses,
        split: Split,
        *,
        fraction: float,
        seed: int,
        number: int = 0,
        groups: Groups | None = None,
    ) -> InnerFold:
        """The pairs at the positions that `inner_split` finds; the parameters are its own."""
        fold = inner_split(responses, split, fraction=fraction, seed=seed, number=number, groups=groups)
        return cls(responses.take(fold.train), responses.take(fold.test), number)

    def judged(self, task: Task) -> InnerFold:
        """The fold without pairs set aside whose label is not certain: a censored ln IC50 judges no prediction.

        Raises
        ------
        ModelError
            If no pair is left.
        """
        certain = self.validation.certain(task)
        if certain.all():
            return self
        if not certain.any():
            raise ModelError(
                f"the {len(certain):,} pairs set aside for selection are all censored: none tells how good a "
                "prediction is; use more data or another split"
            )
        return replace(self, validation=self.validation.take(certain))


def inner_split(
    responses: Responses,
    split: Split,
    *,
    fraction: float,
    seed: int,
    number: int = 0,
    groups: Groups | None = None,
) -> Fold:
    """Set some of the training pairs aside for selection.

    Parameters
    ----------
    responses
        Training pairs only.
    split
        Whole drugs are set aside for ``unseen-drug``, whole cell lines for ``unseen-cell``. For ``unseen-both`` drugs
        and cell lines are: their common pairs select, and pairs of one of them alone are left out. Any pairs otherwise.
    fraction
        Fraction of pairs, drugs or cell lines that is set aside, in (0, 1).
    seed
        Fixes what is set aside.
    number
        Under one seed, numbers 0, 1, 2, … set disjoint pairs aside until all have been set aside once.
    groups
        Entities that are set aside together; each alone unless given.

    Raises
    ------
    ModelError
        If no pair is left to train on, or none to select by.
    """
    generator = np.random.default_rng([seed, 7])
    sides = held_out_sides(responses, split, groups)
    if not sides:
        aside = np.zeros(len(responses), bool)
        aside[_set_aside(generator.permutation(len(responses)), fraction, number)] = True
        return Fold(np.flatnonzero(~aside), np.flatnonzero(aside))
    held_out = []
    for side in sides:
        held_out.append(np.isin(side, _set_aside(generator.permutation(_groups(side)), fraction, number)))
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

    Whole drugs or cell lines are predicted where those will be asked for unseen. Entities of one group, such as near
    twins, are in one chunk: otherwise a network would learn to rely on a twin, which a held-out entity never has.

    Returns
    -------
    list of Fold
        Each pair is predicted once, except those of entities that are never held out (group -1), and with
        ``unseen-both``: there a chunk predicts pairs whose drug and cell line are both new to it. A chunk is empty only
        where there are fewer entities, or groups, than chunks.
    """
    sides = held_out_sides(training, split, groups)
    if not sides:
        predicted = np.zeros((n_chunks, len(training)), bool)
        for chunk, rows in zip(
            predicted, np.array_split(generator.permutation(len(training)), n_chunks), strict=True
        ):
            chunk[rows] = True
        return [Fold(np.flatnonzero(~chunk), np.flatnonzero(chunk)) for chunk in predicted]
    cuts = [np.array_split(generator.permutation(_groups(side)), n_chunks) for side in sides]
    found = []
    for entities_of_chunk in zip(*cuts, strict=True):
        held_out = [np.isin(side, entities) for side, entities in zip(sides, entities_of_chunk, strict=True)]
        predicted, seen = np.logical_and.reduce(held_out), ~np.logical_or.reduce(held_out)
        found.append(Fold(np.flatnonzero(seen), np.flatnonzero(predicted)))
    return found


def _groups(side: np.ndarray) -> np.ndarray:
    """The groups of a side that may be held out: all but -1."""
    found: np.ndarray = np.unique(side[side >= 0])
    return found


def _set_aside(order: np.ndarray, fraction: float, number: int) -> np.ndarray:
    size = max(1, round(fraction * len(order)))
    taken: np.ndarray = order[(number * size + np.arange(size)) % len(order)]
    return taken


def held_out_sides(responses: Responses, split: Split, groups: Groups | None) -> list[np.ndarray]:
    """For each side that a split holds out (drugs, cell lines or both) the group number of every pair, int64 (n,)."""
    sides = []
    if split.of_unseen_drugs:
        sides.append(responses.drug if groups is None else groups.drug[responses.drug])
    if split.of_unseen_cell_lines:
        sides.append(responses.cell_line if groups is None else groups.cell_line[responses.cell_line])
    return sides
