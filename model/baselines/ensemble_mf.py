"""EnsembleMF of DrEval's league: two towers, of expression and of structure, whose outputs are factors."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.baselines.factorisation import outcome
from pharmagraph.model.baselines.features import landmarks
from pharmagraph.model.baselines.problem import Options, Problem
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import Responses


@dataclass(frozen=True)
class EnsembleMF:
    """An ensemble of two-tower factorisations, with the settings that were published.

    A cell line's factor is a small residual network of the ranks of its landmark genes, a drug's factor one of 256
    Morgan bits plus a free vector of the drug, which is 0 for a drug without training pairs. The output is the product
    of the factors, plus biases, plus a perceptron of both factors and their elementwise product. Each network stops
    where its loss on pairs set aside, in the manner of the split, stops falling; outputs are averaged.

    Other than published: genes as in `landmarks`, ln IC50 is standardised for the fit, a tenth of the pairs, drugs or
    cell lines stops the networks (published: a twentieth), and classes are fitted by cross-entropy.

    References
    ----------
    Iversen, EnsembleMF, pull request 458 of daisybio/drevalpy; ``models/EnsembleMF`` of drevalpy 1.6.
    """

    members: int = 20
    hidden: int = 256
    factors: int = 128
    dropout: float = 0.2
    learning_rate: float = 3e-4
    weight_decay: float = 1e-5
    batch: int = 2048
    epochs: int = 300
    patience: int = 25
    set_aside: float = 0.1

    def choose(self, problem: Problem) -> Options:
        """Nothing to choose: the settings are those published."""
        return {"members": self.members}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        training, features, device = problem.training, problem.features, problem.device
        genes = landmarks(features.expression, training.cell_line)
        ranks = torch.from_numpy(_ranks(features.expression[:, genes], training.cell_line)).to(device)
        bits = torch.from_numpy(features.fingerprint).to(device)
        inner = InnerFold.of(
            training, problem.split, fraction=self.set_aside, seed=1000 * problem.seed, groups=problem.groups
        ).judged(problem.task)
        learned, aside = (_pairs(problem, part, device) for part in (inner.training, inner.validation))
        asked = torch.from_numpy(drug).to(device), torch.from_numpy(cell_line).to(device)
        total = torch.zeros(len(drug), device=device)
        for member in range(int(options["members"])):
            with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
                torch.manual_seed(1000 * problem.seed + member)
                network = self._fitted(problem, bits, ranks, learned, aside)
            with torch.inference_mode():
                total += network(bits, ranks, *asked)
        return outcome(problem, total.cpu() / options["members"])

    def _fitted(
        self,
        problem: Problem,
        bits: Tensor,
        ranks: Tensor,
        learned: tuple[Tensor, Tensor, Tensor],
        aside: tuple[Tensor, Tensor, Tensor],
    ) -> _TwoTowers:
        """One network of the epoch in which its loss on the pairs set aside was least."""
        loss = (
            functional.binary_cross_entropy_with_logits
            if problem.task == "classification"
            else functional.mse_loss
        )
        network = _TwoTowers(
            (bits.shape[1], ranks.shape[1]), len(bits), self.hidden, self.factors, self.dropout
        ).to(bits.device)
        optimiser = torch.optim.Adam(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        network.know(learned[0])
        cell_lines, position = learned[1].unique(return_inverse=True)
        known = ranks[cell_lines]
        drug, label = learned[0], learned[2]
        best, kept, waited = float("inf"), copy.deepcopy(network.state_dict()), 0
        for _ in range(self.epochs):
            network.train()
            for rows in torch.randperm(len(label)).to(bits.device).split(self.batch):
                optimiser.zero_grad()
                loss(network(bits, known, drug[rows], position[rows]), label[rows]).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimiser.step()
            network.eval()
            with torch.inference_mode():
                now = float(loss(network(bits, ranks, aside[0], aside[1]), aside[2]))
            if now < best - 1e-6:
                best, kept, waited = now, copy.deepcopy(network.state_dict()), 0
            elif (waited := waited + 1) >= self.patience:
                break
        network.load_state_dict(kept)
        return network


class _Tower(nn.Module):
    """Features (n, width) to factors (n, n_factors): one residual block, and a direct way past it."""

    def __init__(self, width: int, hidden: int, factors: int, dropout: float) -> None:
        super().__init__()
        self.first, self.block = nn.Linear(width, hidden), nn.Linear(hidden, hidden)
        self.norm, self.dropout = nn.LayerNorm(hidden), nn.Dropout(dropout)
        self.last, self.past = nn.Linear(hidden, factors), nn.Linear(hidden, factors)

    def forward(self, rows: Tensor) -> Tensor:
        """Factors of rows."""
        first = functional.relu(self.first(rows))
        state = self.dropout(first)
        state = state + self.dropout(functional.relu(self.norm(self.block(state))))
        return self.last(state) + self.past(first)


class _TwoTowers(nn.Module):
    """Outputs of pairs from the features of all drugs and cell lines."""

    known: Tensor

    def __init__(
        self, widths: tuple[int, int], n_drugs: int, hidden: int, factors: int, dropout: float
    ) -> None:
        super().__init__()
        self.drugs, self.cell_lines = (_Tower(width, hidden, factors, dropout) for width in widths)
        self.identity = nn.Parameter(0.01 * torch.randn(n_drugs, factors))
        self.register_buffer("known", torch.zeros(n_drugs, 1))
        self.drug_bias, self.cell_line_bias = nn.Linear(factors, 1), nn.Linear(factors, 1)
        self.bias, self.scale = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.ones(1))
        self.head, self.dropout = nn.Linear(3 * factors, hidden), nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 1)

    def know(self, drug: Tensor) -> None:
        """The drugs that have a vector of their own: those with pairs to learn it from."""
        self.known[drug] = 1.0

    def forward(self, bits: Tensor, ranks: Tensor, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Outputs of pairs (n,), from Morgan bits (n_drugs, …), ranks (n_cell_lines, …) and the pairs' row numbers."""
        d, c = self.drugs(bits) + self.known * self.identity, self.cell_lines(ranks)
        # a linear map of (c, d, c·d) is a sum of three, of which two are the same for all pairs of an entity
        of_line, of_drug, of_product = self.head.weight.split(d.shape[1], dim=1)
        product = d[drug] * c[cell_line]
        hidden = (c @ of_line.T + self.head.bias)[cell_line] + (d @ of_drug.T)[drug] + product @ of_product.T
        head = self.output(self.dropout(functional.relu(hidden)))[:, 0]
        biases = self.drug_bias(d)[drug, 0] + self.cell_line_bias(c)[cell_line, 0] + self.bias
        return product.sum(1) * self.scale + biases + head


def _ranks(expression: np.ndarray, cell_lines: np.ndarray) -> np.ndarray:
    """Share of training cell lines below each value, gene by gene, standardised over them, float32.

    A cell line without expression has 0 everywhere, as the average cell line has.
    """
    known = expression.any(1)
    reference = np.intersect1d(cell_lines, np.flatnonzero(known))
    if not len(reference):
        return np.zeros_like(expression)
    share = np.empty(expression.shape, np.float32)
    for gene, values in enumerate(expression.T):
        share[:, gene] = np.searchsorted(np.sort(values[reference]), values) / max(len(reference) - 1, 1)
    share = share.clip(0, 1)
    mean, width = share[reference].mean(0), share[reference].std(0)
    standardised: np.ndarray = (share - mean) / np.where(width > 0, width, 1)
    standardised[~known] = 0
    return standardised.astype(np.float32)


def _pairs(problem: Problem, responses: Responses, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Drug numbers, cell-line numbers and labels (standardised, or 0 and 1), (n,) each."""
    mean, width = problem.scale
    label = torch.from_numpy((responses.label(problem.task) - mean) / width).float()
    return (
        torch.from_numpy(responses.drug).to(device), torch.from_numpy(responses.cell_line).to(device),
        label.to(device),
    )  # fmt: skip
