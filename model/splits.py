"""Which measured pairs are held out: random pairs, unseen drugs, unseen cell lines. It trains nothing.

The paper's random folds are reproduced to the row: scikit-learn's ``KFold(5, shuffle=True,
random_state=42)`` over the known entries, all sensitive ones first, then all resistant ones, each row-major
over a cell line × drug table whose cell lines are sorted by name and whose drugs are sorted by NSC number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from kg.errors import ModelError
from kg.heterograph import Heterograph
from model.responses import Responses

PAPER_SEED = 42

_SORTS_AS = {"K562": "K_562"}
"""Names of the paper's table that sort otherwise than the folded id (``KM12`` comes before ``K_562``)."""


class Split(str, Enum):
    """What a held-out fold is made of."""

    none = "none"
    random = "random"
    unseen_drug = "unseen-drug"
    unseen_cell = "unseen-cell"
    unseen_both = "unseen-both"


@dataclass(frozen=True)
class Fold:
    """Positions of pairs in a `Responses`; with ``unseen-both`` some pairs are on neither side.

    Attributes
    ----------
    train, test
        int64, disjoint.
    """

    train: np.ndarray
    test: np.ndarray


def paper_order(responses: Responses, heterograph: Heterograph) -> np.ndarray:
    """Positions of the pairs in the order over which the paper's folds are drawn, int64 (n,)."""
    drug_rank = _ranks([_natural(str(i)) for i in heterograph.ids["Drug"]])
    cell_names = [_SORTS_AS.get(str(i), str(i)) for i in heterograph.ids["CellLine"]]
    cell_rank = _ranks(cell_names)
    resistant = ~(responses.label > 0.5)
    return np.lexsort((drug_rank[responses.drug], cell_rank[responses.cell_line], resistant))


def folds(
    responses: Responses, heterograph: Heterograph, split: Split, n_folds: int = 5, *, seed: int = PAPER_SEED
) -> Iterator[Fold]:
    """Cut the measured pairs into folds; every pair is tested once, except with ``unseen-both``.

    Parameters
    ----------
    responses
        All measured pairs of ``heterograph``.
    heterograph
        Gives ids, and fingerprints by which structure twins stay together.
    split
        Not ``none``.
    n_folds
        At least 2.
    seed
        Of the shuffle; 42 gives the paper's folds.

    Raises
    ------
    ModelError
        If there are fewer pairs, drugs or cell lines than folds.
    """
    from sklearn.model_selection import KFold

    if n_folds < 2:
        raise ModelError(f"--folds {n_folds} leaves nothing to test on; use 2 or more")
    cut = KFold(n_folds, shuffle=True, random_state=seed)
    if split is Split.none:
        raise ModelError(
            "--split none holds nothing out; use random, unseen-drug, unseen-cell or unseen-both"
        )
    if split is Split.random:
        if len(responses) < n_folds:
            raise ModelError(f"{len(responses)} measured pairs cannot be cut into {n_folds} folds")
        order = paper_order(responses, heterograph)
        for train, test in cut.split(order):
            yield Fold(order[train], order[test])
        return
    drug_group = structure_groups(heterograph)[responses.drug]
    cell_line = responses.cell_line
    if split is Split.unseen_drug:
        sides = [_held_out(drug_group, cut, n_folds, "drugs of different structure")]
    elif split is Split.unseen_cell:
        sides = [_held_out(cell_line, cut, n_folds, "cell lines")]
    else:
        sides = [
            _held_out(drug_group, cut, n_folds, "drugs of different structure"),
            _held_out(cell_line, cut, n_folds, "cell lines"),
        ]
    for held_out in zip(*sides, strict=True):
        test = np.logical_and.reduce(held_out)
        train = ~np.logical_or.reduce(held_out)
        yield Fold(np.flatnonzero(train), np.flatnonzero(test))


def inner_split(responses: Responses, split: Split, *, share: float, seed: int) -> Fold:
    """Set a part of the training pairs aside for selection, in the manner of the outer split.

    Parameters
    ----------
    responses
        Training pairs only.
    split
        Whole drugs are set aside for ``unseen-drug``, whole cell lines for ``unseen-cell``, pairs otherwise.
    share
        Of pairs, drugs or cell lines, in (0, 1).
    seed
        Another seed sets another part aside.
    """
    generator = np.random.default_rng([seed, 7])
    if split in {Split.unseen_drug, Split.unseen_cell}:
        entity = responses.drug if split is Split.unseen_drug else responses.cell_line
        present = np.unique(entity)
        aside = generator.permutation(present)[: max(1, round(share * len(present)))]
        test = np.isin(entity, aside)
    else:
        test = np.zeros(len(responses), bool)
        test[generator.permutation(len(responses))[: max(1, round(share * len(responses)))]] = True
    return Fold(np.flatnonzero(~test), np.flatnonzero(test))


def structure_groups(heterograph: Heterograph) -> np.ndarray:
    """A number for each drug that drugs with the same fingerprint share; int64 (n_drugs,).

    Drugs without a structure are each alone.
    """
    fingerprint = heterograph.graph.nodes["Drug"].data["fingerprint"].numpy()
    groups = (
        np.unique(fingerprint, axis=0, return_inverse=True)[1].reshape(-1)
        if len(fingerprint)
        else np.empty(0, int)
    )
    without = ~fingerprint.any(axis=1)
    groups[without] = groups.max(initial=0) + 1 + np.arange(without.sum())
    return groups.astype(np.int64)


def _held_out(entity: np.ndarray, cut: object, n_folds: int, what: str) -> list[np.ndarray]:
    present = np.unique(entity)
    if len(present) < n_folds:
        raise ModelError(f"{len(present)} {what} cannot be cut into {n_folds} folds; use fewer folds")
    return [np.isin(entity, present[test]) for _, test in cut.split(present)]  # type: ignore[attr-defined]


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Digits compare as numbers, so that NSC740 comes before NSC10000."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p)


def _ranks(keys: list[tuple[tuple[int, int, str], ...]] | list[str]) -> np.ndarray:
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = np.arange(len(keys))
    return ranks
