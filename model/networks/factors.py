"""A factorisation whose factors are made from structure and expression: a part of the network, and a baseline.

It reads no messages, so it is fitted on its own, to all pairs at once, in a second or so: in a network's few dozen
steps it would not come to an end, and it would not see the inner part, as the others do when they predict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.presets.choices import Task

EPOCHS, RATE = 120, 0.03
FREE_DROPPED = 0.3
"""Share of entities that go without their free numbers in a step, so that components carry what they can."""

KINDS = ("drug", "cell_line")
DRUG_BIAS_PENALTY, CELL_LINE_BIAS_PENALTY = 0.5, 0.05

Sides = tuple[Tensor, Tensor]
"""Something of drugs, and of cell lines."""


@dataclass(frozen=True)
class TableLoss:
    """Loss of a table of outputs at known pairs, and a little at pairs of known entities nobody measured.

    Unmeasured pairs are drawn towards even odds, or towards the mean: a weak belief that nothing is known.

    Attributes
    ----------
    target, weight
        Float32 (n_drugs, n_cell_lines).
    """

    task: Task
    target: Tensor
    weight: Tensor

    @classmethod
    def of(
        cls,
        task: Task,
        drug: Tensor,
        cell_line: Tensor,
        target: Tensor,
        shape: tuple[int, int],
        untested: float,
    ) -> TableLoss:
        """Of pairs (n_pairs,) and their targets, and the weight of unmeasured ones."""
        neutral = 0.5 if task == "classification" else 0.0
        table = target.new_full(shape, neutral)
        table[drug, cell_line] = target
        known = [target.new_zeros(n) for n in shape]
        known[0][drug] = known[1][cell_line] = 1.0
        weight = untested * torch.outer(*known)
        weight[drug, cell_line] = 1.0
        return cls(task, table, weight)

    def __call__(self, output: Tensor) -> Tensor:
        """Summed over pairs, of outputs (n_drugs, n_cell_lines)."""
        if self.task == "classification":
            return functional.binary_cross_entropy_with_logits(
                output, self.target, self.weight, reduction="sum"
            )
        return 2.0 * (self.weight * (output - self.target) ** 2).sum()


class Factors(nn.Module):
    """Outputs of pairs as products of factors, mean over several starts; fitted once, with no gradient after that.

    Factors and biases are linear in principal components, plus free ones for entities that are known. One start keeps
    much of its noise; the mean of several loses it.

    Parameters
    ----------
    n_entities, n_components
        Drugs' and cell lines'.
    n_starts, rank
        Sizes.

    Attributes
    ----------
    ENTITY_AXES
        Where saved tensors have a place for each entity. Those that came after the fit have nothing there: their
        factors are what their components make.
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
        """New ones for the same entities, components and rank."""
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
            (n_entities, n_components), drugs' and cell lines'.
        known
            Whose free numbers count, bool (n_entities,); none of the kind that will be asked for unseen.
        loss
            Of the training pairs.
        map_penalty
            Gaussian prior of what maps components to factors; of free factors it is 1.
        seed
            The first start's; the next one has the next.
        """
        for start in range(self.n_starts):
            fitted = self._fit_start(components, known, loss, map_penalty, seed + start)
            for kind, numbers in zip(KINDS, fitted, strict=True):
                for name, values in zip(("map", "constant", "free"), numbers, strict=True):
                    getattr(self, f"{kind}_{name}")[start] = values

    def _fit_start(
        self, components: Sides, known: Sides, loss: TableLoss, map_penalty: float, seed: int
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Map, constant and free numbers of drugs, and of cell lines."""
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

    def forward(self, components: Sides, drug: Tensor, cell_line: Tensor) -> Tensor:
        """Outputs of pairs given by node numbers, (n_pairs,)."""
        total = torch.zeros(len(drug), device=drug.device)
        for start in range(self.n_starts):
            of_drug, of_cell_line = (
                (
                    side @ getattr(self, f"{kind}_map")[start]
                    + getattr(self, f"{kind}_constant")[start]
                    + getattr(self, f"{kind}_free")[start]
                ).index_select(0, rows)
                for kind, side, rows in zip(KINDS, components, (drug, cell_line), strict=True)
            )
            product = (of_drug[:, :-1] * of_cell_line[:, :-1]).sum(1)
            total = total + product + of_drug[:, -1] + of_cell_line[:, -1]
        return total / self.n_starts


def _kept(counted: Tensor, generator: torch.Generator) -> Tensor:
    return counted * (torch.rand(counted.shape, generator=generator) > FREE_DROPPED).to(counted.device)
