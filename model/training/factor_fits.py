"""Fits a network's factors to training pairs, and chooses their prior on pairs that were set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.networks.factors import Factors, Sides, TableLoss
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Visible


@dataclass(frozen=True)
class FactorFits:
    """The factors of one network and all that their fits have in common.

    Attributes
    ----------
    factors
        They are fitted in place.
    components
        Main axes of structure (n_drugs, k) and of expression (n_cell_lines, k).
    tensors, builder, scale
        The graph, what makes messages of visible pairs, and what is predicted.
    split
        Entities of a kind that will be asked for unseen get no free numbers.
    untested
        Weight of an untested pair; its label is 0.5.
    seed
        Seed of the first start.
    map_penalty
        Gaussian prior of the map from components to factors.
    """

    factors: Factors
    components: Sides
    tensors: GraphTensors
    builder: MessageBuilder
    scale: Scale
    split: Split
    untested: float
    seed: int
    map_penalty: float

    @classmethod
    def chosen(
        cls,
        factors: Factors,
        components: Sides,
        pairs: InnerFold,
        map_penalties: Sequence[float],
        *,
        tensors: GraphTensors,
        builder: MessageBuilder,
        scale: Scale,
        split: Split,
        untested: float,
        seed: int,
    ) -> FactorFits:
        """With the prior by which one start, fitted to the training pairs, best predicts those set aside.

        ``map_penalties`` are the priors to choose from; the other parameters are attributes.
        """
        fits = [
            cls(factors, components, tensors, builder, scale, split, untested, seed, penalty)
            for penalty in map_penalties
        ]
        if len(fits) == 1:
            return fits[0]
        label, single = pairs.validation.label(scale.task), factors.like(n_starts=1)
        drug, cell_line, offset = fits[0]._ends(
            pairs.validation, visible_pairs(pairs.training, scale, tensors.device)
        )
        found = []
        for fit in fits:
            replace(fit, factors=single).fit(pairs.training)
            output = offset + single(components, drug, cell_line)
            found.append(CHOSEN_BY[scale.task](label, scale.prediction(output).cpu().numpy()))
        return fits[int(np.argmax(np.nan_to_num(found, nan=-np.inf)))]

    def fit(self, pairs: Responses) -> None:
        """Fit to these pairs and nothing else; in regression to what is left when means are taken out."""
        visible = visible_pairs(pairs, self.scale, self.tensors.device)
        drug, cell_line, offset = self._ends(pairs, visible)
        bounds = self.scale.bounds(pairs)
        if bounds is not None:
            side, bound = (part.to(offset) for part in bounds)
            bounds = side, bound - offset
        loss = TableLoss.of(
            self.scale.task, drug, cell_line, self.scale.label(pairs).to(offset) - offset,
            (self.tensors.n_drugs, self.tensors.n_cell_lines), self.untested, bounds,
        )  # fmt: skip
        known_drugs = visible.known_drugs & (not self.split.of_unseen_drugs)
        known_cell_lines = visible.known_cell_lines & (not self.split.of_unseen_cell_lines)
        self.factors.fit(
            self.components,
            (known_drugs, known_cell_lines),
            loss,
            map_penalty=self.map_penalty,
            seed=self.seed,
        )

    def _ends(self, pairs: Responses, seen: Visible) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Drugs and cell lines of pairs, and the pairs' offsets by the means of visible ones, (n_pairs,) each."""
        drug, cell_line = (torch.from_numpy(i).to(self.tensors.device) for i in (pairs.drug, pairs.cell_line))
        return drug, cell_line, self.builder.offsets(seen).of_pairs(drug, cell_line)
