"""From a heterograph and training pairs to a fitted ensemble: gene attention, tensors, then the networks."""

from __future__ import annotations

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.edits import with_omics
from pharmagraph.model.inputs.tensors import GraphTensors, network_tensors
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.runtime import give_back_memory
from pharmagraph.model.targets.run import RunTargets, fit_gene_attention
from pharmagraph.model.training.ensemble import Progress, fit
from pharmagraph.model.training.expectation import with_expected
from pharmagraph.model.training.fitted import Fitted
from pharmagraph.model.training.unfinished import Unfinished


def fit_graph(
    heterograph: Heterograph,
    training: Responses,
    config: Config,
    *,
    seed: int,
    task: Task = "classification",
    split: Split = Split.random,
    groups: Groups | None = None,
    device: str = "cpu",
    tensors: GraphTensors | None = None,
    targets: RunTargets | None = None,
    report: Progress | None = None,
    unfinished: Unfinished | None = None,
    workers: int = 1,
) -> Fitted:
    """Fit an ensemble to training pairs of a graph.

    Parameters
    ----------
    heterograph
        Held-out entities included: of responses only ``training`` is read.
    training
        Training pairs only; those that are censored are fitted as bounds (`expectation`).
    config
        The preset.
    seed, task, split, groups, device, report, unfinished, workers
        As for `training.fit`.
    tensors
        `network_tensors` of the graph, from a caller that has made them already, of the omics that the preset is given.
    targets
        Attention of drugs to genes, from a caller that has fitted it already to the same training pairs. Otherwise it
        is fitted here, if the preset's network uses it and the graph has enough known targets.

    Raises
    ------
    ModelError
        If the training pairs are all of one class, or all have one ln IC50.
    """
    if tensors is None:
        heterograph = with_omics(heterograph, config.network.omics)
        tensors = network_tensors(heterograph, config.network)
    training = with_expected(training, tensors)
    if targets is None:
        gene_attention = fit_gene_attention(heterograph, tensors, training, config, task=task, seed=seed)
    else:
        gene_attention = targets.attention() if config.network.uses_gene_attention else None
    give_back_memory()
    return fit(
        tensors, training, config, seed=seed, task=task, split=split, groups=groups, device=device,
        gene_attention=gene_attention, report=report, unfinished=unfinished, workers=workers,
    )  # fmt: skip
