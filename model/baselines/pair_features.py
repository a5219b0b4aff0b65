"""Rows of numbers for models that read tables: features and mean labels of a pair's drug and cell line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from pharmagraph.model.baselines.features import landmarks
from pharmagraph.model.baselines.means import SHRINKAGE, shrunk_means
from pharmagraph.model.baselines.problem import Problem


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

    A training pair's own label is left out of its two means; otherwise a model could compute it from them. An unseen
    drug or cell line has no mean, so a model that has learned to trust one is of no use for it.

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
    trained = [of_drug[training.drug], of_cell_line[training.cell_line]]
    asked = [of_drug[drug], of_cell_line[cell_line]]
    overall = label.mean()
    starts = [np.full(len(training), _link(problem, overall)), np.full(len(drug), _link(problem, overall))]
    for own, wanted, n in _seen_sides(problem, drug, cell_line):
        means = shrunk_means(own, label, n)
        count = np.bincount(own, minlength=n)[own]
        without = (means[own] * (count + SHRINKAGE) - label) / (count + SHRINKAGE - 1)
        for at, (rows, mean) in enumerate(((trained, without), (asked, means[wanted]))):
            rows.append(mean[:, None])
            starts[at] = starts[at] + _link(problem, mean) - _link(problem, overall)
    return PairRows(
        np.hstack(trained).astype(np.float32, copy=False), np.hstack(asked).astype(np.float32, copy=False), *starts
    )  # fmt: skip


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
