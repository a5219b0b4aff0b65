"""Baselines of DrEval's league: they win where expression and structure tell, and do without what is not there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.baselines import Baseline, Features, Problem
from pharmagraph.model.baselines.elastic_net import ElasticNet
from pharmagraph.model.baselines.ensemble_mf import EnsembleMF, _ranks
from pharmagraph.model.baselines.features import folded, landmarks
from pharmagraph.model.baselines.means import MeanEffects
from pharmagraph.model.baselines.pair_features import pair_features
from pharmagraph.model.baselines.problem import fit_predict
from pharmagraph.model.baselines.trees import RandomForest, XGBoost
from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.metrics.scores import auroc, pearson, per_entity, r2
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import folds
from tests.screens import screen, without_structure

torch.set_num_threads(1)
SMALL: dict[str, Baseline] = {
    "elastic-net": ElasticNet(candidates=((0.5, 0.3),)),
    "xgboost": XGBoost(candidates=((True, 4, 1.0),), most_trees=60),
    "random-forest": RandomForest(trees=30, candidates=((True, 2, 0.3),)),
    "ensemble-mf": EnsembleMF(members=2, hidden=32, factors=16, batch=128, epochs=60, learning_rate=3e-3),
}


@cache
def _parts(split: Split, task: Task) -> tuple[Problem, Responses]:
    heterograph = screen(40, 60, measured=0.8)
    measured = responses(heterograph, task)
    fold = next(folds(measured, heterograph, split))
    features = Features.of(baseline_tensors(heterograph))
    return Problem(measured.take(fold.train), features, task, split), measured.take(fold.test)


def _by_one_gene(part: Problem | Responses, task: Task) -> Any:
    """The same pairs with other responses: less of the first gene than of the average line, and a drug's level."""
    if isinstance(part, Problem):
        return replace(part, training=_by_one_gene(part.training, task))
    z = _parts(Split.unseen_cell, task)[0].features.expression[:, 0]
    noise = 0.3 * np.random.default_rng(0).normal(size=len(part))
    value = (z[part.cell_line] + noise).astype(np.float32)
    return replace(part, ln_ic50=value + part.drug % 4, response=(value < 0).astype(np.float32))


@pytest.mark.once
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", SMALL)
def test_cell_lines_are_ranked_where_the_mean_ranks_none(name: str, task: Task) -> None:
    """Of an unseen cell line the drug's mean knows nothing; here one gene decides the response to all drugs."""
    problem, test = (_by_one_gene(part, task) for part in _parts(Split.unseen_cell, task))
    found = fit_predict(SMALL[name], problem, test.drug, test.cell_line)
    figure = auroc if task == "classification" else pearson
    within = per_entity(
        figure, test.label(task).astype(float), found, test.drug, classes=task == "classification"
    )
    chance = 0.5 if task == "classification" else 0.0
    assert np.nanmean(within) > chance + 0.2
    assert ((found >= 0) & (found <= 1)).all() or task == "regression"


@pytest.mark.once
@pytest.mark.parametrize("name", SMALL)
def test_same_seed_same_prediction(name: str) -> None:
    problem, test = _parts(Split.random, "classification")
    options = SMALL[name].choose(problem)
    first, again = (SMALL[name].predict(problem, options, test.drug, test.cell_line) for _ in range(2))
    assert np.array_equal(first, again)


def test_mean_effects_beat_the_mean_and_give_an_unseen_line_its_tissue() -> None:
    problem, test = _parts(Split.random, "regression")
    found = fit_predict(MeanEffects(), problem, test.drug, test.cell_line)
    assert r2(test.ln_ic50.astype(float), found) > 0.1
    tissue = np.array([0, 0, 1, 1])
    drug, cell_line = np.array([0, 1, 0, 1]), np.array([0, 0, 2, 2])
    training = Responses(
        drug, cell_line, np.ones(4, np.float32), np.array([1, 3, 5, 7], np.float32), 2, 4
    )  # fmt: skip
    features = replace(problem.features, tissue=tissue)
    two = MeanEffects().predict(
        Problem(training, features, "regression"), {}, np.array([0, 0]), np.array([1, 3])
    )
    assert two == pytest.approx([4 - 1 - 2, 4 - 1 + 2])


def test_mean_effects_of_classes_are_probabilities() -> None:
    problem, test = _parts(Split.random, "classification")
    found = fit_predict(MeanEffects(), problem, test.drug, test.cell_line)
    assert found.min() >= 0 and found.max() <= 1 and auroc(test.response, found) > 0.5


@pytest.mark.parametrize(
    ("model", "lacking", "said"),
    [
        ("ensemble-mf", "expression", "ensemble-mf reads expression of cell lines"),
        ("elastic-net", "expression", "elastic-net reads expression of cell lines"),
        ("ensemble-mf", "structure", "ensemble-mf reads structures of drugs"),
    ],
)
def test_what_a_baseline_cannot_do_without_is_said_before_anything_is_fitted(
    model: str, lacking: str, said: str
) -> None:
    heterograph, omics = screen(), ("mutation",) if lacking == "expression" else None
    if lacking == "structure":
        heterograph = without_structure(heterograph, list(range(24)))
    done: list[str] = []
    with pytest.raises(ModelError, match=said) as told:
        evaluate(heterograph, ["mean", model], Plan(Split.random, 3, omics=omics), report=done.append)
    assert not done and "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["xgboost", "random-forest"])
def test_trees_do_without_omics_and_structures(name: str) -> None:
    problem, test = _parts(Split.random, "regression")
    nothing = replace(
        problem.features,
        **{
            of: np.zeros_like(getattr(problem.features, of))
            for of in ("drug_components", "cell_line_components", "fingerprint", "expression")
        },
    )
    tree = {
        "xgboost": XGBoost(candidates=((True, 4, 1.0), (False, 4, 1.0)), most_trees=20),
        "random-forest": RandomForest(trees=30, candidates=((True, 2, 1.0), (False, 2, 1.0))),
    }[name]
    found = fit_predict(tree, replace(problem, features=nothing), test.drug, test.cell_line)
    assert r2(test.ln_ic50.astype(float), found) > 0.1, "the means remain"


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug, Split.unseen_cell, Split.unseen_both])
def test_rows_of_pairs_have_the_means_of_what_is_not_unseen(split: Split) -> None:
    problem, _ = _parts(Split.random, "regression")
    training = problem.training
    rows = pair_features(replace(problem, split=split), training.drug, training.cell_line)
    without = problem.features.drug_components.shape[1] + problem.features.cell_line_components.shape[1]
    assert rows.trained.shape[1] - without == 2 - split.of_unseen_drugs - split.of_unseen_cell_lines


def test_trees_start_from_means_without_the_pairs_own_label() -> None:
    problem, _ = _parts(Split.unseen_cell, "regression")
    training = problem.training
    changed = training.ln_ic50.copy()
    changed[0] += 10
    rows = [
        pair_features(
            replace(problem, training=replace(training, ln_ic50=value)), training.drug, training.cell_line
        )
        for value in (training.ln_ic50, changed)
    ]
    shift = rows[1].trained_start - rows[0].trained_start
    assert shift[0] == pytest.approx(0, abs=1e-9)
    assert shift[training.drug == training.drug[0]].max() > 0.1


def test_landmarks_are_chosen_by_training_cell_lines_and_are_those_that_vary_together() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(40, 2))
    expression = generator.normal(size=(40, 60)).astype(np.float32)
    expression[:, :20] = shared @ generator.normal(size=(2, 20)) + 0.1 * expression[:, :20]
    expression = ((expression - expression[:30].mean(0)) / expression[:30].std(0)).astype(np.float32)
    few = landmarks(expression, np.arange(30), 10)
    other = expression.copy()
    other[30:] = generator.normal(size=(10, 60))
    assert np.array_equal(few, landmarks(other, np.arange(30), 10))
    assert len(few) == 10
    expression[:, 50:] = 0
    assert landmarks(expression, np.arange(30), 100).max() < 50


def test_fingerprint_is_folded_by_remainder_as_a_shorter_one_is() -> None:
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    molecules = [Chem.MolFromSmiles(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C")]
    long, short = (
        np.array([GetMorganGenerator(radius=2, fpSize=bits).GetFingerprintAsNumPy(m) for m in molecules])
        for bits in (2048, 256)
    )
    assert np.array_equal(folded(long > 0), short)


def test_ranks_are_shares_of_training_cell_lines_below() -> None:
    expression = np.array([[1.0], [2.0], [3.0], [4.0], [9.0], [0.0]], np.float32)
    found = _ranks(expression, np.array([0, 1, 2, 3]))[:, 0]
    share = np.array([0, 1, 2, 3]) / 3
    assert found[:4] == pytest.approx((share - share.mean()) / share.std())
    assert found[4] == pytest.approx((1 - share.mean()) / share.std()), "no more than all"
    assert found[5] == 0, "without expression as the average cell line"


def test_an_unseen_drug_has_no_vector_of_its_own() -> None:
    problem, test = _parts(Split.unseen_drug, "regression")
    model = EnsembleMF(members=1, hidden=8, factors=4, epochs=1)
    bits, ranks = torch.zeros(40, 8), torch.zeros(60, 5)
    drug = torch.from_numpy(problem.training.drug)
    network = model._fitted(problem, bits, ranks, (drug, drug, drug.float()), (drug, drug, drug.float()))
    assert not bool(network.known[torch.from_numpy(test.drug)].any())
    assert bool(network.known[drug].all())


def test_output_of_two_towers_is_the_published_sum() -> None:
    """The head on (c, d, c·d) at once, without the sum of three maps that saves most of its work."""
    from pharmagraph.model.baselines.ensemble_mf import _TwoTowers

    torch.manual_seed(0)
    network = _TwoTowers((6, 5), 4, 8, 3, 0.2).eval()
    network.know(torch.tensor([0, 1]))
    bits, ranks = torch.randn(4, 6), torch.randn(7, 5)
    drug, cell_line = torch.tensor([0, 3, 1]), torch.tensor([6, 2, 2])
    d = network.drugs(bits)
    d[:2] += network.identity[:2]
    d, c = d[drug], network.cell_lines(ranks)[cell_line]
    head = network.output(torch.relu(network.head(torch.cat([c, d, c * d], 1))))
    expected = (d * c).sum(1, keepdim=True) * network.scale + network.drug_bias(d) + network.cell_line_bias(c)
    found = network(bits, ranks, drug, cell_line)
    assert torch.allclose(found, (expected + network.bias + head)[:, 0], atol=1e-5)
