"""Whether responses have anything to do with a drug's attention to a gene: q-values against permuted responses.

Within every drug the measured responses change places between the cell lines that it was tested on. That keeps how
many cell lines a drug was tested on and how many of them it killed, and takes away what they have to do with
expression and with other drugs' responses. The network is not fitted again: the question is what its evidence does.
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
        Of the run.
    tensors, training, scale
        What the evidence was made of.
    n_permutations
        At least 2: what structure and known targets alone give a pair is the mean over permutations.
    seed
        Of the permutations.
    advance
        Told of each.

    Notes
    -----
    The statistic is how far the logarithm of attention is above its mean over permutations. A permutation's own is
    against the mean of the others, and those of all genes of a drug make one null, as in Tusher, Tibshirani and Chu,
    PNAS 98 (2001) 5116. A gene that alone stands above all of the null has a q of about 1 / ``n_permutations``.
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
    """Scores less what permutations give the same pair: observed (n, m) and of each permutation (k, n, m), k ≥ 2."""
    total, k = null.sum(0), len(null)
    return observed - total / k, null - (total - null) / (k - 1)


def permuted(responses: Responses, random: np.random.Generator) -> Responses:
    """The same pairs, with the measurements of each drug in another order."""
    order = np.lexsort((random.random(len(responses)), responses.drug))
    place = np.argsort(responses.drug, kind="stable")
    label, ln_ic50 = np.empty_like(responses.response), np.empty_like(responses.ln_ic50)
    label[place], ln_ic50[place] = responses.response[order], responses.ln_ic50[order]
    return replace(responses, response=label, ln_ic50=ln_ic50)


def _logarithm(scores: np.ndarray) -> np.ndarray:
    """Of the mean attention of members, float32 (n_drugs, n_genes)."""
    found: np.ndarray = np.log(softmax(scores).mean(0)).astype(np.float32)
    return found
