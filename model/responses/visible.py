"""Responses that may pass messages; their means and residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pharmagraph.model.presets.choices import Split

SHRINKAGE = 10.0
"""Pairs' worth of no association that every correlation is pulled towards."""


def residuals(response: Tensor, measured: Tensor) -> Tensor:
    """Response less the means of its drug and of its cell line, 0 where not measured; same shape."""
    value = response * measured
    drug_mean = value.sum(0) / measured.sum(0).clamp(min=1)
    centred = (response - drug_mean) * measured
    cell_mean = centred.sum(1) / (measured.sum(1) + SHRINKAGE)
    return (centred - cell_mean[:, None]) * measured


PRIOR_PAIRS = 4
"""Pairs whose spread every drug is given to begin with, so that a drug of few pairs has none of nearly zero."""


class Means(NamedTuple):
    """Which of them are taken out of the values; none of a side that will be asked for unseen."""

    drugs: bool
    cell_lines: bool

    @classmethod
    def of(cls, split: Split) -> Means:
        """Of the sides that a split leaves seen."""
        return cls(not split.of_unseen_drugs, not split.of_unseen_cell_lines)


NO_MEANS = Means(False, False)
"""Of classes."""


@dataclass(frozen=True)
class Visible:
    """Responses that may pass messages.

    Attributes
    ----------
    value
        Larger is more sensitive, as `model.responses.scale.Scale.strength` has it; 0 where not measured; float32
        (n_cell_lines, n_drugs).
    sign
        1 sensitive, -1 resistant, 0 where not measured; same shape.
    measured
        0 or 1, float32, same shape.
    known_drugs, known_cell_lines
        Entities that may send messages and use their learned identity, bool (n,).
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
        """From pairs; ``known`` (drugs, cell lines) are those with a pair unless given."""
        values, sign, measured = (value.new_zeros(shape) for _ in range(3))
        values[cell_line, drug] = value
        sign[cell_line, drug] = 2.0 * sensitive - 1.0
        measured[cell_line, drug] = 1.0
        if known is None:
            known = (measured.any(0), measured.any(1))
        return cls(values, sign, measured, *known)

    def means(self, of: Means) -> tuple[Tensor, Tensor]:
        """Of the values: drug means, and cell-line means of what those leave, shrunk by a few pairs; (n,) each."""
        drug = of.drugs * self.value.sum(0) / (self.measured.sum(0) + 1)
        rest = (self.value - drug) * self.measured
        return drug, of.cell_lines * rest.sum(1) / (self.measured.sum(1) + 4)

    def spreads(self, of: Means) -> Tensor:
        """How far a drug's values lie from 0, in times of what all do, shrunk to 1; 1 if means are in; (n_drugs,)."""
        square, n = self.value.square().sum(0), self.measured.sum(0)
        if not of.drugs:
            return torch.ones_like(square)
        overall = (square.sum() / n.sum().clamp(min=1)).clamp(min=1e-12)
        return ((square / overall + PRIOR_PAIRS) / (n + PRIOR_PAIRS)).sqrt()

    def without(self, of_drug: Tensor, of_cell_line: Tensor) -> Visible:
        """The values less numbers of their drugs and of their cell lines, and the signs of what is left."""
        rest = (self.value - of_drug - of_cell_line[:, None]) * self.measured
        sign = torch.where(rest > 0, 1.0, -1.0) * self.measured
        return Visible(rest, sign, self.measured, self.known_drugs, self.known_cell_lines)
