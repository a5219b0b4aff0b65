"""Groups of drugs and of cell lines so alike that one of them in training gives away another that is held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.heterograph.profiles import known
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.kg.wording import option
from pharmagraph.model.presets.choices import CellLineGroups, DrugGroups, Split


@dataclass(frozen=True)
class Groups:
    """Groups of drugs and of cell lines that are held out together.

    Attributes
    ----------
    drug, cell_line
        Group number of each node, int64 (n_drugs,) and (n_cell_lines,); entities of group -1 are never held out.
    """

    drug: np.ndarray
    cell_line: np.ndarray

    @classmethod
    def of(
        cls,
        heterograph: Heterograph,
        drugs: DrugGroups = DrugGroups.twins,
        cell_lines: CellLineGroups = CellLineGroups.twins,
    ) -> Groups:
        """Groups of a graph; near twins are together unless another grouping is asked for."""
        return cls(drug_groups(heterograph, drugs), cell_line_groups(heterograph, cell_lines))

    def of_split(self, heterograph: Heterograph, split: Split) -> Groups:
        """The groups that a split holds out: for ``unseen-tissue`` whole tissues, else these."""
        return replace(self, cell_line=tissues(heterograph)) if split is Split.unseen_tissue else self


TANIMOTO = 0.85
"""Tanimoto similarity of Morgan fingerprints from which drugs are near twins: salts, isomers, close analogues. On
NCI-60 200 of 976 drugs have a near twin, and the largest group has 7 drugs (41 at a similarity of 0.7)."""
CORRELATION = 0.6
"""Correlation of expression from which cell lines are near twins."""
DEVIATIONS = 15.0
"""Robust standard deviations above the median correlation of all pairs from which cell lines are near twins as well:
profiles of which only the strongest genes are known correlate less. On NCI-60 this finds NCI/ADR-RES with OVCAR-8,
MDA-MB-435 with MDA-N and SNB-19 with U251, which come from one patient each, and CCRF-CEM with MOLT-4."""


def drug_groups(heterograph: Heterograph, how: DrugGroups = DrugGroups.twins) -> np.ndarray:
    """Group number of each drug, int64 (n_drugs,); drugs of one group are held out together.

    ``twins`` joins drugs by chains of Tanimoto similarity 0.85 and more. ``scaffold`` also joins drugs with the same
    Bemis–Murcko scaffold. A drug without a structure is alone, and one without rings has no scaffold.
    """
    n = heterograph.n_nodes("Drug")
    if how is DrugGroups.alone:
        return np.arange(n)
    bits = heterograph.nodes["Drug"]["fingerprint"].numpy()
    alike = tanimoto(bits, bits) >= np.float32(TANIMOTO)
    if how is DrugGroups.scaffold:
        scaffold = heterograph.nodes["Drug"]["scaffold"].numpy()
        alike |= (scaffold[:, None] == scaffold[None]) & (scaffold >= 0)[:, None]
    return _chained(alike)


def cell_line_groups(heterograph: Heterograph, how: CellLineGroups = CellLineGroups.twins) -> np.ndarray:
    """Group number of each cell line, int64 (n_cell_lines,); cell lines of one group are held out together.

    ``twins`` joins cell lines by chains of correlated expression. ``tissue`` also joins cell lines of one tissue. A
    cell line with neither expression nor tissue is alone.

    Raises
    ------
    ModelError
        If tissues are asked for and the graph has none.
    """
    n = heterograph.n_nodes("CellLine")
    if how is CellLineGroups.alone:
        return np.arange(n)
    alike = _correlated(heterograph)
    if how is CellLineGroups.tissue:
        tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
        if not (tissue >= 0).any():
            raise ModelError("no cell line in the graph has a tissue; use --cell-groups twins or alone")
        alike |= (tissue[:, None] == tissue[None]) & (tissue >= 0)[:, None]
    return _chained(alike)


def tissues(heterograph: Heterograph) -> np.ndarray:
    """Number of each cell line's tissue, int64 (n_cell_lines,); -1 where it is unknown.

    Unlike ``cell_line_groups`` by tissue it joins no tissues by near twins: on GDSC1 these would join a tumour of the
    blood with the next and 604 of 1,007 cell lines in one group.

    Raises
    ------
    ModelError
        If the cell lines have fewer than two tissues.
    """
    tissue: np.ndarray = heterograph.nodes["CellLine"]["tissue"].numpy().astype(np.int64)
    known = np.unique(tissue[tissue >= 0])
    if len(known) < 2:
        names = ", ".join(heterograph.tissues[code] for code in known)
        have = f"all of them are {names}" if names else "none has a tissue"
        raise ModelError(
            f"whole tissues cannot be held out of {len(tissue)} cell lines: {have}; ingest files that tell tissues, "
            f"or use {option('split', 'unseen-cell')}"
        )
    return tissue


def structure_groups(heterograph: Heterograph) -> np.ndarray:
    """Group number of each drug, int64 (n_drugs,): drugs with the same fingerprint share one.

    A drug without a structure is alone.
    """
    fingerprint = heterograph.nodes["Drug"]["fingerprint"].numpy()
    groups = (
        np.unique(fingerprint, axis=0, return_inverse=True)[1].reshape(-1)
        if len(fingerprint)
        else np.empty(0, int)
    )
    without = ~fingerprint.any(axis=1)
    groups[without] = groups.max(initial=0) + 1 + np.arange(without.sum())
    return groups.astype(np.int64)


def _correlated(heterograph: Heterograph) -> np.ndarray:
    n = heterograph.n_nodes("CellLine")
    expression = torch.nan_to_num(known(heterograph, "expression"))
    measured = expression.any(dim=1)
    alike = np.zeros((n, n), bool)
    rows = np.flatnonzero(measured.numpy())
    if len(rows) < 2:
        return alike
    centred = expression[measured] - expression[measured].mean(0)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-12)
    correlation = (unit @ unit.T).numpy()
    pairs = correlation[np.triu_indices(len(rows), 1)]
    low, median, high = np.quantile(pairs, [0.25, 0.5, 0.75])
    threshold = min(CORRELATION, median + DEVIATIONS * max((high - low) / 1.349, 1e-6))
    alike[np.ix_(rows, rows)] = correlation >= threshold
    return alike


def _chained(alike: np.ndarray) -> np.ndarray:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    return connected_components(csr_matrix(alike), directed=False)[1].astype(np.int64)
