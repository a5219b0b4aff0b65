"""The Gaussian process over the response matrix: against a dense solution, its gradients, and what may be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.last_step import LastStep
from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, DRUG_KERNELS
from pharmagraph.model.networks import posterior
from pharmagraph.model.networks.conjugate_gradients import solve
from pharmagraph.model.networks.gaussian_process import GaussianProcessComponent, ResponseProcess
from pharmagraph.model.networks.posterior import Observed, PosteriorMean
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Means, Visible
from tests.screens import screen


def problem(n_cell_lines: int = 5, n_drugs: int = 6) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    of_c, of_d = random(n_cell_lines, n_cell_lines), random(n_drugs, n_drugs)
    precision = random(n_cell_lines, n_drugs) ** 2
    precision[0], precision[:, 1] = 0, 0  # a cell line and a drug of which nothing is visible
    return of_c @ of_c.T, of_d @ of_d.T, precision, random(n_cell_lines, n_drugs)


def test_mean_is_that_of_the_dense_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior, "TOLERANCE", 1e-12)
    kernel_c, kernel_d, precision, target = problem()
    covariance = np.kron(kernel_c.numpy(), kernel_d.numpy())
    seen = precision.numpy().ravel() > 0
    noise = np.diag(1 / precision.numpy().ravel()[seen])
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)] + noise, target.numpy().ravel()[seen])
    expected = covariance[:, seen] @ weights
    found = PosteriorMean.apply(kernel_c, kernel_d, precision, target, None, None)
    np.testing.assert_allclose(found.numpy().ravel(), expected, rtol=1e-6, atol=1e-8)


def test_offsets_between_drugs_do_not_keep_the_solver_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two in three pairs observed, a tenth of their precision for the rest, and eigenvalues from 1 to some 100,000."""
    generator = torch.Generator().manual_seed(0)
    features = [torch.randn(n, 20, generator=generator) for n in (60, 40)]
    kernel_c, kernel_d = (5 + x @ x.T / 20 + torch.eye(len(x)) for x in features)
    precision = torch.where(torch.rand(60, 40, generator=generator) < 2 / 3, 4.0, 0.4)
    observed = 3 + torch.randn(60, 40, generator=generator)

    def system(table: torch.Tensor) -> torch.Tensor:
        return kernel_c @ table @ kernel_d + table / precision

    def left_of(weights: torch.Tensor) -> float:
        return float((observed - system(weights)).norm() / observed.norm())

    monkeypatch.setattr(posterior, "ITERATIONS", 15)
    assert left_of(Observed(kernel_c, kernel_d, precision).weights(observed)) < 1e-3
    assert left_of(solve(system, observed, iterations=30, tolerance=1e-3)) > 0.1


def test_gradients_of_kernels_precisions_and_what_is_observed_are_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posterior, "LEARNING_TOLERANCE", 1e-14)
    kernel_c, kernel_d, precision, target = problem(3, 4)
    part = precision > 0  # of the others there is no gradient: nothing was observed, whatever its precision

    def mean(c: torch.Tensor, d: torch.Tensor, p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return PosteriorMean.apply(
            (c + c.T) / 2, (d + d.T) / 2, precision.masked_scatter(part, p), target.masked_scatter(part, y),
            None, None,
        )  # fmt: skip

    inputs = (t.requires_grad_() for t in (kernel_c, kernel_d, precision[part], target[part]))
    assert torch.autograd.gradcheck(mean, tuple(inputs), eps=1e-6, atol=1e-5, rtol=1e-4)


def test_nothing_visible_gives_the_prior_mean_and_no_nan() -> None:
    kernel_c, kernel_d, precision, target = problem()
    mean = PosteriorMean.apply(kernel_c, kernel_d, torch.zeros_like(precision), target, None, None)
    assert torch.equal(mean, torch.zeros_like(mean))


def test_states_say_nothing_of_a_cell_line_without_visible_responses() -> None:
    tensors = graph_tensors(screen(), n_expressed=10, n_neighbours=5)
    measured = responses(screen())
    visible = visible_pairs(
        measured.take(measured.cell_line != 0), Scale.of(measured, "classification"), tensors.device
    )
    torch.manual_seed(0)
    config = load_preset("default", network={"process_states": "always", "gene_part": False}).network
    part = GaussianProcessComponent(config).eval()
    with torch.no_grad():
        for weights in (part.of_drugs, part.of_cell_lines, part.of_profiles, part.constant, part.identity):
            weights.fill_(-100.0)  # states alone are left
    states = {"Drug": torch.randn(tensors.n_drugs, 48), "CellLine": torch.randn(tensors.n_cell_lines, 48)}
    drug, cell_line = torch.arange(4), torch.tensor([0, 1, 2, 3])
    messages = MessageBuilder(tensors, config).build(visible)
    said = part(tensors, states, messages, drug, cell_line)
    assert abs(float(said[0])) < 1e-6 < float(said[1:].abs().min())


def test_a_drug_in_other_units_is_predicted_in_those_and_its_terms_still_make_the_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    n_cell_lines, n_drugs = 8, 6
    value = torch.randn(n_cell_lines, n_drugs, generator=generator)
    value -= value.mean(0)
    everything = torch.ones(n_cell_lines, n_drugs, dtype=torch.bool)
    cell_line, drug = torch.nonzero(everything, as_tuple=True)
    units = torch.tensor([1.0, 1.0, 7.0, 1.0, 1.0, 1.0])
    process = ResponseProcess(0, 0, "regression").eval()
    kernels = (torch.zeros(n_drugs, n_drugs, 0), torch.zeros(n_cell_lines, n_cell_lines, 0))

    def said(factor: torch.Tensor, drug_scale: torch.Tensor) -> torch.Tensor:
        values = (value * factor)[cell_line, drug]
        visible = Visible.of(drug, cell_line, values, values > 0, (n_cell_lines, n_drugs))
        with torch.no_grad():
            process.of_profiles.fill_(-100.0)  # profiles are of raw values
            logits = process.logits(kernels, visible, drug, cell_line, drug_scale=drug_scale)
            contributions, weights = process.terms(kernels, visible, drug_scale=drug_scale)
        assert weights is None  # there is no gene term
        summed = (contributions.kernel_c @ contributions.source @ contributions.kernel_d)[cell_line, drug]
        torch.testing.assert_close(summed, logits, rtol=1e-3, atol=1e-4)
        return logits.view(n_cell_lines, n_drugs)

    plain, one = said(torch.ones(n_drugs), torch.ones(n_drugs)), said(units, units)
    torch.testing.assert_close(one, plain * units, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(said(units, torch.ones(n_drugs)), plain * units, rtol=0.05)


def test_the_scale_of_a_drug_is_that_of_its_visible_values_and_one_of_a_drug_without() -> None:
    cell_line, drug = torch.arange(300) // 2, torch.arange(300) % 2
    value = torch.where(drug == 0, 3.0, 1.0) * (1 - 2.0 * (cell_line % 2))
    visible = Visible.of(drug, cell_line, value, value > 0, (150, 3))
    scale = visible.drug_scales(Means(True, True))
    square = np.array([9.0, 1.0]) / 5  # in times of the mean square, 5, of which each drug is given 4 pairs
    np.testing.assert_allclose(scale[:2], np.sqrt((150 * square + 4) / 154), rtol=1e-5)
    assert float(scale[2]) == 1.0
    assert visible.drug_scales(Means(False, True)).tolist() == [1.0, 1.0, 1.0]  # means are still in


def test_every_kernel_can_be_a_covariance() -> None:
    tensors = graph_tensors(screen(), n_expressed=10, n_neighbours=5)
    for kernels, names in (
        (tensors.drug_kernels, DRUG_KERNELS),
        (tensors.cell_line_kernels, CELL_LINE_KERNELS),
    ):
        assert kernels.shape[-1] == len(names)
        for at, name in enumerate(names):
            smallest = torch.linalg.eigvalsh(kernels[..., at].double()).min()
            assert smallest > -1e-4, name


def test_a_step_begins_where_the_last_one_ended() -> None:
    """A second step on nearly the same system takes fewer iterations, and finds the same mean and gradients."""
    generator = torch.Generator().manual_seed(0)
    features = [torch.randn(n, 20, generator=generator, dtype=torch.float64) for n in (60, 40)]
    kernel_c, kernel_d = (x @ x.T / 20 + torch.eye(len(x), dtype=torch.float64) for x in features)
    precision = torch.where(torch.rand(60, 40, generator=generator) < 2 / 3, 4.0, 0.4).double()
    target = torch.randn(60, 40, generator=generator, dtype=torch.float64)
    counts: list[int] = []

    def found(step: LastStep | None, shift: float) -> list[torch.Tensor]:
        parts = [kernel_c.clone(), kernel_d.clone() * (1 + shift), precision.clone(), target.clone()]
        for part in parts:
            part.requires_grad_()
        mean = PosteriorMean.apply(*parts, None, None, step)
        return [mean.detach(), *torch.autograd.grad((mean**3).sum(), parts)]

    def counted(system: Any, right: torch.Tensor, **options: Any) -> torch.Tensor:
        asked = [0]

        def noted(table: torch.Tensor) -> torch.Tensor:
            asked[0] += 1
            return system(table)

        solution = solve(noted, right, **options)
        counts.append(asked[0])
        return solution

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posterior, "solve", counted)
        patch.setattr(posterior, "LEARNING_TOLERANCE", 1e-6)
        step = LastStep()
        found(step, 0.0)
        assert step.solution is not None
        begun = found(step, 0.001)
        anew = found(None, 0.001)
    forward, backward = counts[::2], counts[1::2]
    assert forward[1] < forward[2]
    assert backward[1] == backward[2]
    for one, other in zip(begun, anew, strict=True):
        assert (one - other).norm() < 1e-3 * other.norm()
