"""Rows of numbers for models that read tables: features and mean labels of a pair's drug and cell line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from pharmagraph.model.baselines.features import landmarks
from pharmagraph.model.baselines.means import shrunk_means
from pharmagraph.model.baselines.problem import Problem

N_CHUNKS = 5
"""Chunks of the training pairs, of which four give the means of the fifth. Set by hand."""


@dataclass(frozen=True)
class PairRows:
    """Rows of the training pairs, and of the pairs asked for.

    Attributes
    ----------
    trained, asked
        float32 (n_pairs, width).
    trained_start, asked_start
        What the means alone predict, float64 (n_pairs,): ln IC50, or the log-odds of the class.
    """

    trained: np.ndarray
    asked: np.ndarray
    trained_start: np.ndarray
    asked_start: np.ndarray


def pair_features(
    problem: Problem, drug: np.ndarray, cell_line: np.ndarray, *, genes: bool = False
) -> PairRows:
    """Features of the drug and the cell line, and the mean label of each that will not be asked for unseen.

    The means of a training pair are of the pairs in the other four of five chunks. Were only its own label left out,
    trees could tell it: within a drug the mean of the others is larger where the own label is smaller. An unseen drug
    or cell line has no mean, so a model that has learned to trust one is of no use for it.

    Parameters
    ----------
    genes
        Whether rows hold Morgan bits and the expression of `landmarks`, or principal components of both.
    """
    training, features, label = problem.training, problem.features, problem.label
    of_drug, of_cell_line = features.drug_components, features.cell_line_components
    if genes:
        chosen = landmarks(features.expression, training.cell_line)
        of_drug, of_cell_line = features.fingerprint, features.expression[:, chosen]
    trained = [(of_drug, training.drug), (of_cell_line, training.cell_line)]
    asked = [(of_drug, drug), (of_cell_line, cell_line)]
    overall = _link(problem, label.mean())
    starts = [np.full(len(training), overall), np.full(len(drug), overall)]
    chunk = np.random.default_rng([problem.seed, 13]).integers(0, N_CHUNKS, len(training))
    for own, wanted, n in _seen_sides(problem, drug, cell_line):
        of_chunk = np.stack([shrunk_means(own[chunk != k], label[chunk != k], n) for k in range(N_CHUNKS)])
        means = of_chunk[chunk, own], shrunk_means(own, label, n)[wanted]
        for at, (rows, mean) in enumerate(zip((trained, asked), means, strict=True)):
            rows.append((mean[:, None], np.arange(len(mean))))
            starts[at] = starts[at] + _link(problem, mean) - overall
    return PairRows(_side_by_side(trained), _side_by_side(asked), *starts)


def _side_by_side(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Some rows of each array beside those of the others, float32; without a copy of a part: they are gigabytes."""
    edges = np.cumsum([0, *(table.shape[1] for table, _ in parts)])
    found = np.empty((len(parts[0][1]), edges[-1]), np.float32)
    for (table, rows), left, right in zip(parts, edges[:-1], edges[1:], strict=True):
        for at in range(0, len(rows), 10_000):
            found[at : at + 10_000, left:right] = table[rows[at : at + 10_000]]
    return found


def unlinked(problem: Problem, output: np.ndarray) -> np.ndarray:
    """Probability of log-odds; ln IC50 as it is."""
    return output if problem.task == "regression" else expit(output)


def _link(problem: Problem, mean: np.ndarray) -> np.ndarray:
    return mean if problem.task == "regression" else logit(np.clip(mean, 0.01, 0.99))


def _seen_sides(
    problem: Problem, drug: np.ndarray, cell_line: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    training = problem.training
    if not problem.split.of_unseen_drugs:
        yield training.drug, drug, training.n_drugs
    if not problem.split.of_unseen_cell_lines:
        yield training.cell_line, cell_line, training.n_cell_lines
