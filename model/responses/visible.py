"""The responses that may pass messages in one step, their means and their residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pharmagraph.model.presets.choices import Split

SHRINKAGE = 10.0
"""Pseudo-count, in pairs, by which correlations and cell-line means are shrunk to 0."""


def residuals(response: Tensor, measured: Tensor) -> Tensor:
    """Responses minus the means of their drug and cell line; 0 if not measured; same shape."""
    value = response * measured
    drug_mean = value.sum(0) / measured.sum(0).clamp(min=1)
    centred = (response - drug_mean) * measured
    cell_mean = centred.sum(1) / (measured.sum(1) + SHRINKAGE)
    return (centred - cell_mean[:, None]) * measured


PRIOR_PAIRS = 4
"""Pseudo-count, in pairs with the overall spread, so that the spread of a drug with few pairs is not nearly zero."""


class Means(NamedTuple):
    """Whether the means of drugs and of cell lines are subtracted from the values; not those of a held-out side."""

    drugs: bool
    cell_lines: bool

    @classmethod
    def of(cls, split: Split) -> Means:
        """The means that are subtracted for a split: those of the sides that it does not hold out."""
        return cls(not split.of_unseen_drugs, not split.of_unseen_cell_lines)


NO_MEANS = Means(False, False)
"""No means are subtracted, as for classification."""


@dataclass(frozen=True)
class Visible:
    """Responses that may pass messages.

    Attributes
    ----------
    value
        `model.responses.scale.Scale.strength` of each pair, larger for more sensitive; 0 if not measured; float32
        (n_cell_lines, n_drugs).
    sign
        1 sensitive, -1 resistant, 0 if not measured; same shape.
    measured
        1 if measured, else 0; float32, same shape.
    known_drugs, known_cell_lines
        Whether an entity may send messages and use its learned identity, bool (n,).
    """

    value: Tensor
    sign: Tensor
    measured: Tensor
    known_drugs: Tensor
    known_cell_lines: Tensor

    @classmethod
    def of(
        cls,
        drug: Tensor,
        cell_line: Tensor,
        value: Tensor,
        sensitive: Tensor,
        shape: tuple[int, int],
        *,
        known: tuple[Tensor, Tensor] | None = None,
    ) -> Visible:
        """Make it from pairs; ``known`` (drugs, cell lines) are by default the entities that have a pair."""
        values, sign, measured = (value.new_zeros(shape) for _ in range(3))
        values[cell_line, drug] = value
        sign[cell_line, drug] = 2.0 * sensitive - 1.0
        measured[cell_line, drug] = 1.0
        if known is None:
            known = (measured.any(0), measured.any(1))
        return cls(values, sign, measured, *known)

    def means(self, of: Means) -> tuple[Tensor, Tensor]:
        """Means of drugs, and means of cell lines after subtracting those; shrunk by 1 and by 4 pairs; (n,) each."""
        drug = of.drugs * self.value.sum(0) / (self.measured.sum(0) + 1)
        rest = (self.value - drug) * self.measured
        return drug, of.cell_lines * rest.sum(1) / (self.measured.sum(1) + 4)

    def spreads(self, of: Means) -> Tensor:
        """Spread of each drug's values relative to that of all values, shrunk to 1; (n_drugs,).

        The spread is the root mean square, of values whose drug means were subtracted; otherwise it is 1.
        """
        square, n = self.value.square().sum(0), self.measured.sum(0)
        if not of.drugs:
            return torch.ones_like(square)
        overall = (square.sum() / n.sum().clamp(min=1)).clamp(min=1e-12)
        return ((square / overall + PRIOR_PAIRS) / (n + PRIOR_PAIRS)).sqrt()

    def without(self, of_drug: Tensor, of_cell_line: Tensor) -> Visible:
        """The values minus an offset of their drug and one of their cell line, with the signs of the result."""
        rest = (self.value - of_drug - of_cell_line[:, None]) * self.measured
        sign = torch.where(rest > 0, 1.0, -1.0) * self.measured
        return Visible(rest, sign, self.measured, self.known_drugs, self.known_cell_lines)
