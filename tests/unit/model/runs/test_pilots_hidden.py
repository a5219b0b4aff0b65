"""Intervals of predictions with pilots: what they are calibrated on, and whether they hold what is measured later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.certainty.calibrate import calibrate
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.certain_with_pilots import judged_with_pilots
from pharmagraph.model.runs.folder import GRAPH
from pharmagraph.model.runs.pilots_hidden import Hidden, calibrated_with_pilots, hidden_with_pilots
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from tests.screens import screen

torch.set_num_threads(1)
pytestmark = pytest.mark.once

N_DRUGS, N_LINES, N_OUT = 60, 40, 16
LEVEL = 0.8
KINDS: list[tuple[Kind, Split]] = [("drug", Split.unseen_drug), ("cell_line", Split.unseen_cell)]


@dataclass(frozen=True)
class Case:
    fitted: Fitted
    training: Responses
    held_out: Responses
    groups: Groups
    predictor: Predictor
    certainty: Certainty


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A run of the process on all pairs but those of some drugs and of some cell lines."""
    config = load_preset(
        "default",
        network={"channels": 8, "relational": False, "axial": False, "factors": False, "gene_part": False},
        training={"epochs": 4, "members": 1, "calibrate": False},
    )
    graph = screen(N_DRUGS, N_LINES, measured=0.8)
    every = responses(graph, "regression")
    inside = (every.drug >= N_OUT) & (every.cell_line >= N_OUT)
    training, groups = every.take(inside), Groups(np.arange(N_DRUGS), np.arange(N_LINES))
    tensors = network_tensors(graph, config.network)
    fitted = fit(tensors, training, config, seed=0, task="regression", split=Split.unseen_drug)
    tissue = graph.nodes["CellLine"]["tissue"].numpy()
    certainty = calibrate(fitted, training, tissue, seed=0, groups=groups)
    assert certainty is not None
    certainty = calibrated_with_pilots(certainty, fitted, training, tissue, seed=0, groups=groups)
    folder = tmp_path_factory.mktemp("run")
    saved.save(fitted, graph, training, folder, about={}, certainty=certainty)
    read = Certainty.load(folder)
    predictor = Predictor(folder, SavedArrays(folder / GRAPH))
    return Case(fitted, training, every.take(~inside), groups, predictor, read)


@pytest.fixture(scope="module")
def hidden(case: Case) -> Hidden:
    return hidden_with_pilots(case.fitted, case.training, seed=0, groups=case.groups)


@pytest.mark.parametrize(("kind", "split"), KINDS)
@pytest.mark.parametrize("n_pilots", [3, 7])
def test_intervals_hold_what_is_measured_later_of_new_drugs_and_cell_lines(
    case: Case, kind: Kind, split: Split, n_pilots: int
) -> None:
    test, generator = case.held_out, np.random.default_rng(1)
    own, other = (test.drug, test.cell_line) if kind == "drug" else (test.cell_line, test.drug)
    shares, widths, without, errors = [], [], [], []
    for number in range(N_OUT):
        rows = generator.permutation(np.flatnonzero((own == number) & (other >= N_OUT)))
        at, rest = other[rows[:n_pilots]], rows[n_pilots:]
        entity = Entity(number)
        process = Pilots(case.predictor, entity, kind)
        predicted = process.conditioned(at, test.ln_ic50[rows[:n_pilots]])[other[rest]]
        others, names = [Entity(int(n)) for n in other[rest]], [str(n) for n in other[rest]]
        turn = np.s_[:, None] if kind == "drug" else np.s_[None]
        both = ([str(number)], names) if kind == "drug" else (names, [str(number)])
        found = judged_with_pilots(
            case.certainty, case.predictor, process, at.tolist(), others, predicted[turn], both, LEVEL
        ).interval
        value = test.ln_ic50[rest][turn]
        assert (found.low <= predicted[turn]).mean() > 0.9 and (found.high >= predicted[turn]).mean() > 0.9
        shares.append(((found.low <= value) & (value <= found.high)).mean())
        errors.append((np.abs(value - predicted[turn]) > (found.high - found.low) / 8).mean())
        widths.append((found.high - found.low).mean())
        sides = ([entity], others) if kind == "drug" else (others, [entity])
        alone = case.predictor.predict(*sides)
        numbers = [np.array([e.number for e in side]) for side in sides]
        situation = case.certainty.situation(alone, *numbers)
        tables = case.certainty.tables
        known = tables["known_drugs"][numbers[0]], tables["known_cell_lines"][numbers[1]]
        interval = case.certainty.intervals(situation, alone, *known, LEVEL)
        without.append((interval.high - interval.low).mean())
    assert LEVEL - 0.15 < np.mean(shares) < LEVEL + 0.15
    assert np.mean(errors) > 1 - LEVEL + 0.15  # a quarter of the width would not do
    assert np.mean(widths) < np.mean(without)  # what was measured tells something


@pytest.mark.parametrize(("kind", "split"), KINDS)
def test_more_pilots_leave_smaller_errors_and_less_variance(hidden: Hidden, kind: Kind, split: Split) -> None:
    few, many = hidden[split, 1], hidden[split, 10]
    assert many.deviation.mean() < few.deviation.mean()
    own = "drug" if kind == "drug" else "cell_line"
    assert set(getattr(many, own)) <= set(getattr(few, own)) and len(many) < len(few)


def test_what_is_judged_has_no_part_in_its_prediction_and_pilots_have(case: Case, hidden: Hidden) -> None:
    before = hidden[Split.unseen_drug, 5]
    drug = int(before.drug[0])
    judged = set(before.cell_line[before.drug == drug].tolist())
    of_drug = np.flatnonzero(case.training.drug == drug)
    is_judged = np.array([int(line) in judged for line in case.training.cell_line[of_drug]])

    def outputs(rows: np.ndarray) -> np.ndarray:
        ln_ic50 = case.training.ln_ic50.copy()
        ln_ic50[rows] += 4
        changed = hidden_with_pilots(
            case.fitted, replace(case.training, ln_ic50=ln_ic50), seed=0, groups=case.groups
        )[Split.unseen_drug, 5]
        return changed.output[changed.drug == drug]

    as_it_was = before.output[before.drug == drug]
    assert outputs(of_drug[is_judged]) == pytest.approx(as_it_was, abs=1e-4)
    assert (outputs(of_drug[~is_judged]) < as_it_was - 0.1).all()


def test_the_calibration_with_as_many_pilots_or_the_next_fewer_is_taken(case: Case) -> None:
    by_count = case.certainty.with_pilots
    for n_pilots, expected in ((1, 1), (2, 1), (4, 3), (9, 5)):
        found = by_count.of(Split.unseen_drug, n_pilots, LEVEL)
        assert found is not None and found[0] == expected
    assert by_count.of(Split.unseen_drug, 0, LEVEL) is None
    assert by_count.of(Split.unseen_drug, 5, 0.999) is None  # 44 drugs do not tell


def test_a_level_that_too_few_entities_can_tell_is_refused(case: Case) -> None:
    process = Pilots(case.predictor, Entity(0), "drug")
    others, predicted = [Entity(20), Entity(21)], np.zeros((2, 1))
    asked = (case.certainty, case.predictor, process, [30, 31], others, predicted, (["d"], ["a", "b"]))
    with pytest.raises(ModelError, match=r"needs 1,999 drugs .* given 2 or fewer pilots; the run has 44"):
        judged_with_pilots(*asked, 0.999)
    said = judged_with_pilots(*asked, None)
    assert "calibrated on 44 drugs" in said.sentences[0] and "given 1 pilot each" in said.sentences[0]
    bare = judged_with_pilots(*asked[:4], [Entity(20), Entity(3)], predicted, asked[6], None)
    assert np.isfinite(bare.interval.low[0]).all() and np.isnan(bare.interval.low[1]).all()
    assert "no interval for 1 cell lines without training pairs" in bare.sentences[0]


def test_a_drug_with_training_pairs_has_the_intervals_of_hidden_training_pairs(case: Case) -> None:
    process = Pilots(case.predictor, Entity(20), "drug")
    untested = np.setdiff1d(np.arange(N_OUT, N_LINES), process.measured)
    others, predicted = [Entity(int(untested[1]))], np.zeros((1, 1))
    said = judged_with_pilots(
        case.certainty, case.predictor, process, [int(untested[0])], others, predicted, (["d"], ["a"]), None
    )
    assert "hidden at random, without pilots" in said.sentences[0] and np.isfinite(said.interval.low).all()


def test_an_ensemble_that_takes_no_pilots_has_no_such_calibration(case: Case, tmp_path: Path) -> None:
    config = load_preset(
        "default",
        network={"channels": 8, "relational": False, "gene_part": False, "factors": False},
        training={"epochs": 1, "members": 1},
    )
    graph = screen(24, 20)
    pairs = responses(graph, "regression")
    fitted = fit(network_tensors(graph, config.network), pairs, config, seed=0, task="regression")
    groups = Groups(np.arange(24), np.arange(20))
    assert hidden_with_pilots(fitted, pairs, seed=0, groups=groups) == {}
