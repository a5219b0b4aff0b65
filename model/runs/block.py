"""A table of predictions of a run, with what is said of how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pharmagraph.model.runs.certain import Judged


@dataclass(frozen=True)
class Block:
    """Predictions of some drugs for some cell lines.

    Attributes
    ----------
    drugs, cell_lines
        What rows call them.
    column
        ``probability`` or ``ln_ic50``.
    values, measured
        Predictions, and whether each pair was trained on, (n_cell_lines, n_drugs).
    judged
        How sure they are; None where the run cannot tell.
    """

    drugs: Sequence[str]
    cell_lines: Sequence[str]
    column: str
    values: np.ndarray
    measured: np.ndarray
    judged: Judged | None = None
