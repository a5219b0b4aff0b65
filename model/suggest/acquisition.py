r"""Chooses pairs to measure, one after the other, each knowing those chosen before.

- ``uncertainty``: the pairs that are least sure, whatever the others tell.
- ``diverse``: the most likely batch of a determinantal point process with the kernel :math:`I + \Sigma / \sigma^2`, by
  greedy steps (Chen et al., 2018): the next pair is the one least sure given those chosen.
- ``gain``: what a measurement takes from the summed variance of the pairs that one cares for,
  :math:`\sum_j \Sigma_{jx}^2 / (\Sigma_{xx} + \sigma_x^2)`, by greedy steps.
- ``random``: by a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from pharmagraph.model.suggest.belief import Belief, Floats, Numbers, Pairs


class Acquisition(StrEnum):
    """Ways to choose."""

    gain = "gain"
    uncertainty = "uncertainty"
    diverse = "diverse"
    targets = "targets"
    random = "random"


class Limits:
    """Which candidates may still be chosen.

    Parameters
    ----------
    candidates
        Drugs and cell lines of the candidates.
    per_drug, per_cell
        Most pairs of one drug, or of one cell line; None is no limit.
    stock
        Most pairs of single drugs, by number.
    """

    def __init__(
        self,
        candidates: Pairs,
        *,
        per_drug: int | None = None,
        per_cell: int | None = None,
        stock: Mapping[int, int] | None = None,
    ) -> None:
        self.drug, self.cell_line = candidates
        most = len(self.drug)
        n_drugs, n_cell_lines = (int(side.max(initial=-1)) + 1 for side in candidates)
        self._of_drug = np.full(n_drugs, most if per_drug is None else per_drug)
        for number, left in (stock or {}).items():
            if number < n_drugs:
                self._of_drug[number] = min(self._of_drug[number], left)
        self._of_cell_line = np.full(n_cell_lines, most if per_cell is None else per_cell)
        self.free: npt.NDArray[np.bool_] = (self._of_drug[self.drug] > 0) & (
            self._of_cell_line[self.cell_line] > 0
        )

    def take(self, at: int) -> None:
        """Choose a candidate."""
        self.free[at] = False
        for left, side in ((self._of_drug, self.drug), (self._of_cell_line, self.cell_line)):
            left[side[at]] -= 1
            if left[side[at]] <= 0:
                self.free &= side != side[at]


@dataclass(frozen=True)
class Chosen:
    """Candidates in the order in which they were chosen.

    Attributes
    ----------
    at
        Their positions, int64 (n,).
    score
        What they were chosen by, (n,). ``uncertainty``: the standard deviation. ``diverse``: the standard deviation
        given the pairs chosen before. ``gain``: the share of the summed variance that measuring the pair removes.
    """

    at: Numbers
    score: Floats


def by_score(score: Floats, n: int, limits: Limits) -> Chosen:
    """The ``n`` candidates of the largest score that limits allow; of equal ones the first."""
    found: list[int] = []
    for at in np.argsort(-score, kind="stable"):
        if len(found) == n or not limits.free.any():
            break
        if limits.free[at]:
            limits.take(int(at))
            found.append(int(at))
    chosen = np.array(found, np.int64)
    return Chosen(chosen, score[chosen])


def at_random(n: int, limits: Limits, seed: int) -> Chosen:
    """Some candidates, each as likely as any other that limits allow."""
    chosen = by_score(np.random.default_rng([seed, 29]).random(len(limits.free)), n, limits)
    return Chosen(chosen.at, np.zeros(len(chosen.at)))


def diverse(belief: Belief, n: int, limits: Limits, advance: Callable[[], None] = lambda: None) -> Chosen:
    """As the module says; ``advance`` is called after each."""
    variance, taken = belief.variance.astype(np.float64), _Taken(belief)
    found, score = [], []
    for _ in range(n):
        if not limits.free.any():
            break
        at = int(np.argmax(np.where(limits.free, variance / belief.noise, -1.0)))
        limits.take(at)
        found.append(at)
        score.append(np.sqrt(max(variance[at], 0.0)))
        variance = variance - taken.add(at, variance[at]) ** 2
        advance()
    return Chosen(np.array(found, np.int64), np.array(score))


def expected_gain(
    belief: Belief, whole: float, n: int, limits: Limits, advance: Callable[[], None] = lambda: None
) -> Chosen:
    """As the module says.

    Parameters
    ----------
    belief
        Of the candidates.
    whole
        Variance of all pairs that one cares for, before.
    n, limits, advance
        As in `diverse`.
    """
    cared = belief.with_cared().astype(np.float32)
    variance, taken = belief.variance.astype(np.float64), _Taken(belief)
    reduced = np.einsum("jx,jx->x", cared, cared).astype(np.float64)
    of_chosen = np.empty((n, len(cared)), np.float32)  # what each takes from the pairs that one cares for
    found, score = [], []
    for _ in range(n):
        if not limits.free.any():
            break
        gain = reduced / (variance + belief.noise)
        at = int(np.argmax(np.where(limits.free, gain, -1.0)))
        limits.take(at)
        found.append(at)
        score.append(gain[at] / whole if whole else 0.0)
        k, before = len(found) - 1, taken.columns
        root = np.sqrt(variance[at] + belief.noise[at])
        of_cared = (cared[:, at] - before[:, at] @ of_chosen[:k]) / root
        product = of_cared @ cared - (of_chosen[:k] @ of_cared) @ before
        change = taken.add(at, variance[at])
        reduced += change * (change * float(of_cared @ of_cared) - 2 * product)
        variance = variance - change**2
        of_chosen[k] = of_cared
        advance()
    return Chosen(np.array(found, np.int64), np.array(score))


class _Taken:
    """What chosen candidates take from the covariance of all, a column each."""

    def __init__(self, belief: Belief) -> None:
        self._belief, self._columns = belief, np.empty((0, len(belief.variance)), np.float32)
        self._n = 0

    @property
    def columns(self) -> Floats:
        """Those of the candidates chosen so far, (n_chosen, n)."""
        return self._columns[: self._n]

    def add(self, at: int, variance: float) -> Floats:
        """The column of a candidate whose variance, given those before it, is ``variance``; (n,)."""
        before = self.columns
        column = self._belief.column(at) - before[:, at] @ before
        found: Floats = column / np.sqrt(variance + self._belief.noise[at])
        if self._n == len(self._columns):
            more = np.empty((max(64, self._n), self._columns.shape[1]), np.float32)
            self._columns = np.concatenate([self._columns, more])
        self._columns[self._n] = found
        self._n += 1
        return found
