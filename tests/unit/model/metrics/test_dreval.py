"""DrEval's mean effects and normalised metrics against numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from pharmagraph.model.metrics.dreval import mean_effects, normalised
from pharmagraph.model.metrics.scores import score, training_expectation

TARGET = np.array([1.0, 3.0, 2.0, 6.0])
DRUG, CELL_LINE = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
TISSUE = np.array([0, 0, 0, 1, -1])


def _of(drug: int, cell_line: int, tissue: np.ndarray = TISSUE) -> float:
    asked = np.array([drug]), np.array([cell_line])
    return float(mean_effects(TARGET, (DRUG, CELL_LINE), asked, (3, 5), tissue)[0])


def test_mean_effects_by_hand() -> None:
    """The overall mean is 3; drugs have 2 and 4, cell lines 1.5 and 4.5, their one tissue 3."""
    assert _of(0, 0) == pytest.approx(3 + (2 - 3) + (3 - 3) + (1.5 - 3))
    assert _of(1, 1) == pytest.approx(3 + 1 + 0 + 1.5)
    assert _of(2, 0) == pytest.approx(1.5), "a drug without training pairs has no effect"
    assert _of(2, 4) == pytest.approx(3), "nor has a cell line without pairs or tissue"


def test_unseen_cell_line_is_predicted_by_its_tissue() -> None:
    tissue = np.array([0, 1, 0, 1, 2])
    assert _of(0, 2, tissue) == pytest.approx(2 + (1.5 - 3)), "of the first one's tissue, whose mean is 1.5"
    assert _of(0, 3, tissue) == pytest.approx(2 + (4.5 - 3))
    assert _of(0, 4, tissue) == pytest.approx(2), "a tissue without training pairs has no effect"


def test_normalised_metrics_by_hand() -> None:
    truth, expected = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.0, 2.0, 2.0, 4.0])
    said = np.array([2.0, 2.0, 3.0, 5.0])
    left, found = np.array([1.0, 0.0, 2.0, 1.0]), np.array([2.0, 0.0, 1.0, 1.0])
    figures = normalised(truth, said, expected)
    assert figures["r2"] == pytest.approx(1 - 2 / 2)
    assert figures["pearson"] == pytest.approx(np.corrcoef(left, found)[0, 1])
    assert figures["spearman"] == pytest.approx(scipy.stats.spearmanr(left, found).statistic)
    assert figures["kendall"] == pytest.approx(scipy.stats.kendalltau(left, found).statistic)


def test_the_mean_effects_themselves_correlate_by_nothing() -> None:
    truth, expected = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.0, 2.0, 2.0, 4.0])
    figures = normalised(truth, expected, expected)
    assert [figures[name] for name in ("pearson", "spearman", "kendall")] == [0.0, 0.0, 0.0]
    assert figures["r2"] == pytest.approx(1 - np.sum((truth - expected) ** 2) / 2)


def test_less_means_takes_the_training_means_out_of_both_sides() -> None:
    generator = np.random.default_rng(0)
    drug, cell_line = np.repeat(np.arange(6), 8), np.tile(np.arange(8), 6)
    target = generator.normal(size=6)[drug] + generator.normal(size=48)
    expected = training_expectation(target, (drug, cell_line), (drug, cell_line), (6, 8))
    predicted = expected + 0.5 * (target - expected) + 0.1 * generator.normal(size=48)
    rows = score(target, predicted, drug, cell_line, "regression", expected=expected)
    found = {r["metric"]: r["value"] for r in rows if r["grouping"] == "less_means"}
    left, said = target - expected, predicted - expected
    assert found["pearson"] == pytest.approx(np.corrcoef(left, said)[0, 1])
    assert found["spearman"] == pytest.approx(scipy.stats.spearmanr(left, said).statistic)
