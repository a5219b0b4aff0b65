"""Columns of the drugs' covariance from fingerprints, for graphs whose drugs are too many for all similarities.

`similarities.drug_kernels` computes the same similarities of all drugs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pharmagraph.kg.errors import ShapeError
from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.model.inputs.views import DRUG_KERNELS

BY_STRUCTURE = DRUG_KERNELS[:-1]
"""Similarities that follow from two structures alone. The stored one, the last, takes eigenvectors of all drugs."""

ROWS = 4096
"""Drugs whose similarities are computed at once; their fingerprints take 8 MB a view."""


class StructureColumns:
    """A weighted sum of similarities by structure and a constant, ``Σ_v w_v K_v + c``, column by column.

    Parameters
    ----------
    views
        Fingerprints by name (`kg.fingerprints.FINGERPRINTS`): bits or counts, uint8 (n_drugs, width).
    weights
        Of the similarities in the order of `BY_STRUCTURE`, at least 0, (7,).
    constant
        Covariance that all drugs share.

    Raises
    ------
    ShapeError
        If there is not a weight for each similarity.
    """

    def __init__(self, views: Mapping[str, Tensor], weights: Sequence[float], constant: float = 0.0) -> None:
        if len(weights) != len(BY_STRUCTURE):
            raise ShapeError(f"weights: {len(weights)} values, expected {len(BY_STRUCTURE)}")
        self.views, self.constant = {name: views[name] for name in FINGERPRINTS}, constant
        *self.weights, self.of_rare_bits = weights
        bits = self.views["fingerprint"]
        self.n = len(bits)
        count = sum((part.sum(0, dtype=torch.int64) for part in bits.split(ROWS)), torch.zeros(bits.shape[1]))
        self.rarity = torch.log1p(self.n / (1 + count.float()))

    def __call__(self, drugs: Tensor) -> Tensor:
        """Columns of drugs (b,) given by number, float32 (n_drugs, b)."""
        found = torch.full((self.n, len(drugs)), self.constant)
        of_drugs = {name: view[drugs].numpy() for name, view in self.views.items()}
        rare = self._rare(drugs)
        for start in range(0, self.n, ROWS):
            rows = slice(start, min(start + ROWS, self.n))
            for name, weight in zip(FINGERPRINTS, self.weights, strict=True):
                if weight:
                    found[rows] += weight * torch.from_numpy(
                        tanimoto(self.views[name][rows].numpy(), of_drugs[name])
                    )
            if self.of_rare_bits:
                found[rows] += self.of_rare_bits * (self._rare(rows) @ rare.T)
        return found

    def diagonal(self) -> Tensor:
        """Diagonal, float32 (n_drugs,): a similarity of a drug with itself is 1, or 0 without a structure."""
        found = torch.full((self.n,), self.constant)
        for name, weight in zip(
            (*FINGERPRINTS, "fingerprint"), (*self.weights, self.of_rare_bits), strict=True
        ):
            found += weight * self.views[name].any(1).float()
        return found

    def _rare(self, rows: Tensor | slice) -> Tensor:
        """Unit vectors of bits, in which rare ones count more; 0 without a structure."""
        weighted = self.views["fingerprint"][rows] * self.rarity
        return weighted / weighted.norm(dim=1, keepdim=True).clamp(min=1e-12)
