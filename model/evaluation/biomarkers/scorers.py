"""Scores every column of gene values for a drug from training responses: by the network, and by simple means."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.inputs.gene_features import GeneFeatures
from pharmagraph.model.inputs.gene_pairs import correlations, known_targets, similar_drugs, smooth
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.responses.visible import Visible, residuals
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.gene_effects import gene_effects

NETWORK = "network"
ASSOCIATION, SMOOTHED, FOREST, ELASTIC_NET = "association", "smoothed", "forest", "elastic net"
SCORERS = (NETWORK, ASSOCIATION, SMOOTHED, FOREST, ELASTIC_NET)
"""Effects of the network; correlation with the drug's responses; the same with the responses of similar drugs;
importances of a random forest; coefficients of an elastic net."""

SIGNED = frozenset({NETWORK, ASSOCIATION, SMOOTHED, ELASTIC_NET})
"""Scorers that say which way a column works."""

CANDIDATES = 2000
"""Columns most associated with a drug's training responses, among which the forest and the elastic net choose."""

TREES, SHARE_OF_COLUMNS, SMALLEST_LEAF = 300, 0.1, 3
L1_RATIO, ALPHAS, INNER_FOLDS = 0.5, 20, 5


@torch.inference_mode()
def network_scores(fitted: Fitted, drugs: Sequence[int]) -> np.ndarray:
    """Effects of all columns on the predictions for some drugs, (n_drugs_asked, n_columns).

    Parameters
    ----------
    fitted
        The ensemble.
    drugs
        Node numbers.

    Raises
    ------
    ModelError
        If the networks have no gene part with a weight.
    """
    effects = gene_effects(fitted)
    if effects is None:
        raise ModelError("the preset's network has no gene part, or the gene part has no weight")
    found = np.zeros((len(drugs), len(effects.pairs.features)), np.float32)
    for row, drug in zip(found, drugs, strict=True):
        columns, effect = effects.of_drug(drug)
        row[columns] = effect
    return found


@torch.inference_mode()
def simple_scores(
    tensors: GraphTensors, features: GeneFeatures, visible: Visible, drugs: Sequence[int], *, seed: int
) -> dict[str, np.ndarray]:
    """Scores without the network, by visible responses less the means of drugs and cell lines.

    Parameters
    ----------
    tensors, features
        Of the graph.
    visible
        Responses of the training pairs.
    drugs
        Node numbers.
    seed
        Of the forest, and of the inner folds of the elastic net.

    Returns
    -------
    dict
        Scorer → (n_drugs_asked, n_columns) in the order of `GeneFeatures`; positive where more makes sensitive, for
        the scorers that are `SIGNED`; 0 where a scorer does not use a column.
    """
    values = features.values(tensors)
    residual, asked = residuals(visible.value, visible.measured), list(drugs)
    own = correlations(values, residual, visible.measured)
    similar = similar_drugs(tensors, known_targets(tensors)[:, features.gene])[asked]
    found = {
        ASSOCIATION: own[asked].numpy(),
        SMOOTHED: smooth(own, similar, visible.known_drugs).numpy(),
        FOREST: np.zeros((len(asked), len(features)), np.float32),
        ELASTIC_NET: np.zeros((len(asked), len(features)), np.float32),
    }
    table = values.numpy()
    for row, drug in enumerate(asked):
        lines = np.flatnonzero(visible.measured[:, drug].numpy() > 0)
        if len(lines) < 2 * INNER_FOLDS:
            continue
        columns = np.argsort(-np.abs(found[ASSOCIATION][row]), kind="stable")[:CANDIDATES]
        x, y = table[np.ix_(lines, columns)], residual[lines, drug].numpy()
        found[FOREST][row, columns] = _importances(x, y, seed)
        found[ELASTIC_NET][row, columns] = _coefficients(x, y, seed)
    return found


def _importances(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        TREES, max_features=SHARE_OF_COLUMNS, min_samples_leaf=SMALLEST_LEAF, random_state=seed, n_jobs=1
    )
    importances: np.ndarray = forest.fit(x, y).feature_importances_
    return importances


def _coefficients(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Of an elastic net whose penalty is chosen on inner folds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import ElasticNetCV
    from sklearn.model_selection import KFold

    cut = KFold(INNER_FOLDS, shuffle=True, random_state=seed)
    net = ElasticNetCV(
        l1_ratio=L1_RATIO, alphas=ALPHAS, cv=cut, n_jobs=1, selection="random", random_state=seed
    )
    with warnings.catch_warnings():  # the smallest penalties of a path need more steps than it has
        warnings.simplefilter("ignore", ConvergenceWarning)
        coefficients: np.ndarray = net.fit(x.astype(np.float64), y.astype(np.float64)).coef_
    return coefficients


def of_genes(score: np.ndarray, gene: np.ndarray, n_genes: int) -> np.ndarray:
    """The largest absolute score of the columns of every gene, (n_genes,); 0 for a gene without columns."""
    best = np.zeros(n_genes, np.float64)
    np.maximum.at(best, gene, np.abs(score))
    return best


def rank(best: np.ndarray, gene: int) -> int | None:
    """Rank of a gene, 1 for the best; of equals each has the last rank; None for a gene with a score of 0."""
    return int((best >= best[gene]).sum()) if best[gene] > 0 else None
