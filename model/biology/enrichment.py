"""Tests for gene sets that are enriched in attended genes. Pure functions of scores and sets.

There are two tests: over-representation of chosen genes in a set (hypergeometric), and high ranks of a set's genes
among all genes (rank sum). The background is the candidate genes, never the genome, so a set is not enriched just
because its genes are candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import hypergeom, rankdata

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.biology.gene_sets import GeneSets
from pharmagraph.model.metrics.false_discovery import benjamini_hochberg


@dataclass(frozen=True)
class Enriched:
    """Results of one test for all sets, in the order of ``GeneSets.ids``.

    Attributes
    ----------
    score
        Over-representation: overlap divided by its expectation. Ranks: probability that a gene of the set ranks above
        one outside it, 0.5 without enrichment. (n_sets,)
    overlap
        Number of chosen genes in the set, or of the set's ranked genes, int64 (n_sets,).
    expected
        Overlap expected by chance, (n_sets,); NaN for ranks.
    p, q
        One-sided p-value, and adjusted by Benjamini and Hochberg over the sets, (n_sets,).
    """

    score: np.ndarray
    overlap: np.ndarray
    expected: np.ndarray
    p: np.ndarray
    q: np.ndarray


def over_representation(chosen: np.ndarray, sets: GeneSets) -> Enriched:
    """Hypergeometric test for an overlap of at least this size.

    Parameters
    ----------
    chosen
        Whether a gene is chosen, bool (n_background,), in the order of ``sets.background``.
    """
    _check("chosen", chosen, sets)
    size = np.asarray(sets.member.sum(1)).ravel().astype(np.int64)
    overlap = np.asarray(sets.member.astype(np.int64) @ chosen.astype(np.int64)).ravel()
    n, k = len(chosen), int(chosen.sum())
    expected = size * k / max(n, 1)
    p = hypergeom.sf(overlap - 1, n, size, k)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.where(expected > 0, overlap / expected, np.nan)
    return Enriched(score, overlap, expected, p, benjamini_hochberg(p))


def rank_enrichment(value: np.ndarray, sets: GeneSets) -> Enriched:
    """Rank-sum test that a set's genes have larger values than the others, normal approximation with ties.

    Mann and Whitney, Ann. Math. Stat. 18 (1947) 50. It uses the whole ranking and needs no cut-off.

    Parameters
    ----------
    value
        Values of the genes, float (n_background,), in the order of ``sets.background``; larger for more attention.
    """
    _check("value", value, sets)
    n = len(value)
    ranks = rankdata(value)
    size = np.asarray(sets.member.sum(1)).ravel().astype(np.float64)
    above = np.asarray(sets.member.astype(np.float64) @ ranks).ravel() - size * (size + 1) / 2
    pairs = size * (n - size)
    _, ties = np.unique(value, return_counts=True)
    correction = float((ties.astype(np.float64) ** 3 - ties).sum()) / max(n * (n - 1), 1)
    deviation = np.sqrt(np.maximum(pairs / 12 * (n + 1 - correction), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(deviation > 0, (above - pairs / 2 - 0.5) / deviation, -np.inf)
        score = np.where(pairs > 0, above / pairs, np.nan)
    p = ndtr(-z)
    return Enriched(score, size.astype(np.int64), np.full(len(size), np.nan), p, benjamini_hochberg(p))


def _check(name: str, values: np.ndarray, sets: GeneSets) -> None:
    if values.shape != (len(sets.background),):
        raise ShapeError(
            f"{name} has shape {values.shape}, wanted ({len(sets.background)},): one a background gene."
        )
