"""The arrays of a fitted ensemble in memory: predictions of its own drugs and cell lines, in the unit of its task.

New entities and changes need the graph of a run's folder, which `predictor.Predictor` reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.predictor.asked_for import Entity, Side
from pharmagraph.model.predictor.features import Floats


class Units:
    """What outputs stand for.

    Attributes
    ----------
    task
        ``classification`` or ``regression``.
    members
        Weights and constants of each network.
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.task: str = about["task"]
        self._mean, self._deviation = float(about["mean"]), float(about["deviation"])
        self.members: list[dict[str, float]] = about["members"]

    def prediction(self, output: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Probability, or ln IC50, by an output."""
        if self.task == "classification":
            with np.errstate(over="ignore"):  # e to a large number is infinite, and the probability then 0
                found: npt.NDArray[np.float64] = 1 / (1 + np.exp(-output.astype(np.float64)))
            return found
        return self._mean - output.astype(np.float64) * self._deviation

    def standardised(self, ln_ic50: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The outputs that predict values of ln IC50."""
        return (self._mean - ln_ic50.astype(np.float64)) / self._deviation


class Frozen(Units):
    """An ensemble's arrays, as `runs.freeze.freeze` makes them.

    Parameters
    ----------
    arrays, about
        Arrays by name, and what is a number or a word.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
        super().__init__(about)
        self._arrays = arrays

    def array(self, name: str) -> Floats:
        """An array by name."""
        return self._arrays[name]

    def outputs(self, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> npt.NDArray[np.float64]:
        """Logit, or standardised −ln IC50, of every pair of its own entities, (n_cell_lines, n_drugs)."""
        found: npt.NDArray[np.float64] = self._arrays["logit"][
            np.ix_(Side(cell_lines).at, Side(drugs).at)
        ].astype(np.float64)
        return found
