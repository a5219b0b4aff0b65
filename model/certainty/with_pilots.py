"""Intervals of predictions with pilots: calibrations by the number of pilots that hidden entities were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pharmagraph.model.certainty.conformal import units_needed
from pharmagraph.model.certainty.intervals import Calibration
from pharmagraph.model.presets.choices import Split

COUNTS = (1, 3, 5, 10, 20, 40)
"""Numbers of pilots that hidden drugs and cell lines are given."""


@dataclass(frozen=True)
class WithPilots:
    """Calibrations on hidden drugs, or cell lines, of which some responses were given as pilots.

    Attributes
    ----------
    calibrations
        By kind of pair and number of pilots.
    """

    calibrations: Mapping[tuple[Split, int], Calibration] = field(default_factory=dict)

    def of(self, kind: Split, n_pilots: int, level: float) -> tuple[int, Calibration] | None:
        """The calibration with as many pilots, or the next fewer, and their number.

        With fewer pilots errors are larger, so that the intervals of more pilots are on the wide side. None where
        too few hidden units had that many pilots for the level.
        """
        counts = [n for of, n in self.calibrations if of is kind and n <= n_pilots]
        for n in sorted(counts, reverse=True):
            if units(self.calibrations[kind, n]) >= units_needed(level):
                return n, self.calibrations[kind, n]
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """What `from_json` reads, beside `arrays`."""
        return [{"pilots": n} | one.to_json() for (_, n), one in self.calibrations.items()]

    def arrays(self) -> dict[str, np.ndarray]:
        """The scores."""
        return {
            f"{n}/{name}": values
            for (_, n), one in self.calibrations.items()
            for name, values in one.arrays().items()
        }

    @classmethod
    def from_json(cls, about: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray]) -> WithPilots:
        """From `to_json` and `arrays`."""
        found = {}
        for one in about:
            n, start = int(one["pilots"]), f"{one['pilots']}/"
            own = {
                name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)
            }
            found[Split(one["kind"]), n] = Calibration.from_json(one, own)
        return cls(found)


def units(calibration: Calibration) -> int:
    """Hidden drugs, or cell lines, that a calibration was made on; for classes those with the rarer class."""
    return min(int(scores.units[0]) for scores in calibration.scores)
