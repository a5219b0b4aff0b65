"""Whole tissues held out: nothing of a tested tissue is trained on, folds are alike, the unknown is never tested."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.choices import CellLineGroups, Split
from pharmagraph.model.responses import leakage
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import draw_chunks, inner_split
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.splits import Fold, folds
from tests.screens import screen

EXPRESSES = ("CellLine", "EXPRESSES", "Gene")


def _of_tissues(tissue: list[int]) -> Heterograph:
    return screen().with_features("CellLine", {"tissue": torch.tensor(tissue)})


SEVEN = [0] * 5 + [1] * 4 + [2] * 3 + [3] * 2 + [4] * 2 + [5] * 1 + [-1] * 3


def test_no_tissue_is_on_both_sides_and_an_unknown_one_is_never_tested() -> None:
    heterograph = _of_tissues(SEVEN)
    measured, tested = responses(heterograph), []
    tissue = np.array(SEVEN)[measured.cell_line]
    for fold in folds(measured, heterograph, Split.unseen_tissue, 3):
        assert not set(tissue[fold.train]) & set(tissue[fold.test])
        assert -1 in tissue[fold.train]
        tested.append(fold.test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.flatnonzero(tissue >= 0))


def test_folds_of_tissues_are_alike_in_pairs() -> None:
    """By hand: tissues of 5, 4, 3, 2, 2 and 1 cell lines in three folds are 5 + 1, 4 + 2 and 3 + 2."""
    full = screen(measured=1.1).with_features("CellLine", {"tissue": torch.tensor(SEVEN)})
    measured = responses(full)
    assert len(measured) == 24 * 20
    found = [
        len(np.unique(measured.cell_line[fold.test]))
        for fold in folds(measured, full, Split.unseen_tissue, 3)
    ]
    assert sorted(found) == [5, 6, 6]


def test_near_twin_of_a_tested_cell_line_is_in_neither_part() -> None:
    heterograph = _of_tissues(SEVEN)
    measured = responses(heterograph)
    twins = np.arange(20)
    twins[19] = twins[0]  # of unknown tissue, and the same line as the first
    groups = Groups(np.arange(24), twins)
    for fold in folds(measured, heterograph, Split.unseen_tissue, 3, groups=groups):
        trained, tested = (set(measured.cell_line[part]) for part in (fold.train, fold.test))
        assert (0 in tested) is (19 not in trained)
        checks = leakage.audit(measured, fold, heterograph, Split.unseen_tissue, groups=groups)
        assert {check.verdict for check in checks} <= {"clear", "noted"}


def test_inner_folds_and_chunks_hold_whole_tissues_out_and_never_the_unknown() -> None:
    heterograph = _of_tissues(SEVEN)
    measured = responses(heterograph)
    groups = Plan(Split.unseen_tissue).groups(heterograph)
    tissue = np.array(SEVEN)[measured.cell_line]
    cuts = [
        inner_split(measured, Split.unseen_cell, fraction=0.3, seed=seed, groups=groups) for seed in range(5)
    ]
    cuts += draw_chunks(measured, Split.unseen_cell, 3, np.random.default_rng(0), groups)
    for cut in cuts:
        assert not set(tissue[cut.train]) & set(tissue[cut.test])
        assert -1 in tissue[cut.train]


def test_audit_finds_a_tissue_on_both_sides_and_a_tested_line_of_unknown_tissue() -> None:
    heterograph = _of_tissues(SEVEN)
    measured = responses(heterograph)
    first = measured.cell_line < 2  # two of the five lines of a tissue
    for held_out, path in (
        (first, "a tested tissue has training pairs"),
        (measured.cell_line == 19, "a tested cell line has no known tissue"),
    ):
        fold = Fold(np.flatnonzero(~held_out), np.flatnonzero(held_out))
        checks = leakage.audit(
            measured, fold, heterograph, Split.unseen_tissue, groups=Groups.of(heterograph)
        )
        assert path in {check.path for check in checks if check.verdict == "leak"}


@pytest.mark.parametrize(
    ("tissue", "folds", "said"),
    [
        ([1] * 20, 3, "all of them are b"),
        ([-1] * 20, 3, "none has a tissue"),
        ([0] * 10 + [1] * 10, 3, "2 tissues cannot be cut into 3 folds"),
    ],
)
def test_too_few_tissues_are_said_in_one_line(tissue: list[int], folds: int, said: str) -> None:
    with pytest.raises(ModelError, match=said) as told:
        evaluate(_of_tissues(tissue), ["mean"], Plan(Split.unseen_tissue, folds))
    assert "\n" not in str(told.value)


def test_tissues_are_evaluated_as_any_split() -> None:
    rows = evaluate(
        _of_tissues(SEVEN), ["kernel-ridge", "mean-effects"], Plan(Split.unseen_tissue, 3, task="regression")
    )
    assert {row["split"] for row in rows} == {"unseen-tissue"}
    assert all(np.isfinite(row["value"]) for row in rows if row["grouping"] in {"pooled", "normalised"})


def test_cell_lines_alone_keep_their_twins_in_training_as_dreval_does() -> None:
    heterograph = _of_tissues(SEVEN)
    z = heterograph.relations[EXPRESSES]
    first, others = z.take(z.src == 0), z.take(z.src != 19)
    twin = others.append(first.src + 19, first.dst, first.features)
    heterograph = heterograph.with_relation(EXPRESSES, twin)
    left_out = {}
    for how in (CellLineGroups.twins, CellLineGroups.alone):
        measured, cut = Plan(Split.unseen_tissue, 3, cell_line_groups=how).cut(heterograph)
        left_out[how] = sum(len(measured) - len(fold.train) - len(fold.test) for fold in cut)
    assert (
        left_out[CellLineGroups.twins]
        >= (measured.cell_line == 19).sum()
        > 0
        == left_out[CellLineGroups.alone]
    )
