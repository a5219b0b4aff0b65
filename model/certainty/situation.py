"""What is known about pairs before they are measured, which tells how far off their predictions may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pharmagraph.model.presets.choices import Split

if TYPE_CHECKING:
    from pharmagraph.model.certainty.held_out import HeldOut

Array = npt.NDArray[np.floating]

SMALLEST = 1e-3
"""Deviations and spreads below it count as this, in the unit of outputs: their logarithm is taken. Set by hand."""

PRIOR_PAIRS = 10
"""Pairs of the mean error that are added to the error of one drug or cell line. Set by hand."""

SHARPNESS, PRIOR_WEIGHT = 4, 0.1
"""Power of the similarity that weighs the errors of others for a new entity, and weight of the mean. Set by hand."""

COLUMNS = (
    "log deviation", "log spread", "drug distance", "cell-line distance", "log drug error", "log cell-line error",
    "output", "squared output",
)  # fmt: skip
"""What errors depend on, in this order."""


def kinds_of(
    known_drugs: npt.NDArray[np.bool_], known_cell_lines: npt.NDArray[np.bool_]
) -> dict[Split, np.ndarray]:
    """Kind of pair → which pairs are of it, bool (n_cell_lines, n_drugs), by what was measured of drugs and lines."""
    c, d = known_cell_lines[:, None], known_drugs[None]
    return {
        Split.random: c & d,
        Split.unseen_drug: c & ~d,
        Split.unseen_cell: ~c & d,
        Split.unseen_both: ~c & ~d,
    }


@dataclass(frozen=True)
class Errors:
    """Mean absolute error of hidden random pairs by drug and by cell line, shrunk towards that of all.

    Attributes
    ----------
    drug, cell_line
        (n_drugs,) and (n_cell_lines,), in the unit of the label.
    """

    drug: Array
    cell_line: Array

    @classmethod
    def of(cls, held_out: HeldOut, error: Array, shape: tuple[int, int]) -> Errors:
        """From hidden random pairs and their absolute errors, (n,); ``shape`` is (n_cell_lines, n_drugs)."""
        sides = ((held_out.drug, shape[1]), (held_out.cell_line, shape[0]))
        return cls(*(_shrunk(at, error, n) for at, n in sides))

    @staticmethod
    def without_own(at: npt.NDArray[np.int64], error: Array) -> Array:
        """The error of each pair's own drug, or cell line, by its other pairs, (n,)."""
        total, count = np.bincount(at, error), np.bincount(at)
        found: Array = (total[at] - error + PRIOR_PAIRS * error.mean()) / (count[at] - 1 + PRIOR_PAIRS)
        return found

    @staticmethod
    def of_new(similarity: Array, errors: Array) -> Array:
        """The error of new entities: that of similar ones, (n_new,) from similarities (n_new, n)."""
        weight = np.clip(similarity, 0, 1) ** SHARPNESS
        found: Array = (weight @ errors + PRIOR_WEIGHT * errors.mean()) / (weight.sum(-1) + PRIOR_WEIGHT)
        return found


def _shrunk(at: npt.NDArray[np.int64], error: Array, n: int) -> Array:
    total, count = np.bincount(at, error, n), np.bincount(at, minlength=n)
    found: Array = (total + PRIOR_PAIRS * error.mean()) / (count + PRIOR_PAIRS)
    return found


@dataclass(frozen=True)
class Situation:
    """What errors depend on, for pairs in arrays that broadcast to one shape.

    Attributes
    ----------
    drug, cell_line
        Node numbers, -1 for new ones, for groups of their own.
    tissue
        Code of the cell line's tissue, -1 unknown.
    output
        Logit, or standardised −ln IC50.
    deviation, spread
        As in `HeldOut`.
    drug_distance, cell_line_distance
        Likewise.
    drug_error, cell_line_error
        As in `Errors`.
    """

    drug: npt.NDArray[np.int64]
    cell_line: npt.NDArray[np.int64]
    tissue: npt.NDArray[np.int64]
    output: Array
    deviation: Array
    spread: Array
    drug_distance: Array
    cell_line_distance: Array
    drug_error: Array
    cell_line_error: Array

    def columns(self) -> list[Array]:
        """The values of `COLUMNS`."""
        return [
            np.log(np.maximum(self.deviation, SMALLEST)), np.log(np.maximum(self.spread, SMALLEST)),
            self.drug_distance, self.cell_line_distance, np.log(self.drug_error), np.log(self.cell_line_error),
            self.output, self.output**2,
        ]  # fmt: skip

    def excess(self, knees: Sequence[float]) -> list[Array]:
        """By how much the distances of drugs and of cell lines are beyond others; none where no knees are given."""
        distances = (self.drug_distance, self.cell_line_distance)
        return [np.maximum(distance - knee, 0) for distance, knee in zip(distances, knees, strict=False)]

    def take(self, rows: np.ndarray) -> Situation:
        """Some pairs of arrays that are all of one shape."""
        return Situation(
            *(np.broadcast_to(getattr(self, f.name), self.output.shape)[rows] for f in fields(self))
        )


def situations(
    held_out: Mapping[Split, HeldOut],
    errors: Mapping[Split, Array],
    similarity: tuple[Array, Array],
    tissue: npt.NDArray[np.int64],
) -> tuple[dict[Split, Situation], Errors]:
    """The situations of hidden pairs, and the errors of all drugs and cell lines.

    Parameters
    ----------
    held_out, errors
        Hidden pairs by kind, those of random pairs among them, and their absolute errors, (n,).
    similarity
        Of structures and of expression, (n_drugs, n_drugs) and (n_cell_lines, n_cell_lines).
    tissue
        Code of each cell line's tissue, -1 unknown.
    """
    drugs, cell_lines = similarity
    random = held_out.get(Split.random) or next(iter(held_out.values()))
    by_random = errors.get(Split.random)
    by_random = next(iter(errors.values())) if by_random is None else by_random
    of_all = Errors.of(random, by_random, (len(cell_lines), len(drugs)))
    found = {}
    for kind, pairs in held_out.items():
        own = errors[kind] if kind is Split.random else None
        found[kind] = situation_of(kind, pairs, of_all, similarity, tissue, own)
    return found, of_all


def situation_of(
    kind: Split,
    pairs: HeldOut,
    of_all: Errors,
    similarity: tuple[Array, Array],
    tissue: npt.NDArray[np.int64],
    own: Array | None = None,
) -> Situation:
    """The situation of hidden pairs of one kind; other parameters as in `situations`.

    Parameters
    ----------
    of_all
        Errors of all drugs and cell lines.
    own
        Errors of the pairs where they are among those that ``of_all`` is made of, (n,).
    """
    of_sides = [
        Errors.without_own(at, own) if own is not None
        else of_known[at] if not hidden
        else _of_hidden(at, distance, similar, of_known)
        for at, distance, similar, of_known, hidden in (
            (pairs.drug, pairs.drug_distance, similarity[0], of_all.drug, kind.of_unseen_drugs),
            (
                pairs.cell_line, pairs.cell_line_distance, similarity[1], of_all.cell_line,
                kind.of_unseen_cell_lines,
            ),
        )
    ]  # fmt: skip
    return Situation(
        pairs.drug, pairs.cell_line, tissue[pairs.cell_line], pairs.output, pairs.deviation, pairs.spread,
        pairs.drug_distance, pairs.cell_line_distance, of_sides[0], of_sides[1],
    )  # fmt: skip


def _of_hidden(at: npt.NDArray[np.int64], distance: Array, similarity: Array, errors: Array) -> Array:
    """Errors of hidden entities by those that are not nearer than the nearest visible one, (n,)."""
    which, first, back = np.unique(at, return_index=True, return_inverse=True)
    similar = similarity[which]
    similar = np.where(similar <= 1 - distance[first][:, None] + 1e-6, similar, 0)
    found: Array = Errors.of_new(similar, errors)[back]
    return found
