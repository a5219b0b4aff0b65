"""A factorisation whose factors are linear in structure and expression: a component of the network, and a baseline.

It reads no messages, so it is fitted on its own, to all pairs at once, in about a second. The few dozen steps of a
network's fit are too few for it, and in them it would miss the pairs of the inner fold, which the other components have
among their messages when they predict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.presets.choices import Task
from pharmagraph.model.responses.censoring import tobit_loss

EPOCHS, RATE = 120, 0.03
"""Steps over all pairs, and Adam's learning rate. Set by hand."""
FREE_DROPPED = 0.3
"""Fraction of entities without their free numbers in a step, so that components explain what they can. Set by hand."""

NOISE = 0.5
"""Expected standard deviation of a label around its output, in standard deviations of all. Set by hand."""

KINDS = ("drug", "cell_line")
DRUG_BIAS_PENALTY, CELL_LINE_BIAS_PENALTY = 0.5, 0.05
"""Precisions of the Gaussian priors of biases. Set by hand; the presets have the same values for identities."""

Sides = tuple[Tensor, Tensor]
"""A tensor of drugs, and one of cell lines."""


@dataclass(frozen=True)
class TableLoss:
    """Loss of a table of outputs: full weight at measured pairs, a small one at untested pairs of known entities.

    Untested pairs have the label of even odds, or of the mean: a weak prior belief that nothing is known of them.

    Attributes
    ----------
    label, weight
        Label and weight of every pair, float32 (n_drugs, n_cell_lines).
    censored
        Drugs, cell lines, sides and bounds of pairs whose label is beyond a bound, (n,) each; None where none is.
    """

    task: Task
    label: Tensor
    weight: Tensor
    censored: tuple[Tensor, Tensor, Tensor, Tensor] | None = None

    @classmethod
    def of(
        cls,
        task: Task,
        drug: Tensor,
        cell_line: Tensor,
        label: Tensor,
        shape: tuple[int, int],
        untested: float,
        bounds: tuple[Tensor, Tensor] | None = None,
    ) -> TableLoss:
        """From measured pairs and their labels (n_pairs,), the weight of an untested pair, and `Scale.bounds`."""
        neutral = 0.5 if task == "classification" else 0.0
        table = label.new_full(shape, neutral)
        table[drug, cell_line] = label
        known = [label.new_zeros(n) for n in shape]
        known[0][drug] = known[1][cell_line] = 1.0
        weight = untested * torch.outer(*known)
        weight[drug, cell_line] = 1.0
        if bounds is None:
            return cls(task, table, weight)
        side, bound = bounds
        rows = torch.nonzero(side).flatten()
        weight[drug[rows], cell_line[rows]] = 0.0
        return cls(task, table, weight, (drug[rows], cell_line[rows], side[rows], bound[rows]))

    def __call__(self, output: Tensor) -> Tensor:
        """Sum over pairs of the loss of outputs (n_drugs, n_cell_lines)."""
        if self.task == "classification":
            return functional.binary_cross_entropy_with_logits(
                output, self.label, self.weight, reduction="sum"
            )
        known = (self.weight * (output - self.label) ** 2).sum() / (2 * NOISE**2)
        if self.censored is None:
            return known
        drug, cell_line, side, bound = self.censored
        return known + tobit_loss(output[drug, cell_line], bound, side, NOISE).sum()


class Factors(nn.Module):
    """Outputs of pairs as products of factors, mean over several starts. `fit` sets them; they have no gradients.

    Factors and biases are linear in principal components, plus free numbers for entities that are known. Each start
    begins from other noise and keeps much of it; the mean over starts averages it out.

    Parameters
    ----------
    n_entities, n_components
        Numbers of entities and of components, of drugs and of cell lines.
    n_starts, rank
        Number of starts, and of factors of an entity.

    Attributes
    ----------
    ENTITY_AXES
        Tensor → its axis over entities. Entities added after the fit have zeros there: their factors come from their
        components alone.
    """

    ENTITY_AXES: ClassVar[dict[str, int]] = {f"{kind}_free": 1 for kind in KINDS}

    def __init__(
        self, n_entities: tuple[int, int], n_components: tuple[int, int], n_starts: int, rank: int
    ) -> None:
        super().__init__()
        self.n_starts, self.rank = n_starts, rank
        for kind, n, k in zip(KINDS, n_entities, n_components, strict=True):
            # the last column is the bias
            self.register_buffer(f"{kind}_map", torch.zeros(n_starts, k, rank + 1))
            self.register_buffer(f"{kind}_constant", torch.zeros(n_starts, 1, rank + 1))
            self.register_buffer(f"{kind}_free", torch.zeros(n_starts, n, rank + 1))

    def like(self, *, n_starts: int) -> Factors:
        """New factors for the same entities, components and rank, not fitted."""
        sizes = [
            (getattr(self, f"{kind}_free").shape[1], getattr(self, f"{kind}_map").shape[1]) for kind in KINDS
        ]
        (n_drugs, k_drugs), (n_cell_lines, k_cell_lines) = sizes
        new = Factors((n_drugs, n_cell_lines), (k_drugs, k_cell_lines), n_starts, self.rank)
        return new.to(self.get_buffer("drug_map").device)

    def fit(self, components: Sides, known: Sides, loss: TableLoss, *, map_penalty: float, seed: int) -> None:
        """Fit every start.

        Parameters
        ----------
        components
            Principal components of drugs and of cell lines, (n_entities, n_components).
        known
            Entities that have free numbers, bool (n_entities,); none of a kind that will be asked for unseen.
        loss
            Loss on the training pairs.
        map_penalty
            Precision of the Gaussian prior of the map from components to factors; that of free factors is 1.
        seed
            Seed of the first start; each further start has the next number.
        """
        for start in range(self.n_starts):
            fitted = self._fit_start(components, known, loss, map_penalty, seed + start)
            for kind, numbers in zip(KINDS, fitted, strict=True):
                for name, values in zip(("map", "constant", "free"), numbers, strict=True):
                    getattr(self, f"{kind}_{name}")[start] = values

    def _fit_start(
        self, components: Sides, known: Sides, loss: TableLoss, map_penalty: float, seed: int
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Map, constant and free numbers of drugs, then of cell lines."""
        generator, device = torch.Generator().manual_seed(seed), components[0].device
        counted = [k.float()[:, None] for k in known]

        def noise(n: int) -> Tensor:
            return (0.1 * torch.randn(n, self.rank, generator=generator)).to(device)

        def with_bias(values: Tensor) -> Tensor:
            return functional.pad(values, (0, 1)).requires_grad_()

        maps = [with_bias(noise(side.shape[1])) for side in components]
        free = [with_bias(noise(len(side))) for side in components]
        constants = [noise(1).requires_grad_() for _ in components]
        intercept = torch.zeros(1, 1, device=device, requires_grad=True)
        optimiser = torch.optim.Adam([*maps, *free, *constants, intercept], lr=RATE)
        for _ in range(EPOCHS):
            optimiser.zero_grad()
            drug, cell_line = (
                side @ m + functional.pad(one, (0, 1)) + _kept(k, generator) * f
                for side, m, one, k, f in zip(components, maps, constants, counted, free, strict=True)
            )
            output = drug[:, :-1] @ cell_line[:, :-1].T + drug[:, -1:] + cell_line[:, -1:].T + intercept
            prior = map_penalty * torch.stack([(m**2).sum() for m in maps]).sum()
            prior = (
                prior + torch.stack([(f**2).sum() for f in (*constants, *(f[:, :-1] for f in free))]).sum()
            )
            for f, penalty in zip(free, (DRUG_BIAS_PENALTY, CELL_LINE_BIAS_PENALTY), strict=True):
                prior = prior + penalty * (f[:, -1] ** 2).sum()
            (loss(output) + 0.5 * prior).backward()
            optimiser.step()
        biases = (intercept.detach(), torch.zeros_like(intercept))
        return [
            (m.detach(), torch.cat([one.detach(), bias], 1), k * f.detach())
            for m, one, bias, k, f in zip(maps, constants, biases, counted, free, strict=True)
        ]

    def of_entities(self, components: Sides) -> Sides:
        """Factors of all drugs, and of all cell lines; the bias is the last, (n_starts, n_entities, rank + 1) each."""
        of_drugs, of_cell_lines = (
            side @ self.get_buffer(f"{kind}_map")
            + self.get_buffer(f"{kind}_constant")
            + self.get_buffer(f"{kind}_free")
            for kind, side in zip(KINDS, components, strict=True)
        )
        return of_drugs, of_cell_lines

    def table(self, components: Sides) -> Tensor:
        """Outputs of all pairs, (n_cell_lines, n_drugs)."""
        total = torch.zeros((), device=components[0].device)
        for of_drugs, of_cell_lines in zip(*self.of_entities(components), strict=True):
            product = of_cell_lines[:, :-1] @ of_drugs[:, :-1].T
            total = total + product + of_cell_lines[:, -1:] + of_drugs[:, -1]
        return total / self.n_starts

    def forward(self, components: Sides, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Outputs of pairs given by node numbers, (n_pairs,)."""
        return self.table(components)[cell_line, drug]


def _kept(counted: Tensor, generator: torch.Generator) -> Tensor:
    return counted * (torch.rand(counted.shape, generator=generator) > FREE_DROPPED).to(counted.device)
