"""Fitting: it learns, it repeats itself, it saves and loads, it stops when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.fingerprints import fingerprints
from pharmagraph.model.inputs.edits import with_new_cell_line, with_new_drug
from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.metrics.scores import auroc, pearson
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.encoder import Identities
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.responses.visible import residuals
from pharmagraph.model.runs import saved
from pharmagraph.model.runs.attention_tables import attention_tables
from pharmagraph.model.training.blending import blend
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.fitting import Fitting
from pharmagraph.model.training.member import fit_member, prepare
from tests.screens import screen

pytestmark = pytest.mark.once
torch.set_num_threads(1)  # these networks are far too small for more

CHANGES = {
    "network": {"channels": 16, "n_associated_genes": 4, "axial_neighbours": 8},
    "training": {"epochs": 12, "patience": 12, "validate_every": 2, "untested_pairs": 100},
}


def _config(**training: object) -> Config:
    return load_preset("fast", network=CHANGES["network"], training={**CHANGES["training"], **training})


def _fit(
    task: str = "classification", split: Split = Split.random, **training: object
) -> tuple[Fitted, np.ndarray, np.ndarray]:
    heterograph = screen()
    measured = responses(heterograph, task)  # type: ignore[arg-type]
    fold = next(folds(measured, heterograph, split))
    test = measured.take(fold.test)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    fitted = fit(tensors, measured.take(fold.train), _config(**training), seed=0, task=task, split=split)  # type: ignore[arg-type]
    return fitted, fitted.predict(test.drug, test.cell_line), test.label(task)  # type: ignore[arg-type]


@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug])
def test_planted_structure_is_learned(split: Split) -> None:
    _, predicted, label = _fit(split=split)
    assert auroc(label, predicted) > 0.75


def test_regression_predicts_ln_ic50_in_its_own_unit() -> None:
    _, predicted, value = _fit("regression")
    assert pearson(value.astype(float), predicted.astype(float)) > 0.6
    assert abs(predicted.mean() - value.mean()) < 0.5


def test_same_seed_same_bits_and_another_seed_other_bits() -> None:
    first, again = (_fit(epochs=3)[1] for _ in range(2))
    assert np.array_equal(first, again)
    heterograph = screen()
    measured = responses(heterograph)
    fold = next(folds(measured, heterograph, Split.random))
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    other = fit(tensors, measured.take(fold.train), _config(epochs=3), seed=1)
    test = measured.take(fold.test)
    assert not np.array_equal(first, other.predict(test.drug, test.cell_line))


def test_best_epoch_is_kept_and_patience_stops_the_fit() -> None:
    told: list[tuple[int, float | None]] = []
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = _config(epochs=60, patience=2, validate_every=1, schedule="constant")
    fitted = fit(
        tensors, measured, config, seed=0, report=lambda member, epoch, value: told.append((epoch, value))
    )
    values = dict(told)
    assert len(values) < 60
    assert fitted.members[0].validation == pytest.approx(max(v for v in values.values() if v is not None))
    assert values[fitted.members[0].best_epoch] == pytest.approx(fitted.members[0].validation)


def test_figures_for_the_learning_curve_change_nothing_that_is_fitted() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    told: dict[int, list[float]] = {1: [], 100: []}

    def predicted(every: int) -> np.ndarray:
        config = _config(epochs=5, validate_every=every)
        assert config.training.schedule == "cosine"
        fitted = fit(
            tensors, measured, config, seed=0,
            report=lambda member, epoch, value: told[every].append(value) if value is not None else None,
        )  # fmt: skip
        assert fitted.members[0].best_epoch == 5
        assert fitted.members[0].validation == pytest.approx(told[every][-1])
        return fitted.predict(measured.drug, measured.cell_line)

    assert np.array_equal(predicted(1), predicted(100))
    assert [len(found) for found in told.values()] == [5, 1]


def test_members_have_disjoint_inner_folds_and_one_choice_of_component_weights() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config, scale = _config(), Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, config.network)
    fittings = [
        prepare(tensors, builder, measured, config, scale, Split.unseen_cell, seed=0, number=number)
        for number in range(3)
    ]
    lines = [set(fitting.pairs.validation.cell_line) for fitting in fittings]
    assert all(lines) and sum(map(len, lines)) == len(set.union(*lines))
    for fitting in fittings:
        fitting.network.eval()
    choice = blend(fittings)
    assert not any(fitting.network.training for fitting in fittings)  # else dropout stays on in predictions
    assert all(
        fitting.network.component_weights.tolist() == [0.5, 0.5] for fitting in fittings
    )  # it only decides
    outputs = [fitting.inner_outputs() for fitting in fittings]

    def reached(share: float) -> list[list[float]]:
        """For each inner fold the figure, then the figure without each of its cell lines."""
        shares, found = torch.tensor([share, 1 - share]), []
        for fitting, output in zip(fittings, outputs, strict=True):
            inner = fitting.pairs.validation
            of = [np.ones(len(inner), bool), *(inner.cell_line != one for one in np.unique(inner.cell_line))]
            blended = (shares @ output).numpy()
            found.append([auroc(inner.response[kept], blended[kept]) for kept in of])
        return found

    chosen = float(choice.component_weights[0])
    best = max((reached(tenths / 10) for tenths in range(11)), key=lambda of: np.mean([f[0] for f in of]))
    told = config.training.expected_weights
    expected = told["relational"] / (
        told["relational"] + told["axial"]
    )  # the fast preset has no third component
    for tenths in range(11):
        # none that is nearer to what is expected does as well as the best, within the error of the difference
        behind = [np.subtract(one, other) for one, other in zip(best, reached(tenths / 10), strict=True)]
        variance = sum((len(d) - 2) ** 2 / (len(d) - 1) * d[1:].var(ddof=1) for d in behind) / 9
        limit = stats.t.ppf(0.95, sum(len(d) - 2 for d in behind))
        within = np.mean([d[0] for d in behind]) <= limit * np.sqrt(variance) + 1e-12
        if abs(tenths / 10 - expected) < abs(chosen - expected) - 1e-6:
            assert not within
        elif abs(tenths / 10 - chosen) < 1e-6:
            assert within


def test_all_networks_of_an_ensemble_have_the_same_component_weights_and_calibration() -> None:
    heterograph = screen()
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    fitted = fit(tensors, responses(heterograph), _config(members=3, epochs=2), seed=0)
    first, *others = (member.network for member in fitted.members)
    assert float(first.component_weights.sum()) == pytest.approx(1) and first.calibration.tolist() != [
        1.0,
        0.0,
    ]
    for network in others:
        assert torch.equal(network.component_weights, first.component_weights)
        assert torch.equal(network.calibration, first.calibration)


def test_saved_run_predicts_the_same_bits(tmp_path: Path) -> None:
    heterograph = screen()
    measured = responses(heterograph)
    config = _config(epochs=2, members=2)
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    fitted = fit(tensors, measured, config, seed=0)
    saved.save(fitted, heterograph, measured, tmp_path / "run", about={"seed": 0})
    again = saved.load(tmp_path / "run", saved.load_graph(tmp_path / "run"))
    pairs = (measured.drug, measured.cell_line)
    assert np.array_equal(fitted.predict(*pairs), again.predict(*pairs))
    assert not list((tmp_path / "run").glob("*.ckpt")) and not list((tmp_path / "run").glob("*.p*kl*"))


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no trained run"):
        saved.load_graph(tmp_path)


def test_new_structure_and_new_expression_are_predicted(tmp_path: Path) -> None:
    heterograph = screen()
    for view, rows in fingerprints(["CCO"]).items():  # as wide as a new structure's
        wide = torch.zeros(24, rows.shape[1], dtype=torch.uint8)
        wide[:, :64] = heterograph.nodes["Drug"][view]
        heterograph = heterograph.with_features("Drug", {view: wide})
    measured = responses(heterograph)
    config = _config(epochs=2)
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    saved.save(fit(tensors, measured, config, seed=0), heterograph, measured, tmp_path, about={})
    graph = with_new_cell_line(
        with_new_drug(saved.load_graph(tmp_path), "CCO"), {"GENE000": 2.0, "GENE007": -1.5, "NONE": 1.0}
    )
    fitted = saved.load(tmp_path, graph)
    predicted = fitted.predict(np.array([24, 24, 0]), np.array([0, 20, 20]))
    assert np.isfinite(predicted).all()
    assert not fitted.messages.visible.known_drugs[24]
    assert not fitted.messages.visible.known_cell_lines[20]


def test_attention_tables_are_whole_shares_of_the_one_who_looks() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    config = _config(epochs=2, members=2)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    fitted = fit(tensors, measured, config, seed=0)
    tables = attention_tables(fitted, heterograph)
    assert set(tables) == {
        ("Drug", "Gene"),
        ("CellLine", "Gene"),
        ("Drug", "CellLine"),
        ("Drug", "Drug"),
        ("CellLine", "CellLine"),
    }
    for (source, target), table in tables.items():
        assert set(table["src"].to_pylist()) <= set(heterograph.ids[source])
        assert set(table["dst"].to_pylist()) <= set(heterograph.ids[target])
        totals = table.group_by("src").aggregate([("weight", "sum"), ("weight", "count")])
        sums = totals["weight_sum"].to_numpy()
        # responses come in two relations, each of which sums to one
        assert np.allclose(sums, np.round(sums), atol=1e-5)
        assert sums.max() <= (2 if (source, target) == ("Drug", "CellLine") else 1) + 1e-5
        if (source, target) != ("Drug", "CellLine"):
            counts = dict(zip(totals["src"].to_pylist(), totals["weight_count"].to_pylist(), strict=True))
            assert all(
                c == counts[s]
                for s, c in zip(table["src"].to_pylist(), table["competitors"].to_pylist(), strict=True)
            )
        assert (table["spread"].to_numpy() >= 0).all()
        of_node = table.group_by("src").aggregate([("stability", "min"), ("stability", "max")])
        assert of_node["stability_min"].equals(of_node["stability_max"])
        assert (
            0 <= of_node["stability_min"].to_numpy().min() <= of_node["stability_max"].to_numpy().max() <= 1
        )
    known = {(f"NSC{i + 1}", f"GENE{i % 4:03d}") for i in range(24)}
    assert known <= set(
        zip(tables["Drug", "Gene"]["src"].to_pylist(), tables["Drug", "Gene"]["dst"].to_pylist(), strict=True)
    )


def test_ctrl_c_ends_the_fit_as_an_interrupt() -> None:
    def interrupt(member: int, epoch: int, value: float | None) -> None:
        raise KeyboardInterrupt

    heterograph = screen()
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    with pytest.raises(KeyboardInterrupt):
        fit(tensors, responses(heterograph), _config(), seed=0, report=interrupt)


def test_same_seed_same_bits_when_threads_share_the_sums() -> None:
    """Gradients of more rows than torch gives to one thread, which it adds up in the order in which they come, and
    tables that it adds up in as many parts as it has threads."""
    heterograph = screen(250, 300)
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = load_preset(
        "default",
        network={"channels": 8, "factor_starts": 1},
        training={
            "members": 1,
            "epochs": 2,
            "chunks": 1,
            "mask_supervision": False,
            "factor_map_penalties": [100.0],
        },
    )
    before = torch.get_num_threads()
    predicted = []
    try:
        for threads in (4, 4, 1, 3):
            torch.set_num_threads(threads)
            fitted = fit(tensors, measured, config, seed=0)
            predicted.append(fitted.predict(measured.drug, measured.cell_line))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    first, *others = predicted
    for other in others:
        assert np.array_equal(first, other)
    assert not torch.are_deterministic_algorithms_enabled()


def test_classes_are_calibrated_on_inner_folds_without_a_change_of_order() -> None:
    plain, calibrated = (_fit(calibrate=wanted) for wanted in (False, True))
    slope, intercept = calibrated[0].members[0].network.calibration
    assert [m.network.calibration.tolist() for m in plain[0].members] == [[1.0, 0.0]]
    assert slope > 0 and (float(slope), float(intercept)) != (1.0, 0.0)
    log_odds = np.log(plain[1] / (1 - plain[1]))
    logit = float(slope) * log_odds + float(intercept)
    assert calibrated[1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)
    assert _fit("regression", epochs=2)[0].members[0].network.calibration.tolist() == [1.0, 0.0]


def test_a_component_that_predicts_nothing_gets_little_weight() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = _config(expected_weights={"relational": 0.5, "axial": 0.5}, validation_fraction=0.45)
    scale = Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, config.network)
    fitting = prepare(tensors, builder, measured, config, scale, Split.random, seed=0)
    label = torch.from_numpy(fitting.pairs.validation.response)
    noise = torch.randn(len(label), generator=torch.Generator().manual_seed(0))
    knows = 2 * label - 1 + 0.5 * noise.flip(0)
    fitting.inner_outputs = lambda: torch.stack([5 * noise, knows])  # type: ignore[method-assign]
    assert float(blend([fitting]).component_weights[0]) < 0.3
    fitting.inner_outputs = lambda: torch.stack([knows, knows])  # type: ignore[method-assign]
    assert blend([fitting]).component_weights.tolist() == [0.5, 0.5]  # nothing tells them apart


@pytest.mark.parametrize(
    ("task", "split", "expected"),
    [
        ("classification", Split.random, [0.3, 0.7]),
        ("classification", Split.unseen_drug, [0.9, 0.1]),
        ("classification", Split.unseen_both, [0.9, 0.1]),
        ("regression", Split.random, [0.3, 0.7]),
        ("regression", Split.unseen_cell, [0.9, 0.1]),
        ("regression", Split.unseen_drug, [0.9, 0.1]),
    ],
)
def test_where_components_predict_equally_well_weights_are_those_expected_of_the_task_and_split(
    task: Task, split: Split, expected: list[float]
) -> None:
    heterograph = screen()
    measured = responses(heterograph, task)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = _config(
        expected_weights={"relational": 0.3, "axial": 0.7},
        expected_unseen_weights={"axial": 0.1, "relational": 0.9},
    )
    scale = Scale.of(measured, task, split)
    builder = MessageBuilder(tensors, config.network, scale.means)
    fitting = prepare(tensors, builder, measured, config, scale, split, seed=0)
    same = torch.randn(len(fitting.pairs.validation), generator=torch.Generator().manual_seed(0))
    fitting.inner_outputs = lambda: torch.stack([same, same])  # type: ignore[method-assign]
    assert blend([fitting]).component_weights.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("split", "settled"), [(Split.unseen_drug, True), (Split.unseen_cell, False)])
def test_component_weights_that_the_preset_settles_are_not_chosen(split: Split, settled: bool) -> None:
    heterograph = screen()
    measured = responses(heterograph, "regression")
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = _config(
        expected_weights={"relational": 0.3, "axial": 0.7},
        regression_weights={"unseen-drug": {"axial": 0.4, "relational": 0.6}},
    )
    scale = Scale.of(measured, "regression", split)
    builder = MessageBuilder(tensors, config.network, scale.means)
    fitting = prepare(tensors, builder, measured, config, scale, split, seed=0)
    truth = scale.label(fitting.pairs.validation).float()
    fitting.inner_outputs = lambda: torch.stack([truth, truth.flip(0)])  # type: ignore[method-assign]
    found = blend([fitting]).component_weights.tolist()
    assert found == pytest.approx([0.6, 0.4]) if settled else found[0] > 0.9


def test_where_both_are_unseen_one_drug_on_many_cell_lines_is_no_evidence_of_others() -> None:
    heterograph = screen(60, 60)
    measured = responses(heterograph, "regression")
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = _config(expected_unseen_weights={"relational": 0.9, "axial": 0.1}, validation_fraction=0.45)
    scale = Scale.of(measured, "regression", Split.unseen_both)
    builder = MessageBuilder(tensors, config.network, scale.means)
    fitting = prepare(tensors, builder, measured, config, scale, Split.unseen_both, seed=0)
    inner = fitting.pairs.validation
    truth = scale.label(inner).float()
    blunder = 3.0 * torch.from_numpy(inner.drug == np.bincount(inner.drug).argmax()).float()

    def shares(relational: torch.Tensor, axial: torch.Tensor) -> list[float]:
        fitting.inner_outputs = lambda: torch.stack([relational, axial])  # type: ignore[method-assign]
        found: list[float] = blend([fitting]).component_weights.tolist()
        return found

    of_one_drug = shares(0.5 * truth + blunder, 0.5 * truth)  # it says so on every cell line
    assert of_one_drug == pytest.approx([0.9, 0.1])
    assert shares(0.5 * truth.flip(0), truth)[1] > 0.9  # all drugs do, and all cell lines


def test_factors_are_fitted_without_the_pairs_set_aside_then_with_them() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = load_preset(
        "default", network={"channels": 8, "factor_starts": 1}, training={"members": 1, "epochs": 1}
    )
    scale = Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, config.network)

    def factors(fitting: Fitting) -> torch.Tensor:
        assert isinstance(fitting.network, RelationalNetwork) and fitting.network.factors is not None
        numbers: torch.Tensor = fitting.network.factors.drug_free  # type: ignore[assignment]
        return numbers.clone()

    fitting = prepare(tensors, builder, measured, config, scale, Split.random, seed=0)
    assert (
        fitting.factor_fits is not None
        and fitting.factor_fits.map_penalty in config.training.factor_map_penalties
    )
    fit_member(fitting, "cpu", lambda epoch, value: None)
    without = factors(fitting)
    fitting.factor_fits.fit(fitting.pairs.training)
    assert without.any() and torch.equal(factors(fitting), without)
    fitting.factor_fits.fit(measured)
    assert not torch.equal(factors(fitting), without)
    network = fit(tensors, measured, config, seed=0).members[0].network
    assert torch.equal(network.factors.drug_free, factors(fitting))  # type: ignore[union-attr, arg-type]


def test_networks_without_states_go_when_the_others_are_shown_to_be_better() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    config = load_preset(
        "default",
        network={"channels": 8, "factor_starts": 1, "relational": True, "process_states": "alternate"},
        training={"validation_fraction": 0.45, "factor_map_penalties": [100.0]},
    )
    scale = Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, config.network)
    fittings = [
        prepare(tensors, builder, measured, config, scale, Split.random, seed=0, number=number)
        for number in range(4)
    ]
    assert [fitting.config.network.process_states for fitting in fittings] == ["always", "never"] * 2
    assert [fitting.pairs.number for fitting in fittings] == [0, 0, 1, 1]
    generator = torch.Generator().manual_seed(0)
    truth = [2 * torch.from_numpy(fitting.pairs.validation.response) - 1 for fitting in fittings]
    noise = [torch.randn(len(label), generator=generator) for label in truth]

    def outputs(spread: float, at: int) -> Any:
        return lambda: torch.stack([truth[at] + spread * noise[at]] * 4)

    for number, fitting in enumerate(fittings):
        fitting.inner_outputs = outputs(1.0, number)  # type: ignore[method-assign]
    assert blend(fittings).kept == [0, 1, 2, 3]  # their noise is their own: together they are better
    for number, fitting in enumerate(fittings):
        fitting.inner_outputs = outputs(20.0 if number % 2 else 0.5, number)  # type: ignore[method-assign]
    assert blend(fittings).kept == [0, 2]


def test_identities_start_where_a_factorisation_of_what_is_visible_leads() -> None:
    heterograph = screen()
    measured = responses(heterograph)
    tensors = graph_tensors(heterograph, n_expressed=10, n_neighbours=8)
    visible = visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    config = load_preset("default", network={"identity_channels": 4})
    torch.manual_seed(0)
    identities = Identities(tensors.n_drugs, tensors.n_cell_lines, config.network)
    identities.start_from(visible)
    table = identities.cell_line.weight @ identities.drug.weight.T
    rest = residuals(visible.value, visible.measured)
    assert float((rest - table).detach().norm()) < float(rest.norm())
    assert torch.linalg.matrix_rank(table.detach()) == 4
    drawn = Identities(
        tensors.n_drugs,
        tensors.n_cell_lines,
        load_preset("default", network={"identity_channels": 64}).network,
    )
    before = drawn.drug.weight.clone()
    drawn.start_from(visible)  # more channels than the table has rows: no start
    assert torch.equal(before, drawn.drug.weight)
