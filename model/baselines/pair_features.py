"""Rows of numbers for models that read tables: components and mean labels of a pair's drug and cell line."""

from __future__ import annotations

import numpy as np

from pharmagraph.model.baselines.means import SHRINKAGE, shrunk_means
from pharmagraph.model.baselines.problem import Problem


def pair_features(problem: Problem, drug: np.ndarray, cell_line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training pairs, and of pairs of node numbers, float32 (n, width).

    A training pair's own label is left out of its two means; otherwise a model could compute it from them.
    """
    training, features, label = problem.training, problem.features, problem.label
    sides = ((training.drug, drug, training.n_drugs), (training.cell_line, cell_line, training.n_cell_lines))
    trained, asked = [], []
    for own, wanted, n in sides:
        means = shrunk_means(own, label, n)
        count = np.bincount(own, minlength=n)[own]
        trained.append((means[own] * (count + SHRINKAGE) - label) / (count + SHRINKAGE - 1))
        asked.append(means[wanted])
    drugs, cell_lines = features.drug_components, features.cell_line_components
    rows = np.hstack([drugs[training.drug], cell_lines[training.cell_line], np.stack(trained, 1)])
    wanted_rows = np.hstack([drugs[drug], cell_lines[cell_line], np.stack(asked, 1)])
    return rows.astype(np.float32), wanted_rows.astype(np.float32)
