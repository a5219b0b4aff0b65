"""What is believed of candidates: variances and covariances, by a process that is small or by a run's kernels."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from pharmagraph.model.suggest.process import Posterior

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int64]
Pairs = tuple[Numbers, Numbers]
"""Numbers of drugs and of cell lines, (n,) each."""


class Belief(Protocol):
    """What is believed of candidates before any of them is measured.

    Attributes
    ----------
    variance
        Of each candidate's true response, without the noise of a measurement, (n,).
    noise
        Variance of one measurement of it, (n,).
    """

    @property
    def variance(self) -> Floats: ...

    @property
    def noise(self) -> Floats: ...

    def column(self, at: int) -> Floats:
        """Covariance of a candidate with all candidates, (n,)."""
        ...

    def with_cared(self) -> Floats:
        """Covariance of the pairs that one cares for with all candidates, (n_cared, n)."""
        ...


class OfProcess:
    """Of a process whose covariance is formed whole.

    Parameters
    ----------
    posterior
        The process, given what was measured.
    candidates, cared
        Pairs to choose from, and pairs that one wants to know.
    """

    def __init__(self, posterior: Posterior, candidates: Pairs, cared: Pairs) -> None:
        self._posterior, self._candidates, self._cared = posterior, candidates, cared
        drug, cell_line = candidates
        self._explained = posterior.explained(*candidates)
        own = posterior.level[drug, drug]
        own = own + posterior.pattern[drug, drug] * posterior.cell_lines[cell_line, cell_line]
        self.variance: Floats = np.maximum(own - (self._explained**2).sum(0), 0)
        self.noise: Floats = np.full(len(drug), posterior.noise)

    def column(self, at: int) -> Floats:
        """As `Belief.column`."""
        one = self._candidates[0][[at]], self._candidates[1][[at]]
        prior = self._posterior.prior(one, self._candidates)[0]
        found: Floats = prior - self._explained[:, at] @ self._explained
        return found

    def with_cared(self) -> Floats:
        """As `Belief.with_cared`."""
        prior = self._posterior.prior(self._cared, self._candidates)
        found: Floats = prior - self._posterior.explained(*self._cared).T @ self._explained
        return found


class OfKernels:
    r"""Of a run's process, by the eigenvectors that `certainty.leverage` keeps: it is never formed.

    .. math:: v(cd, c'd') = C_{cc'} D_{dd'} - \sum_{ij} u_{ci} u_{c'i} S_{ij} w_{dj} w_{d'j}

    Parameters
    ----------
    cell_lines, drugs
        Covariance of each with each, (n, n).
    basis_c, basis_d
        Their covariances with the run's own on the generalised eigenvectors, (n, n_eigenvectors).
    shrink
        As in `Leverage`.
    scale
        Of each drug's output, (n_drugs,).
    noise
        Variance of a measurement in units of the process.
    candidates, cared
        Pairs to choose from, and pairs that one wants to know; numbers count ``drugs`` and ``cell_lines``.

    Attributes
    ----------
    whole
        Variance of all pairs that one cares for.
    """

    def __init__(
        self,
        cell_lines: Floats,
        drugs: Floats,
        bases: tuple[Floats, Floats],
        shrink: Floats,
        scale: Floats,
        noise: float,
        candidates: Pairs,
        cared: Pairs,
    ) -> None:
        self._kernel_c, self._kernel_d, self._shrink, self._scale = cell_lines, drugs, shrink, scale
        self._basis_c, self._basis_d = bases
        self._drug, self._cell_line = candidates
        self._cared = cared
        table = np.outer(cell_lines.diagonal(), drugs.diagonal())
        table = np.maximum(table - (self._basis_c**2) @ shrink @ (self._basis_d**2).T, 0) * scale**2
        self.variance: Floats = table[self._cell_line, self._drug]
        self.whole = float(table[cared[1], cared[0]].sum())
        self.noise: Floats = noise * scale[self._drug] ** 2

    def column(self, at: int) -> Floats:
        """As `Belief.column`."""
        return self._of_pair(int(self._drug[at]), int(self._cell_line[at]))

    def with_cared(self) -> Floats:
        """As `Belief.with_cared`."""
        found = np.empty((len(self._cared[0]), len(self._drug)), np.float32)
        for row, d, c in zip(found, *self._cared, strict=True):
            row[:] = self._of_pair(int(d), int(c))
        return found

    def _of_pair(self, d: int, c: int) -> Floats:
        known = (self._basis_c * self._basis_c[c]) @ self._shrink @ (self._basis_d * self._basis_d[d]).T
        table = np.outer(self._kernel_c[c], self._kernel_d[d]) - known
        found: Floats = (table * (self._scale * self._scale[d]))[self._cell_line, self._drug]
        return found


class OfGenes:
    r"""Of the responses to one drug, if single genes of a cell line decide them and it is not known which.

    The response is :math:`x^\top w + \epsilon` with :math:`w \sim N(0, I)`, x being what a cell line has of the
    genes. The pairs that tell most about w are those that `acquisition.diverse` chooses.

    Parameters
    ----------
    values
        Of the candidates, standardised, (n, n_columns).
    measured
        Of the cell lines on which the drug was measured, (n_measured, n_columns).
    noise
        Variance of a measurement.
    """

    def __init__(self, values: Floats, measured: Floats, noise: float) -> None:
        unknown = np.linalg.inv(np.eye(values.shape[1]) + measured.T @ measured / noise)
        self._values, self._turned = values, values @ unknown
        self.variance: Floats = np.einsum("nk,nk->n", self._turned, values)
        self.noise: Floats = np.full(len(values), noise)

    def column(self, at: int) -> Floats:
        """As `Belief.column`."""
        found: Floats = self._turned @ self._values[at]
        return found

    def with_cared(self) -> Floats:
        """As `Belief.with_cared`: one cares for the candidates."""
        found: Floats = self._turned @ self._values.T
        return found
