"""Holds measured pairs out: random pairs, unseen drugs, cell lines or tissues, or the pairs of another data set.

The random folds are exactly those of the drGT paper: scikit-learn's ``KFold(5, shuffle=True, random_state=42)`` over
the known entries, all sensitive ones first, then all resistant ones. Each of these two lists is row-major over a
table of cell lines and drugs, with cell lines sorted by name and drugs by NSC number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.wording import named, option
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.groups import Groups, tissues
from pharmagraph.model.responses.measured import Responses, joined, responses

PAPER_SEED = 42

_SORTS_AS = {"K562": "K_562"}
"""Folded id → name in the paper's table, for cell lines that sort differently there (``KM12`` before ``K_562``)."""


@dataclass(frozen=True)
class Fold:
    """Training pairs and held-out pairs, as positions in a `Responses`; of unseen entities some may be in neither.

    Attributes
    ----------
    train, test
        Positions, int64, disjoint.
    """

    train: np.ndarray
    test: np.ndarray


def paper_order(responses: Responses, heterograph: Heterograph) -> np.ndarray:
    """Positions of the pairs in the order from which the paper's folds are sampled, int64 (n,)."""
    drug_rank = _ranks([_natural(str(i)) for i in heterograph.ids["Drug"]])
    cell_names = [_SORTS_AS.get(str(i), str(i)) for i in heterograph.ids["CellLine"]]
    cell_rank = _ranks(cell_names)
    resistant = ~(responses.response > 0.5)
    return np.lexsort((drug_rank[responses.drug], cell_rank[responses.cell_line], resistant))


def folds(
    responses: Responses,
    heterograph: Heterograph,
    split: Split,
    n_folds: int = 5,
    *,
    seed: int = PAPER_SEED,
    groups: Groups | None = None,
) -> Iterator[Fold]:
    """Divide the measured pairs into folds; every pair is held out once, except with ``unseen-both`` and those of cell
    lines of unknown tissue.

    Parameters
    ----------
    responses
        All measured pairs of ``heterograph``.
    heterograph
        Provides the ids, and the features by which near twins are found.
    split
        Neither ``none`` nor ``transfer``; for the latter see `transfer`.
    n_folds
        Number of folds, at least 2.
    seed
        Seed of the shuffle; 42 gives the paper's folds.
    groups
        Entities that are held out together; by default near twins. With ``unseen-tissue`` whole tissues are held out,
        and a cell line in one group with a held-out one is not trained on.

    Raises
    ------
    ModelError
        If there are fewer pairs, groups of drugs or groups of cell lines than folds, or a fold is empty.
    """
    from sklearn.model_selection import KFold

    if n_folds < 2:
        raise ModelError(f"{named('folds')} {n_folds} leaves nothing to test on; use 2 or more")
    cut = KFold(n_folds, shuffle=True, random_state=seed)
    if split in {Split.none, Split.transfer}:
        raise ModelError(
            f"{option('split', split.value)} has no folds; use random, unseen-drug, unseen-cell, "
            "unseen-both or unseen-tissue"
        )
    if split is Split.random:
        if len(responses) < n_folds:
            raise ModelError(f"{len(responses)} measured pairs cannot be cut into {n_folds} folds")
        order = paper_order(responses, heterograph)
        for train, test in cut.split(order):
            yield Fold(order[train], order[test])
        return
    groups = groups or Groups.of(heterograph)
    parts = (
        _by_tissue(responses, heterograph, n_folds, groups)
        if split is Split.unseen_tissue
        else _by_groups(responses, split, cut, n_folds, groups)
    )
    for number, (train, test) in enumerate(parts):
        if not test.any() or not train.any():
            raise ModelError(
                f"fold {number} of {option('split', split.value)} holds {test.sum()} pairs out and trains on "
                f"{train.sum()}: "
                "too few pairs were measured; use fewer folds or another split"
            )
        yield Fold(np.flatnonzero(train), np.flatnonzero(test))


def _by_groups(
    responses: Responses, split: Split, cut: Any, n_folds: int, groups: Groups
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks of training and held-out pairs, where whole groups of drugs, of cell lines or of both are held out."""
    sides = []
    if split.of_unseen_drugs:
        of_pair = groups.drug[responses.drug]
        sides.append(_held_out(of_pair, cut, n_folds, "groups of drugs", len(np.unique(responses.drug))))
    if split.of_unseen_cell_lines:
        of_pair, n = groups.cell_line[responses.cell_line], len(np.unique(responses.cell_line))
        sides.append(_held_out(of_pair, cut, n_folds, "groups of cell lines", n))
    for held_out in zip(*sides, strict=True):
        yield ~np.logical_or.reduce(held_out), np.logical_and.reduce(held_out)


def _by_tissue(
    responses: Responses, heterograph: Heterograph, n_folds: int, groups: Groups
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks of training and held-out pairs, where whole tissues are held out.

    Folds are alike in pairs: each tissue, the largest first, goes to the fold with the fewest. A cell line of another
    or unknown tissue that is in one group with a held-out one, such as its near twin, is in neither part.
    """
    tissue, group = tissues(heterograph)[responses.cell_line], groups.cell_line[responses.cell_line]
    pairs = np.bincount(tissue[tissue >= 0])
    present = np.flatnonzero(pairs)
    if len(present) < n_folds:
        raise ModelError(
            f"{len(present)} tissues cannot be cut into {n_folds} folds; use fewer folds, or "
            f"{option('split', 'unseen-cell')}"
        )
    size, fold_of = np.zeros(n_folds, np.int64), np.full(len(pairs), -1)
    for code in present[np.argsort(-pairs[present], kind="stable")]:
        fold_of[code] = size.argmin()
        size[fold_of[code]] += pairs[code]
    held_in = np.where(tissue >= 0, fold_of[tissue], -1)
    for number in range(n_folds):
        test = held_in == number
        yield ~np.isin(group, group[test]) & ~test, test


def transfer(heterograph: Heterograph, task: Task, *, train_on: str, test_on: str) -> tuple[Responses, Fold]:
    """Train on the pairs of one data set and hold out those of another; drugs and cell lines are matched by id.

    A pair that both measured is trained on and not tested, since its response is known from training.

    Raises
    ------
    ModelError
        If the data sets share no drug and no cell line, or nothing is left to test.
    """
    first, second = (responses(heterograph, task, dataset=name) for name in (train_on, test_on))
    shared = {
        "drugs": (np.intersect1d(first.drug, second.drug), first.drug, second.drug),
        "cell lines": (np.intersect1d(first.cell_line, second.cell_line), first.cell_line, second.cell_line),
    }
    if not any(len(both) for both, _, _ in shared.values()):
        counts = "; ".join(
            f"{len(np.unique(a))} {what} in {train_on}, {len(np.unique(b))} in {test_on}, none in both"
            for what, (_, a, b) in shared.items()
        )
        raise ModelError(f"nothing carries over from {train_on} to {test_on}: {counts}")
    n = first.n_cell_lines
    known = np.isin(second.drug * n + second.cell_line, first.drug * n + first.cell_line)
    if known.all():
        raise ModelError(
            f"all {len(second):,} pairs of {test_on} were measured in {train_on}, too: nothing is left to test"
        )
    everything = joined(first, second.take(~known))
    return everything, Fold(np.arange(len(first)), np.arange(len(first), len(everything)))


def _held_out(group: np.ndarray, cut: Any, n_folds: int, what: str, n_entities: int) -> list[np.ndarray]:
    present = np.unique(group)
    if len(present) < n_folds:
        raise ModelError(
            f"{len(present)} {what} (near twins and the like count once; {n_entities} in all) cannot be cut into "
            f"{n_folds} folds; use fewer folds"
        )
    return [np.isin(group, present[test]) for _, test in cut.split(present)]


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which digits compare as numbers, so that NSC740 comes before NSC10000."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p)


def _ranks(keys: list[tuple[tuple[int, int, str], ...]] | list[str]) -> np.ndarray:
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = np.arange(len(keys))
    return ranks
