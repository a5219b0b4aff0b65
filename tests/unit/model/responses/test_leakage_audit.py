"""Each kind of leak is planted, and the audit sees it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses import leakage as leaks
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import inner_split
from pharmagraph.model.responses.leakage import Check
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import Fold, folds
from tests.screens import screen

HETEROGRAPH = screen()
MEASURED = responses(HETEROGRAPH)
ALONE = Groups(np.arange(24), np.arange(20))


def _fold(split: Split) -> Fold:
    return next(folds(MEASURED, HETEROGRAPH, split, groups=ALONE))


def _audit(
    fold: Fold, split: Split, groups: Groups = ALONE, measured: Responses = MEASURED
) -> dict[str, Check]:
    return {c.path: c for c in leaks.audit(measured, fold, HETEROGRAPH, split, groups=groups)}


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug, Split.unseen_cell, Split.unseen_both])
def test_our_own_folds_are_clear_and_every_path_is_listed(split: Split) -> None:
    for fold in folds(MEASURED, HETEROGRAPH, split, groups=ALONE):
        found = _audit(fold, split)
        assert len(found) >= 4
        assert {c.verdict for c in found.values()} == {"clear"}


def test_pair_on_both_sides_is_caught() -> None:
    fold = _fold(Split.random)
    planted = Fold(np.append(fold.train, fold.test[0]), fold.test)
    found = _audit(planted, Split.random)["a pair is trained on and tested"]
    assert (found.verdict, found.count) == ("leak", 1)
    pair = MEASURED.take(fold.test[:1])
    drug, cell_line = HETEROGRAPH.ids["Drug"][pair.drug[0]], HETEROGRAPH.ids["CellLine"][pair.cell_line[0]]
    assert found.examples == (f"{drug} on {cell_line}",)


def test_pair_measured_again_in_training_is_caught() -> None:
    fold = _fold(Split.random)
    twice = MEASURED.take(np.append(np.arange(len(MEASURED)), fold.test[:2]))
    planted = Fold(np.append(fold.train, [len(MEASURED), len(MEASURED) + 1]), fold.test)
    found = _audit(planted, Split.random, measured=twice)["a tested pair is measured again in training"]
    assert (found.verdict, found.count) == ("leak", 2)


@pytest.mark.parametrize(
    ("split", "kind"),
    [(Split.unseen_drug, "drug"), (Split.unseen_cell, "cell line"), (Split.unseen_both, "drug")],
)
def test_one_pair_of_an_unseen_entity_in_training_is_caught(split: Split, kind: str) -> None:
    fold = _fold(split)
    entity = MEASURED.drug if kind == "drug" else MEASURED.cell_line
    rest = fold.test[1:] if split is not Split.unseen_both else fold.test
    of_it = np.setdiff1d(np.flatnonzero(entity == entity[rest[0]]), rest[:1])
    planted = Fold(np.append(fold.train, of_it[0]), np.setdiff1d(rest, of_it[:1]))
    found = _audit(planted, split)[f"a tested {kind} has training pairs"]
    assert (found.verdict, found.count) == ("leak", 1)


@pytest.mark.parametrize(("split", "kind"), [(Split.unseen_drug, "drug"), (Split.unseen_cell, "cell line")])
def test_near_twin_of_an_unseen_entity_in_training_is_caught(split: Split, kind: str) -> None:
    fold = _fold(split)
    entity = MEASURED.drug if kind == "drug" else MEASURED.cell_line
    groups = Groups(np.arange(24), np.arange(20))
    of = groups.drug if kind == "drug" else groups.cell_line
    of[entity[fold.test[0]]] = of[entity[fold.train[0]]]
    found = _audit(fold, split, groups)[f"a near twin of a tested {kind} has training pairs"]
    assert (found.verdict, found.count) == ("leak", 1)
    with pytest.raises(ModelError, match=f"fold 0 leaks: a near twin of a tested {kind}"):
        leaks.require_clear(list(_audit(fold, split, groups).values()), "fold 0")


def test_twins_across_random_folds_are_noted_not_refused() -> None:
    groups = Groups(np.arange(24) // 2, np.arange(20))
    found = _audit(_fold(Split.random), Split.random, groups)
    path = "a near twin of the tested drug was trained on with the same cell line"
    assert found[path].verdict == "noted" and found[path].count > 0
    leaks.require_clear(list(found.values()), "fold 0")


def test_inner_fold_that_holds_a_tested_pair_is_caught() -> None:
    fold = _fold(Split.random)
    training, test = MEASURED.take(fold.train), MEASURED.take(fold.test)
    inner = inner_split(training, Split.random, fraction=0.2, seed=0)
    assert leaks.audit_inner(training, inner, test).verdict == "clear"
    with_test = MEASURED.take(np.append(fold.train, fold.test[0]))
    planted = Fold(inner.train, np.append(inner.test, len(fold.train)))
    assert leaks.audit_inner(with_test, planted, test).verdict == "leak"
    assert leaks.audit_inner(training, Fold(inner.train, inner.train[:3]), test).count == 3


def _tensors(heterograph: Heterograph) -> GraphTensors:
    return graph_tensors(heterograph, n_expressed=5, n_neighbours=3)


def _with_drug_means(heterograph: Heterograph) -> GraphTensors:
    """A builder that slips each drug's mean response into the drug features: a label-derived statistic."""
    tensors = _tensors(heterograph)
    tested = heterograph.relations[leaks.TESTED_ON]
    mean = torch.zeros(tensors.n_drugs).index_add(0, tested.src, tested.features["response"].float())
    return replace(tensors, structure=torch.cat([tensors.structure, mean[:, None]], 1))


def _with_chosen_edges(heterograph: Heterograph) -> GraphTensors:
    """A builder whose neighbours were picked by correlation of responses."""
    tensors = _tensors(heterograph)
    best = int(heterograph.relations[leaks.TESTED_ON].features["ln_ic50"].argmax())
    weight = tensors.drug_neighbours.weight.clone()
    weight[best % len(weight)] += 1
    return replace(tensors, drug_neighbours=replace(tensors.drug_neighbours, weight=weight))


def test_features_are_free_of_responses_and_a_label_derived_statistic_is_caught() -> None:
    before = HETEROGRAPH.relations[leaks.TESTED_ON].features["response"].clone()
    assert leaks.audit_features(HETEROGRAPH, _tensors).verdict == "clear"
    assert torch.equal(before, HETEROGRAPH.relations[leaks.TESTED_ON].features["response"])
    planted = leaks.audit_features(HETEROGRAPH, _with_drug_means)
    assert (planted.verdict, planted.examples) == ("leak", ("structure",))
    planted = leaks.audit_features(HETEROGRAPH, _with_chosen_edges)
    assert (planted.verdict, planted.examples) == ("leak", ("drug_neighbours.weight",))
