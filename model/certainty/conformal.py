"""Split-conformal quantiles of scores, by group where a group has enough pairs (Mondrian; Vovk et al., 2005)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, ModelError

FEWEST_OF_GROUP = 200
"""Pairs that a drug or a tissue needs for quantiles of its own. Coverage at 90% then varies by 2 points (one standard
deviation) with the draw of the calibration pairs."""

ALL = -1
"""Group of all pairs."""


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


def pairs_needed(level: float) -> int:
    """Fewest calibration pairs for a two-sided interval: fewer have no quantile as far out."""
    return math.ceil(round(2 / (1 - level), 9)) - 1


@dataclass(frozen=True)
class Scores:
    """Scores of held-out pairs, sorted within groups.

    Attributes
    ----------
    values
        One group after the other, ascending within each, float32.
    start
        Where each group starts, and the end of the last, int64 (n_groups + 1,). The first group is all pairs.
    drug, tissue
        Node number of a drug, or code of a tissue → number of its group.
    """

    values: npt.NDArray[np.float32]
    start: npt.NDArray[np.int64]
    drug: Mapping[int, int]
    tissue: Mapping[int, int]

    @classmethod
    def of(cls, score: np.ndarray, drug: np.ndarray, tissue: np.ndarray) -> Scores:
        """From scores of pairs, and their drugs and tissues, (n,) each; -1 belongs to no group."""
        parts, by_drug, by_tissue = [np.sort(score)], {}, {}
        for at, found in ((drug, by_drug), (tissue, by_tissue)):
            for code in np.flatnonzero(np.bincount(at[at >= 0], minlength=1) >= FEWEST_OF_GROUP):
                found[int(code)] = len(parts)
                parts.append(np.sort(score[at == code]))
        start = np.cumsum([0, *(len(part) for part in parts)])
        return cls(np.concatenate(parts).astype(np.float32), start, by_drug, by_tissue)

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
            If there are too few scores in all.
        """
        sizes = np.diff(self.start)
        position = np.ceil(np.round((sizes + 1) * share, 9)).astype(np.int64)
        return self._at(position, sizes)[group]

    def lower_quantile(self, group: np.ndarray, share: float) -> np.ndarray:
        """The score that a new one is at least with a probability of ``1 - share`` or more; otherwise as
        `quantile`."""
        sizes = np.diff(self.start)
        position = np.floor(np.round((sizes + 1) * share, 9)).astype(np.int64)
        return self._at(position, sizes)[group]

    def _at(self, position: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """The score at a position within each group, counted from 1; of all pairs where a group has too few."""
        if not 1 <= position[0] <= sizes[0]:
            raise ModelError(f"{sizes[0]} held-out pairs are too few for this level")
        inside = (position >= 1) & (position <= sizes)
        at = self.start[:-1] + np.clip(position, 1, np.maximum(sizes, 1)) - 1
        found: np.ndarray = np.where(inside, self.values[np.minimum(at, len(self.values) - 1)], 0)
        return np.where(inside, found, found[0])


def _looked_up(numbers: Mapping[int, int], at: np.ndarray) -> np.ndarray:
    if not numbers:
        return np.zeros(np.shape(at), np.int64)
    table = np.zeros(max(int(np.max(at, initial=0)), max(numbers)) + 2, np.int64)
    table[list(numbers)] = list(numbers.values())
    found: np.ndarray = table[at]  # the last entry, that of -1, stays 0
    return found
