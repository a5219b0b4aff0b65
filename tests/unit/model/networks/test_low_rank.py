"""A covariance of few columns and a diagonal is that of the kernel, and exact where it has columns enough."""

from __future__ import annotations

import pytest
import torch

from pharmagraph.kg.errors import ModelError, ShapeError
from pharmagraph.model.networks.low_rank import low_rank


def a_kernel(n: int = 60, width: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(n, width, generator=generator, dtype=torch.float64)
    distance = torch.cdist(rows, rows).square()
    return torch.exp(-distance / distance.median())


def test_columns_enough_make_the_kernel_itself() -> None:
    kernel = a_kernel()
    found = low_rank(lambda at: kernel[:, at], kernel.diagonal(), 60, alone=0.3, block=7, dtype=torch.float64)
    whole = found.factor @ found.factor.T + torch.diag(found.rest)
    torch.testing.assert_close(whole, kernel + 0.3 * torch.eye(60), atol=1e-5, rtol=0)
    assert len(found.pivots.unique()) == len(found.pivots)


def test_with_as_many_pivots_as_rank_it_is_the_nystrom_approximation() -> None:
    kernel = a_kernel()
    found = low_rank(
        lambda at: kernel[:, at], kernel.diagonal(), 20, n_pivots=20, block=6, dtype=torch.float64
    )
    columns = kernel[:, found.pivots]
    expected = columns @ torch.linalg.solve(kernel[found.pivots][:, found.pivots], columns.T)
    torch.testing.assert_close(found.factor @ found.factor.T, expected, atol=1e-8, rtol=0)


def test_no_entity_loses_variance_and_more_columns_leave_less_of_it() -> None:
    kernel = a_kernel()
    left = []
    for rank in (3, 10, 30):
        found = low_rank(lambda at: kernel[:, at], kernel.diagonal(), rank, alone=0.2, dtype=torch.float64)
        assert found.rank == rank
        assert (found.rest >= 0.2 - 1e-12).all()
        torch.testing.assert_close(found.diagonal(), kernel.diagonal() + 0.2)
        length = found.factor.norm(dim=0)
        assert (length.diff() <= 1e-12).all()  # the longest comes first
        left.append(float(found.rest.mean()) - 0.2)
    assert left[0] > left[1] > left[2]


def test_a_kernel_of_few_features_takes_no_more_columns_than_it_has() -> None:
    """Twins, too, take one column: a second one would divide by nothing."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 5, generator=generator, dtype=torch.float64).repeat(2, 1)
    kernel = rows @ rows.T
    found = low_rank(lambda at: kernel[:, at], kernel.diagonal(), 50, dtype=torch.float64)
    assert found.rank == 5
    torch.testing.assert_close(found.factor @ found.factor.T, kernel, atol=1e-8, rtol=0)


def test_of_entities_without_variance_nothing_is_asked() -> None:
    found = low_rank(lambda at: torch.zeros(4, len(at)), torch.zeros(4), 2, alone=0.5)
    assert found.rank == 0
    assert found.rest.tolist() == [0.5] * 4


def test_what_makes_no_sense_is_refused() -> None:
    kernel = a_kernel(5)
    with pytest.raises(ModelError, match="rank: 0"):
        low_rank(lambda at: kernel[:, at], kernel.diagonal(), 0)
    with pytest.raises(ModelError, match="n_pivots: 2"):
        low_rank(lambda at: kernel[:, at], kernel.diagonal(), 3, n_pivots=2)
    with pytest.raises(ShapeError, match=r"columns: shape \(2, 5\)"):
        low_rank(lambda at: kernel[at], kernel.diagonal(), 2, block=2, n_pivots=2)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_kernel_that_is_not_finite_is_refused_and_not_left_out(wrong: float) -> None:
    """One infinite variance gave no column at all, and NaN a factor of NaN."""
    kernel = a_kernel(5)
    kernel[1, 3] = kernel[3, 1] = wrong
    with pytest.raises(ModelError, match=r"columns: (nan|inf) for entities (1 and 3|3 and 1)"):
        low_rank(lambda at: kernel[:, at], kernel.diagonal(), 5)
    for diagonal in (wrong, -1.0):
        variances = torch.tensor([1.0, diagonal, 1.0])
        with pytest.raises(ModelError, match=r"diagonal: \S+ at 1 is no variance"):
            low_rank(lambda at: torch.eye(3)[:, at], variances, 2)
    with pytest.raises(ModelError, match="alone: -1"):
        low_rank(lambda at: torch.eye(3)[:, at], torch.ones(3), 2, alone=-1.0)
