"""Cell lines of a run with the value of one gene changed, for many genes at once.

The similarities of the changed cell line are those of `Features.cell_line_similarities`, updated by the one value in
place of computed from all; a test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, GENE_FEATURES
from pharmagraph.model.predictor.asked_for import Entity
from pharmagraph.model.predictor.features import SMALLEST_NORM, Floats
from pharmagraph.model.predictor.predictor import Predictor

BY_EXPRESSION = ("components", "cosine", "rbf", "rbf_wide", "rbf_narrow", "rbf_narrower")
WIDTHS = {"rbf": 1.0, "rbf_wide": 0.5, "rbf_narrow": 2.0, "rbf_narrower": 4.0}
"""Similarities that depend on expression, and powers of the RBF kernel."""

Doubles = npt.NDArray[np.float64]


class OneGene:
    """Changes of single genes in the cell lines of a run.

    Parameters
    ----------
    predictor
        The run's.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self._features = predictor, predictor.features

    @cached_property
    def _centred(self) -> dict[str, Doubles]:
        tables = {kind: self.table(kind).astype(np.float64) for kind in GENE_FEATURES}
        return {kind: table - table.mean(0) for kind, table in tables.items()}

    @cached_property
    def _norms(self) -> dict[str, Doubles]:
        return {kind: np.linalg.norm(table, axis=1) for kind, table in self._centred.items()}

    @cached_property
    def _columns(self) -> dict[tuple[int, int], int]:
        """Kind and gene → column of the gene part."""
        part = self._predictor.gene_part
        if part is None:
            return {}
        return {pair: n for n, pair in enumerate(zip(part.kind.tolist(), part.gene.tolist(), strict=True))}

    def table(self, kind: str) -> Floats:
        """What cell lines have, one of `GENE_FEATURES`, (n_cell_lines, n_genes)."""
        values: Floats = getattr(self._features, kind)
        return values

    def changed(
        self, cell_line: int, kind: str, genes: Sequence[int], amounts: Sequence[float]
    ) -> list[Entity]:
        """A cell line as if one gene had another value, once for each gene.

        Parameters
        ----------
        cell_line
            Node number; something of the kind is known of it.
        kind
            One of `GENE_FEATURES`.
        genes, amounts
            Node numbers, and what is added to the value there, in the unit of the kind, (n,) each.
        """
        gene, amount = np.asarray(genes, np.int64), np.asarray(amounts, np.float64)
        rows = self._similarities(cell_line, kind, gene, amount)
        part, features = self._predictor.gene_part, self._features
        found = []
        for row, g, a in zip(rows, gene.tolist(), amount.tolist(), strict=True):
            of_components = None
            if kind == "expression":
                of_components = np.zeros(len(features.genes), np.float32)
                of_components[g] = a
            of_genes = None
            if part is not None:
                of_genes = np.zeros(part.n_columns, np.float32)
                column = self._columns.get((GENE_FEATURES.index(kind), g))
                if column is not None:
                    of_genes[column] = a / part.deviation[column]
            found.append(Entity(cell_line, row, None, of_components, of_genes))
        return found

    def _similarities(
        self, cell_line: int, kind: str, gene: npt.NDArray[np.int64], amount: Doubles
    ) -> Floats:
        """Differences of rows of similarities, (n, n_cell_lines, n_kernels)."""
        centred, norms = self._centred[kind], self._norms[kind]
        query = centred[cell_line]
        before = centred @ query
        after = before + amount[:, None] * centred[:, gene].T
        norm = np.sqrt(norms[cell_line] ** 2 + amount * (2 * query[gene] + amount))
        rows = np.zeros((len(gene), len(centred), self._features.n_cell_line_kernels), np.float32)
        cosines = after / _product(norms, norm) - before / _product(norms, norms[cell_line])
        if kind != "expression":
            if kind in CELL_LINE_KERNELS:
                rows[..., CELL_LINE_KERNELS.index(kind)] = cosines
            return rows
        features, has = self._features, self._features.expression.any(1)
        coordinates, to_coordinates = (features.constant(n) for n in ("coordinates", "to_coordinates"))
        unit = coordinates / np.maximum(np.linalg.norm(coordinates, axis=1, keepdims=True), SMALLEST_NORM)
        along = [_unit(table @ to_coordinates) @ unit.T for table in (after, before[None])]
        found = {"cosine": cosines, "components": along[0] - along[1]}
        distances = self._distances(cell_line)
        raw = features.expression.astype(np.float64)
        # |x - q - a e|² = |x - q|² - 2 a (x_g - q_g) + a²
        moved = (
            distances - 2 * amount[:, None] * (raw[:, gene] - raw[cell_line, gene]).T + amount[:, None] ** 2
        )
        width = max(float(features.constant("width")[0]), 1e-6)
        for name, power in WIDTHS.items():
            found[name] = np.exp(-power * np.maximum(moved, 0) / width) - np.exp(-power * distances / width)
        for name, values in found.items():
            rows[..., CELL_LINE_KERNELS.index(name)] = np.where(has, values, 0)
        return rows

    def _distances(self, cell_line: int) -> Doubles:
        table, row = self._features.expression, self._features.expression[cell_line]
        squares = np.einsum("cg,cg->c", table, table, dtype=np.float64)
        distances: Doubles = np.maximum(
            squares + squares[cell_line] - 2 * (table @ row).astype(np.float64), 0
        )
        return distances


def _product(norms: Doubles, of_query: Any) -> Doubles:
    """Products of norms, not 0, (n_cell_lines,) or (n, n_cell_lines)."""
    product: Doubles = np.multiply.outer(of_query, np.maximum(norms, SMALLEST_NORM))
    return np.maximum(product, SMALLEST_NORM)


def _unit(rows: Doubles) -> Doubles:
    unit: Doubles = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), SMALLEST_NORM)
    return unit
