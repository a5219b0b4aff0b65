r"""A Gaussian process over pairs, fitted to few measurements by its marginal likelihood, its covariance formed whole.

It has the form of the network's process (`networks.gaussian_process`), for the few thousand pairs of a replay:

.. math:: k(dc, d'c') = L_{dd'} + D_{dd'} C_{cc'} + \sigma^2 \delta

L, the kernel of drug levels, D and C are weighted sums of similarities and the identity, the first two with a constant.
All weights are positive, and are chosen anew from what was measured so far. Drugs have no scales of their own: of a few
responses a drug these cannot be told, and choices by them were worse than random ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

START = {"level": 0.1, "drug": 0.1, "cell_line": 0.05, "constant": 0.4, "identity": 0.3, "noise": 0.2}
"""Weights before anything is fitted, of each similarity for the first three, in squared standard deviations of the
responses. Set by hand."""

WEIGHT_DEVIATION = 1.5
"""Standard deviation of the logarithms of weights around where they start. Set by hand."""

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
        self._weights = self._start

    def fit(self, drug: Numbers, cell_line: Numbers, value: Floats, *, steps: int, seed: int) -> None:
        """Choose weights by measurements, starting from the present ones, in at most ``steps`` steps.

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
        bounds = [(SMALLEST, LARGEST)] * len(self._start)
        stacks = [
            np.ascontiguousarray(np.moveaxis(table[np.ix_(at, at)], -1, 0))
            for table, at in ((self._of_drugs, drug), (self._of_cell_lines, cell_line))
        ]
        found = minimize(
            self.loss, self._weights, (stacks, value), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": steps},
        )  # fmt: skip
        self._weights = found.x

    def loss(self, weights: Floats, stacks: list[Floats], value: Floats) -> tuple[float, Floats]:
        """Minus the logarithm of the marginal likelihood and of the prior, without constants, and its gradient.

        Parameters
        ----------
        weights
            Their logarithms, (n_weights,).
        stacks
            Terms of the kernels of drugs and of cell lines between measurements, (n_terms, n, n) each.
        value
            Measurements, (n,).
        """
        n = len(value)
        flat_d, flat_c = (stack.reshape(len(stack), -1) for stack in stacks)
        level, own, lines, noise = np.split(np.exp(weights), self._cuts)
        kernel_d, kernel_c = (own @ flat_d).reshape(n, n), (lines @ flat_c).reshape(n, n)
        covariance = (level @ flat_d).reshape(n, n) + kernel_d * kernel_c + noise * np.eye(n)
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(covariance, lower=True)
        solved = cho_solve(factor, value)
        half = 0.5 * (cho_solve(factor, np.eye(n)) - np.outer(solved, solved))
        gradient = np.concatenate([
            level * (flat_d @ half.ravel()),
            own * (flat_d @ (half * kernel_c).ravel()),
            lines * (flat_c @ (half * kernel_d).ravel()),
            noise * np.trace(half),
        ])  # fmt: skip
        apart = (weights - self._start) / WEIGHT_DEVIATION
        found = 0.5 * float(value @ solved) + float(np.log(np.diag(factor[0])).sum())
        return found + 0.5 * float(apart @ apart), gradient + apart / WEIGHT_DEVIATION

    @property
    def _cuts(self) -> list[int]:
        k_d, k_c = self.drugs.shape[-1] + 2, self.cell_lines.shape[-1] + 1
        return [k_d, 2 * k_d, 2 * k_d + k_c]

    def given(self, drug: Numbers, cell_line: Numbers, value: Floats) -> Posterior:
        """The process conditioned on measurements, (n,) each."""
        level, own, lines, noise = np.split(np.exp(self._weights), self._cuts)
        return Posterior(
            self._of_drugs @ level, self._of_drugs @ own, self._of_cell_lines @ lines, float(noise[0]),
            (drug, cell_line), value,
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
        Variance of a measurement.
    at, value
        Drugs and cell lines of the measurements, and their standardised values, (n,).
    """

    def __init__(
        self,
        level: Floats,
        pattern: Floats,
        cell_lines: Floats,
        noise: float,
        at: tuple[Numbers, Numbers],
        value: Floats,
    ) -> None:
        self.level, self.pattern, self.cell_lines, self.noise, self.at = level, pattern, cell_lines, noise, at
        from scipy.linalg import cho_solve  # takes half of a second, and the explorer starts without it

        self._factor = np.linalg.cholesky(self.prior(at, at) + noise * np.eye(len(value)))
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
        from scipy.linalg import solve_triangular

        found: Floats = solve_triangular(
            self._factor, self.prior(self.at, (drug, cell_line)), lower=True, check_finite=False
        )
        return found
