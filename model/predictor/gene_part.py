"""What single genes add to predictions, by a run's arrays: `networks.gene_part` in NumPy, for one drug or cell line.

A drug of the run is asked again where its known targets are changed; a new one attends by similar drugs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pharmagraph.model.inputs.views import (
    ASSOCIATION_UNIT,
    FEWEST_CELL_LINES,
    GENE_FEATURES,
    N_OF_EACH_KIND,
    N_SHARPENED_DRUG_KERNELS,
    SHARPNESS,
)
from pharmagraph.model.predictor.features import Features, Floats, Omics

SMALLEST = 1e-6


@dataclass(frozen=True)
class _Candidates:
    """Columns and the evidence for them of one drug, (n,) each, as in `inputs.gene_pairs.GenePairs`."""

    kind: npt.NDArray[np.int64]
    gene: npt.NDArray[np.int64]
    association: Floats
    own: Floats
    associated: npt.NDArray[np.bool_]
    given: npt.NDArray[np.bool_]
    attended: Floats

    def evidence(self) -> Floats:
        """In the order of `EVIDENCE`, (n_evidence, n)."""
        size = ASSOCIATION_UNIT * np.abs(self.association)
        of_kinds = [self.kind == number for number in range(len(GENE_FEATURES))]
        rows = [
            size, ASSOCIATION_UNIT * np.abs(self.own), self.association * self.own > 0, self.associated,
            self.given, self.given * size, self.attended, *of_kinds,
        ]  # fmt: skip
        return np.stack(rows).astype(np.float32)


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
        self._kept: dict[str, Floats] = {}
        self._of_all: Floats | None = None
        self._n_read = int(self._array("n_read")[0])
        self.kind, self.gene = (self._array(name).astype(np.int64) for name in ("kind", "gene"))
        self._mean, self.deviation = self._array("mean"), self._array("deviation")

    def _array(self, name: str) -> Floats:
        if name not in self._kept:  # each drug asks for all of them
            self._kept[name] = self._read(f"genes/{name}")
        return self._kept[name]

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

    def values_of_all(self, features: Features) -> Floats:
        """Values of all cell lines of the run, (n_cell_lines, n_columns)."""
        if self._of_all is None:
            self._of_all = np.stack(
                [self.values(features.omics(at)) for at in range(len(features.cell_lines))]
            )
        return self._of_all

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

    def of_new_drugs(self, similarities: Floats, features: Features) -> list[Floats]:
        """Effects of the columns for drugs without responses and targets, by drugs of similar structure.

        Parameters
        ----------
        similarities
            `Features.drug_similarities`.
        features
            Of the run.
        """
        associations = self._smooth(self._near(similarities), self._own)
        attended = features.attended(similarities, self.gene)
        nothing = np.zeros(self.n_columns, associations.dtype)
        return [
            self._sum(
                _Candidates(
                    self.kind, self.gene, association, nothing, self._strongest(association), nothing > 0, own
                )
            )
            for association, own in zip(associations, attended, strict=True)
        ]

    def of_drug(self, drug: int, targets: npt.NDArray[np.bool_], features: Features) -> Floats:
        """Effects of the columns for a drug of the run, as if its known targets were others.

        Parameters
        ----------
        drug
            Its number.
        targets
            Known targets, bool (n_genes,): they choose candidates, and which drugs count as similar.
        features
            Of the run.
        """
        kind, gene, values = self._columns_of(np.flatnonzero(targets), features)
        own = np.concatenate([self._own, self._correlations(values)], axis=1)
        unit = targets / _norms(targets[None])[0]
        shared: Floats = (features.targets / _norms(features.targets) @ unit).astype(np.float32)
        near = self._near(features.similarities_of(drug)) + shared**2
        near[drug] = 1
        association = self._smooth(near, own)
        kind, gene = np.concatenate([self.kind, kind]), np.concatenate([self.gene, gene])
        attended = features.attended_by(drug, targets, gene)
        associated = self._strongest(association) | (
            _first_of_each_kind(own[drug], kind) & (association != 0)
        )
        candidates = _Candidates(kind, gene, association, own[drug], associated, targets[gene], attended)
        return self._sum(candidates, drug)

    @cached_property
    def _own(self) -> Floats:
        return self._array("own").astype(np.float32)

    @staticmethod
    def _near(similarities: Floats) -> Floats:
        near: Floats = np.maximum(similarities[..., :N_SHARPENED_DRUG_KERNELS].mean(-1), 0) ** SHARPNESS
        return near

    def _smooth(self, near: Floats, own: Floats) -> Floats:
        """Mean of the correlations of drugs with responses, the nearer ones weighing more, (…, n)."""
        weight = near * self._array("known")
        found: Floats = (weight @ own / np.maximum(weight.sum(-1, keepdims=True), SMALLEST)).astype(
            np.float32
        )
        return found

    def _strongest(self, association: Floats) -> npt.NDArray[np.bool_]:
        """The candidates by association, (n,)."""
        read = np.zeros(len(association), bool)
        read[np.argsort(-np.abs(association), kind="stable")[: self._n_read]] = True
        return read & (association != 0)

    def _columns_of(
        self, genes: npt.NDArray[np.int64], features: Features
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        """Columns of some genes to which no drug of the run attends: kind, gene, and standardised values.

        Those are (n_cell_lines, n). The columns are chosen as in `inputs.gene_features.GeneFeatures`.
        """
        attended = set(zip(self.kind.tolist(), self.gene.tolist(), strict=True))
        kinds, numbers, columns = [], [], [np.empty((len(features.cell_lines), 0), np.float32)]
        for kind, name in enumerate(GENE_FEATURES):
            table = getattr(features, name)
            known = table.any(axis=1)
            for gene in genes.tolist():
                raw = table[:, gene]
                varies = (raw != 0).sum() >= FEWEST_CELL_LINES and raw.std() > 0
                if (kind, gene) not in attended and varies:
                    kinds.append(kind)
                    numbers.append(gene)
                    columns.append(((raw - raw.mean()) / raw.std() * known)[:, None].astype(np.float32))
        return np.array(kinds, np.int64), np.array(numbers, np.int64), np.concatenate(columns, axis=1)

    def _correlations(self, values: Floats) -> Floats:
        """`inputs.gene_pairs.correlations` of columns with the responses of every drug, (n_drugs, n)."""
        norms = np.sqrt(self._read("measured").astype(np.float32).T @ values**2)
        found: Floats = self._array("unit").astype(np.float32).T @ values / np.maximum(norms, SMALLEST)
        return found

    def _sum(self, candidates: _Candidates, drug: int | None = None) -> Floats:
        """Effects of the run's columns by candidates, of which they are the first, (n_columns,)."""
        found = np.zeros(len(candidates.kind), np.float32)
        evidence, size = candidates.evidence(), np.abs(candidates.association)
        heads = (
            (candidates.associated, 2 * np.log(np.maximum(size, SMALLEST)), np.sign(candidates.association)),
            (candidates.given, np.zeros_like(size), np.ones_like(size)),
        )
        for member in range(self._n_members):
            scale = 1.0 if drug is None else float(self._read(f"{member}/drug_scale")[drug])
            learned = np.zeros((len(heads), len(found)), np.float32)
            learned[:, : self.n_columns] = self._array(f"{member}/weights") * scale / self._n_members
            for head, (read, prior, sign) in enumerate(heads):
                attention = self._attention(member, head, evidence[:, read], prior[read])
                weight = self._array(f"{member}/kinds")[head, candidates.kind[read]]
                found[read] += sign[read] * np.sqrt(attention * weight) * learned[head, read]
        return found[: self.n_columns]

    def _attention(self, member: int, head: int, evidence: Floats, prior: Floats) -> Floats:
        """Softmax of one of `HEADS`, (n,); evidence is (n_evidence, n), and ``prior`` is added to the score."""
        hidden = self._array(f"{member}/edge") @ evidence + self._array(f"{member}/bias")[:, None]
        score = self._array(f"{member}/att")[head] @ np.where(hidden > 0, hidden, 0.2 * hidden) + prior
        weight = np.exp(score - score.max(initial=-np.inf))
        attention: Floats = weight / weight.sum()
        return attention


def _norms(rows: npt.NDArray[np.bool_]) -> Floats:
    """Euclidean norms of rows, not 0, (n, 1)."""
    norms: Floats = np.sqrt(np.maximum(rows.sum(1, keepdims=True), 1)).astype(np.float32)
    return norms


def _first_of_each_kind(own: Floats, kind: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The candidates by a drug's own correlations, (n,)."""
    found = np.zeros(len(own), bool)
    for number in range(len(GENE_FEATURES)):
        of_kind = np.flatnonzero(kind == number)
        found[of_kind[np.argsort(-np.abs(own[of_kind]), kind="stable")[:N_OF_EACH_KIND]]] = True
    return found & (own != 0)
