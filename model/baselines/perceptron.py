"""A multilayer perceptron on components and mean labels of a pair's drug and cell line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pharmagraph.model.baselines.factorisation import outcome
from pharmagraph.model.baselines.pair_features import pair_features
from pharmagraph.model.baselines.problem import Options, Problem, best_of


@dataclass(frozen=True)
class Perceptron:
    """Two hidden layers with dropout, fitted by AdamW, averaged over several starts."""

    members: int = 3
    widths: tuple[int, int] = (128, 64)
    steps: int = 1000
    batch: int = 1024
    candidates: Sequence[tuple[float, float]] = ((0.2, 1e-2), (0.5, 1e-2), (0.5, 1e-1))
    """Dropout and weight decay."""

    def choose(self, problem: Problem) -> Options:
        """Dropout and weight decay, judged by a single start."""
        candidates = [{"dropout": drop, "decay": decay, "members": 1} for drop, decay in self.candidates]
        return {**best_of(problem, self.predict, candidates), "members": self.members}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        rows = pair_features(problem, drug, cell_line)
        trained, asked = torch.from_numpy(rows.trained), torch.from_numpy(rows.asked)
        centre, width = trained.mean(0), trained.std(0).clamp(min=1e-6)
        trained, asked = (trained - centre) / width, (asked - centre) / width
        mean, deviation = problem.scale
        label = torch.from_numpy((problem.label - mean) / deviation).float()
        total = torch.zeros(len(asked))
        for member in range(int(options["members"])):
            network = self._fitted(problem, options, trained, label, 1000 * problem.seed + member)
            with torch.inference_mode():
                total += network(asked)[:, 0]
        return outcome(problem, total / options["members"])

    def _fitted(
        self, problem: Problem, options: Options, rows: torch.Tensor, label: torch.Tensor, seed: int
    ) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers: list[nn.Module] = []
            width = rows.shape[1]
            for hidden in self.widths:
                layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(options["dropout"])]
                width = hidden
            network = nn.Sequential(*layers, nn.Linear(width, 1))
            optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=options["decay"])
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.steps)
            classes = problem.task == "classification"
            loss = functional.binary_cross_entropy_with_logits if classes else functional.mse_loss
            for _ in range(self.steps):
                drawn = torch.randint(len(rows), (min(self.batch, len(rows)),))
                optimiser.zero_grad()
                loss(network(rows[drawn])[:, 0], label[drawn]).backward()
                optimiser.step()
                schedule.step()
        return network.eval()
