"""Baselines against direct computations, and against what they cannot know."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge

from pharmagraph.model.baselines import BASELINES, Baseline, Features, Problem
from pharmagraph.model.baselines import problem as problems
from pharmagraph.model.baselines.additive import Additive
from pharmagraph.model.baselines.blend import Blend
from pharmagraph.model.baselines.elastic_net import ElasticNet
from pharmagraph.model.baselines.ensemble_mf import EnsembleMF
from pharmagraph.model.baselines.factorisation import Factorisation
from pharmagraph.model.baselines.gaussian_process import GaussianProcess
from pharmagraph.model.baselines.kernel_ridge import KernelRidge
from pharmagraph.model.baselines.kronecker import Term, posterior_mean
from pharmagraph.model.baselines.means import DrugMean, Mean
from pharmagraph.model.baselines.pair_features import pair_features
from pharmagraph.model.baselines.perceptron import Perceptron
from pharmagraph.model.baselines.problem import fit_predict
from pharmagraph.model.baselines.side_information import SideInformation
from pharmagraph.model.baselines.trees import RandomForest, XGBoost
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.metrics.scores import auroc, pearson, r2
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.splits import folds
from tests.screens import screen

torch.set_num_threads(1)
SMALL: dict[str, Baseline] = BASELINES | {
    "factorisation": Factorisation(members=1, candidates=((4, 1.0, 0.03),)),
    "side-information": SideInformation(members=1, candidates=((4, 10.0),)),
    "gaussian-process": GaussianProcess(epochs=2),
    "random-forest": RandomForest(trees=10, candidates=((False, 2, 0.3),)),
    "perceptron": Perceptron(members=1, steps=40),
    "xgboost": XGBoost(candidates=((False, 4, 1.0),), most_trees=10),
    "elastic-net": ElasticNet(candidates=((0.5, 0.3),)),
    "ensemble-mf": EnsembleMF(members=1, hidden=16, factors=8, epochs=3),
    "blend": Blend(KernelRidge(), Factorisation(members=1, candidates=((4, 1.0, 0.03),))),
}
FEW_STARTS: dict[str, Baseline] = BASELINES | {
    "factorisation": Factorisation(members=2, candidates=((4, 1.0, 0.03),)),
    "side-information": SideInformation(members=2, candidates=((8, 10.0),)),
    "gaussian-process": GaussianProcess(epochs=4),
}


@cache
def _features() -> Features:
    return Features.of(graph_tensors(screen(), n_expressed=0, n_neighbours=1))


def _no_features(n_drugs: int, n_cell_lines: int) -> Features:
    nothing_of_drugs, nothing_of_cell_lines = (np.zeros((n, 1), np.float32) for n in (n_drugs, n_cell_lines))
    return Features(
        {}, {}, nothing_of_drugs, nothing_of_cell_lines, nothing_of_drugs, nothing_of_cell_lines,
        np.full(n_cell_lines, -1),
    )  # fmt: skip


def _grid(seed: int = 0, n_drugs: int = 12, n_cell_lines: int = 15) -> Responses:
    generator = np.random.default_rng(seed)
    drug, cell_line = np.repeat(np.arange(n_drugs), n_cell_lines), np.tile(np.arange(n_cell_lines), n_drugs)
    logit = generator.normal(size=n_drugs)[drug] + generator.normal(size=n_cell_lines)[cell_line]
    label = (generator.random(len(drug)) < 1 / (1 + np.exp(-2 * logit))).astype(np.float32)
    return Responses(drug, cell_line, label, -logit.astype(np.float32), n_drugs, n_cell_lines)


def test_additive_is_the_penalised_logistic_regression_it_says() -> None:
    training = _grid()
    sign = 2 * training.response - 1

    def loss(parameters: np.ndarray) -> float:
        effects, intercept = parameters[:-1], parameters[-1]
        logit = effects[training.drug] + effects[training.n_drugs + training.cell_line] + intercept
        return float(np.logaddexp(0, -sign * logit).sum() + 0.5 * (effects**2).sum())

    best = minimize(loss, np.zeros(training.n_drugs + training.n_cell_lines + 1), method="BFGS").x
    logit = best[training.drug] + best[training.n_drugs + training.cell_line] + best[-1]
    found = Additive().predict(
        Problem(training, _no_features(12, 15)), {"penalty": 1.0}, training.drug, training.cell_line
    )
    assert found == pytest.approx(1 / (1 + np.exp(-logit)), abs=5e-3)


def test_additive_regression_recovers_additive_truth() -> None:
    training = _grid()
    problem = Problem(training, _no_features(12, 15), "regression")
    found = fit_predict(Additive(), problem, training.drug, training.cell_line)
    assert pearson(training.ln_ic50.astype(float), found) > 0.99


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_factorisation_learns_interaction_that_additive_cannot(task: Task) -> None:
    generator = np.random.default_rng(3)
    drug, cell_line = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    product = generator.normal(size=30)[drug] * generator.normal(size=30)[cell_line]
    everything = Responses(
        drug, cell_line, (product > 0).astype(np.float32), -product.astype(np.float32), 30, 30
    )
    held_out = generator.random(900) < 0.2
    test = everything.take(held_out)
    problem = Problem(everything.take(~held_out), _no_features(30, 30), task)
    figure = auroc if task == "classification" else pearson
    target = test.label(task).astype(float)
    found = {
        name: figure(target, fit_predict(FEW_STARTS[name], problem, test.drug, test.cell_line))
        for name in ("additive", "factorisation")
    }
    assert found["factorisation"] > 0.85 > 0.7 > found["additive"]


def test_posterior_mean_is_the_gaussian_processes_on_the_same_pairs() -> None:
    """Conjugate gradients on Kronecker products against scikit-learn's dense solution of the same covariance."""
    generator = np.random.default_rng(1)
    x_drug, x_cell = generator.normal(size=(6, 2)), generator.normal(size=(5, 2))
    terms = [
        Term(*(torch.tensor(RBF(1.0)(x)) for x in (x_drug, x_cell))),
        Term(torch.eye(6).double(), torch.ones(5, 5).double()),
    ]
    observed = generator.random((6, 5)) < 0.6
    noise = generator.uniform(0.1, 0.5, (6, 5))
    value = generator.normal(size=(6, 5))
    found = posterior_mean(
        terms, torch.tensor(observed / noise), torch.tensor(value), iterations=200, tolerance=1e-12
    )
    dense = sum(np.kron(t.drug.numpy(), t.cell_line.numpy()) for t in terms)
    seen = observed.ravel()

    class _Given(RBF):  # a kernel that looks up the dense covariance
        def __call__(
            self, a: np.ndarray, b: np.ndarray | None = None, eval_gradient: bool = False
        ) -> np.ndarray:
            return dense[np.ix_(a[:, 0].astype(int), (a if b is None else b)[:, 0].astype(int))]

    pairs = np.arange(30)[:, None].astype(float)
    reference = GaussianProcessRegressor(_Given(), alpha=noise.ravel()[seen], optimizer=None)
    reference.fit(pairs[seen], value.ravel()[seen])
    assert found.numpy().ravel() == pytest.approx(reference.predict(pairs), abs=1e-6)


def test_kernel_ridge_is_the_one_on_explicit_pairs() -> None:
    features, training = _features(), responses(screen())
    found = KernelRidge(iterations=2000).score(
        Problem(training, features), {"penalty": 1.0}, training.drug, training.cell_line
    )
    d, c = training.drug, training.cell_line
    T = features.drug_kernels["fingerprint"].numpy()[np.ix_(d, d)]
    C = features.cell_line_kernels["rbf"].numpy()[np.ix_(c, c)]
    D, L = (d[:, None] == d).astype(float), (c[:, None] == c).astype(float)
    kernel = T + C + T * C + 0.5 * (2 * L + D + 2 * D * C + T * L)
    ridge = SklearnKernelRidge(alpha=1.0, kernel="precomputed").fit(kernel, 2 * training.response - 1)
    assert found == pytest.approx(ridge.predict(kernel), abs=1e-2)


def test_kernels_can_be_covariances() -> None:
    features = _features()
    for kernel in (*features.drug_kernels.values(), *features.cell_line_kernels.values()):
        assert float(torch.linalg.eigvalsh(kernel.double()).min()) > -1e-4


def test_cell_lines_without_expression_are_not_twins_of_each_other() -> None:
    heterograph = screen()
    expresses = ("CellLine", "EXPRESSES", "Gene")
    edges = heterograph.relations[expresses]
    heterograph = heterograph.with_relation(expresses, edges.take(edges.src >= 2))
    features = Features.of(graph_tensors(heterograph, n_expressed=0, n_neighbours=1))
    assert float(features.cell_line_kernels["rbf"][0, 1]) == 0


def test_a_training_pairs_own_label_is_not_in_its_means() -> None:
    training = _grid()
    flipped = replace(training, response=training.response.copy())
    flipped.response[7] = 1 - flipped.response[7]
    rows, changed = (
        pair_features(Problem(t, _no_features(12, 15)), t.drug[:1], t.cell_line[:1]).trained
        for t in (training, flipped)
    )
    means = slice(2, 4)
    assert np.array_equal(rows[7, means], changed[7, means])
    of_drug = training.drug == training.drug[7]
    assert np.abs(rows[of_drug, 2] - changed[of_drug, 2]).max() > 0.05


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("kernel-ridge", Split.random), ("gaussian-process", Split.random), ("side-information", Split.random),
        ("kernel-ridge", Split.unseen_drug), ("gaussian-process", Split.unseen_cell),
    ],
)  # fmt: skip
def test_models_with_features_beat_additive_where_structure_and_expression_tell(
    name: str, split: Split
) -> None:
    heterograph = screen(40, 40, measured=0.8)
    features = Features.of(graph_tensors(heterograph, n_expressed=0, n_neighbours=1))
    measured = responses(heterograph)
    fold = next(folds(measured, heterograph, split))
    problem, test = Problem(measured.take(fold.train), features, split=split), measured.take(fold.test)
    figures = {
        model: auroc(test.response, fit_predict(FEW_STARTS[model], problem, test.drug, test.cell_line))
        for model in (name, "additive")
    }
    assert figures[name] > figures["additive"] + 0.05


@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_cell])
def test_the_mean_of_an_unseen_drug_or_cell_line_is_predicted_from_what_it_is_like(split: Split) -> None:
    """Means of what is unseen were taken out, too, so nobody said how potent a new drug is or how frail a cell line."""
    place = np.linspace(0, 6, 24)
    alike = torch.from_numpy(RBF(1.0)(place[:, None])).float()
    drug, cell_line = np.repeat(np.arange(24), 24), np.tile(np.arange(24), 24)
    ours = drug if split is Split.unseen_drug else cell_line
    value = np.sin(place)[ours] + 0.1 * np.random.default_rng(0).normal(size=len(drug))
    everything = Responses(drug, cell_line, (value < 0).astype(np.float32), value.astype(np.float32), 24, 24)
    features = replace(
        _no_features(24, 24), drug_kernels={"fingerprint": alike}, cell_line_kernels={"rbf": alike}
    )
    unseen = ours % 3 == 1
    problem, test = (
        Problem(everything.take(~unseen), features, "regression", split),
        everything.take(unseen),
    )
    found = fit_predict(GaussianProcess(), problem, test.drug, test.cell_line)
    assert r2(test.ln_ic50.astype(float), found) > 0.8


@pytest.mark.once
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", BASELINES)
def test_same_seed_gives_the_same_prediction_and_a_possible_one(name: str, task: Task) -> None:
    problem = Problem(responses(screen()), _features(), task, seed=3)
    training = problem.training
    first, again = (fit_predict(SMALL[name], problem, training.drug, training.cell_line) for _ in range(2))
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    if task == "classification":
        assert ((first >= 0) & (first <= 1)).all()


def test_options_are_chosen_without_the_pairs_that_judge_them() -> None:
    """Every figure that chooses is of pairs that the model which is judged was not given."""
    problem = Problem(responses(screen()), _features())
    seen = []

    class Watched(DrugMean):
        def predict(self, less: Problem, options, drug, cell_line):  # type: ignore[no-untyped-def]
            trained = set(zip(less.training.drug.tolist(), less.training.cell_line.tolist(), strict=True))
            seen.append(len(trained & set(zip(drug.tolist(), cell_line.tolist(), strict=True))))
            return super().predict(less, options, drug, cell_line)

    problems.best_of(problem, Watched().predict, [{"a": 1.0}, {"a": 2.0}], n_folds=3)
    assert seen == [0] * 6


def test_blend_gives_its_weight_to_the_member_that_predicts() -> None:
    problem = Problem(responses(screen()), _features())
    options = Blend(Mean(), KernelRidge(), Factorisation(members=1)).choose(problem)
    assert options["0 weight"] == 0  # a constant changes no ranking, so it gets no weight
    assert sum(options[f"{k} weight"] for k in range(3)) == pytest.approx(1)
