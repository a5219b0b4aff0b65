"""What cell lines have of a few genes, one of which may decide the responses to a drug."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.wording import named
from pharmagraph.model.predictor import Features
from pharmagraph.model.suggest.belief import Floats, Numbers, OfGenes

NOISE = 1.0
"""Variance of a measurement in units of that of one gene's effect. Set by hand."""


@dataclass(frozen=True)
class Differing:
    """Expression and mutations of the genes.

    Attributes
    ----------
    cell_lines
        Ids of the run's.
    columns
        Gene, whether it is its mutation, and what each cell line has, (n_cell_lines,).
    """

    cell_lines: Sequence[str]
    columns: Sequence[tuple[str, bool, npt.NDArray[np.float64]]]

    @classmethod
    def of(cls, graph: SavedArrays, genes: Sequence[str], notes: list[str]) -> Differing:
        """From a run's graph, by ids of genes; what is left out is added to the notes.

        Raises
        ------
        ModelError
            If cell lines differ in none of them.
        """
        features, ids = Features(graph, {}, None), graph.ids("Gene")
        at = {gene: ids.index(gene) for gene in dict.fromkeys(genes) if gene in ids}
        columns = [
            (gene, mutated, values[:, number].astype(np.float64))
            for gene, number in at.items()
            for mutated, values in ((False, features.expression), (True, features.mutation))
        ]
        columns = [one for one in columns if one[2].std() > 0]
        used = list(dict.fromkeys(gene for gene, *_ in columns))
        if not used:
            raise ModelError(
                "cell lines of the run differ in none of these genes, by expression or mutations; name others: "
                f"{named('gene')} EGFR {named('gene')} ERBB2"
            )
        if without := [gene for gene in dict.fromkeys(genes) if gene not in used]:
            notes.append(f"genes in which cell lines do not differ, left out: {', '.join(without)}")
        notes.append(f"genes that may decide the responses: {', '.join(used)}")
        return cls(graph.ids("CellLine"), columns)

    def belief(self, lines: Sequence[int], candidates: Numbers, tested: Collection[str]) -> OfGenes:
        """What is believed of the responses of candidates, positions in ``lines``, given lines that were tested."""
        values: Floats = np.stack([(v - v.mean()) / v.std() for *_, v in self.columns], 1)
        measured = [number for number, id_ in enumerate(self.cell_lines) if id_ in tested]
        return OfGenes(values[np.asarray(lines)[candidates]], values[measured], NOISE)

    def said(self, line: int) -> str:
        """What a cell line has, in words."""
        return ", ".join(
            f"{gene} mutated" if mutated else f"{gene} z {values[line]:+.1f}"
            for gene, mutated, values in self.columns
            if not mutated or values[line] > 0
        )
