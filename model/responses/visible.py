"""Responses that may pass messages: their table, the means that are taken out of it, and the scale of each drug.

"The mean of a drug" is four different quantities here, each for its purpose:

- `Offsets`: means of the values of a regression, shrunk towards 0. They are taken out of what a network sees
  (`Visible.without_means`) and added to what it predicts (`Offsets.of_pairs`), in this module alone.
- `residuals`: values less drug means, not shrunk, and cell-line means. Correlations and profiles are made of them;
  nothing is added back.
- `Visible.sign_means`: mean class of a drug or cell line, shrunk towards even odds: a feature.
- In `scale.py`, the mean ln IC50 from which a graded response is measured: not shrunk, in the unit of ln IC50.

Baselines have a fifth (`baselines/means.py`), shrunk towards the mean of all pairs: it is a prediction by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pharmagraph.model.presets.choices import Split

SHRINKAGE = 10.0
"""Pairs of no association that are added to every correlation and to a cell line's mean in `residuals`. Set by hand."""

DRUG_OFFSET_PAIRS, CELL_LINE_OFFSET_PAIRS = 1, 4
"""Pairs of value 0 that are added to a drug's and to a cell line's mean in `Offsets`. Set by hand."""

SIGN_PAIRS = 4
"""Pairs, half of them sensitive, that are added to a mean class (`Visible.sign_means`). Set by hand."""

SCALE_PAIRS = 4
"""Pairs of the overall scale that are added to a drug's scale: else a drug of few pairs could have a scale of nearly 0.
Set by hand."""


def residuals(response: Tensor, measured: Tensor) -> Tensor:
    """Responses less the means of their drug and cell line, 0 where not measured, (n_cell_lines, n_drugs)."""
    value = response * measured
    drug_mean = value.sum(0) / measured.sum(0).clamp(min=1)
    centred = (response - drug_mean) * measured
    cell_mean = centred.sum(1) / (measured.sum(1) + SHRINKAGE)
    return (centred - cell_mean[:, None]) * measured


class Means(NamedTuple):
    """Whether drug means and cell-line means are taken out of the visible values.

    Means of entities that will be asked for unseen stay in: they have to be predicted, too.
    """

    drugs: bool
    cell_lines: bool

    @classmethod
    def of(cls, split: Split) -> Means:
        """Those of the sides of which a split holds out no whole entity."""
        return cls(not split.of_unseen_drugs, not split.of_unseen_cell_lines)


NO_MEANS = Means(False, False)
"""Nothing is taken out: values of classes have no means."""


@dataclass(frozen=True)
class Offsets:
    """Means that were taken out of visible values, to be added to what is predicted from the rest.

    Attributes
    ----------
    drug, cell_line
        In the unit of the values, (n_drugs,) and (n_cell_lines,); 0 where nothing was taken out.
    """

    drug: Tensor
    cell_line: Tensor

    def of_pairs(self, drug: Tensor, cell_line: Tensor) -> Tensor:
        """The offsets of pairs given by node numbers, (n_pairs,)."""
        return self.drug[drug] + self.cell_line[cell_line]


@dataclass(frozen=True)
class Visible:
    """Responses that may pass messages.

    Attributes
    ----------
    value
        Larger is more sensitive (`Scale.strength`); 0 where not measured; float32 (n_cell_lines, n_drugs).
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
        """From pairs; ``known`` (drugs, cell lines) are the entities with a pair unless given."""
        values, sign, measured = (value.new_zeros(shape) for _ in range(3))
        values[cell_line, drug] = value
        sign[cell_line, drug] = 2.0 * sensitive - 1.0
        measured[cell_line, drug] = 1.0
        if known is None:
            known = (measured.any(0), measured.any(1))
        return cls(values, sign, measured, *known)

    def offsets(self, means: Means) -> Offsets:
        """Drug means of the values, and cell-line means of what is left without them, where ``means`` wants them."""
        drug = means.drugs * self.value.sum(0) / (self.measured.sum(0) + DRUG_OFFSET_PAIRS)
        rest = (self.value - drug) * self.measured
        return Offsets(drug, means.cell_lines * rest.sum(1) / (self.measured.sum(1) + CELL_LINE_OFFSET_PAIRS))

    def without_means(self, means: Means) -> tuple[Visible, Offsets]:
        """The responses less their means, signs being those of what is left, and the means."""
        offsets = self.offsets(means)
        rest = (self.value - offsets.drug - offsets.cell_line[:, None]) * self.measured
        sign = torch.where(rest > 0, 1.0, -1.0) * self.measured
        return Visible(rest, sign, self.measured, self.known_drugs, self.known_cell_lines), offsets

    def sign_means(self, dim: int) -> Tensor:
        """Mean sign over cell lines (0), of each drug, or over drugs (1), of each cell line; shrunk towards 0."""
        return self.sign.sum(dim) / (self.measured.sum(dim) + SIGN_PAIRS)

    def drug_scales(self, means: Means) -> Tensor:
        """Root mean square of a drug's values as a multiple of that of all values, shrunk towards 1, (n_drugs,).

        1 where drug means are still in: they would count as scale.
        """
        square, n = self.value.square().sum(0), self.measured.sum(0)
        if not means.drugs:
            return torch.ones_like(square)
        overall = (square.sum() / n.sum().clamp(min=1)).clamp(min=1e-12)
        return ((square / overall + SCALE_PAIRS) / (n + SCALE_PAIRS)).sqrt()
