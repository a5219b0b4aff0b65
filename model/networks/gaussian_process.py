"""A Gaussian process over the response matrix: its covariance is a drug kernel times a cell-line kernel; both learn.

It is the last layer of the default network (`GaussianProcessComponent`) and, on fixed similarities alone, a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.similarities import CELL_LINE_KERNELS, DRUG_KERNELS
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.drug_levels import DrugLevels, before_softplus
from pharmagraph.model.networks.posterior import Observed, PosteriorMean
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.responses.visible import Means, Visible, residuals

START: dict[Task, dict[str, Any]] = {
    "classification": {"scale": 4.0, "observed": (0.5, 0.5)},  # logits of what lies between -1 and 1
    "regression": {"scale": 1.0, "observed": (0.0, 1.0)},
}
"""Scale of the posterior mean, and weights of class and strength in what is observed, before anything is learned."""


@dataclass(frozen=True)
class Contributions:
    """A posterior mean as a sum of what entities draw from each other: ``kernel_c @ source @ kernel_d``.

    Attributes
    ----------
    kernel_c, kernel_d
        Who draws, whom from; (n_cell_lines, n_cell_lines) and (n_drugs, n_drugs), symmetric.
    source
        What there is to be contributions, 0 where nobody was observed, (n_cell_lines, n_drugs).
    levels
        What each drug's level draws from each, on all cell lines alike, (n_drugs, n_drugs); None where levels are not
        predicted.
    """

    kernel_c: Tensor
    kernel_d: Tensor
    source: Tensor
    levels: Tensor | None = None

    def total(self) -> Tensor:
        """The mean that all terms make, (n_cell_lines, n_drugs)."""
        pattern = self.kernel_c @ self.source @ self.kernel_d
        return pattern if self.levels is None else pattern + self.levels.sum(1)

    def between_drugs(self) -> Tensor:
        """Size of what each drug (row) draws from each, mean over cell lines, (n_drugs, n_drugs)."""
        pattern = self.kernel_d.abs() * (self.kernel_c @ self.source).abs().mean(0)
        return pattern if self.levels is None else pattern + self.levels.abs()

    def between_cell_lines(self) -> Tensor:
        """Size of what each cell line (row) draws from each, mean over drugs, (n_cell_lines, n_cell_lines)."""
        return self.kernel_c.abs() * (self.source @ self.kernel_d).abs().mean(1)

    def from_responses(self, measured: Tensor) -> Tensor:
        """Size of what each of a drug's own responses gives its predictions, mean over cell lines; those that were
        measured, 0 or 1 (n_cell_lines, n_drugs), have the same part in its level.
        """
        pattern = self.kernel_c.abs().mean(0)[:, None] * self.source.abs() * self.kernel_d.diagonal()
        if self.levels is None:
            return pattern
        return pattern + measured * self.levels.diagonal().abs() / measured.sum(0).clamp(min=1)


class ResponseProcess(nn.Module):
    """Logits of pairs from a Gaussian process on the visible responses.

    Each kernel is a weighted sum of fixed similarities, of a constant, of the identity, and of the cosine between
    profiles of visible responses less drug and cell-line means (drugs that act alike, cell lines that answer alike).
    What it observes of a pair is a learned mixture of its class and its strength, where both are known.
    Untested pairs count as a little of "neither", with a precision that is learned, too.

    Parameters
    ----------
    n_drug_kernels, n_cell_line_kernels
        Fixed similarities.
    task
        Where it starts from.
    """

    def __init__(self, n_drug_kernels: int, n_cell_line_kernels: int, task: Task = "classification") -> None:
        super().__init__()
        self.of_drugs = nn.Parameter(before_softplus([0.15] * n_drug_kernels))
        self.of_cell_lines = nn.Parameter(before_softplus([0.2] * n_cell_line_kernels))
        self.of_profiles = nn.Parameter(before_softplus([0.3, 0.3]))
        self.constant = nn.Parameter(before_softplus([0.1, 0.05]))
        self.identity = nn.Parameter(before_softplus([0.3, 0.2]))
        self.precision = nn.Parameter(before_softplus([0.5, 0.03]))
        self.observed = nn.Parameter(torch.tensor(START[task]["observed"]))
        self.scale = nn.Parameter(torch.tensor(START[task]["scale"]))
        self.bias, self.of_drug_mean = nn.Parameter(torch.tensor(0.0)), nn.Parameter(torch.tensor(0.0))

    def hyperparameters(self) -> list[nn.Parameter]:
        """The few numbers that say how kernels are mixed; they learn faster than weights."""
        return [
            self.of_drugs, self.of_cell_lines, self.of_profiles, self.constant, self.identity,
            self.precision, self.observed, self.scale, self.bias, self.of_drug_mean,
        ]  # fmt: skip

    def logits(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        drug: Tensor,
        cell_line: Tensor,
        *,
        more: tuple[Tensor, Tensor] | None = None,
        drug_scale: Tensor | None = None,
    ) -> Tensor:
        """Of pairs given by node numbers, (n_pairs,).

        Parameters
        ----------
        kernels
            Fixed similarities of drugs and of cell lines, (n, n, n_kernels).
        visible
            Responses.
        more
            Kernels of drugs and of cell lines, already weighted, to be added, (n, n).
        drug_scale
            Scale of each drug's values, (n_drugs,): the process, its noise included, works in units of it.
        """
        active = visible.known_drugs.clone()  # the others have no part in the system
        active[drug] = True
        columns = torch.nonzero(active).flatten()
        column = (torch.cumsum(active, 0) - 1)[drug]
        *system, drug_scale = self._system(kernels, visible, columns, more, drug_scale)
        mean: Tensor = PosteriorMean.apply(*system) * drug_scale
        drug_mean = visible.sign_means(0)
        return self.scale * mean[cell_line, column] + self.bias + self.of_drug_mean * drug_mean[drug]

    def terms(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        *,
        more: tuple[Tensor, Tensor] | None = None,
        drug_scale: Tensor | None = None,
    ) -> Contributions:
        """What all entities draw from each other; arguments as in `logits`."""
        columns = torch.arange(len(visible.known_drugs), device=visible.value.device)
        kernel_c, kernel_d, precision, target, drug_scale = self._system(
            kernels, visible, columns, more, drug_scale
        )
        weights = Observed(kernel_c, kernel_d, precision).weights(target)
        return Contributions(
            kernel_c, torch.outer(drug_scale, drug_scale) * kernel_d, self.scale * weights / drug_scale
        )

    def _system(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        columns: Tensor,
        more: tuple[Tensor, Tensor] | None,
        drug_scale: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Kernels of cell lines and of some drugs, precisions, observations in units of drug scale, and those scales."""
        measured = visible.measured[:, columns]
        play = torch.outer(visible.known_cell_lines.float(), visible.known_drugs[columns].float())
        of_measured, share_of_untested = functional.softplus(self.precision)
        precision = of_measured * (measured + share_of_untested * (1 - measured)) * play
        value = visible.value[:, columns] * measured
        profile = residuals(value, measured)
        kernel_d = self._kernel(0, self.of_drugs, kernels[0][columns][:, columns], profile.T)
        kernel_c = self._kernel(1, self.of_cell_lines, kernels[1], profile)
        if more is not None:
            kernel_d, kernel_c = kernel_d + more[0][columns][:, columns], kernel_c + more[1]
        of_class, of_strength = self.observed
        target = of_class * visible.sign[:, columns] + of_strength * value
        drug_scale = torch.ones_like(target[0]) if drug_scale is None else drug_scale[columns]
        return kernel_c, kernel_d, precision, target / drug_scale, drug_scale

    def _kernel(self, side: int, weights: Tensor, fixed: Tensor, profile: Tensor) -> Tensor:
        positive = functional.softplus
        return (
            fixed @ positive(weights)
            + positive(self.of_profiles[side]) * _cosine(profile)
            + positive(self.constant[side])
            + positive(self.identity[side]) * torch.eye(len(fixed), device=fixed.device)
        )


class GaussianProcessComponent(ResponseProcess):
    """The process as a part of a network. The cosine between the states that the attention layers gave the nodes is one
    more term of each kernel, between entities that have visible responses: states were fitted to those, and what they
    say of others is a memory of the training entities, which costs more than it brings. The overlap of drugs' attention
    to genes is one more term of the drug kernel. In regression a drug that all cell lines answer alike is not taken to
    vary as one that divides them: what is left of its mean is in units of its scale. Where drugs will be asked for
    unseen their means are not left in for the process to explain, but predicted apart (`DrugLevels`).

    Parameters
    ----------
    config
        Width of the states.
    task
        Where it starts from.
    """

    def __init__(self, config: NetworkConfig, task: Task = "classification") -> None:
        super().__init__(len(DRUG_KERNELS), len(CELL_LINE_KERNELS), task)
        self.uses_states = config.process_states != "never"
        self.of_states = nn.Parameter(before_softplus([0.3, 0.3]))
        self.of_genes = nn.Parameter(before_softplus([0.3])) if config.process_genes else None
        self.levels = DrugLevels(len(DRUG_KERNELS)) if task == "regression" else None
        self.drug_view, self.cell_line_view = nn.Linear(config.channels, 32), nn.Linear(config.channels, 16)

    def hyperparameters(self) -> list[nn.Parameter]:
        """As `ResponseProcess`, and the weights of states, of genes and of levels."""
        genes = [] if self.of_genes is None else [self.of_genes]
        levels = [] if self.levels is None else [self.levels.weights]
        return [*super().hyperparameters(), self.of_states, *genes, *levels]

    def forward(
        self,
        tensors: GraphTensors,
        states: dict[str, Tensor],
        messages: Messages,
        drug: Tensor,
        cell_line: Tensor,
    ) -> Tensor:
        """Logits (n_pairs,) of pairs given by node numbers."""
        kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
        more, (levels, visible) = self._more(states, messages), self._levels(tensors, messages)
        pattern = self.logits(kernels, visible, drug, cell_line, more=more, drug_scale=messages.drug_scale)
        return pattern if levels is None else pattern + levels.sum(1)[drug]

    def contributions(
        self, tensors: GraphTensors, states: dict[str, Tensor], messages: Messages
    ) -> Contributions:
        """What all entities draw from each other, by the same kernels."""
        kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
        more, (levels, visible) = self._more(states, messages), self._levels(tensors, messages)
        return replace(self.terms(kernels, visible, more=more, drug_scale=messages.drug_scale), levels=levels)

    def _levels(self, tensors: GraphTensors, messages: Messages) -> tuple[Tensor | None, Visible]:
        """What drugs' levels draw from each other, and what is visible without them; nothing where means are out."""
        if self.levels is None or not messages.drug_means_in:
            return None, messages.visible
        visible = messages.visible
        rest, means = visible.without_means(Means(drugs=True, cell_lines=False))
        count = visible.measured.sum(0) * visible.known_drugs
        return self.levels.terms(tensors.drug_kernels, means.drug, count), rest

    def _more(self, states: dict[str, Tensor], messages: Messages) -> tuple[Tensor, Tensor] | None:
        """The terms of states and of attended genes, weighted, (n, n) of drugs and of cell lines."""
        visible, positive = messages.visible, functional.softplus
        terms: tuple[list[Tensor], list[Tensor]] = ([], [])
        if self.uses_states:
            of_drugs, of_cell_lines = positive(self.of_states)
            drugs = self.drug_view(states["Drug"]) * visible.known_drugs[:, None]
            cell_lines = self.cell_line_view(states["CellLine"]) * visible.known_cell_lines[:, None]
            terms[0].append(of_drugs * _cosine(drugs))
            terms[1].append(of_cell_lines * _cosine(cell_lines))
        if self.of_genes is not None and messages.overlap is not None:
            terms[0].append(positive(self.of_genes) * messages.overlap)
        nothing = visible.value.new_zeros(1, 1)
        both = [sum(side[1:], side[0]) if side else nothing for side in terms]
        return (both[0], both[1]) if terms[0] else None


def _cosine(rows: Tensor) -> Tensor:
    """(n, n); 0 for a row of zeros."""
    unit = functional.normalize(rows, dim=1)
    return unit @ unit.T
