"""Conformal quantiles of scores: of single pairs, or of drugs and cell lines that were hidden as a whole.

Errors of one unseen drug resemble each other, so its pairs are not so many draws. What is exchangeable are drugs. Each
has the same weight, divided among its pairs. How often a new score is at most a value is estimated in two ways, and the
larger one counts:

- *The bound.* One more drug, the new one, may have any score: of K drugs, a value with the weight W at or below it
  holds a new score with a probability of W K / (K + 1) or more (Lee, Barber and Willett, *Distribution-free inference
  with hierarchical data*). Where each pair is a unit of its own this is the usual split conformal quantile. Where a
  drug's scores differ it is far too low: it counts the new drug as if all its scores were infinite.
- *Leaving one out.* Each drug in turn is the new one, and the quantiles of the others are compared with its scores
  (`left_out`). It corrects the pooled distribution of Dunn, Wasserman and Ramdas (2022) for the number of drugs.

A drug or a tissue with enough units has quantiles of its own (Mondrian; Vovk et al., 2005).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, ModelError

FEWEST_OF_GROUP = 200
"""Units that a drug or a tissue needs for quantiles of its own. Coverage at 90% then varies by 2 points (one standard
deviation) with the draw of the units."""

ROUNDING = 1e-6
"""Weights that differ by less are equal: they are sums of float32."""


def checked_level(level: float) -> float:
    """The level itself.

    Raises
    ------
    InputError
        If it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(
            f"--level {level:g} is no level of an interval; give a number between 0 and 1, such as 0.9"
        )
    return level


def units_needed(level: float) -> int:
    """Fewest units for a two-sided interval: fewer have no quantile as far out."""
    return math.ceil(round(2 / (1 - level), 9)) - 1


@dataclass(frozen=True)
class Scores:
    """Scores of hidden pairs, sorted within groups.

    Attributes
    ----------
    values
        One group after the other, ascending within each, float32 (n,).
    at_most, at_least
        How often a new score is at most, and at least, each value, float32 (n,).
    start
        Where each group starts, and the end of the last, int64 (n_groups + 1,). The first group is all pairs.
    units
        Units in each group, int64 (n_groups,).
    drug, tissue
        Node number of a drug, or code of a tissue → number of its group.
    """

    values: npt.NDArray[np.float32]
    at_most: npt.NDArray[np.float32]
    at_least: npt.NDArray[np.float32]
    start: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    drug: Mapping[int, int]
    tissue: Mapping[int, int]

    @classmethod
    def of(
        cls, score: np.ndarray, drug: np.ndarray, tissue: np.ndarray, unit: np.ndarray | None = None
    ) -> Scores:
        """From scores of pairs, and their drugs and tissues, -1 for none, (n,) each.

        ``unit`` is the number of the unit that each pair belongs to; each is one of its own unless given.
        """
        unit = np.arange(len(score)) if unit is None else np.unique(unit, return_inverse=True)[1]
        by_drug: dict[int, int] = {}
        by_tissue: dict[int, int] = {}
        parts = [np.arange(len(score))]
        for at, found in ((drug, by_drug), (tissue, by_tissue)):
            for code in np.flatnonzero(np.bincount(at[at >= 0], minlength=1) >= FEWEST_OF_GROUP):
                rows = np.flatnonzero(at == code)
                if len(np.unique(unit[rows])) >= FEWEST_OF_GROUP:
                    found[int(code)] = len(parts)
                    parts.append(rows)
        parts = [rows[np.argsort(score[rows], kind="stable")] for rows in parts]
        in_order = [np.unique(unit[rows], return_inverse=True)[1] for rows in parts]
        return cls(
            np.concatenate([score[rows] for rows in parts]).astype(np.float32),
            np.concatenate([_held(of) for of in in_order]).astype(np.float32),
            np.concatenate([_held(of[::-1])[::-1] for of in in_order]).astype(np.float32),
            np.cumsum([0, *(len(rows) for rows in parts)]),
            np.array([int(of.max(initial=-1)) + 1 for of in in_order]), by_drug, by_tissue,
        )  # fmt: skip

    @classmethod
    def of_weights(cls, weight: np.ndarray, **others: Any) -> Scores:
        """As runs kept them that know the bound alone: the share of the weight at or below each value, (n,)."""
        start, units = others["start"], others["units"]
        at_most, at_least = np.empty(len(weight), np.float32), np.empty(len(weight), np.float32)
        for first, end, n in zip(start[:-1], start[1:], units, strict=True):
            of = weight[first:end]
            at_most[first:end] = of * n / (n + 1)
            at_least[first:end] = (1 - np.concatenate([[0], of[:-1]])) * n / (n + 1)
        return cls(at_most=at_most, at_least=at_least, **others)

    def __len__(self) -> int:
        return int(self.start[1])

    def groups(self, drug: np.ndarray, tissue: np.ndarray) -> np.ndarray:
        """Number of the group of each pair: its tissue's, else its drug's, else all pairs; drugs and tissues
        broadcast."""
        of_drug, of_tissue = _looked_up(self.drug, drug), _looked_up(self.tissue, tissue)
        return np.where(of_tissue > 0, of_tissue, of_drug)

    def quantile(self, group: np.ndarray, share: float) -> np.ndarray:
        """The score that a new one is at most with a probability of ``share`` or more, in the shape of ``group``.

        Raises
        ------
        ModelError
            If there are too few units in all.
        """
        return self._of_groups(share, upper=True)[group]

    def lower_quantile(self, group: np.ndarray, share: float) -> np.ndarray:
        """The score that a new one is at least with a probability of ``1 - share`` or more; otherwise as
        `quantile`."""
        return self._of_groups(1 - share, upper=False)[group]

    def _of_groups(self, share: float, *, upper: bool) -> np.ndarray:
        """The quantile of each group; of all pairs where a group has too few units."""
        found: list[float] = []
        for first, end, units in zip(self.start[:-1], self.start[1:], self.units, strict=True):
            if share > units / (units + 1) + ROUNDING:
                if not found:
                    raise ModelError(f"{units} hidden units are too few for this level")
                found.append(found[0])
                continue
            if upper:
                at = np.searchsorted(self.at_most[first:end], share - ROUNDING)
            else:  # the largest score that a new one is at least so often
                at = end - first - 1 - np.searchsorted(self.at_least[first:end][::-1], share - ROUNDING)
            found.append(float(self.values[first + min(max(int(at), 0), end - first - 1)]))
        return np.array(found)


def _held(unit: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How often a new score is at most each of some that ascend, by the better of both ways, (n,).

    ``unit`` is the number of the unit of each, counted from 0, (n,).
    """
    n_units = int(unit.max(initial=-1)) + 1
    weight = np.cumsum(1 / (n_units * np.bincount(unit)[unit])) if n_units else np.empty(0)
    return np.maximum(weight * n_units / (n_units + 1), left_out(unit))


def left_out(unit: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    r"""How often a score of a unit that is left out is at most the quantile of the others, (n,).

    With K units, a share :math:`W(v)` of the weight at or below a value v and a share :math:`F_k(v)` of the scores of
    unit k, score :math:`v_i` of unit k takes the place :math:`W(v_i^-) + (1 - F_k(v_i^-)) / K`: what the other units
    have below it, and its own unit as a whole. It is held by a value v if its place is below :math:`W(v)`; places say
    how often that is. The own unit stands for the K-th, which the others lack. Where scores do not differ within units,
    v holds as many units as lie below it.

    Parameters
    ----------
    unit
        Number of the unit of each score, counted from 0; scores ascend, (n,).
    """
    n, pairs = len(unit), np.bincount(unit)
    share = 1 / (max(len(pairs), 1) * pairs[unit])  # of one score in the whole weight
    weight = np.cumsum(share)
    by_unit = np.argsort(unit, kind="stable")
    before = np.empty(n)  # scores of the same unit before each
    before[by_unit] = np.arange(n) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    place = (weight - share) + (pairs[unit] - before) * share
    order = np.argsort(place, kind="stable")
    total = np.concatenate([[0], np.cumsum(share[order])])
    found: npt.NDArray[np.float64] = total[np.searchsorted(place[order], weight - ROUNDING)]
    return found


def _looked_up(numbers: Mapping[int, int], at: np.ndarray) -> np.ndarray:
    if not numbers:
        return np.zeros(np.shape(at), np.int64)
    table = np.zeros(max(int(np.max(at, initial=0)), max(numbers)) + 2, np.int64)
    table[list(numbers)] = list(numbers.values())
    found: np.ndarray = table[at]  # the last entry, that of -1, stays 0
    return found
