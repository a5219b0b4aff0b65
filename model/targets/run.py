"""A run's attention of drugs to genes, fitted beside the response network to all known targets and its training pairs.

Known targets are the labels here, so their high ranks show only that they were learned. Recovery of hidden targets is
measured in `evaluation.targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from pharmagraph.kg.attention import attention_table
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.rank_agreement import stability
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import Config, TargetsConfig
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.targets.fitting import FEWEST_DRUGS, FittedTargets, Settings, fit, score, softmax
from pharmagraph.model.targets.gene_attention import GeneAttention, with_given
from pharmagraph.model.targets.null import q_values
from pharmagraph.model.targets.problem import TargetProblem, target_problem


@dataclass(frozen=True)
class RunTargets:
    """Attention of drugs to genes fitted for one run.

    Attributes
    ----------
    problem
        Known targets, candidate genes and the evidence of the training pairs.
    fitted
        The fitted ensemble.
    q
        False discovery rates against permuted responses, (n_drugs, n_genes); None if none were asked for.
    """

    problem: TargetProblem
    fitted: FittedTargets
    q: np.ndarray | None

    def attention(self) -> GeneAttention:
        """The attention that the response network uses."""
        evidence, known = self.problem.evidence.without_responses(), self.problem.known
        blind = softmax(score(self.fitted.members, evidence, known)).mean(0)
        found, blind = (torch.from_numpy(p.astype(np.float32)) for p in (self.fitted.attention, blind))
        return GeneAttention(torch.from_numpy(self.problem.evidence.genes), found, blind)

    def table(self, heterograph: Heterograph) -> pa.Table:
        """The attention table of all pairs of a drug and a candidate gene.

        Known targets come first. ``stability`` leaves them out, because they are given and so the same in all members.
        """
        n_members, n_drugs, n_genes = self.fitted.scores.shape
        weight, spread = self._mean_and_spread()
        others = np.where(self.problem.known, -np.inf, self.fitted.scores)  # ranks are those of the attention
        drug, gene = np.repeat(np.arange(n_drugs), n_genes), np.tile(self.problem.evidence.genes, n_drugs)
        columns: dict[str, pa.Array | np.ndarray] = {
            "src": heterograph.names("Drug", drug).dictionary_encode(),
            "dst": heterograph.names("Gene", gene).dictionary_encode(),
            "weight": weight.ravel(),
            "competitors": np.full(len(drug), n_genes),
            "spread": spread.ravel() if n_members > 1 else pa.nulls(len(drug), pa.float64()),
            "stability": np.repeat(stability(others), n_genes),
        }
        if self.q is not None:
            columns["q"] = self.q.ravel()
        return attention_table(columns)

    def _mean_and_spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over members of the attention with known targets first, (n_drugs, n_genes).

        One member at a time: the attention of all of them would be the peak of a run's memory.
        """
        known, n_members = torch.from_numpy(self.problem.known), len(self.fitted.scores)

        def mean_over_members(of_member: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            total = np.zeros(self.problem.known.shape)
            for scores in self.fitted.scores:
                total += of_member(with_given(torch.from_numpy(softmax(scores)), known).numpy())
            return total / n_members

        mean = mean_over_members(lambda weight: weight)
        return mean, np.sqrt(mean_over_members(lambda weight: (weight - mean) ** 2))


def enough_targets(heterograph: Heterograph) -> bool:
    """Whether enough drugs of a graph have known targets to fit attention to them."""
    drug = heterograph.relations["Drug", "TARGETS", "Gene"].src
    return len(np.unique(drug.numpy())) >= FEWEST_DRUGS


def fit_run(
    heterograph: Heterograph,
    tensors: GraphTensors,
    training: Responses,
    scale: Scale,
    config: TargetsConfig,
    *,
    seed: int,
    n_null: int = 0,
    advance: Callable[[str], None] = lambda what: None,
    workers: int = 1,
) -> RunTargets:
    """Fit attention to the known targets of a run's graph.

    Parameters
    ----------
    heterograph, tensors
        The run's graph; it has `enough_targets`.
    training, scale
        The run's training pairs: the only responses that are evidence.
    config
        The preset's section ``targets``.
    seed
        The run's.
    n_null
        Permutations of the responses for `q_values`; 0 for none.
    advance
        Called with the name of each stage.
    workers
        Networks that are fitted side by side.
    """
    tensors = tensors.to("cpu")
    problem = target_problem(
        heterograph,
        n_expressed=config.candidate_genes,
        tensors=tensors,
        visible=visible_pairs(training, scale, tensors.device),
    )
    advance("attention to genes")
    settings = Settings(members=config.members, steps=config.steps)
    fitted = fit(problem.evidence, problem.known, seed=seed, settings=settings, workers=workers)
    q = None
    if n_null:
        q = q_values(
            fitted, problem, tensors, training, scale, n_permutations=n_null, seed=seed, advance=advance
        )
    return RunTargets(problem, fitted, q)


def fit_gene_attention(
    heterograph: Heterograph,
    tensors: GraphTensors,
    training: Responses,
    config: Config,
    *,
    task: Task,
    seed: int,
) -> GeneAttention | None:
    """Attention to genes for the network of a preset, fitted with training pairs; None if the network uses none."""
    if config.targets is None or not config.network.uses_gene_attention or not enough_targets(heterograph):
        return None
    scale = Scale.of(training, task)
    return fit_run(heterograph, tensors, training, scale, config.targets, seed=seed).attention()
