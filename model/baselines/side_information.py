"""Matrix factorisation whose factors are made from structure and expression, so that unseen entities have some, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from model.baselines.factorisation import PairLoss, outcome
from model.baselines.problem import Options, Problem, best_of
from model.splits import Split


@dataclass(frozen=True)
class SideInformation:
    """Factors and biases are linear in principal components, plus free ones for entities with training pairs.

    In each step a share of the free parts is left out, so that the components carry what they can.
    """

    members: int = 8
    candidates: Sequence[tuple[int, float, int]] = (
        (16, 0.3, 100), (16, 1.0, 100), (16, 0.1, 100), (16, 0.3, 50), (16, 1.0, 200), (8, 0.3, 100)
    )  # fmt: skip
    """Rank, penalty of the maps from components, epochs."""
    untested: float = 0.03
    dropped: float = 0.3

    def choose(self, problem: Problem) -> Options:
        """Rank, penalty and epochs, by single members."""
        free = 1.0 if problem.split is Split.random else 0.0
        candidates = [
            {"rank": rank, "penalty": penalty, "epochs": epochs, "free": free, "members": 1}
            for rank, penalty, epochs in self.candidates
        ]
        n_parts = 1 if problem.split is Split.random else 3
        return {**best_of(problem, self.predict, candidates, n_parts=n_parts), "members": self.members}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        pairs = PairLoss(problem, self.untested)
        asked = (torch.from_numpy(drug), torch.from_numpy(cell_line))
        total = torch.zeros(len(drug))
        for member in range(int(options["members"])):
            with torch.no_grad():
                total += _fitted(problem, options, pairs, 1000 * problem.seed + member, self.dropped)[asked]
        return outcome(problem, total / options["members"])


def _fitted(
    problem: Problem, options: Options, pairs: PairLoss, seed: int, dropped: float
) -> torch.Tensor:
    """Outputs of all pairs, (n_drugs, n_cell_lines), of one start."""
    generator = torch.Generator().manual_seed(seed)
    rank = int(options["rank"])
    sides = [
        torch.from_numpy(problem.features.drug_components),
        torch.from_numpy(problem.features.cell_line_components),
    ]
    maps = [
        (torch.randn(side.shape[1], rank + 1, generator=generator) * 0.1).requires_grad_() for side in sides
    ]
    free = [(torch.randn(len(side), rank + 1, generator=generator) * 0.1) for side in sides]
    for part in free:
        part[:, rank] = 0
        part.mul_(options["free"]).requires_grad_()
    constant = torch.zeros((), requires_grad=True)
    mixed = torch.eye(rank).requires_grad_()
    parameters = [*maps, constant, mixed, *(free if options["free"] else ())]
    optimiser = torch.optim.Adam(parameters, lr=0.03)

    def output(keep: list[torch.Tensor]) -> torch.Tensor:
        d, c = (side @ map_ + k * part for side, map_, k, part in zip(sides, maps, keep, free, strict=True))
        return d[:, :rank] @ mixed @ c[:, :rank].T + d[:, rank:] + c[:, rank] + constant

    with torch.enable_grad():
        for _ in range(int(options["epochs"])):
            optimiser.zero_grad()
            keep = [(torch.rand(len(side), 1, generator=generator) > dropped).float() for side in sides]
            prior = options["penalty"] * sum((m**2).sum() for m in maps) + sum((f**2).sum() for f in free)
            (pairs(output(keep)) + 0.5 * prior).backward()
            optimiser.step()
    with torch.no_grad():
        return output([torch.ones(1), torch.ones(1)])
