"""Matrix factorisation whose factors are made from structure and expression, so that unseen entities have some, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pharmagraph.model.baselines.factorisation import outcome, table_loss
from pharmagraph.model.baselines.problem import Options, Problem, best_of
from pharmagraph.model.networks.factors import Factors
from pharmagraph.model.presets.choices import Split


@dataclass(frozen=True)
class SideInformation:
    """The network's factor part without the network (`model.networks.factors`), its rank and its prior chosen."""

    members: int = 8
    candidates: Sequence[tuple[int, float]] = (
        (16, 10.0), (16, 3.0), (16, 30.0), (16, 100.0), (16, 300.0), (32, 100.0), (4, 10.0)
    )  # fmt: skip
    """Rank, and penalty of the maps from components."""
    untested: float = 0.03

    def choose(self, problem: Problem) -> Options:
        """Rank and penalty, by single members."""
        candidates = [{"rank": rank, "penalty": penalty, "members": 1} for rank, penalty in self.candidates]
        n_parts = 1 if problem.split is Split.random else 3
        return {**best_of(problem, self.predict, candidates, n_parts=n_parts), "members": self.members}

    def predict(
        self, problem: Problem, options: Options, drug: np.ndarray, cell_line: np.ndarray
    ) -> np.ndarray:
        """As `Baseline.predict`."""
        features, training, split = problem.features, problem.training, problem.split
        components = (
            torch.from_numpy(features.drug_components),
            torch.from_numpy(features.cell_line_components),
        )
        known = [torch.zeros(len(side), dtype=torch.bool) for side in components]
        known[0][training.drug] = not split.of_unseen_drugs
        known[1][training.cell_line] = not split.of_unseen_cell_lines
        factors = Factors(
            (training.n_drugs, training.n_cell_lines),
            (components[0].shape[1], components[1].shape[1]),
            int(options["members"]),
            int(options["rank"]),
        )
        factors.fit(
            components, (known[0], known[1]), table_loss(problem, self.untested),
            map_penalty=options["penalty"], seed=1000 * problem.seed,
        )  # fmt: skip
        return outcome(problem, factors(components, torch.from_numpy(drug), torch.from_numpy(cell_line)))
