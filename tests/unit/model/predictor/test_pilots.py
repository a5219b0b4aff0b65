"""A few measured responses change the predictions of a drug or a cell line as a dense Gaussian process says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.folder import GRAPH
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from tests.screens import screen

torch.set_num_threads(1)

CASES: list[tuple[Task, Split]] = [
    ("classification", Split.random),
    ("regression", Split.random),
    ("regression", Split.unseen_drug),
]
UNSEEN = 0
"""Number of the drug, and of the cell line, that no training pair has."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].value}")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, Fitted]:
    """A run of the process alone, on all pairs but those of a drug and a cell line."""
    task, split = request.param
    config = load_preset(
        "default",
        network={"channels": 8, "relational": False, "axial": False, "factors": False, "gene_part": False},
        training={"epochs": 2, "members": 1, "calibrate": False},
    )
    heterograph = screen(14, 12, measured=2.0)
    measured = responses(heterograph, task)
    training = measured.take((measured.drug != UNSEEN) & (measured.cell_line != UNSEEN))
    fitted = fit(
        network_tensors(heterograph, config.network), training, config, seed=0, task=task, split=split
    )
    folder = tmp_path_factory.mktemp("run")
    saved.save(fitted, heterograph, training, folder, about={})
    return Predictor(folder, SavedArrays(folder / GRAPH)), fitted


class Dense:
    """The process over all pairs, cell lines first, with its covariance as one matrix."""

    def __init__(self, predictor: Predictor, fitted: Fitted, kind: Kind, number: int) -> None:
        about, self.kind, self.number = predictor.members[0], kind, number
        kernel_c, kernel_d = (predictor.array(f"0/kernel_{side}").astype(float) for side in "cd")
        own = kernel_d if kind == "drug" else kernel_c
        if number == UNSEEN:  # its profile of responses is like itself, and like no other
            own[number, number] += about[f"profiles_{'d' if kind == 'drug' else 'c'}"]
        self.shape = len(kernel_c), len(kernel_d)
        self.covariance = np.kron(kernel_c, kernel_d)
        self.noise, visible = 1 / about["precision"], fitted.messages.visible
        self.trained = np.flatnonzero(visible.measured.numpy().ravel())
        scale = predictor.array("0/drug_scale")
        value = about["of_class"] * visible.sign + about["of_strength"] * visible.value
        self.value = (value.numpy() / scale).ravel()[self.trained]

    @property
    def asked(self) -> np.ndarray:
        """Positions of the entity's pairs."""
        n_cell_lines, n_drugs = self.shape
        if self.kind == "drug":
            return np.arange(n_cell_lines) * n_drugs + self.number
        return self.number * n_drugs + np.arange(n_drugs)

    def posterior(self, at: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the entity's pairs, by the training pairs and more of its own."""
        seen = np.concatenate([self.trained, self.asked[at]])
        observed = self.covariance[np.ix_(seen, seen)] + self.noise * np.eye(len(seen))
        gain = np.linalg.solve(observed, self.covariance[np.ix_(seen, self.asked)]).T
        mean = gain @ np.concatenate([self.value, value])
        left = self.covariance[np.ix_(self.asked, self.asked)]
        return mean, left - gain @ self.covariance[np.ix_(seen, self.asked)]


@pytest.mark.parametrize("number", [UNSEEN, 3])
@pytest.mark.parametrize("kind", ["drug", "cell_line"])
def test_what_is_left_unknown_is_the_posterior_covariance(
    run: tuple[Predictor, Fitted], kind: Kind, number: int
) -> None:
    predictor, fitted = run
    found = Pilots(predictor, Entity(number), kind).unknown[0]
    _, left = Dense(predictor, fitted, kind, number).posterior(np.empty(0, int), np.empty(0))
    drug_scale = predictor.array("0/drug_scale")
    scale = predictor.members[0]["scale"] * (
        np.full(len(left), drug_scale[number]) if kind == "drug" else drug_scale
    )
    expected = left * np.outer(scale, scale)
    assert found.pattern == pytest.approx(expected, rel=1e-3, abs=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("kind", ["drug", "cell_line"])
def test_pilots_give_the_mean_of_the_process_that_had_them_in_training(
    run: tuple[Predictor, Fitted], kind: Kind
) -> None:
    predictor, fitted = run
    about, at, label = predictor.members[0], np.array([2, 5, 7, 8]), np.array([1.0, 0.0, 1.0, 1.0])
    dense, pilots = Dense(predictor, fitted, kind, UNSEEN), Pilots(predictor, Entity(UNSEEN), kind)
    if predictor.task == "classification":
        sign, constant = 2 * label - 1, predictor.array("0/constants")
        mean, _ = dense.posterior(at, (about["of_class"] + about["of_strength"]) * sign)
        of_mean = about["of_drug_mean"] * sign.sum() / (len(sign) + about["sign_pairs"])
        output = about["scale"] * mean + (constant[UNSEEN] + of_mean if kind == "drug" else constant)
        expected, measured = 1 / (1 + np.exp(-output)), label
    else:
        measured, before = 4 * label - 1, predictor.prediction(pilots.outputs)
        _, left = dense.posterior(np.empty(0, int), np.empty(0))
        scale = about["scale"] * (np.ones(12) if kind == "drug" else predictor.array("0/drug_scale"))
        whole = left * np.outer(scale, scale) + pilots.unknown[0].level
        noise = np.diag(scale[at] ** 2 * dense.noise)
        gain = np.linalg.solve(whole[np.ix_(at, at)] + noise, whole[at]).T
        expected = before + gain @ (measured - before[at])  # level and pattern in one step
    assert pilots.conditioned(at, measured) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("kind", ["drug", "cell_line"])
def test_pilots_pull_predictions_towards_what_was_measured(run: tuple[Predictor, Fitted], kind: Kind) -> None:
    predictor, _ = run
    pilots = Pilots(predictor, Entity(UNSEEN), kind)
    before, at = predictor.prediction(pilots.outputs), np.array([1, 4, 6])
    assert (pilots.conditioned([], []) == before).all()
    if predictor.task == "classification":
        sensitive, resistant = (pilots.conditioned(at, np.full(3, label)) for label in (1.0, 0.0))
        assert (sensitive[at] > resistant[at]).all()
        return
    measured = before[at] + np.array([2.0, 3.0, 2.5])
    after = pilots.conditioned(at, measured)
    assert (np.abs(after - before)[at] > 0.2).all() and (
        np.abs(measured - after[at]) < measured - before[at]
    ).all()
    assert after.mean() > before.mean() + 0.5  # the level of the whole drug, or cell line, too
    assert pilots.conditioned(at, before[at]) == pytest.approx(before, abs=1e-9)


def test_the_first_suggestion_leaves_the_least_variance(run: tuple[Predictor, Fitted]) -> None:
    predictor, _ = run
    pilots = Pilots(predictor, Entity(UNSEEN), "drug")
    left = pilots.unknown[0]
    known = np.arange(1, 12)

    def variance_with(number: int) -> float:
        column = left.covariance[:, number]
        after = left.covariance - np.outer(column, column) / (column[number] + left.noise[number])
        return float(np.diagonal(after)[known].sum())

    chosen, explained = pilots.suggested(5)
    assert chosen[0] == min(known, key=lambda n: variance_with(int(n)))
    assert explained[0] == pytest.approx(
        1 - variance_with(chosen[0]) / np.diagonal(left.covariance)[known].sum()
    )
    assert len(set(chosen.tolist())) == 5 and (np.diff(explained) > 0).all() and explained[-1] < 1
    assert len(Pilots(predictor, Entity(3), "drug").suggested(5)[0]) == 0  # all was measured


def test_a_new_structure_and_a_new_profile_take_pilots(run: tuple[Predictor, Fitted]) -> None:
    predictor, _ = run
    genes = list(predictor.features.genes)
    views = {name: bits[:, :64] for name, bits in predictor.features.views(["CCOc1ccc(cc1)C(=O)N"]).items()}
    entities: list[tuple[Kind, Entity]] = [
        ("drug", Entity(None, predictor.features.drug_similarities(views)[0])),
        ("cell_line", predictor.new_cell_line({genes[0]: 1.5, genes[1]: -2.0})),
    ]
    for kind, entity in entities:
        pilots = Pilots(predictor, entity, kind)
        left = pilots.unknown[0]
        assert np.linalg.eigvalsh(left.covariance).min() > -1e-4 * left.covariance.max()
        high, low = (1.0, 0.0) if predictor.task == "classification" else (3.0, -3.0)
        assert (pilots.conditioned([1, 2], [high, high]) > pilots.conditioned([1, 2], [low, low])).all()
