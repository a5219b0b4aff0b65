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
    """Factors and biases are linear in principal components, plus free ones for entities that are measured.

    In each step a share of the free parts is left out, so that the components carry what they can; the kind of
    entity that will be asked for unseen has none.
    """

    members: int = 8
    candidates: Sequence[tuple[int, float]] = (
        (16, 10.0), (16, 3.0), (16, 30.0), (16, 100.0), (16, 300.0), (32, 100.0), (4, 10.0)
    )  # fmt: skip
    """Rank, and penalty of the maps from components."""
    epochs: int = 120
    untested: float = 0.03
    dropped: float = 0.3

    def choose(self, problem: Problem) -> Options:
        """Rank and penalty, by single members."""
        candidates = [{"rank": rank, "penalty": penalty, "members": 1} for rank, penalty in self.candidates]
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
            total += self._fitted(problem, options, pairs, 1000 * problem.seed + member)[asked]
        return outcome(problem, total / options["members"])

    def _fitted(self, problem: Problem, options: Options, pairs: PairLoss, seed: int) -> torch.Tensor:
        """Outputs of all pairs, (n_drugs, n_cell_lines), of one start."""
        generator = torch.Generator().manual_seed(seed)
        rank = int(options["rank"])
        features, training, split = problem.features, problem.training, problem.split
        sides = [torch.from_numpy(features.drug_components), torch.from_numpy(features.cell_line_components)]
        measured = [torch.zeros(len(side), 1) for side in sides]
        measured[0][training.drug] = measured[1][training.cell_line] = 1.0
        unseen = (
            split in {Split.unseen_drug, Split.unseen_both}, split in {Split.unseen_cell, Split.unseen_both}
        )  # fmt: skip
        kept = [m * (0.0 if u else 1.0) for m, u in zip(measured, unseen, strict=True)]

        def small(*shape: int) -> torch.Tensor:
            return (0.1 * torch.randn(*shape, generator=generator)).requires_grad_()

        maps, free = (
            [small(side.shape[1], rank) for side in sides],
            [small(len(side), rank) for side in sides],
        )
        constants = [small(1, rank) for _ in sides]
        bias_maps, biases = (
            [torch.zeros(n, 1, requires_grad=True) for n in sizes]
            for sizes in ([side.shape[1] for side in sides], [len(side) for side in sides])
        )
        intercept = torch.zeros((), requires_grad=True)
        optimiser = torch.optim.Adam([*maps, *free, *constants, *bias_maps, *biases, intercept], lr=0.03)

        def output(keep: list[torch.Tensor]) -> torch.Tensor:
            d, c = (
                side @ m + one + k * f
                for side, m, one, k, f in zip(sides, maps, constants, keep, free, strict=True)
            )
            d_bias, c_bias = (
                side @ m + k * f for side, m, k, f in zip(sides, bias_maps, keep, biases, strict=True)
            )
            return d @ c.T + d_bias + c_bias.T + intercept

        for _ in range(self.epochs):
            optimiser.zero_grad()
            keep = [k * (torch.rand(k.shape, generator=generator) > self.dropped) for k in kept]
            prior = options["penalty"] * torch.stack([(m**2).sum() for m in (*maps, *bias_maps)]).sum()
            prior = prior + torch.stack([(f**2).sum() for f in (*free, *constants)]).sum()
            prior = prior + 0.5 * (biases[0] ** 2).sum() + 0.05 * (biases[1] ** 2).sum()
            (pairs(output(keep)) + 0.5 * prior).backward()
            optimiser.step()
        with torch.no_grad():
            return output(kept)
