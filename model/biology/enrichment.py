"""Which gene sets stand out among the genes that something attends to. Pure functions of scores and sets.

Two questions: are the genes chosen over-represented in a set (hypergeometric test), and do a set's genes stand high in
the whole ranking (rank sum). The background is the genes that could be attended to, never the genome: a set is not
enriched because its genes were on the list to choose from.
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
    """Sets under one test, in the order of ``GeneSets.ids``.

    Attributes
    ----------
    score
        Over-representation: found over expected. Ranks: chance that a gene of the set stands above one outside
        of it, 0.5 without enrichment. (n_sets,)
    overlap
        Chosen genes in the set, or the set's genes that were ranked, int64 (n_sets,).
    expected
        Overlap expected by chance, (n_sets,); NaN for ranks.
    p, q
        One-sided, and adjusted by Benjamini and Hochberg over the sets, (n_sets,).
    """

    score: np.ndarray
    overlap: np.ndarray
    expected: np.ndarray
    p: np.ndarray
    q: np.ndarray


def over_representation(chosen: np.ndarray, sets: GeneSets) -> Enriched:
    """Hypergeometric test of as large an overlap or a larger one.

    Parameters
    ----------
    chosen
        bool (n_background,), in the order of ``sets.background``.
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

    Mann and Whitney, Ann. Math. Stat. 18 (1947) 50. It uses the whole ranking and needs no cut.

    Parameters
    ----------
    value
        float (n_background,); larger is more attended.
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
