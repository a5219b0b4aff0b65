"""z scores and tails, against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import zscore

from pharmagraph.ingest.expression import has_spread, statistics, strongest_tails, z_scores
from pharmagraph.kg.errors import InputError, ShapeError


def test_z_scores_are_scipys_and_missing_values_stay_missing() -> None:
    expression = np.random.default_rng(0).normal(5, 2, (12, 6))
    expression[3, 2] = np.nan
    np.testing.assert_allclose(z_scores(expression), zscore(expression, axis=0, nan_policy="omit"), atol=1e-4)


def test_statistics_are_numpys_over_the_cell_lines_that_have_the_gene() -> None:
    expression = np.random.default_rng(0).normal(5, 2, (12, 6))
    expression[3, 2] = expression[5, 2] = np.nan
    found = statistics(expression)
    np.testing.assert_allclose(found.mean, np.nanmean(expression, axis=0))
    np.testing.assert_allclose(found.deviation, np.nanstd(expression, axis=0))


@pytest.mark.parametrize("column", [[2.0, 2.0, 2.0], [np.nan] * 3, [1.0, np.nan, np.nan]])
def test_a_gene_without_spread_has_no_z_score(column: list[float]) -> None:
    expression = np.array([column, [1.0, 2.0, 3.0]]).T
    assert has_spread(expression).tolist() == [False, True]
    with pytest.raises(ShapeError):
        z_scores(expression)


def test_tails_are_the_farthest_from_the_mean_in_both_directions() -> None:
    z = np.array([[0.1, -3.0, 2.0, np.nan], [np.nan, np.nan, np.nan, 1.0], [1.0, 1.0, -1.0, 1.0]])
    rows, columns = strongest_tails(z, 0.5)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 3), (2, 0), (2, 1)]


def test_share_of_one_keeps_every_measured_gene() -> None:
    z = np.random.default_rng(1).normal(size=(5, 9))
    z[2] = np.nan
    rows, _ = strongest_tails(z, 1.0)
    assert np.bincount(rows, minlength=5).tolist() == [9, 9, 0, 9, 9]


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_out_of_bounds_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"^share"):
        strongest_tails(np.zeros((1, 1)), share)
