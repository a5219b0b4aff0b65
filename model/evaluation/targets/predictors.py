"""Simple predictors of targets, each a few lines: what a network has to beat before its attention means anything.

Each takes evidence and the visible targets, and scores all pairs. Where it says nothing, popularity breaks the tie.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from pharmagraph.model.targets.evidence import PairEvidence, walk

Predictor = Callable[[PairEvidence, np.ndarray], np.ndarray]
"""(evidence, visible targets bool (n_drugs, n_genes)) → scores float (n_drugs, n_genes), larger is likelier."""

SHARPNESS = 4
"""Power of the Tanimoto similarity by which targets are carried over: it lets near structures speak alone."""
RANK = 16
FAMILY_WEIGHT = 0.3
"""Of a gene whose relatives are all of a drug's known targets, against one that all similar drugs have."""
TIE = 1e-6
"""Times the number of drugs: smaller than any difference a predictor makes."""


def popularity(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """How many drugs have the gene as a target."""
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
    """How strongly the gene's expression goes with the drug's response, in either direction; no target is used."""
    return np.abs(evidence.association)


def family(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Share of the drug's known targets that are the gene's relatives by symbol."""
    return _family_share(evidence, visible) + _tie(visible)


def transfer_and_family(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Targets of similar drugs, relatives of the drug's own targets, and relatives of similar drugs' targets."""
    near = _structure_weight(evidence)
    carried = near @ visible / np.maximum(near.sum(1, keepdims=True), 1e-12)
    relatives = _relatives(evidence.family)
    return (
        carried
        + FAMILY_WEIGHT * _family_share(evidence, visible)
        + 0.01 * (relatives @ carried.T).T
        + _tie(visible)
    )


def factorisation(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Truncated singular value decomposition of the target matrix, popular genes weighing less."""
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
    "family": family,
    "transfer-and-family": transfer_and_family,
    "factorisation": factorisation,
}


def _structure_weight(evidence: PairEvidence) -> np.ndarray:
    weight = evidence.drug_similarity[..., 0].astype(np.float64) ** SHARPNESS
    np.fill_diagonal(weight, 0)
    return weight


def _family_share(evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    related = (_relatives(evidence.family) @ visible.T.astype(np.float64)).T
    return np.minimum(related / np.maximum(visible.sum(1, keepdims=True), 1), 1)


def _relatives(family: np.ndarray) -> sparse.csr_matrix:
    """1 between two genes of one family, CSR (n, n); a gene is no relative of itself."""
    n = len(family)
    member = sparse.csr_matrix((np.ones(n), (np.arange(n), family)))
    return sparse.csr_matrix(member @ member.T - sparse.identity(n))


def _tie(visible: np.ndarray) -> np.ndarray:
    return TIE * visible.sum(0, dtype=np.float64)
