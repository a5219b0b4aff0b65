"""Similarities and components of one drug or cell line, new or changed, against those of a run.

They are the rows of the matrices in `inputs.similarities`, with everything that depends on all entities (means, widths,
principal components) as it was when the run was trained. A test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from pharmagraph.kg.errors import InputError, none_of
from pharmagraph.kg.fingerprints import FINGERPRINTS, fingerprints
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.model.inputs.changes import require_float32
from pharmagraph.model.inputs.views import (
    CELL_LINE_KERNELS,
    DESCRIBED_BY,
    N_SIMILAR,
)
from pharmagraph.model.predictor.attention import of_similar, with_given
from pharmagraph.model.predictor.layers import centred_layers, similarities

Floats = npt.NDArray[np.float32]

SMALLEST_NORM = 1e-12
"""Norms below it count as this, so that a row of zeros has cosines of 0."""


@dataclass(frozen=True)
class Omics:
    """What is known of one cell line.

    Attributes
    ----------
    expression
        z, in standard deviations; 0 where not known, float32 (n_genes,).
    mutation
        1 where mutated, float32 (n_genes,).
    copy_number, dependency
        float32 (n_genes,).
    tissue
        Code; -1 unknown.
    number
        Of a cell line of the run, whose similarities by further layers are kept; None for a new one, which has none.
    """

    expression: Floats
    mutation: Floats
    copy_number: Floats
    dependency: Floats
    tissue: int = -1
    number: int | None = None


class Features:
    """The features of a run's drugs and cell lines, read when they are needed.

    Parameters
    ----------
    graph
        The run's graph.
    constants
        What was computed from all entities when the run was trained: ``width`` (median squared distance of expression),
        ``coordinates`` and ``to_coordinates`` (principal components of expression).
    gene_attention
        File with the attention of drugs to genes; None where the run has none.
    """

    def __init__(
        self, graph: SavedArrays, constants: Mapping[str, Floats], gene_attention: Path | None
    ) -> None:
        self.graph, self._constants, self._gene_attention = graph, constants, gene_attention

    @cached_property
    def drugs(self) -> list[str]:
        """Ids of the drugs."""
        return self.graph.ids("Drug")

    @cached_property
    def cell_lines(self) -> list[str]:
        """Ids of the cell lines."""
        return self.graph.ids("CellLine")

    @cached_property
    def genes(self) -> dict[str, int]:
        """Symbol → number."""
        return {gene: number for number, gene in enumerate(self.graph.ids("Gene"))}

    @cached_property
    def expression(self) -> Floats:
        """z, 0 where not known, (n_cell_lines, n_genes)."""
        return np.nan_to_num(self.graph.profile("expression"), copy=False)

    @cached_property
    def mutation(self) -> Floats:
        """1 where mutated, (n_cell_lines, n_genes)."""
        shape = (len(self.cell_lines), len(self.genes))
        return (self.graph.matrix("CellLine", "MUTATED", "Gene", "value", shape) != 0).astype(np.float32)

    @cached_property
    def copy_number(self) -> Floats:
        """As the source gives it, 0 where not known, (n_cell_lines, n_genes)."""
        return np.nan_to_num(self.graph.profile("copy_number"), copy=False)

    @cached_property
    def dependency(self) -> Floats:
        """Gene effect by CRISPR, 0 where not known, (n_cell_lines, n_genes)."""
        return np.nan_to_num(self.graph.profile("dependency"), copy=False)

    @cached_property
    def tissue(self) -> npt.NDArray[np.int64]:
        """Code of each cell line's tissue, -1 unknown."""
        return self.graph.node_feature("CellLine", "tissue")

    def constant(self, name: str) -> Floats:
        """What was computed from all entities when the run was trained, by name."""
        return self._constants[name]

    def omics(self, cell_line: int) -> Omics:
        """What the run knows of one of its cell lines."""
        return Omics(
            self.expression[cell_line], self.mutation[cell_line], self.copy_number[cell_line],
            self.dependency[cell_line], int(self.tissue[cell_line]), cell_line,
        )  # fmt: skip

    def new_omics(self, z: Mapping[str, float]) -> Omics:
        """A new cell line from its expression.

        Genes without expression in the run's graph are left out. If that has no profiles, only as many of the strongest
        genes are kept as the other cell lines have edges, on average.

        Parameters
        ----------
        z
            Gene symbol → standard deviations from the gene's mean.

        Raises
        ------
        InputError
            If none of the genes is in the run's graph, or a value is too large for float32.
        """
        whole = self.graph.has_node_feature("CellLine", "expression")
        measured = np.asarray(self.expression.any(0)) if whole else np.ones(len(self.genes), bool)
        known = {
            n: value for gene, value in z.items() if (n := self.genes.get(gene)) is not None and measured[n]
        }
        if not known:
            raise InputError(
                f"{none_of(len(z), 'gene', 'is')} in the graph of the run; genes go by HGNC symbol"
            )
        for gene, value in z.items():
            require_float32(f"z of {gene}", value)
        row = np.zeros(len(self.genes), np.float32)
        row[list(known)] = list(known.values())
        if not whole:
            n_edges = len(self.graph.edges("CellLine", "EXPRESSES", "Gene")[0])
            share = min(max(1, n_edges // max(len(self.cell_lines), 1)), len(row))
            weakest = np.partition(np.abs(row), -share)[-share]
            row[np.abs(row) < weakest] = 0
        nothing = np.zeros_like(row)
        return Omics(row, nothing, nothing, nothing)

    def cell_line_similarities(self, omics: Omics, *, new: bool = False) -> Floats:
        """Similarities of a cell line to the run's, (n_cell_lines, 10 + n_further_layers), as `GraphTensors` has them.

        Parameters
        ----------
        new
            Whether it gets stored similarities as ingest would; else they are left 0, which a difference of two rows of
            one cell line allows.
        """
        along, cosine = self._along("expression", omics)
        coordinates, to_coordinates = self._constants["coordinates"], self._constants["to_coordinates"]
        components = _cosine(coordinates, along @ to_coordinates)
        rbf = self._rbf(omics.expression)
        by_expression = [components, cosine, rbf, rbf**0.5, rbf**2, rbf**4]
        has = self.expression.any(1) & bool(omics.expression.any())
        stored = np.zeros_like(rbf)
        if new:
            best = np.argsort(-rbf, kind="stable")[:N_SIMILAR]
            stored[best] = rbf[best]
        same_tissue = (self.tissue == omics.tissue) & (omics.tissue >= 0)
        rows = [
            *(np.where(has, row, 0) for row in by_expression), stored,
            self._along("mutation", omics)[1], self._along("copy_number", omics)[1],
            same_tissue.astype(np.float32),
            *similarities(self._layers, omics.number),
        ]  # fmt: skip
        return np.stack(rows, axis=-1).astype(np.float32)

    @cached_property
    def _layers(self) -> list[Floats]:
        return centred_layers(self.graph)

    @property
    def n_cell_line_kernels(self) -> int:
        """Number of similarities of cell lines."""
        return len(CELL_LINE_KERNELS) + len(self._layers)

    @cached_property
    def _centred(self) -> dict[str, tuple[Floats, Floats]]:
        """Kind of omics → mean over cell lines, (n_genes,), and norms without it, (n_cell_lines,)."""
        tables = {"expression": self.expression, "mutation": self.mutation, "copy_number": self.copy_number}
        found = {}
        for kind, table in tables.items():
            mean = table.mean(0)
            found[kind] = (mean, np.maximum(np.linalg.norm(table - mean, axis=1), SMALLEST_NORM))
        return found

    def _along(self, kind: str, omics: Omics) -> tuple[Floats, Floats]:
        """Products of a cell line's centred values with those of the run's, and cosines, (n_cell_lines,) each."""
        mean, norms = self._centred[kind]
        query = getattr(omics, kind) - mean
        along = getattr(self, kind) @ query - mean @ query
        return along, along / (norms * _norm(query))

    @cached_property
    def _squares(self) -> Floats:
        squares: Floats = np.einsum("cg,cg->c", self.expression, self.expression)
        return squares

    def _rbf(self, row: Floats) -> Floats:
        distance = np.maximum(self._squares + row @ row - 2 * self.expression @ row, 0)
        rbf: Floats = np.exp(-distance / max(float(self._constants["width"][0]), 1e-6))
        return rbf

    def drug_similarities(self, views: Mapping[str, npt.NDArray[np.uint8]]) -> Floats:
        """Similarities of new drugs to the run's, (n, n_drugs, 8), in the order of `DRUG_KERNELS`.

        Parameters
        ----------
        views
            `kg.fingerprints.fingerprints` of n structures.
        """
        known = {name: self.graph.node_feature("Drug", name) for name in FINGERPRINTS}
        by_view = [tanimoto(views[name], known[name]) for name in FINGERPRINTS]
        bits = known["fingerprint"].astype(np.float32)
        rarity = np.log1p(len(bits) / (1 + bits.sum(0)))
        rare = _cosines(bits * rarity, views["fingerprint"] * rarity)
        best = np.argsort(-by_view[0], axis=1, kind="stable")[:, :N_SIMILAR]
        stored = np.zeros_like(by_view[0])
        np.put_along_axis(stored, best, np.take_along_axis(by_view[0], best, axis=1), axis=1)
        return np.stack([*by_view, rare, stored], axis=-1).astype(np.float32)

    def similarities_of(self, drug: int) -> Floats:
        """`drug_similarities` of one of the run's drugs."""
        return self.drug_similarities(
            {name: self.graph.node_feature("Drug", name)[drug][None] for name in FINGERPRINTS}
        )[0]

    @staticmethod
    def views(smiles: Sequence[str]) -> dict[str, npt.NDArray[np.uint8]]:
        """Fingerprints of structures, (n, width) each."""
        return fingerprints(smiles)

    @staticmethod
    def structure(views: Mapping[str, npt.NDArray[np.uint8]]) -> Floats:
        """What the network reads of structures, (n, width)."""
        rows: Floats = np.log1p(np.hstack([views[name] for name in DESCRIBED_BY]).astype(np.float32))
        return rows

    @cached_property
    def _attention(self) -> tuple[npt.NDArray[np.int64], Floats]:
        assert self._gene_attention is not None
        with safe_open(self._gene_attention, framework="numpy") as opened:
            file: Any = opened
            return file.get_tensor("genes"), file.get_tensor("found")

    @cached_property
    def given(self) -> npt.NDArray[np.bool_]:
        """Which candidate genes are known targets of which drugs, (n_drugs, n_candidates)."""
        genes, found = self._attention
        drug, gene = self.graph.edges("Drug", "TARGETS", "Gene")
        at = np.minimum(np.searchsorted(genes, gene), len(genes) - 1)
        candidate = genes[at] == gene
        given = np.zeros(found.shape, bool)
        given[drug[candidate], at[candidate]] = True
        return given

    @cached_property
    def targets(self) -> npt.NDArray[np.bool_]:
        """Which genes are known targets of which drugs, (n_drugs, n_genes)."""
        drug, gene = self.graph.edges("Drug", "TARGETS", "Gene")
        found = np.zeros((len(self.drugs), len(self.genes)), bool)
        found[drug, gene] = True
        return found

    def with_targets(self, drug: int, known: Mapping[int, bool]) -> npt.NDArray[np.bool_]:
        """The known targets of a drug among the candidates, (n_candidates,), with those of ``known`` as it says."""
        genes, _ = self._attention
        row = self.given[drug].copy()
        for gene, is_known in known.items():
            row[genes == gene] = is_known
        return row

    def overlaps(self, given: npt.NDArray[np.bool_], drug: int) -> Floats:
        """Overlap of one drug's attention to genes with that of each of the run's drugs, (n_drugs,).

        Parameters
        ----------
        given
            Its known targets, (n_candidates,).
        drug
            Its number in the run.
        """
        own = with_given(self._attention[1][drug][None], given[None])[0]
        overlap: Floats = self._root_attention @ np.sqrt(own)
        return overlap

    def new_overlaps(self, similarities: Floats) -> Floats:
        """The same of new drugs, (n, n_drugs): their attention is that of drugs of similar structure with their known
        targets first.

        Parameters
        ----------
        similarities
            `drug_similarities`.
        """
        row = of_similar(similarities, self._whole_attention)
        own = row / np.maximum(row.sum(-1, keepdims=True), np.finfo(np.float32).tiny)
        overlap: Floats = np.sqrt(own) @ self._root_attention.T
        return overlap

    def attended(self, similarities: Floats, genes: npt.NDArray[np.int64]) -> Floats:
        """Attention of new drugs to genes by known targets alone, as the gene part reads it, (n, n_genes)."""
        if self._gene_attention is None:
            return np.zeros((len(similarities), len(genes)), np.float32)
        return self._as_read(of_similar(similarities, self._blind_with_given), genes)

    def attended_by(self, drug: int, targets: npt.NDArray[np.bool_], genes: npt.NDArray[np.int64]) -> Floats:
        """The same of a drug of the run, as if its known targets were others, bool (all genes,)."""
        if self._gene_attention is None:
            return np.zeros(len(genes), np.float32)
        candidates, blind = self._blind
        return self._as_read(with_given(blind[drug], targets[candidates]), genes)

    def _as_read(self, attention: Floats, genes: npt.NDArray[np.int64]) -> Floats:
        """Attention to candidates as a multiple of an even share, its logarithm plus 1, of some genes, (…, n)."""
        candidates, _ = self._blind
        share = np.zeros((*attention.shape[:-1], len(self.genes)), np.float32)
        share[..., candidates] = attention * len(candidates)
        found: Floats = np.log1p(share)[..., genes]
        return found

    @cached_property
    def _blind_with_given(self) -> Floats:
        return with_given(self._blind[1], self.given)

    @cached_property
    def _blind(self) -> tuple[npt.NDArray[np.int64], Floats]:
        assert self._gene_attention is not None
        with safe_open(self._gene_attention, framework="numpy") as opened:
            file: Any = opened
            return file.get_tensor("genes"), file.get_tensor("blind")

    @cached_property
    def _root_attention(self) -> Floats:
        root: Floats = np.sqrt(with_given(self._attention[1], self.given))
        return root

    @cached_property
    def _whole_attention(self) -> Floats:
        whole: Floats = self._root_attention**2
        return whole

    def changed(self, omics: Omics, kind: str, gene: int, value: float) -> Omics:
        """A cell line with another expression, or with or without a mutation, of one gene."""
        name = "expression" if kind == "expression" else "mutation"
        row = getattr(omics, name).copy()
        row[gene] = value
        return replace(omics, **{name: row})


def _cosine(rows: Floats, query: Floats) -> Floats:
    cosine: Floats = rows @ query / (np.maximum(np.linalg.norm(rows, axis=1), SMALLEST_NORM) * _norm(query))
    return cosine


def _cosines(rows: Floats, queries: Floats) -> Floats:
    """`_cosine` of several queries, (n_queries, n_rows)."""
    norms = (np.maximum(np.linalg.norm(side, axis=1), SMALLEST_NORM) for side in (queries, rows))
    cosine: Floats = queries @ rows.T / np.outer(*norms)
    return cosine


def _norm(row: Floats) -> Any:
    """Euclidean norm of a row, and not 0, in its own type."""
    return np.maximum(np.linalg.norm(row), row.dtype.type(SMALLEST_NORM))
