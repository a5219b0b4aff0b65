"""Simple models that a network has to beat, behind one interface: training pairs in, predictions of pairs out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse

from model.responses import Responses, Task


class Baseline(Protocol):
    """A model that is fitted and asked in one call.

    It is given training pairs, and the node numbers (n_pairs,) to predict; it returns probabilities, or ln IC50,
    float (n_pairs,).
    """

    def __call__(
        self, training: Responses, drug: np.ndarray, cell_line: np.ndarray, *, task: Task, seed: int
    ) -> np.ndarray: ...


def mean(
    training: Responses, drug: np.ndarray, cell_line: np.ndarray, *, task: Task, seed: int
) -> np.ndarray:
    """The mean of the training pairs for every pair."""
    everything: np.ndarray = np.full(len(drug), training.target(task).mean(dtype=np.float64))
    return everything


def drug_mean(
    training: Responses, drug: np.ndarray, cell_line: np.ndarray, *, task: Task, seed: int
) -> np.ndarray:
    """The drug's mean, shrunk to the overall mean by two pairs."""
    target = training.target(task).astype(np.float64)
    count = np.bincount(training.drug, minlength=training.n_drugs)
    total = np.bincount(training.drug, target, minlength=training.n_drugs)
    shrunk: np.ndarray = (total + 2 * target.mean()) / (count + 2)
    asked: np.ndarray = shrunk[drug]
    return asked


def additive(
    training: Responses, drug: np.ndarray, cell_line: np.ndarray, *, task: Task, seed: int
) -> np.ndarray:
    """A drug effect plus a cell-line effect: logistic regression, or least squares, with an L2 penalty of 1.

    It knows nothing of interactions between the two, so whatever beats it has learned some.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    train, asked = _one_hot(training, training.drug, training.cell_line), _one_hot(training, drug, cell_line)
    target = training.target(task)
    if task == "classification":
        model = LogisticRegression(C=1.0, max_iter=500).fit(train, target.astype(int))
        return np.asarray(model.predict_proba(asked)[:, 1])
    return np.asarray(
        Ridge(alpha=1.0, solver="sparse_cg", tol=1e-8).fit(train, target.astype(np.float64)).predict(asked)
    )


def factorisation(
    training: Responses,
    drug: np.ndarray,
    cell_line: np.ndarray,
    *,
    task: Task,
    seed: int,
    rank: int = 16,
    epochs: int = 120,
) -> np.ndarray:
    """Biases and a low-rank product under Gaussian priors, logistic or Gaussian, fitted by Adam."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    drug_bias, cell_line_bias = torch.zeros(training.n_drugs), torch.zeros(training.n_cell_lines)
    drug_factor = 0.1 * torch.randn(training.n_drugs, rank, generator=generator)
    cell_line_factor = 0.1 * torch.randn(training.n_cell_lines, rank, generator=generator)
    parameters = [p.requires_grad_() for p in (drug_bias, cell_line_bias, drug_factor, cell_line_factor)]
    optimiser = torch.optim.Adam(parameters, lr=0.03)
    target = training.target(task).astype(np.float64)
    centre, width = (
        (0.0, 1.0) if task == "classification" else (float(target.mean()), float(target.std()) or 1.0)
    )
    wanted = torch.from_numpy(((target - centre) / width).astype(np.float32))

    def output(d: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return drug_bias[d] + cell_line_bias[c] + (drug_factor[d] * cell_line_factor[c]).sum(1)

    d, c = torch.from_numpy(training.drug), torch.from_numpy(training.cell_line)
    for _ in range(epochs):
        optimiser.zero_grad()
        if task == "classification":
            loss = functional.binary_cross_entropy_with_logits(output(d, c), wanted, reduction="sum")
        else:
            loss = 2.0 * ((output(d, c) - wanted) ** 2).sum()
        prior = (
            (drug_factor**2).sum()
            + (cell_line_factor**2).sum()
            + 0.5 * (drug_bias**2).sum()
            + 0.05 * (cell_line_bias**2).sum()
        )
        (loss + 0.5 * prior).backward()
        optimiser.step()
    with torch.no_grad():
        found = output(torch.from_numpy(drug), torch.from_numpy(cell_line))
    return (torch.sigmoid(found) if task == "classification" else found * width + centre).numpy()


def _one_hot(training: Responses, drug: np.ndarray, cell_line: np.ndarray) -> sparse.csr_matrix:
    """Indicator columns of drugs, then of cell lines, (n_pairs, n_drugs + n_cell_lines)."""
    n = len(drug)
    columns = np.stack([drug, training.n_drugs + cell_line], axis=1).ravel()
    shape = (n, training.n_drugs + training.n_cell_lines)
    return sparse.csr_matrix((np.ones(2 * n), columns, 2 * np.arange(n + 1)), shape=shape)


BASELINES: dict[str, Baseline] = {
    "mean": mean,
    "drug-mean": drug_mean,
    "additive": additive,
    "factorisation": factorisation,
}
