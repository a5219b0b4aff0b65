"""The posterior variance is exact where every pair was measured, and near the exact one elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from pharmagraph.model.certainty.leverage import Leverage


def _kernel(n: int, generator: np.random.Generator) -> np.ndarray:
    place = generator.normal(size=(n, 5))
    distance = ((place[:, None] - place[None]) ** 2).sum(-1)
    return (np.exp(-distance / 10) + 0.1 + 0.2 * np.eye(n)).astype(np.float32)


def _exact(kernel_c: np.ndarray, kernel_d: np.ndarray, precision: np.ndarray) -> np.ndarray:
    whole, at = np.kron(kernel_c, kernel_d).astype(np.float64), np.flatnonzero(precision.ravel())
    system = whole[np.ix_(at, at)] + np.diag(1 / precision.ravel()[at])
    known = np.einsum("po,op->p", whole[:, at], np.linalg.solve(system, whole[at]))
    return (whole.diagonal() - known).reshape(precision.shape)


def _variance(kernel_c: np.ndarray, kernel_d: np.ndarray, precision: np.ndarray) -> np.ndarray:
    found = Leverage.of(kernel_c, kernel_d, precision)
    return found.variance(kernel_c, kernel_c.diagonal(), kernel_d, kernel_d.diagonal())


@pytest.fixture
def kernels() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return _kernel(16, generator), _kernel(13, generator)


def test_exact_where_every_pair_of_the_known_entities_was_measured(
    kernels: tuple[np.ndarray, np.ndarray],
) -> None:
    precision = np.zeros((16, 13), np.float32)
    precision[:14, :11] = 0.5  # two cell lines and two drugs are new
    assert _variance(*kernels, precision) == pytest.approx(_exact(*kernels, precision), rel=1e-4)


def test_exact_where_precisions_are_products_of_rows_and_columns(
    kernels: tuple[np.ndarray, np.ndarray],
) -> None:
    generator = np.random.default_rng(1)
    precision = np.outer(generator.uniform(0.1, 1, 16), generator.uniform(0.1, 1, 13)).astype(np.float32)
    assert _variance(*kernels, precision) == pytest.approx(_exact(*kernels, precision), rel=1e-3)


def test_near_the_truth_where_a_fifth_of_the_pairs_is_untested(
    kernels: tuple[np.ndarray, np.ndarray],
) -> None:
    tested = np.random.default_rng(2).random((16, 13)) < 0.8
    precision = np.where(tested, 0.5, 0.015).astype(np.float32)
    found, exact = _variance(*kernels, precision), _exact(*kernels, precision)
    assert (found / exact).min() > 0.6 and (found / exact).max() < 1.5
    assert np.corrcoef(np.log(found.ravel()), np.log(exact.ravel()))[0, 1] > 0.75
