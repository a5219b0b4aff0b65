"""The gene term of the covariance, against the covariance written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.gene_pattern import Pattern
from pharmagraph.model.networks import posterior
from pharmagraph.model.networks.gene_term import GeneTerm
from pharmagraph.model.networks.posterior import Observed, PosteriorMean, covariance_times

torch.set_num_threads(1)
N_CELL_LINES, N_DRUGS, WIDTH = 5, 4, 6


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _problem() -> tuple[Pattern, torch.Tensor, torch.Tensor]:
    """A pattern with two heads' columns, drug 2 attending to none; its coefficients, and the table of values."""
    values = _random(N_CELL_LINES, WIDTH)
    drug = torch.tensor([0, 0, 0, 1, 1, 3, 3, 3])
    column = torch.tensor([1, 4, 7, 4, 10, 0, 1, 10])  # 7 and 10 are the second head's 1 and 4
    return Pattern.of(drug, column, values, N_DRUGS), _random(len(drug), seed=1), values


def _dense(pattern: Pattern, coefficients: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """The covariance of all pairs, cell line by cell line, (n_pairs, n_pairs)."""
    of_drugs = torch.zeros(N_DRUGS, 2 * WIDTH, dtype=torch.float64)
    of_drugs = of_drugs.index_put((pattern.drug, pattern.used[pattern.column]), coefficients)
    of_lines = torch.cat([values, values], dim=1)
    features = (of_lines[:, None] * of_drugs[None]).reshape(N_CELL_LINES * N_DRUGS, -1)
    return features @ features.T


def test_a_pattern_is_one_table_by_drug() -> None:
    pattern, _, values = _problem()
    assert pattern.used.tolist() == [0, 1, 4, 7, 10]
    assert torch.equal(pattern.values, values[:, [0, 1, 4, 1, 4]].T)
    assert pattern.by_drug.tolist() == [0, 3, 5, 5, 8]
    ends = list(zip(pattern.drug.tolist(), pattern.column.tolist(), strict=True))
    assert ends == sorted(ends) and len(set(ends)) == 8
    assert torch.equal(pattern.of_cell_lines(torch.tensor([3, 1])), pattern.values[:, [3, 1]])


def test_the_product_is_that_of_the_dense_covariance() -> None:
    pattern, coefficients, values = _problem()
    term, table = GeneTerm(pattern, coefficients), _random(N_CELL_LINES, N_DRUGS, seed=2)
    expected = (_dense(pattern, coefficients, values) @ table.flatten()).view_as(table)
    torch.testing.assert_close(term.product(table), expected)
    assert not term.product(table)[:, 2].any()  # it attends to no gene


def test_the_product_of_a_part_is_that_of_the_covariance_between_its_pairs() -> None:
    pattern, coefficients, values = _problem()
    term, rows, columns = GeneTerm(pattern, coefficients), torch.tensor([0, 2, 3]), torch.tensor([0, 2, 3])
    table = _random(3, 3, seed=3)
    at = (rows[:, None] * N_DRUGS + columns).flatten()
    expected = (_dense(pattern, coefficients, values)[at][:, at] @ table.flatten()).view(3, 3)
    torch.testing.assert_close(term.product_of_part(table, columns, pattern.of_cell_lines(rows)), expected)
    whole = _random(N_CELL_LINES, N_DRUGS, seed=4)
    everywhere = term.product_of_part(whole, torch.arange(N_DRUGS), pattern.values)
    torch.testing.assert_close(everywhere, term.product(whole))


def test_the_gradient_is_autograds_of_the_dense_covariance() -> None:
    pattern, coefficients, values = _problem()
    left, right = (_random(N_CELL_LINES, N_DRUGS, seed=seed) for seed in (5, 6))
    wanted = coefficients.clone().requires_grad_()
    (left.flatten() @ _dense(pattern, wanted, values) @ right.flatten()).backward()
    torch.testing.assert_close(GeneTerm(pattern, coefficients).gradient(left, right), wanted.grad)


def _system() -> tuple[torch.Tensor, ...]:
    """Kernels, precisions and observations; of one cell line and one drug nothing is visible."""
    of_c, of_d = _random(N_CELL_LINES, N_CELL_LINES, seed=7), _random(N_DRUGS, N_DRUGS, seed=8)
    precision = _random(N_CELL_LINES, N_DRUGS, seed=9) ** 2 + 0.1
    precision[0], precision[:, 1] = 0, 0
    return of_c @ of_c.T, of_d @ of_d.T, precision, _random(N_CELL_LINES, N_DRUGS, seed=10)


def test_the_mean_with_genes_is_that_of_the_dense_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior, "TOLERANCE", 1e-13)
    pattern, coefficients, values = _problem()
    kernel_c, kernel_d, precision, observed = _system()
    covariance = np.kron(kernel_c, kernel_d) + _dense(pattern, coefficients, values).numpy()
    seen = precision.numpy().ravel() > 0
    noise = np.diag(1 / precision.numpy().ravel()[seen])
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)] + noise, observed.numpy().ravel()[seen])
    expected = (covariance[:, seen] @ weights).reshape(observed.shape)
    found = PosteriorMean.apply(kernel_c, kernel_d, precision, observed, coefficients, pattern)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    without = PosteriorMean.apply(kernel_c, kernel_d, precision, observed, None, None)
    assert np.abs(found[:, 1] - without[:, 1]).max() > 0.01  # a drug of which nothing is visible has genes

    term = GeneTerm(pattern, coefficients)
    solved = Observed(kernel_c, kernel_d, precision, term).weights(observed)
    np.testing.assert_allclose(solved.numpy().ravel()[seen], weights, rtol=1e-6, atol=1e-8)
    assert not solved.numpy().ravel()[~seen].any()
    whole = kernel_c @ solved @ kernel_d + term.from_weights(term.weights(solved))
    np.testing.assert_allclose(whole, expected, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(covariance_times(solved, kernel_c, kernel_d, term), whole)


def test_coefficients_of_nothing_leave_the_mean_as_it_is_without_genes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posterior, "TOLERANCE", 1e-13)
    pattern, coefficients, _ = _problem()
    system = _system()
    found = PosteriorMean.apply(*system, torch.zeros_like(coefficients), pattern)
    torch.testing.assert_close(found, PosteriorMean.apply(*system, None, None))


def test_gradients_with_genes_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the coefficients, and of the kernels, precisions and observations beside them."""
    monkeypatch.setattr(posterior, "LEARNING_TOLERANCE", 1e-14)
    pattern, coefficients, _ = _problem()
    kernel_c, kernel_d, precision, observed = _system()
    part = precision > 0

    def mean(
        c: torch.Tensor, d: torch.Tensor, p: torch.Tensor, y: torch.Tensor, a: torch.Tensor
    ) -> torch.Tensor:
        return PosteriorMean.apply(
            (c + c.T) / 2, (d + d.T) / 2, precision.masked_scatter(part, p), observed.masked_scatter(part, y),
            a, pattern,
        )  # fmt: skip

    inputs = (kernel_c, kernel_d, precision[part], observed[part], coefficients)
    inputs = tuple(t.clone().requires_grad_() for t in inputs)
    assert torch.autograd.gradcheck(mean, inputs, eps=1e-6, atol=1e-5, rtol=1e-4)
