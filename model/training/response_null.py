"""q-values of what drugs attend to for response: associations against those with the responses of other cell lines.

Whole cell lines trade their responses, and only with cell lines of the same tissue. So the drugs stay as alike as they
are, and what goes with the tissue alone is as strong in the null as in the data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.inputs.gene_pairs import (
    GenePairs,
    correlations,
    known_targets,
    similar_drugs,
    smooth,
)
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.false_discovery import benjamini_hochberg
from pharmagraph.model.responses.visible import Visible, residuals


def association_q(
    tensors: GraphTensors,
    visible: Visible,
    pairs: GenePairs,
    *,
    n_permutations: int,
    seed: int,
    advance: Callable[[str], None] = lambda what: None,
) -> np.ndarray:
    """False discovery rate of every pair of a drug and a column, within the drug and kind of omics, float64 (n_pairs,).

    Parameters
    ----------
    tensors, visible
        Of which ``pairs`` were made.
    pairs
        The candidates of all drugs.
    n_permutations
        How often cell lines trade responses.
    seed
        Of the permutations.
    advance
        Called with the name of each permutation.

    Notes
    -----
    The statistic is the size of the association by which candidates are chosen. The associations of a drug with all
    columns of one kind of omics make one null, as if they had the same distribution without signal: p is the fraction
    of the null at least as large. Benjamini and Hochberg's procedure is over the same columns. A column that alone is
    above the whole null gets a q of about 1 / ``n_permutations``, in a kind with few columns, too; over all kinds at
    once it would be as many times larger as there are more columns than of this kind.
    """
    random = np.random.default_rng(seed)
    similar = similar_drugs(tensors, known_targets(tensors))
    residual = residuals(visible.value, visible.measured)

    def sizes(order: Tensor | None = None) -> list[np.ndarray]:
        """Sizes of association, ascending within a drug, (n_drugs, n_columns of a kind) for each kind of omics."""
        of_lines = (
            (residual, visible.measured) if order is None else (residual[order], visible.measured[order])
        )
        own = correlations(pairs.values, *of_lines)
        size = smooth(own, similar, visible.known_drugs).abs_().cpu().numpy()
        return [np.sort(size[:, of_kind], axis=1) for of_kind in kinds]

    kinds = _runs(pairs.features.kind.cpu().numpy())
    observed = sizes()
    n_above: list[np.ndarray] = [np.zeros(size.shape, np.int64) for size in observed]
    pools = _pools(tensors.tissue.cpu().numpy(), visible.known_cell_lines.cpu().numpy())
    for permutation in range(n_permutations):
        advance(f"responses of other cell lines {permutation + 1}/{n_permutations}")
        order = torch.from_numpy(_traded(pools, len(residual), random)).to(residual.device)
        for count, found, null in zip(n_above, observed, sizes(order), strict=True):
            for number in range(pairs.n_drugs):
                count[number] += null.shape[1] - np.searchsorted(null[number], found[number], side="left")
    drug, size = pairs.drug.cpu().numpy(), pairs.association.abs().cpu().numpy()
    kind = pairs.features.kind[pairs.column].cpu().numpy()
    q = np.empty(len(drug))
    for of_kind, count, ordered in zip(kinds, n_above, observed, strict=True):
        n_null = n_permutations * count.shape[1]
        mine = kind == int(pairs.features.kind[of_kind.start])
        for number in range(pairs.n_drugs):
            rows = np.flatnonzero(mine & (drug == number))
            of_columns = benjamini_hochberg((1 + count[number]) / (1 + n_null))
            # a size that is computed again may differ in its last digit
            at = np.searchsorted(ordered[number], size[rows]).clip(max=count.shape[1] - 1)
            q[rows] = of_columns[at]
    return q


def _runs(kind: np.ndarray) -> list[slice]:
    """Where the columns of each kind of omics are; they lie together."""
    first, last = (np.searchsorted(kind, np.unique(kind), side) for side in ("left", "right"))
    return [slice(*ends) for ends in zip(first.tolist(), last.tolist(), strict=True)]


def _pools(tissue: np.ndarray, with_responses: np.ndarray) -> list[np.ndarray]:
    """Cell lines that trade responses: those of one tissue, and all that are alone in theirs or of an unknown one."""
    lines = np.flatnonzero(with_responses)
    found: list[np.ndarray] = []
    alone = [lines[tissue[lines] < 0]]
    for code in np.unique(tissue[lines]):
        of_tissue = lines[tissue[lines] == code]
        if code >= 0:
            (found if len(of_tissue) > 1 else alone).append(of_tissue)
    return [*found, np.concatenate(alone)]


def _traded(pools: list[np.ndarray], n_cell_lines: int, random: np.random.Generator) -> np.ndarray:
    """Of each cell line, the one whose responses it gets, int64 (n_cell_lines,)."""
    order = np.arange(n_cell_lines)
    for pool in pools:
        order[pool] = random.permutation(pool)
    return order
