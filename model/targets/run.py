"""A run's attention of drugs to genes: fitted beside the response network, on its training pairs and all known targets.

Known targets are given here as labels; that they stand high says that they were learned. What attention finds when they
are hidden is measured by `model.evaluation.targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

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
    """Of one run.

    Attributes
    ----------
    problem
        Known targets, candidates and the evidence of the training pairs.
    fitted
        The ensemble.
    q
        Against permuted responses, (n_drugs, n_genes); None where no null was made.
    """

    problem: TargetProblem
    fitted: FittedTargets
    q: np.ndarray | None

    def attention(self) -> GeneAttention:
        """What the response network draws on."""
        evidence, known = self.problem.evidence.without_responses(), self.problem.known
        blind = softmax(score(self.fitted.members, evidence, known)).mean(0)
        found, blind = (torch.from_numpy(p.astype(np.float32)) for p in (self.fitted.attention, blind))
        return GeneAttention(torch.from_numpy(self.problem.evidence.genes), found, blind)

    def table(self, heterograph: Heterograph) -> pa.Table:
        """All pairs of a drug and a candidate gene, as `model.runs.attention_tables` makes the tables of other
        relations.

        Known targets come first; ``stability`` is of the genes that are none, or lists would agree on what was given.
        """
        found = self.fitted.member_attention
        weight = with_given(torch.from_numpy(found), torch.from_numpy(self.problem.known)).numpy()
        others = np.where(self.problem.known, -np.inf, found)
        n_members, n_drugs, n_genes = weight.shape
        drug, gene = np.repeat(np.arange(n_drugs), n_genes), np.tile(self.problem.evidence.genes, n_drugs)
        columns = {
            "src": _named(heterograph, "Drug", drug),
            "dst": _named(heterograph, "Gene", gene),
            "weight": pa.array(weight.mean(0).ravel()),
            "competitors": pa.array(np.full(len(drug), n_genes)),
            "spread": pa.array(weight.std(0).ravel()) if n_members > 1 else pa.nulls(len(drug), pa.float64()),
            "stability": pa.array(np.repeat(stability(others), n_genes), from_pandas=True),
        }
        if self.q is not None:
            columns["q"] = pa.array(self.q.ravel())
        return pa.table(columns)


def enough_targets(heterograph: Heterograph) -> bool:
    """Whether a graph's known targets can be learned from."""
    drug = heterograph.graph.edges(etype=("Drug", "TARGETS", "Gene"))[0]
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
) -> RunTargets:
    """Fit attention to the known targets of a run's graph.

    Parameters
    ----------
    heterograph, tensors
        Of the run; there are `enough_targets`.
    training, scale
        Training pairs of the run: the only responses that count as evidence.
    config
        Of the preset.
    seed
        Of the run.
    n_null
        Permutations of the responses for `q_values`.
    advance
        Told what is being done.
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
    fitted = fit(problem.evidence, problem.known, seed=seed, settings=settings)
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
    """What a network of a preset draws on when it is fitted to training pairs; None where it draws on no such thing."""
    if config.targets is None or not config.network.uses_gene_attention or not enough_targets(heterograph):
        return None
    scale = Scale.of(training, task)
    return fit_run(heterograph, tensors, training, scale, config.targets, seed=seed).attention()


def _named(heterograph: Heterograph, kind: str, nodes: np.ndarray) -> pa.DictionaryArray:
    names = pa.array(heterograph.ids[kind].tolist(), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(nodes.astype(np.int32)), names)
