"""What single genes add to predictions, by a run's arrays: `networks.gene_part` in NumPy, for one drug or cell line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pharmagraph.model.inputs.views import (
    ASSOCIATION_UNIT,
    EVIDENCE,
    GENE_FEATURES,
    N_SHARPENED_DRUG_KERNELS,
    SHARPNESS,
)
from pharmagraph.model.predictor.features import Features, Floats, Omics

SMALLEST = 1e-6


class GenePart:
    """The gene part of a run's networks.

    Parameters
    ----------
    array
        Reads an array of the predictor by name.
    n_members
        Number of networks.
    """

    def __init__(self, array: Callable[[str], Floats], n_members: int) -> None:
        self._read, self._n_members = array, n_members
        self._n_read = int(self._array("n_read")[0])
        self.kind, self.gene = (self._array(name).astype(np.int64) for name in ("kind", "gene"))
        self._mean, self.deviation = self._array("mean"), self._array("deviation")

    def _array(self, name: str) -> Floats:
        return self._read(f"genes/{name}")

    @property
    def n_columns(self) -> int:
        """Columns that a drug of the run attends to: a gene and a kind of omics each."""
        return len(self.kind)

    def values(self, omics: Omics) -> Floats:
        """A cell line's values in deviations from the mean, 0 for a kind of which nothing is known, (n_columns,)."""
        found = np.zeros(self.n_columns, np.float32)
        for number, name in enumerate(GENE_FEATURES):
            raw, of_kind = getattr(omics, name), self.kind == number
            if raw.any():
                found[of_kind] = (raw[self.gene[of_kind]] - self._mean[of_kind]) / self.deviation[of_kind]
        return found

    def effects(self, drugs: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Change of the output for each deviation of a column, of some of the run's drugs, (n, n_columns)."""
        drug, column, effect = self._effects
        found = np.zeros((len(drugs), self.n_columns))
        for row, number in zip(found, drugs, strict=True):
            first, last = np.searchsorted(drug, [number, number + 1])
            row[column[first:last]] = effect[first:last]
        return found

    @cached_property
    def _effects(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        return (
            self._array("drug").astype(np.int64),
            self._array("column").astype(np.int64),
            self._array("effect"),
        )

    def of_new_drug(self, similarities: Floats, features: Features) -> Floats:
        """Effects of the columns for a drug without responses and targets, by drugs of similar structure.

        Parameters
        ----------
        similarities
            `Features.drug_similarities`.
        features
            Of the run.
        """
        near = np.maximum(similarities[:, :N_SHARPENED_DRUG_KERNELS].mean(1), 0) ** SHARPNESS
        near = near * self._array("known")
        association = near @ self._array("own").astype(np.float32) / max(float(near.sum()), SMALLEST)
        size = np.abs(association)
        read = np.zeros(self.n_columns, bool)
        read[np.argsort(-size, kind="stable")[: self._n_read]] = True
        read &= size > 0
        evidence = np.zeros((len(EVIDENCE), self.n_columns), np.float32)
        evidence[EVIDENCE.index("association")] = ASSOCIATION_UNIT * size
        evidence[EVIDENCE.index("associated")] = 1
        evidence[EVIDENCE.index("attended as a target")] = features.attended(similarities, self.gene)
        for number, name in enumerate(GENE_FEATURES):
            evidence[EVIDENCE.index(name)] = self.kind == number
        found = np.zeros(self.n_columns, np.float32)
        for member in range(self._n_members):
            attention = self._attention(member, evidence[:, read], size[read])
            weight = self._array(f"{member}/kinds")[0, self.kind[read]]
            coefficients = np.sign(association[read]) * np.sqrt(attention * weight)
            found[read] += coefficients * self._array(f"{member}/weights")[0, read] / self._n_members
        return found

    def _attention(self, member: int, evidence: Floats, size: Floats) -> Floats:
        """Softmax of the head that reads association, (n,); evidence is (n_evidence, n)."""
        hidden = self._array(f"{member}/edge") @ evidence + self._array(f"{member}/bias")[:, None]
        score = self._array(f"{member}/att")[0] @ np.where(hidden > 0, hidden, 0.2 * hidden)
        score = score + 2 * np.log(np.maximum(size, SMALLEST))
        weight = np.exp(score - score.max(initial=-np.inf))
        attention: Floats = weight / weight.sum()
        return attention
