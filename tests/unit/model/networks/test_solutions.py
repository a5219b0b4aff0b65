"""Solutions of a Gaussian process that were found before are taken again, those of another system never."""

from __future__ import annotations

import os
import threading

import pytest
import torch

from pharmagraph.model.inputs.gene_pattern import Pattern
from pharmagraph.model.networks import posterior
from pharmagraph.model.networks.gene_term import GeneTerm
from pharmagraph.model.networks.solutions import Solutions


def a_system(seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    c, d = torch.randn(7, 9, generator=generator), torch.randn(5, 9, generator=generator)
    return (
        c @ c.T,
        d @ d.T,
        torch.rand(7, 5, generator=generator) + 0.5,
        torch.randn(7, 5, generator=generator),
    )


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[posterior.Observed]:
    """Every system that is really solved."""
    done: list[posterior.Observed] = []
    weights = posterior.Observed.weights

    def noted(self: posterior.Observed, *of: torch.Tensor) -> torch.Tensor:
        done.append(self)
        return weights(self, *of)

    monkeypatch.setattr(posterior.Observed, "weights", noted)
    monkeypatch.setattr(posterior, "_solutions", Solutions())
    return done


def test_the_same_system_is_solved_once(solved: list[posterior.Observed]) -> None:
    system = a_system()
    first = posterior.posterior_weights(*system, None)
    second = posterior.posterior_weights(*(part.clone() for part in system), None)
    assert torch.equal(first, second)
    assert len(solved) == 1
    mean = posterior.PosteriorMean.apply(*system, None, None)
    assert len(solved) == 1
    assert torch.equal(mean, posterior.covariance_times(first, system[0], system[1], None))


@pytest.mark.parametrize("part", range(4))
def test_a_system_that_differs_in_one_value_is_solved_anew(
    solved: list[posterior.Observed], part: int
) -> None:
    system = a_system()
    before = posterior.posterior_weights(*system, None).clone()
    system[part][1, 1] += 0.25  # the same tensor, changed in place
    after = posterior.posterior_weights(*system, None)
    assert len(solved) == 2
    assert not torch.equal(before, after)


def test_other_coefficients_of_genes_are_another_system(solved: list[posterior.Observed]) -> None:
    pattern = Pattern.of(torch.tensor([0, 1, 3]), torch.tensor([0, 1, 1]), torch.randn(7, 2), 5)
    system = a_system()
    found = [
        posterior.posterior_weights(*system, genes)
        for genes in (None, GeneTerm(pattern, torch.ones(3)), GeneTerm(pattern, torch.full((3,), 2.0)))
    ]
    assert len(solved) == 3
    assert not torch.equal(found[1], found[2])


def test_a_step_of_learning_is_solved_by_itself(solved: list[posterior.Observed]) -> None:
    kernel_c, kernel_d, precision, observed = a_system()
    kernel_c.requires_grad_()
    for _ in range(2):
        posterior.PosteriorMean.apply(kernel_c, kernel_d, precision, observed, None, None)
    assert (
        len(solved) == 2
    )  # its tolerance is larger, so that its solution must not be taken for a prediction
    posterior.posterior_weights(kernel_c, kernel_d, precision, observed, None)
    assert len(solved) == 3


def test_the_oldest_are_given_up_when_memory_is_full() -> None:
    kept, done = Solutions(most_bytes=2 * 40), []

    def ask(number: int) -> torch.Tensor:
        return kept.of(
            [torch.tensor([number])], lambda: done.append(number) or torch.full((10,), float(number))
        )

    for number in (1, 2, 1, 3):  # 2 is the oldest when 3 comes
        assert ask(number)[0] == number
    assert done == [1, 2, 3]
    ask(1)
    assert done == [1, 2, 3]
    ask(2)
    assert done == [1, 2, 3, 2]
    big = kept.of([torch.tensor([9])], lambda: torch.zeros(100))
    assert len(big) == 100
    ask(1)
    ask(2)
    assert done == [1, 2, 3, 2]  # one that is too large does not drive out the others


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system copies no process")
@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # on threads, which is the case that is tested
def test_a_copy_of_the_process_waits_for_no_thread_of_the_original() -> None:
    kept = Solutions()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with kept._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(int(not kept._lock.acquire(timeout=5)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    done.set()
    thread.join()
