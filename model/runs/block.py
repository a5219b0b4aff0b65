"""A table of predictions of a run, with what is said of how sure they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

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


def joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks that follow one another with the same drugs as one: a network predicts each new cell line alone."""
    for _, same in groupby(blocks, key=lambda block: list(block.drugs)):
        parts = list(same)
        if len(parts) == 1:
            yield parts[0]
            continue
        judged = [part.judged for part in parts if part.judged is not None]
        yield Block(
            parts[0].drugs, [name for part in parts for name in part.cell_lines], parts[0].column,
            np.concatenate([part.values for part in parts]), np.concatenate([part.measured for part in parts]),
            Judged.joined(judged) if judged else None,
        )  # fmt: skip
