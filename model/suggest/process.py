r"""A Gaussian process over pairs, fitted to few measurements by its marginal likelihood; the covariance is formed whole.

It has the form of the network's process (`networks.gaussian_process`), for the few thousand pairs of a replay:

.. math:: k(dc, d'c') = L_{dd'} + s_d s_{d'} (D_{dd'} C_{cc'} + \sigma^2 \delta)

L, the kernel of drug levels, D and C are weighted sums of similarities and the identity, the first two with a constant;
s is the scale of a drug. All weights are positive, and are chosen anew from what was measured so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve, solve_triangular

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

START = {"level": 0.1, "drug": 0.1, "cell_line": 0.05, "constant": 0.4, "identity": 0.3, "noise": 0.2}
"""Weights before anything is fitted, of each similarity for the first three, in squared standard deviations of the
responses. Set by hand."""

SCALE_DEVIATION, WEIGHT_DEVIATION = 0.3, 1.5
"""Standard deviations of the logarithms of drug scales around 0, and of weights around where they start. Set by hand."""

MOST_FITTED = 500
"""Measurements, drawn at random, by which weights are chosen; predictions are made with all."""

SMALLEST, LARGEST = -10.0, 3.0
"""Bounds of the logarithms of weights."""


@dataclass
class PairProcess:
    """The process, and what it was fitted to.

    Parameters
    ----------
    drugs, cell_lines
        Similarities, (n, n, n_similarities).
    """

    drugs: Floats
    cell_lines: Floats
    _weights: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n_drugs = len(self.drugs)
        one, own = np.ones((n_drugs, n_drugs, 1)), np.eye(n_drugs)[..., None]
        self._of_drugs = np.concatenate([self.drugs, one, own], -1).astype(np.float64)
        own = np.eye(len(self.cell_lines))[..., None]
        self._of_cell_lines = np.concatenate([self.cell_lines, own], -1).astype(np.float64)
        k_d, k_c = self.drugs.shape[-1], self.cell_lines.shape[-1]
        ends = [START["constant"], START["identity"]]
        start = [START["level"]] * k_d + ends + [START["drug"]] * k_d + ends
        start += [START["cell_line"]] * k_c + [START["identity"], START["noise"]]
        self._start = np.log(start)
        self._weights = np.concatenate([self._start, np.zeros(n_drugs)])

    def fit(self, drug: Numbers, cell_line: Numbers, value: Floats, *, steps: int, seed: int) -> None:
        """Choose weights and scales by measurements, starting from the present ones, in at most ``steps`` steps.

        Parameters
        ----------
        drug, cell_line
            Numbers of their entities, (n,).
        value
            Standardised, (n,).
        """
        from scipy.optimize import minimize

        if len(drug) > MOST_FITTED:
            some = np.random.default_rng([seed, 23]).permutation(len(drug))[:MOST_FITTED]
            drug, cell_line, value = drug[some], cell_line[some], value[some]
        n = len(self._start)
        bounds = [(SMALLEST, LARGEST)] * n + [(-1.5, 1.5)] * len(self.drugs)
        stacks = [
            np.ascontiguousarray(np.moveaxis(table[np.ix_(at, at)], -1, 0))
            for table, at in ((self._of_drugs, drug), (self._of_cell_lines, cell_line))
        ]
        found = minimize(
            self.loss, self._weights, (stacks, drug, value), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": steps},
        )  # fmt: skip
        self._weights = found.x

    def loss(
        self, weights: Floats, stacks: list[Floats], drug: Numbers, value: Floats
    ) -> tuple[float, Floats]:
        """Minus the logarithm of the marginal likelihood and of the prior, without constants, and its gradient."""
        of_drugs, of_cell_lines = stacks
        n, n_drugs, n_lines = len(value), len(of_drugs), len(of_cell_lines)
        flat_d, flat_c = of_drugs.reshape(n_drugs, -1), of_cell_lines.reshape(n_lines, -1)
        level, own, lines, noise = np.split(np.exp(weights[: len(self._start)]), self._cuts)
        scale = np.exp(weights[len(self._start) :])[drug]
        both = np.outer(scale, scale)
        kernel_d, kernel_c = (own @ flat_d).reshape(n, n), (lines @ flat_c).reshape(n, n)
        scaled = both * (kernel_d * kernel_c + noise * np.eye(n))
        factor = cho_factor((level @ flat_d).reshape(n, n) + scaled, lower=True)
        solved = cho_solve(factor, value)
        half = 0.5 * (cho_solve(factor, np.eye(n)) - np.outer(solved, solved))
        of_pattern = half * both
        gradient = np.concatenate([
            level * (flat_d @ half.ravel()),
            own * (flat_d @ (of_pattern * kernel_c).ravel()),
            lines * (flat_c @ (of_pattern * kernel_d).ravel()),
            noise * np.trace(of_pattern),
            np.bincount(drug, 2 * (half * scaled).sum(1), len(self.drugs)),
        ])  # fmt: skip
        apart = weights - np.concatenate([self._start, np.zeros(len(self.drugs))])
        deviation = np.repeat([WEIGHT_DEVIATION, SCALE_DEVIATION], [len(self._start), len(self.drugs)])
        prior = 0.5 * float(((apart / deviation) ** 2).sum())
        value_ = 0.5 * float(value @ solved) + float(np.log(np.diag(factor[0])).sum())
        return value_ + prior, gradient + apart / deviation**2

    @property
    def _cuts(self) -> list[int]:
        k_d, k_c = self.drugs.shape[-1] + 2, self.cell_lines.shape[-1] + 1
        return [k_d, 2 * k_d, 2 * k_d + k_c]

    def given(self, drug: Numbers, cell_line: Numbers, value: Floats) -> Posterior:
        """The process conditioned on measurements, (n,) each."""
        level, own, lines, noise = np.split(np.exp(self._weights[: len(self._start)]), self._cuts)
        scale = np.exp(self._weights[len(self._start) :])
        both = np.outer(scale, scale)
        return Posterior(
            self._of_drugs @ level, both * (self._of_drugs @ own), self._of_cell_lines @ lines,
            float(noise[0]) * scale**2, (drug, cell_line), value,
        )  # fmt: skip


class Posterior:
    """What measurements say of any pair.

    Parameters
    ----------
    level, pattern
        Kernels of drugs, (n_drugs, n_drugs).
    cell_lines
        Kernel of cell lines, (n_cell_lines, n_cell_lines).
    noise
        Variance of a measurement of each drug, (n_drugs,).
    at, value
        Drugs and cell lines of the measurements, and their standardised values, (n,).
    """

    def __init__(
        self,
        level: Floats,
        pattern: Floats,
        cell_lines: Floats,
        noise: Floats,
        at: tuple[Numbers, Numbers],
        value: Floats,
    ) -> None:
        self.level, self.pattern, self.cell_lines, self.noise, self.at = level, pattern, cell_lines, noise, at
        self._factor = np.linalg.cholesky(self.prior(at, at) + np.diag(noise[at[0]]))
        self._solved = cho_solve((self._factor, True), value)

    def prior(self, first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]) -> Floats:
        """Covariance of pairs before anything is measured, (n_first, n_second)."""
        (d, c), (e, b) = first, second
        found: Floats = self.pattern[np.ix_(d, e)]
        found *= self.cell_lines[np.ix_(c, b)]
        found += self.level[np.ix_(d, e)]
        return found

    def mean(self, drug: Numbers, cell_line: Numbers) -> Floats:
        """Predictions, (n,)."""
        found: Floats = self.prior((drug, cell_line), self.at) @ self._solved
        return found

    def explained(self, drug: Numbers, cell_line: Numbers) -> Floats:
        """Columns whose products are what measurements take from the covariance of pairs, (n_measured, n)."""
        found: Floats = solve_triangular(
            self._factor, self.prior(self.at, (drug, cell_line)), lower=True, check_finite=False
        )
        return found
