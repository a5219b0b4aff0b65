"""Fits a network's factors to training pairs, and chooses their prior on pairs that were set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.networks.factors import Factors, Sides, TableLoss
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Visible


@dataclass(frozen=True)
class FactorFits:
    """What the fits of one network have in common.

    Attributes
    ----------
    components
        Main axes of structure (n_drugs, k) and of expression (n_cell_lines, k).
    split
        Entities of a kind that will be asked for unseen have no free numbers.
    untested
        Weight of untested pairs as one half sensitive.
    seed
        Of the first start.
    """

    graph: GraphTensors
    components: Sides
    builder: MessageBuilder
    scale: Scale
    split: Split
    untested: float
    seed: int

    def fit(self, factors: Factors, pairs: Responses, map_penalty: float) -> None:
        """Fit to these pairs and nothing else; in regression to what the means that are taken out leave."""
        known, loss = self._known_and_loss(pairs)
        factors.fit(self.components, known, loss, map_penalty=map_penalty, seed=self.seed)

    def choose(
        self, factors: Factors, training: Responses, aside: Responses, penalties: Sequence[float]
    ) -> float:
        """The prior with which one start, fitted to the training pairs, says most of those set aside."""
        if len(penalties) == 1:
            return penalties[0]
        figure = CHOSEN_BY[self.scale.task]
        target = aside.label(self.scale.task)
        drug, cell_line, offset = self._ends(aside, visible_pairs(training, self.scale, self.graph.device))
        known, loss = self._known_and_loss(training)
        single, found = factors.like(n_starts=1), []
        for penalty in penalties:
            single.fit(self.components, known, loss, map_penalty=penalty, seed=self.seed)
            output = offset + single(self.components, drug, cell_line)
            found.append(figure(target, self.scale.prediction(output).cpu().numpy()))
        return penalties[int(np.argmax(np.nan_to_num(found, nan=-np.inf)))]

    def _known_and_loss(self, pairs: Responses) -> tuple[Sides, TableLoss]:
        """Whose free numbers count, and the loss of these pairs."""
        visible = visible_pairs(pairs, self.scale, self.graph.device)
        drug, cell_line, offset = self._ends(pairs, visible)
        loss = TableLoss.of(
            self.scale.task, drug, cell_line, self.scale.label(pairs).to(offset) - offset,
            (self.graph.n_drugs, self.graph.n_cell_lines), self.untested,
        )  # fmt: skip
        known_drugs = visible.known_drugs & (not self.split.of_unseen_drugs)
        return (known_drugs, visible.known_cell_lines & (not self.split.of_unseen_cell_lines)), loss

    def _ends(self, pairs: Responses, seen: Visible) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Drugs and cell lines of pairs, and what the means of the seen ones say of them."""
        of_drug, of_cell_line = self.builder.offsets(seen)
        drug, cell_line = (torch.from_numpy(i).to(of_drug.device) for i in (pairs.drug, pairs.cell_line))
        return drug, cell_line, of_drug[drug] + of_cell_line[cell_line]
