"""Simple predictors of targets, with which attention is compared.

Each is given evidence and the visible targets, and scores all pairs. Ties are broken by popularity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pharmagraph.model.targets.evidence import PairEvidence
from pharmagraph.model.targets.gene_relations import walk

Predictor = Callable[[PairEvidence, np.ndarray], np.ndarray]
"""(evidence, visible targets bool (n_drugs, n_genes)) → scores float (n_drugs, n_genes), larger for more likely."""

SHARPNESS = 4
"""Exponent of the Tanimoto similarity in `transfer`: a high one gives weight to very similar structures alone."""
RANK = 16
FAMILY_WEIGHT = 0.3
"""Weight of the family share in `transfer_and_family`, relative to the share of similar drugs with the target."""
TIE = 1e-6
"""Weight of popularity that breaks ties; smaller than any difference between a predictor's scores."""


def popularity(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Number of drugs that have the gene as a target."""
    return np.broadcast_to(visible.sum(0, dtype=np.float64), visible.shape)


def transfer(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Targets of similar drugs: the share of Tanimoto⁴ that comes from drugs with the target."""
    near = _structure_weight(evidence)
    return near @ visible / np.maximum(near.sum(1, keepdims=True), 1e-12) + _tie(visible)


def network_proximity(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Random walk with restart over interactions from the drug's known targets, over the root of the gene's degree."""
    sources = np.flatnonzero(visible.any(0))
    if not len(sources):
        return np.zeros(visible.shape)
    reached = walk(evidence.links, evidence.genes[sources])[:, evidence.genes]
    degree = np.sqrt(np.maximum(np.asarray(evidence.links.sum(1)).ravel()[evidence.genes], 1))
    share = visible[:, sources] / np.maximum(visible.sum(1, keepdims=True), 1)
    return share @ (reached / degree)


def associated(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Absolute association of the gene's expression with the drug's response; it uses no targets."""
    return np.abs(evidence.association)


def dependence_associated(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Association of how much cell lines need the gene with the drug's response; it uses no targets."""
    return evidence.dependence_association + _tie(visible)


def family(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Share of the drug's known targets that are of the gene's family, each weighing as the identity of sequence."""
    return _family_share(evidence, visible) + _tie(visible)


def transfer_and_family(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Sum of three scores: targets of similar drugs, families of the drug's targets, families of similar drugs'
    targets."""
    near = _structure_weight(evidence)
    carried = near @ visible / np.maximum(near.sum(1, keepdims=True), 1e-12)
    return (
        carried
        + FAMILY_WEIGHT * _family_share(evidence, visible)
        + 0.01 * (evidence.homology @ carried.T).T
        + _tie(visible)
    )


def factorisation(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Truncated singular value decomposition of the target matrix, in which popular genes have less weight."""
    from sklearn.decomposition import TruncatedSVD

    weighted = visible / np.sqrt(np.maximum(visible.sum(0), 1))
    rank = min(RANK, min(visible.shape) - 1)
    if rank < 1 or not visible.any():
        return np.zeros(visible.shape)
    decomposition = TruncatedSVD(rank, random_state=0)
    return decomposition.fit_transform(weighted) @ decomposition.components_ + _tie(visible)


PREDICTORS: dict[str, Predictor] = {
    "popularity": popularity,
    "transfer": transfer,
    "network-proximity": network_proximity,
    "association": associated,
    "dependency-association": dependence_associated,
    "family": family,
    "transfer-and-family": transfer_and_family,
    "factorisation": factorisation,
}


def _structure_weight(evidence: PairEvidence) -> np.ndarray:
    weight = evidence.drug_similarity[..., 0].astype(np.float64) ** SHARPNESS
    np.fill_diagonal(weight, 0)
    return weight


def _family_share(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    related = (evidence.homology @ visible.T.astype(np.float64)).T
    return np.minimum(related / np.maximum(visible.sum(1, keepdims=True), 1), 1)


def _tie(visible: np.ndarray) -> np.ndarray:
    return TIE * visible.sum(0, dtype=np.float64)
