"""A Gaussian process over the response matrix whose covariance is a drug kernel times a cell-line kernel; both are
learned.

It is a component of the default network (`GaussianProcessComponent`) and, on fixed similarities alone, a baseline.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.gene_pairs import HEADS
from pharmagraph.model.inputs.gene_pattern import Pattern
from pharmagraph.model.inputs.last_step import LastStep
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, DRUG_KERNELS
from pharmagraph.model.networks.contributions import Contributions, GeneEffects
from pharmagraph.model.networks.drug_levels import DrugLevels, before_softplus
from pharmagraph.model.networks.gene_part import GenePart
from pharmagraph.model.networks.gene_term import GeneTerm
from pharmagraph.model.networks.posterior import PosteriorMean, posterior_weights
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import NetworkConfig
from pharmagraph.model.responses.visible import Means, Visible, residuals

START: dict[Task, dict[str, Any]] = {
    "classification": {"scale": 4.0, "observed": (0.5, 0.5)},  # logits lie further apart than observations
    "regression": {"scale": 1.0, "observed": (0.0, 1.0)},
}
"""Where learning starts: the factor of the posterior mean, and the weights of class and strength in an observation.
Set by hand."""

START_WEIGHTS = {
    "drug kernel": 0.15, "cell-line kernel": 0.2, "profiles": 0.3, "states": 0.3, "genes": 0.3,
    "drug constant": 0.1, "cell-line constant": 0.05, "drug identity": 0.3, "cell-line identity": 0.2,
}  # fmt: skip
"""Weights of the terms of the kernels (of each similarity, for the first two) before anything is learned. Similarities
are unitless, in [-1, 1]. Set by hand."""

START_PRECISION, START_UNTESTED = 0.5, 0.03
"""Precision of a measured pair, and that of an untested pair as a multiple of it, before anything is learned. Set by
hand."""

N_DRUG_VIEW, N_CELL_LINE_VIEW = 32, 16
"""Widths of the linear maps of node states whose cosines enter the kernels. Set by hand."""


class ResponseProcess(nn.Module):
    """Logits of pairs from a Gaussian process on the visible responses.

    Each kernel is a weighted sum of fixed similarities, a constant, the identity, and the cosine between profiles of
    visible responses (`residuals`), by which drugs that act alike and cell lines that respond alike are similar. The
    observation of a measured pair is a learned mixture of its class and its strength. An untested pair is an
    observation of 0 with a small precision, which is learned, too.

    Parameters
    ----------
    n_drug_kernels, n_cell_line_kernels
        Numbers of fixed similarities.
    task
        Chooses the starting point of learning (`START`).
    """

    def __init__(self, n_drug_kernels: int, n_cell_line_kernels: int, task: Task = "classification") -> None:
        super().__init__()
        start = START_WEIGHTS
        self.of_drugs = nn.Parameter(before_softplus([start["drug kernel"]] * n_drug_kernels))
        self.of_cell_lines = nn.Parameter(before_softplus([start["cell-line kernel"]] * n_cell_line_kernels))
        self.of_profiles = nn.Parameter(before_softplus([start["profiles"]] * 2))
        self.constant = nn.Parameter(before_softplus([start["drug constant"], start["cell-line constant"]]))
        self.identity = nn.Parameter(before_softplus([start["drug identity"], start["cell-line identity"]]))
        self.precision = nn.Parameter(before_softplus([START_PRECISION, START_UNTESTED]))
        self.observed = nn.Parameter(torch.tensor(START[task]["observed"]))
        self.scale = nn.Parameter(torch.tensor(START[task]["scale"]))
        self.bias, self.of_drug_mean = nn.Parameter(torch.tensor(0.0)), nn.Parameter(torch.tensor(0.0))
        self.start: Tensor | None = None

    def hyperparameters(self) -> list[nn.Parameter]:
        """Weights of the kernels, precisions and scales: a few numbers, with a learning rate of their own."""
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
        genes: tuple[Tensor, Pattern] | None = None,
        last_step: LastStep | None = None,
    ) -> Tensor:
        """Logits of pairs given by node numbers, (n_pairs,).

        Parameters
        ----------
        kernels
            Fixed similarities of drugs and of cell lines, (n, n, n_kernels).
        visible
            Responses that are observed.
        more
            Further terms of the drug kernel and of the cell-line kernel, already weighted, (n, n).
        drug_scale
            Scale of each drug's values, (n_drugs,): the process, its noise included, works in units of it.
        genes
            Coefficients of the gene term and where they are; None without one.
        last_step
            Where a step of learning begins, and where it leaves its solution; `start` when None.
        """
        *system, drug_scale = self._system(kernels, visible, more, drug_scale)
        coefficients, pattern = (None, None) if genes is None else genes
        last_step = LastStep(self.start) if last_step is None else last_step
        mean: Tensor = PosteriorMean.apply(*system, coefficients, pattern, last_step) * drug_scale
        drug_mean = visible.sign_means(0)
        return self.scale * mean[cell_line, drug] + self.bias + self.of_drug_mean * drug_mean[drug]

    def terms(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        *,
        more: tuple[Tensor, Tensor] | None = None,
        drug_scale: Tensor | None = None,
        genes: tuple[Tensor, Pattern] | None = None,
    ) -> tuple[Contributions, Tensor | None]:
        """The posterior mean of all pairs as contributions of entities and of genes; parameters as in `logits`.

        Returns
        -------
        Contributions
            Of entities.
        Tensor
            Posterior weight of every column of the gene term, in the unit of the mean, (n_columns,); None without one.
        """
        kernel_c, kernel_d, precision, observation, drug_scale = self._system(
            kernels, visible, more, drug_scale
        )
        term = None if genes is None else GeneTerm(genes[1], genes[0])
        weights = posterior_weights(kernel_c, kernel_d, precision, observation, term, self.start)
        of_entities = Contributions(
            kernel_c, torch.outer(drug_scale, drug_scale) * kernel_d, self.scale * weights / drug_scale
        )
        if term is None:
            return of_entities, None
        return of_entities, self.scale * term.weights(weights)

    def _system(
        self,
        kernels: tuple[Tensor, Tensor],
        visible: Visible,
        more: tuple[Tensor, Tensor] | None,
        drug_scale: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Kernels of cell lines and of drugs, precisions, observations in units of drug scale, drug scales."""
        measured = visible.measured
        play = torch.outer(visible.known_cell_lines.float(), visible.known_drugs.float())
        of_measured, share_of_untested = functional.softplus(self.precision)
        precision = of_measured * (measured + share_of_untested * (1 - measured)) * play
        value = visible.value * measured
        profile = residuals(value, measured)
        kernel_d = self._kernel(0, self.of_drugs, kernels[0], profile.T)
        kernel_c = self._kernel(1, self.of_cell_lines, kernels[1], profile)
        if more is not None:
            kernel_d, kernel_c = kernel_d + more[0], kernel_c + more[1]
        of_class, of_strength = self.observed
        observation = of_class * visible.sign + of_strength * value
        drug_scale = torch.ones_like(observation[0]) if drug_scale is None else drug_scale
        return kernel_c, kernel_d, precision, observation / drug_scale, drug_scale

    def _kernel(self, side: int, weights: Tensor, fixed: Tensor, profile: Tensor) -> Tensor:
        positive = functional.softplus
        return (
            fixed @ positive(weights)
            + positive(self.of_profiles[side]) * _cosine(profile)
            + positive(self.constant[side])
            + positive(self.identity[side]) * torch.eye(len(fixed), device=fixed.device)
        )


class GaussianProcessComponent(ResponseProcess):
    """The process as a component of a network, with more terms in its kernels.

    The cosine between node states of the attention layers is a term of both kernels, between entities with visible
    responses only. States were fitted to those responses, and the states of other entities are no guide: on unseen
    entities the term costs more than it brings (docs/model.md). The overlap of drugs' attention to genes is a term of
    the drug kernel.

    In regression the residuals of a drug are in units of its scale: a drug to which all cell lines respond alike does
    not vary as much as one that divides them. Where drugs will be asked for unseen, the process does not explain drug
    means; they are predicted separately (`DrugLevels`).

    Parameters
    ----------
    config
        Gives the width of the states, and whether states and genes enter the kernels.
    task
        Chooses the starting point of learning (`START`).
    n_cell_line_kernels
        More where the graph has further layers of omics.
    """

    def __init__(
        self,
        config: NetworkConfig,
        task: Task = "classification",
        n_cell_line_kernels: int = len(CELL_LINE_KERNELS),
    ) -> None:
        super().__init__(len(DRUG_KERNELS), n_cell_line_kernels, task)
        self.uses_states = config.process_states != "never"
        self.of_states = nn.Parameter(before_softplus([START_WEIGHTS["states"]] * 2))
        self.of_genes = (
            nn.Parameter(before_softplus([START_WEIGHTS["genes"]])) if config.process_genes else None
        )
        self.gene_part = GenePart() if config.gene_part else None
        self.levels = DrugLevels(len(DRUG_KERNELS)) if task == "regression" else None
        self.drug_view, self.cell_line_view = (
            nn.Linear(config.channels, N_DRUG_VIEW),
            nn.Linear(config.channels, N_CELL_LINE_VIEW),
        )

    def hyperparameters(self) -> list[nn.Parameter]:
        """Those of `ResponseProcess`, and the weights of states, genes and drug levels."""
        genes = [] if self.of_genes is None else [self.of_genes]
        levels = [] if self.levels is None else [self.levels.weights]
        kinds = [] if self.gene_part is None else [self.gene_part.weights]
        return [*super().hyperparameters(), self.of_states, *genes, *levels, *kinds]

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
        pattern = self.logits(
            kernels, visible, drug, cell_line, more=more, drug_scale=messages.drug_scale,
            genes=self._coefficients(messages), last_step=messages.last_step,
        )  # fmt: skip
        return pattern if levels is None else pattern + levels.sum(1)[drug]

    def contributions(
        self, tensors: GraphTensors, states: dict[str, Tensor], messages: Messages
    ) -> Contributions:
        """The prediction of all pairs as contributions of entities."""
        kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
        more, (levels, visible) = self._more(states, messages), self._levels(tensors, messages)
        of_entities, weights = self.terms(
            kernels, visible, more=more, drug_scale=messages.drug_scale, genes=self._coefficients(messages)
        )
        genes = None if weights is None else self._effects(messages, weights)
        return replace(of_entities, levels=levels, genes=genes)

    def system(
        self, tensors: GraphTensors, states: dict[str, Tensor], messages: Messages
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Kernels of cell lines and of drugs, precisions, observations in units of drug scale, drug scales."""
        kernels = (tensors.drug_kernels, tensors.cell_line_kernels)
        more, (_, visible) = self._more(states, messages), self._levels(tensors, messages)
        return self._system(kernels, visible, more, messages.drug_scale)

    def solution(self, tensors: GraphTensors, states: dict[str, Tensor], messages: Messages) -> Tensor:
        """What the solver found for the predictions, (n_cell_lines, n_drugs): a `start` for the same responses."""
        kernel_c, kernel_d, precision, observation, _ = self.system(tensors, states, messages)
        genes = self.gene_term(messages)
        return posterior_weights(kernel_c, kernel_d, precision, observation, genes, self.start)

    def gene_term(self, messages: Messages) -> GeneTerm | None:
        """The gene term of the covariance; None without one."""
        found = self._coefficients(messages)
        return None if found is None else GeneTerm(found[1], found[0])

    def _coefficients(self, messages: Messages) -> tuple[Tensor, Pattern] | None:
        """Coefficients of the gene term and where they are; None without a gene part or any candidate."""
        if self.gene_part is None or messages.gene_pairs is None or not len(messages.gene_pairs):
            return None
        pattern, order = messages.gene_pairs.pattern
        return self.gene_part.coefficients(messages.gene_pairs).flatten()[order], pattern

    def _effects(self, messages: Messages, weights: Tensor) -> GeneEffects:
        """Effects of genes by the posterior weights of the columns of the gene term."""
        pairs = messages.gene_pairs
        assert pairs is not None and self.gene_part is not None  # there are weights
        of_columns = weights.new_zeros(len(HEADS) * pairs.values.shape[1])
        of_columns[pairs.pattern[0].used] = weights
        of_columns = of_columns.view(len(HEADS), -1)
        coefficients = self.gene_part.coefficients(pairs)
        effect = (coefficients * of_columns[:, pairs.column]).sum(0) * messages.drug_scale[pairs.drug]
        share = coefficients.square().sum(0)
        whole = share.new_zeros(pairs.n_drugs).index_add(0, pairs.drug, share)[pairs.drug]
        attention = share / whole.clamp(min=torch.finfo(share.dtype).tiny)
        return GeneEffects(pairs, effect, attention, of_columns)

    def constants(self, tensors: GraphTensors, messages: Messages) -> Tensor:
        """What is added to the posterior mean of every pair of a drug, (n_drugs,)."""
        _, visible = self._levels(tensors, messages)
        return self.bias + self.of_drug_mean * visible.sign_means(0)

    def level_source(self, tensors: GraphTensors, messages: Messages) -> tuple[Tensor, float, Tensor]:
        """What the level of a drug that is in no training pair is made of (`DrugLevels.source`)."""
        assert self.levels is not None
        visible = messages.visible
        _, means = visible.without_means(Means(drugs=True, cell_lines=False))
        return self.levels.source(tensors.drug_kernels, means.drug, self._counts(messages))

    def level_uncertainty(self, tensors: GraphTensors, messages: Messages) -> tuple[float, Tensor, Tensor]:
        """How sure drug levels are (`DrugLevels.uncertainty`)."""
        assert self.levels is not None
        return self.levels.uncertainty(tensors.drug_kernels, self._counts(messages))

    @staticmethod
    def _counts(messages: Messages) -> Tensor:
        """Visible responses of each drug, (n_drugs,)."""
        return messages.visible.measured.sum(0) * messages.visible.known_drugs

    def _levels(self, tensors: GraphTensors, messages: Messages) -> tuple[Tensor | None, Visible]:
        """Contributions to drug levels, and the responses without drug means; None where those are out already."""
        if self.levels is None or not messages.drug_means_in:
            return None, messages.visible
        visible = messages.visible
        rest, means = visible.without_means(Means(drugs=True, cell_lines=False))
        return self.levels.terms(tensors.drug_kernels, means.drug, self._counts(messages)), rest

    def _more(self, states: dict[str, Tensor], messages: Messages) -> tuple[Tensor, Tensor] | None:
        """Weighted terms of states and of attended genes, of the drug kernel and of the cell-line kernel, (n, n)
        each."""
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
    """Cosines between rows, (n, n); 0 for a row of zeros."""
    unit = functional.normalize(rows, dim=1)
    return unit @ unit.T
