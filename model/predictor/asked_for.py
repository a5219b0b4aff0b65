"""The drugs and cell lines that a prediction is asked for, and the sum that the output for one pair is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pharmagraph.model.predictor.features import Floats


@dataclass(frozen=True)
class Entity:
    """A drug or a cell line that is asked for.

    Attributes
    ----------
    number
        Its number in the run's graph; None for a new one.
    similarities
        Row of similarities that is added to that of the known entity, (n, n_kernels); None where nothing is.
    overlap
        The same for the overlap of attention to genes, (n_drugs,); of drugs only.
    features
        What components are made of: all of it for a new entity, the difference for a changed one, (width,).
    genes
        Of a cell line: its values in the columns of the gene part, for a changed one the difference, (n_columns,). Of a
        drug: the effects of these columns, likewise.
    """

    number: int | None
    similarities: Floats | None = field(default=None, repr=False)
    overlap: Floats | None = field(default=None, repr=False)
    features: Floats | None = field(default=None, repr=False)
    genes: Floats | None = field(default=None, repr=False)

    @property
    def as_trained(self) -> bool:
        """Whether it is known and unchanged."""
        return self.similarities is None and self.overlap is None and self.genes is None


@dataclass(frozen=True)
class Parts:
    """The output for one pair as a sum: two levels, single genes, and global likeness, which is the rest.

    Attributes
    ----------
    output
        The whole sum.
    drug, cell_line
        Levels of the drug on all cell lines, and of the cell line for all drugs.
    gene, kind
        Of each column that the drug attends to: node number, and position in `GENE_FEATURES`, int64 (n,).
    value, effect
        What the cell line has there, in deviations from the mean, and the effect of one deviation, (n,).
    """

    output: float
    drug: float
    cell_line: float
    gene: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    effect: npt.NDArray[np.float64]

    @property
    def likeness(self) -> float:
        """What similar drugs and cell lines give."""
        return self.output - self.drug - self.cell_line - float(self.value @ self.effect)


class Side:
    """The drugs, or the cell lines, that are asked for."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._entities = entities
        self.known = np.array([entity.number is not None for entity in entities])
        self.at = np.array([entity.number or 0 for entity in entities], np.int64)
        self.has_features = any(entity.features is not None for entity in entities)
        self.any_genes = any(entity.genes is not None for entity in entities)

    def rows(
        self, width: int, weights: Floats, constant: float, of_genes: float | None = None
    ) -> npt.NDArray[np.float64]:
        """Weighted similarities of each to the run's entities; of a changed one, the difference, (n, width)."""
        found = np.zeros((len(self._entities), width))
        for row, entity in zip(found, self._entities, strict=True):
            if entity.similarities is not None:
                row += entity.similarities @ weights
            if entity.overlap is not None and of_genes is not None:
                row += of_genes * entity.overlap
            if entity.number is None:
                row += constant
        return found

    def genes(self, n_columns: int) -> npt.NDArray[np.float64]:
        """Values or effects of the gene part's columns that are new or changed, (n, n_columns)."""
        found = np.zeros((len(self._entities), n_columns))
        for row, entity in zip(found, self._entities, strict=True):
            if entity.genes is not None:
                row += entity.genes
        return found

    def features(self, axes: Floats, mean: Floats) -> npt.NDArray[np.float64]:
        """Features of new entities on principal components, and differences of changed ones, (n, k)."""
        found = np.zeros((len(self._entities), axes.shape[1]))
        for row, entity in zip(found, self._entities, strict=True):
            if entity.features is not None:
                row += (entity.features - (mean if entity.number is None else 0)) @ axes
        return found
