"""The posterior mean by few columns is that of whole kernels: at full rank to 1e-4, below it within stated bounds."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from pharmagraph.kg.errors import ModelError, ShapeError
from pharmagraph.model.networks.low_rank import LowRank, low_rank
from pharmagraph.model.networks.posterior import PosteriorMean
from pharmagraph.model.networks.posterior_at_size import PosteriorAtSize, posterior_at_size

ALONE_D, ALONE_C, PRECISION = 0.3, 0.2, 0.5
N_DRUGS, N_CELL_LINES = 90, 50

torch.set_num_threads(1)


@dataclass(frozen=True)
class Table:
    """Kernels without what entities have alone, and observations of some pairs, drawn from the process."""

    kernel_d: Tensor
    kernel_c: Tensor
    drug: Tensor
    cell_line: Tensor
    value: Tensor
    precision: Tensor

    @property
    def whole(self) -> tuple[Tensor, Tensor]:
        """The covariances of drugs and of cell lines."""
        return (
            self.kernel_d + ALONE_D * torch.eye(len(self.kernel_d)),
            self.kernel_c + ALONE_C * torch.eye(len(self.kernel_c)),
        )

    def low_rank(self, rank: int, dtype: torch.dtype = torch.float32) -> tuple[LowRank, LowRank]:
        """The two kernels by few columns."""
        of_d, of_c = self.kernel_d, self.kernel_c
        return (
            low_rank(lambda at: of_d[:, at], of_d.diagonal(), rank, alone=ALONE_D, dtype=dtype),
            low_rank(lambda at: of_c[:, at], of_c.diagonal(), rank, alone=ALONE_C, dtype=dtype),
        )

    def posterior(self, rank: int, **options: object) -> PosteriorAtSize:
        """The mean by few columns."""
        return posterior_at_size(
            *self.low_rank(rank), self.drug, self.cell_line, self.value, self.precision, **options
        )

    def exact(self) -> Tensor:
        """The mean of all pairs, by the covariance of the observed pairs written down."""
        of_d, of_c = self.whole
        covariance = of_d[self.drug][:, self.drug] * of_c[self.cell_line][:, self.cell_line]
        weights = torch.zeros(len(of_d), len(of_c), dtype=torch.float64)
        weights[self.drug, self.cell_line] = torch.linalg.solve(
            covariance + torch.diag(1 / self.precision), self.value
        )
        return of_d @ weights @ of_c


def a_table(density: float) -> Table:
    generator = torch.Generator().manual_seed(0)

    def families(n: int, n_families: int, width: int) -> Tensor:
        """An RBF kernel, a cosine and a constant of entities in families."""
        middle = torch.randn(n_families, width, generator=generator, dtype=torch.float64)
        own = torch.randn(n, width, generator=generator, dtype=torch.float64)
        rows = middle[torch.randint(n_families, (n,), generator=generator)] + 0.5 * own
        distance, unit = torch.cdist(rows, rows).square(), torch.nn.functional.normalize(rows)
        return torch.exp(-distance / distance.median()) + 0.5 * unit @ unit.T + 0.1

    kernel_d, kernel_c = families(N_DRUGS, 15, 12), families(N_CELL_LINES, 8, 8)
    seen = torch.rand(N_DRUGS, N_CELL_LINES, generator=generator) < density
    seen[5], seen[:, 7] = False, False  # a drug and a cell line that nobody tested
    drug, cell_line = seen.nonzero(as_tuple=True)
    order = torch.randperm(len(drug), generator=generator)
    drug, cell_line = drug[order], cell_line[order]
    table = Table(kernel_d, kernel_c, drug, cell_line, torch.empty(0), torch.empty(0))
    root_d, root_c = (torch.linalg.cholesky(one) for one in table.whole)
    normal = torch.randn(N_DRUGS, N_CELL_LINES, generator=generator, dtype=torch.float64)
    precision = PRECISION * (0.5 + torch.rand(len(drug), generator=generator, dtype=torch.float64))
    noise = torch.randn(len(drug), generator=generator, dtype=torch.float64) / precision.sqrt()
    return Table(
        kernel_d, kernel_c, drug, cell_line, (root_d @ normal @ root_c.T)[drug, cell_line] + noise, precision
    )


@pytest.fixture(scope="module")
def table() -> Table:
    return a_table(0.3)


@pytest.fixture(scope="module")
def exact(table: Table) -> Tensor:
    return table.exact()


def apart(found: PosteriorAtSize, exact: Tensor) -> tuple[float, float]:
    """Root mean square difference relative to that of the exact mean, and correlation with it."""
    mean = found.mean(torch.arange(len(exact))).double()
    both = torch.stack([mean.flatten(), exact.flatten()])
    return float((mean - exact).norm() / exact.norm()), float(torch.corrcoef(both)[0, 1])


def test_at_full_rank_it_is_the_exact_mean(table: Table, exact: Tensor) -> None:
    error, _ = apart(table.posterior(N_DRUGS, tolerance=1e-6), exact)
    assert error < 1e-4


def test_at_full_rank_it_is_the_mean_of_the_network_where_all_is_observed() -> None:
    """With a drug and a cell line without responses, which both leave out of the system."""
    table = a_table(2.0)
    observed, precision = torch.zeros(2, N_CELL_LINES, N_DRUGS, dtype=torch.float64)
    observed[table.cell_line, table.drug] = table.value
    precision[table.cell_line, table.drug] = table.precision
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pharmagraph.model.networks.posterior.TOLERANCE", 1e-7)
        of_d, of_c = table.whole
        expected = PosteriorMean.apply(of_c, of_d, precision, observed, None, None).T
    error, _ = apart(table.posterior(N_DRUGS, tolerance=1e-6), expected)
    assert error < 1e-4


@pytest.mark.parametrize(("rank", "largest", "least"), [(8, 0.3, 0.96), (16, 0.1, 0.995), (32, 0.03, 0.9995)])
def test_below_full_rank_the_error_is_bounded(
    table: Table, exact: Tensor, rank: int, largest: float, least: float
) -> None:
    error, correlation = apart(table.posterior(rank), exact)
    assert 1e-4 < error < largest
    assert correlation > least


def test_without_the_rest_of_the_diagonal_the_error_is_larger(table: Table, exact: Tensor) -> None:
    """What factors leave is a variance of the entity, not nothing."""
    kept = table.low_rank(8)
    lost = [LowRank(one.factor, torch.full_like(one.rest, 1e-3), one.pivots) for one in kept]
    errors = [
        apart(posterior_at_size(*two, table.drug, table.cell_line, table.value, table.precision), exact)[0]
        for two in (kept, lost)
    ]
    assert errors[1] > 1.2 * errors[0]


def test_the_preconditioner_changes_the_iterations_alone(table: Table) -> None:
    every = torch.arange(N_DRUGS)
    fine, bare = (table.posterior(32, coarse=coarse, tolerance=1e-6) for coarse in ((16, 32), (1, 1)))
    assert 2 * fine.iterations < bare.iterations
    torch.testing.assert_close(fine.mean(every), bare.mean(every), atol=1e-3, rtol=0)
    assert fine.residual < 1e-5


def test_some_drugs_have_the_rows_that_all_have(table: Table) -> None:
    found = table.posterior(16)
    some = torch.tensor([4, 80, 5])
    torch.testing.assert_close(found.mean(some), found.mean(torch.arange(N_DRUGS))[some])


def test_what_cannot_be_solved_is_refused(table: Table) -> None:
    two = table.low_rank(4)
    drug, cell_line, ones = torch.tensor([3, 3]), torch.tensor([2, 2]), torch.ones(2)
    with pytest.raises(ShapeError, match="drug 3 and cell line 2 are there twice"):
        posterior_at_size(*two, drug, cell_line, ones, ones)
    with pytest.raises(ShapeError, match="arrays of"):
        posterior_at_size(*two, drug, cell_line, ones[:1], ones)
    with pytest.raises(ModelError, match="precision: 0"):
        posterior_at_size(*two, drug, torch.tensor([2, 4]), ones, torch.tensor([1.0, 0.0]))
    with pytest.raises(ModelError, match="2 iterations left"):
        table.posterior(16, iterations=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drug": [0, N_DRUGS]}, f"drug: {N_DRUGS} is not in the kernel, which has {N_DRUGS}"),
        ({"cell_line": [-1, 2]}, "cell_line: -1 is not in the kernel"),
        ({"observed": [0.0, float("nan")]}, "observed: nan at 1 is not finite"),
        ({"observed": [1e30, 1.0]}, "are beyond torch.float32; give them in another unit"),
        ({"precision": [1.0, 1e-45]}, "1 / precision: inf at 1 is not finite"),
    ],
)
def test_pairs_that_would_give_no_number_are_refused(
    table: Table, change: dict[str, list[float]], said: str
) -> None:
    """NaN went through the iterations and came out as the mean of every pair."""
    given = {"drug": [0, 1], "cell_line": [1, 2], "observed": [0.5, 1.0], "precision": [1.0, 1.0]} | change
    with pytest.raises(ModelError, match=said):
        posterior_at_size(*table.low_rank(4), *map(torch.tensor, given.values()))


def test_without_observations_the_mean_is_zero_and_drugs_beyond_the_kernel_are_refused(table: Table) -> None:
    none = torch.tensor([], dtype=torch.int64)
    found = posterior_at_size(*table.low_rank(4), none, none, none.float(), none.float())
    assert not found.mean(torch.arange(3)).any() and found.mean(none).shape == (0, N_CELL_LINES)
    with pytest.raises(ModelError, match="drugs: -1 is not in the kernel"):
        found.mean(torch.tensor([-1]))
