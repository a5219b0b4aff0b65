"""Each way to choose does what a computation by brute force does on a problem that is small enough for it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from pharmagraph.model.certainty.leverage import Leverage
from pharmagraph.model.suggest.acquisition import (
    Limits,
    at_random,
    by_score,
    diverse,
    expected_gain,
)
from pharmagraph.model.suggest.belief import OfGenes, OfKernels, OfProcess
from pharmagraph.model.suggest.process import PairProcess

N = 14
NOISE = 0.3


@dataclass(frozen=True)
class Dense:
    """A belief whose covariance is a matrix; the first candidates are what one cares for."""

    covariance: npt.NDArray[np.float64]
    n_cared: int

    @property
    def variance(self) -> npt.NDArray[np.float64]:
        return self.covariance.diagonal()

    @property
    def noise(self) -> npt.NDArray[np.float64]:
        return np.full(len(self.covariance), NOISE)

    def column(self, at: int) -> npt.NDArray[np.float64]:
        return self.covariance[at]

    def with_cared(self) -> npt.NDArray[np.float64]:
        return self.covariance[: self.n_cared]


@pytest.fixture
def belief() -> Dense:
    factors = np.random.default_rng(3).normal(size=(N, 5))
    return Dense(factors @ factors.T + 0.1 * np.eye(N), 9)


def limits(**more: int) -> Limits:
    return Limits((np.arange(N) % 4, np.arange(N) // 4), **more)


def left(covariance: npt.NDArray[np.float64], chosen: list[int]) -> npt.NDArray[np.float64]:
    """Covariance given measurements of some candidates."""
    if not chosen:
        return covariance
    observed = covariance[np.ix_(chosen, chosen)] + NOISE * np.eye(len(chosen))
    return covariance - covariance[:, chosen] @ np.linalg.solve(observed, covariance[chosen])


def test_uncertainty_takes_the_widest(belief: Dense) -> None:
    found = by_score(np.sqrt(belief.variance), 4, limits())
    assert set(found.at.tolist()) == set(np.argsort(belief.variance)[-4:].tolist())
    assert (np.diff(found.score) <= 0).all()


def test_gain_takes_at_each_step_what_leaves_least_of_what_is_cared_for(belief: Dense) -> None:
    whole = float(belief.variance[:9].sum())
    found = expected_gain(belief, whole, 5, limits())
    chosen: list[int] = []
    for at, score in zip(found.at.tolist(), found.score, strict=True):
        before = np.trace(left(belief.covariance, chosen)[:9, :9])
        after = {
            x: np.trace(left(belief.covariance, [*chosen, x])[:9, :9]) for x in range(N) if x not in chosen
        }
        assert at == min(after, key=lambda x: after[x])
        assert score == pytest.approx((before - after[at]) / whole, rel=1e-3)
        chosen.append(at)


def test_diverse_takes_at_each_step_what_makes_the_determinant_largest(belief: Dense) -> None:
    found = diverse(belief, 5, limits())
    kernel = np.eye(N) + belief.covariance / NOISE
    chosen: list[int] = []
    for at, score in zip(found.at.tolist(), found.score, strict=True):
        size = {
            x: np.linalg.slogdet(kernel[np.ix_([*chosen, x], [*chosen, x])])[1]
            for x in range(N)
            if x not in chosen
        }
        assert at == max(size, key=lambda x: size[x])
        assert score == pytest.approx(np.sqrt(left(belief.covariance, chosen)[at, at]), rel=1e-3)
        chosen.append(at)


def test_a_diverse_batch_is_nearly_the_likeliest_of_all(belief: Dense) -> None:
    kernel = np.eye(N) + belief.covariance / NOISE
    best = max(
        np.linalg.slogdet(kernel[np.ix_(batch, batch)])[1] for batch in itertools.combinations(range(N), 3)
    )
    found = diverse(belief, 3, limits()).at
    assert np.linalg.slogdet(kernel[np.ix_(found, found)])[1] >= 0.9 * best


def test_targets_takes_what_tells_most_about_the_weights_of_genes() -> None:
    generator = np.random.default_rng(5)
    values, measured = generator.normal(size=(12, 3)), generator.normal(size=(2, 3))
    belief = OfGenes(values, measured, NOISE)
    found = diverse(belief, 3, Limits((np.zeros(12, int), np.arange(12))))

    def information(rows: list[int]) -> float:
        all_rows = np.concatenate([measured, values[rows]])
        return float(np.linalg.slogdet(np.eye(3) + all_rows.T @ all_rows / NOISE)[1])

    chosen: list[int] = []
    for at in found.at.tolist():
        assert at == max(set(range(12)) - set(chosen), key=lambda x: information([*chosen, x]))
        chosen.append(at)
    assert belief.with_cared() == pytest.approx(np.stack([belief.column(n) for n in range(12)]))


@pytest.mark.parametrize("way", ["gain", "diverse", "uncertainty", "random"])
def test_limits_hold_for_every_way(belief: Dense, way: str) -> None:
    given = limits(per_drug=2, per_cell=2)
    given = Limits((given.drug, given.cell_line), per_drug=2, per_cell=2, stock={0: 1, 3: 0})
    found = {
        "gain": lambda: expected_gain(belief, 1.0, N, given),
        "diverse": lambda: diverse(belief, N, given),
        "uncertainty": lambda: by_score(belief.variance, N, given),
        "random": lambda: at_random(N, given, 1),
    }[way]()
    of_drug = np.bincount(given.drug[found.at], minlength=4)
    assert of_drug.max() == 2 and of_drug[0] == 1 and of_drug[3] == 0
    assert np.bincount(given.cell_line[found.at]).max() <= 2
    assert len(set(found.at.tolist())) == len(found.at) < N


def test_random_choice_is_that_of_its_seed() -> None:
    first, again, other = (at_random(6, limits(), seed).at.tolist() for seed in (1, 1, 2))
    assert first == again != other


def problem(seed: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Similarities of five drugs and six cell lines."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(5, 4)), generator.normal(size=(6, 4))
    return tuple((f @ f.T / 4)[..., None] for f in features)  # type: ignore[return-value]


def test_beliefs_of_a_process_are_its_conditional_covariance() -> None:
    drugs, lines = problem()
    process = PairProcess(drugs, lines)
    d, c = (side.ravel() for side in np.meshgrid(np.arange(5), np.arange(6), indexing="ij"))
    at = np.array([0, 3, 11, 17, 29])
    posterior = process.given(d[at], c[at], np.array([0.5, -1.0, 0.2, 1.0, 0.0]))
    prior = posterior.prior((d, c), (d, c))
    observed = prior[np.ix_(at, at)] + posterior.noise * np.eye(5)
    expected = prior - prior[:, at] @ np.linalg.solve(observed, prior[at])
    belief = OfProcess(posterior, (d, c), (d[:7], c[:7]))
    assert belief.variance == pytest.approx(expected.diagonal())
    assert belief.column(4) == pytest.approx(expected[4])
    assert belief.with_cared() == pytest.approx(expected[:7])


def test_beliefs_of_a_run_are_the_conditional_covariance_where_precisions_are_products() -> None:
    drugs, lines = (table[..., 0] + 0.2 * np.eye(len(table)) for table in problem(1))
    of_lines, of_drugs = np.array([0.5, 1, 2, 1, 1, 0.0]), np.array([1, 2, 1, 0.5, 0.0])
    precision = np.outer(of_lines, of_drugs)
    leverage = Leverage.of(lines, drugs, precision)
    scale = np.array([1, 2, 1, 1, 0.5])
    d, c = np.array([0, 1, 4, 3, 4]), np.array([0, 5, 2, 1, 5])
    belief = OfKernels(
        lines, drugs, (lines @ leverage.basis_c, drugs @ leverage.basis_d), leverage.shrink, scale, 0.7, (d, c),
        (d[:2], c[:2]),
    )  # fmt: skip
    whole = np.kron(lines, drugs)
    seen = np.flatnonzero(precision.ravel())
    observed = whole[np.ix_(seen, seen)] + np.diag(1 / precision.ravel()[seen])
    expected = whole - whole[:, seen] @ np.linalg.solve(observed, whole[seen])
    at = c * 5 + d
    expected = expected[np.ix_(at, at)] * np.outer(scale[d], scale[d])
    assert belief.variance == pytest.approx(expected.diagonal(), rel=1e-3, abs=1e-5)
    assert belief.column(2) == pytest.approx(expected[2], rel=1e-3, abs=1e-4)
    assert belief.with_cared() == pytest.approx(expected[:2], rel=1e-3, abs=1e-4)
    assert belief.whole == pytest.approx(expected.diagonal()[:2].sum(), rel=1e-3)
    assert belief.noise == pytest.approx(0.7 * scale[d] ** 2)
