"""Conformal quantiles of scores: of single pairs, or of drugs and cell lines that were hidden as a whole.

Errors of one unseen drug resemble each other, so its pairs are not so many draws. What is exchangeable are drugs. Each
has the same weight, divided among its pairs, and one more drug, the new one, may have any score: with K drugs the
quantile at p is the score at the weight p (K + 1) / K (Lee, Barber and Willett, *Distribution-free inference with
hierarchical data*; Dunn, Wasserman and Ramdas, 2022). Pairs hidden at random are each a unit of its own, which gives
the usual quantile. A drug or a tissue with enough units has quantiles of its own (Mondrian; Vovk et al., 2005).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

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
    weight
        Share of the group's weight that is at or below each value, float32 (n,).
    start
        Where each group starts, and the end of the last, int64 (n_groups + 1,). The first group is all pairs.
    units
        Units in each group, int64 (n_groups,).
    drug, tissue
        Node number of a drug, or code of a tissue → number of its group.
    """

    values: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
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
        values, weights, units = [], [], []
        for rows in parts:
            rows = rows[np.argsort(score[rows], kind="stable")]
            pairs = np.bincount(unit[rows])
            values.append(score[rows])
            units.append(int((pairs > 0).sum()))
            weights.append(np.cumsum(1 / pairs[unit[rows]]) / max(units[-1], 1))
        start = np.cumsum([0, *(len(rows) for rows in parts)])
        return cls(
            np.concatenate(values).astype(np.float32), np.concatenate(weights).astype(np.float32), start,
            np.array(units), by_drug, by_tissue,
        )  # fmt: skip

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
            needed = share * (units + 1) / units if units else math.inf
            if needed > 1 + ROUNDING:
                if not found:
                    raise ModelError(f"{units} hidden units are too few for this level")
                found.append(found[0])
                continue
            weight = self.weight[first:end]
            if upper:
                at = np.searchsorted(weight, needed - ROUNDING)
            else:  # the largest score at or above which there is weight enough
                at = np.searchsorted(weight, 1 - needed + ROUNDING, side="right")
            found.append(float(self.values[first + min(int(at), end - first - 1)]))
        return np.array(found)


def _looked_up(numbers: Mapping[int, int], at: np.ndarray) -> np.ndarray:
    if not numbers:
        return np.zeros(np.shape(at), np.int64)
    table = np.zeros(max(int(np.max(at, initial=0)), max(numbers)) + 2, np.int64)
    table[list(numbers)] = list(numbers.values())
    found: np.ndarray = table[at]  # the last entry, that of -1, stays 0
    return found
