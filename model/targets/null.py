"""Tests whether responses contribute to a drug's attention to a gene: q-values against permuted responses.

The responses of each drug are permuted over the cell lines that it was tested on. Its numbers of tested and of
sensitive cell lines stay the same; associations with expression and with other drugs' responses are lost. The network
is not fitted again: only its evidence changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.false_discovery import null_q
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.targets.fitting import FittedTargets, score, softmax
from pharmagraph.model.targets.problem import TargetProblem


def q_values(
    fitted: FittedTargets,
    problem: TargetProblem,
    tensors: GraphTensors,
    training: Responses,
    scale: Scale,
    *,
    n_permutations: int,
    seed: int,
    advance: Callable[[str], None] = lambda what: None,
) -> np.ndarray:
    """False discovery rate of every pair, within the drug, float64 (n_drugs, n_genes).

    Parameters
    ----------
    fitted, problem
        The run's.
    tensors, training, scale
        From which the evidence was made.
    n_permutations
        At least 2; their mean is the attention that structure and known targets alone give a pair.
    seed
        Of the permutations.
    advance
        Called with the name of each permutation.

    Notes
    -----
    The statistic is the logarithm of attention less its mean over permutations. That of a permutation is against the
    mean of the other permutations, and those of all genes of a drug make one null, as in Tusher, Tibshirani and Chu,
    PNAS 98 (2001) 5116. If one gene alone is above the whole null, its q is about 1 / ``n_permutations``.
    """
    random = np.random.default_rng(seed)
    null = []
    for number in range(n_permutations):
        advance(f"permuted responses {number + 1}/{n_permutations}")
        visible = visible_pairs(permuted(training, random), scale, tensors.device)
        evidence = problem.evidence.with_responses(tensors, visible)
        null.append(_logarithm(score(fitted.members, evidence, problem.known)))
    return null_q(*contrasts(_logarithm(fitted.scores), np.stack(null)))


def contrasts(observed: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores less their mean over permutations: observed (n, m), and of each permutation (k, n, m), k ≥ 2."""
    total, k = null.sum(0), len(null)
    return observed - total / k, null - (total - null) / (k - 1)


def permuted(responses: Responses, random: np.random.Generator) -> Responses:
    """The same pairs, with the responses of each drug permuted."""
    order = np.lexsort((random.random(len(responses)), responses.drug))
    place = np.argsort(responses.drug, kind="stable")
    label, ln_ic50 = np.empty_like(responses.response), np.empty_like(responses.ln_ic50)
    label[place], ln_ic50[place] = responses.response[order], responses.ln_ic50[order]
    return replace(responses, response=label, ln_ic50=ln_ic50, bounds=None)


def _logarithm(scores: np.ndarray) -> np.ndarray:
    """Logarithm of the mean attention of the members, float32 (n_drugs, n_genes)."""
    found: np.ndarray = np.log(softmax(scores).mean(0)).astype(np.float32)
    return found
