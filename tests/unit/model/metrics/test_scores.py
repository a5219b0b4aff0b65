"""Figures against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.model.metrics import scores as metrics
from pharmagraph.model.metrics.calibration import best_threshold


def _example(seed: int = 0, n: int = 300, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(n) < 0.4).astype(float)
    probability = np.clip(0.3 * label + 0.7 * generator.random(n), 0, 1)
    return label, np.round(probability, 1) if ties else probability


@pytest.mark.parametrize("ties", [False, True])
def test_classification_figures_agree_with_scikit_learn(ties: bool) -> None:
    label, probability = _example(ties=ties)
    called = probability >= 0.5
    assert metrics.auroc(label, probability) == pytest.approx(
        sklearn.metrics.roc_auc_score(label, probability)
    )
    assert metrics.aupr(label, probability) == pytest.approx(
        sklearn.metrics.average_precision_score(label, probability)
    )
    assert metrics.accuracy(label, probability) == pytest.approx(
        sklearn.metrics.accuracy_score(label, called)
    )
    assert metrics.f1(label, probability) == pytest.approx(sklearn.metrics.f1_score(label, called))
    assert metrics.mcc(label, probability) == pytest.approx(sklearn.metrics.matthews_corrcoef(label, called))
    assert metrics.brier(label, probability) == pytest.approx(
        sklearn.metrics.brier_score_loss(label, probability)
    )


def test_regression_figures_agree_with_scipy() -> None:
    generator = np.random.default_rng(1)
    value = generator.normal(size=200)
    predicted = value + generator.normal(size=200)
    assert metrics.pearson(value, predicted) == pytest.approx(
        scipy.stats.pearsonr(value, predicted).statistic
    )
    assert metrics.spearman(value, predicted) == pytest.approx(
        scipy.stats.spearmanr(value, predicted).statistic
    )
    assert metrics.r2(value, predicted) == pytest.approx(sklearn.metrics.r2_score(value, predicted))
    assert metrics.rmse(value, predicted) == pytest.approx(
        np.sqrt(sklearn.metrics.mean_squared_error(value, predicted))
    )


def test_calibration_error_is_zero_for_frequencies_and_large_for_certainty() -> None:
    label = np.array([1.0, 0, 0, 0, 1, 1, 1, 0])
    honest = np.array([0.25] * 4 + [0.75] * 4)
    assert metrics.calibration_error(label, honest) == pytest.approx(0)
    assert metrics.calibration_error(label, np.ones(8)) == pytest.approx(0.5)


@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_auroc_only_sees_ranks(seed: int, power: float) -> None:
    label, probability = _example(seed, 60)
    if 0 < label.sum() < len(label):
        probability = probability + 0.01
        assert metrics.auroc(label, probability) == pytest.approx(metrics.auroc(label, probability**power))


def test_one_class_has_no_auroc() -> None:
    assert np.isnan(metrics.auroc(np.ones(5), np.arange(5.0)))


def test_additive_truth_scores_nothing_within_a_drug() -> None:
    """A model that knows only the drug cannot rank the drug's cell lines."""
    drug, cell_line = np.repeat(np.arange(5), 20), np.tile(np.arange(20), 5)
    generator = np.random.default_rng(2)
    label = (generator.random(100) < (0.2 + 0.15 * drug)).astype(float)
    rows = metrics.score(label, 0.2 + 0.15 * drug, drug, cell_line, "classification")
    by = {(r["metric"], r["grouping"]): r["value"] for r in rows}
    assert by["auroc", "per_drug"] == pytest.approx(0.5)
    assert by["auroc", "pooled"] > 0.6


def test_entities_with_few_pairs_or_one_class_do_not_count() -> None:
    drug = np.array([0] * 9 + [1] * 12 + [2] * 12)
    label = np.array([0, 1] * 4 + [0] + [1] * 12 + [0, 1] * 6, dtype=float)
    values = metrics.per_entity(metrics.auroc, label, label, drug, classes=True)
    assert values.tolist() == [1.0]


def _table(seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    drug, cell_line = np.repeat(np.arange(20), 25), np.tile(np.arange(25), 20)
    keep = generator.random(500) < 0.7
    drug, cell_line = drug[keep], cell_line[keep]
    additive = generator.normal(size=20)[drug] + generator.normal(size=25)[cell_line]
    product = generator.normal(size=20)[drug] * generator.normal(size=25)[cell_line]
    return drug, cell_line, additive, product


def _residual(rows: list[dict[str, str | float]]) -> float:
    return next(float(r["value"]) for r in rows if r["grouping"] == "residual" and r["metric"] == "pearson")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_additive_model_scores_nothing_after_means_and_an_interaction_all(task: str) -> None:
    drug, cell_line, additive, product = _table()
    target = additive + product
    said = 1 / (1 + np.exp(-additive)) if task == "classification" else additive
    knows = 1 / (1 + np.exp(-product)) if task == "classification" else product
    true = (target > 0).astype(float) if task == "classification" else target
    expected = metrics.training_expectation(true, (drug, cell_line), (drug, cell_line), (20, 25))
    assert np.isnan(_residual(metrics.score(true, said, drug, cell_line, task, expected=expected)))
    found = _residual(metrics.score(true, knows, drug, cell_line, task, expected=expected))
    assert found > (0.3 if task == "classification" else 0.9)


def test_training_expectation_is_least_squares_on_indicators_and_never_sees_the_asked_pairs() -> None:
    drug, cell_line, additive, product = _table()
    training = np.arange(len(drug)) % 3 > 0
    target = additive + product
    of, asked = ((drug[m], cell_line[m]) for m in (training, ~training))
    found = metrics.training_expectation(target[training], of, asked, (20, 25), rounds=500)
    one_hot = np.zeros((len(drug), 45))
    one_hot[np.arange(len(drug)), drug] = one_hot[np.arange(len(drug)), 20 + cell_line] = 1
    left = target[training] - target[training].mean()
    effects = np.linalg.solve(
        one_hot[training].T @ one_hot[training] + 2 * np.eye(45), one_hot[training].T @ left
    )
    assert found == pytest.approx(target[training].mean() + one_hot[~training] @ effects, abs=1e-6)


def test_threshold_is_where_f1_is_largest_and_ties_are_called_together() -> None:
    label = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    assert best_threshold(label, np.array([0.4, 0.3, 0.2, 0.2, 0.1, 0.05])) == 0.2  # 3 hits of 4 called
    assert best_threshold(np.ones(3), np.array([0.1, 0.2, 0.3])) == 0.5
    rng = np.random.default_rng(0)
    label, probability = (rng.random(200) < 0.3).astype(float), rng.random(200).round(2)
    reached = [metrics.f1(label, (probability >= t).astype(float)) for t in np.unique(probability)]
    at = best_threshold(label, probability)
    assert metrics.f1(label, (probability >= at).astype(float)) == max(reached)


def test_classes_at_a_threshold_stand_beside_those_at_one_half() -> None:
    label, probability = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.3, 0.2, 0.1, 0.05])
    nodes = np.zeros(4, int)
    rows = metrics.score(label, probability, nodes, nodes, "classification", threshold=0.2)
    found = {row["metric"]: row["value"] for row in rows if row["grouping"] == "pooled"}
    assert found["f1"] == 0.0
    assert found["f1_at_threshold"] == found["accuracy_at_threshold"] == found["mcc_at_threshold"] == 1.0
    plain = metrics.score(label, probability, nodes, nodes, "classification")
    assert not any("threshold" in str(row["metric"]) for row in plain)
