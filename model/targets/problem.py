"""What target attention is fitted to and tested on: known targets over candidate genes, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Visible
from pharmagraph.model.targets.candidates import candidate_genes
from pharmagraph.model.targets.evidence import PairEvidence

N_EXPRESSED = 6000
"""Genes that are candidates for their expression alone, by expression signal."""


@dataclass(frozen=True)
class TargetProblem:
    """Known targets and the evidence on all pairs of a drug and a candidate gene.

    Attributes
    ----------
    evidence
        On these pairs.
    known
        Known targets, bool (n_drugs, n_genes).
    drugs
        Ids in node order.
    dataset
        Ids of the datasets that bring targets, joined by ``+``.
    """

    evidence: PairEvidence
    known: np.ndarray
    drugs: np.ndarray
    dataset: str


def target_problem(
    heterograph: Heterograph,
    *,
    n_expressed: int = N_EXPRESSED,
    tensors: GraphTensors | None = None,
    visible: Visible | None = None,
) -> TargetProblem:
    """The problem that a graph with known targets and responses poses.

    Parameters
    ----------
    heterograph
        The whole graph or a subgraph.
    n_expressed
        Genes that are candidates for their expression alone, by expression signal.
    tensors
        Of the same graph; made unless given.
    visible
        Responses that are evidence, such as a run's training pairs; all of the graph unless given.

    Raises
    ------
    ModelError
        If the graph has no known target.
    """
    if not len(heterograph.relations["Drug", "TARGETS", "Gene"]):
        raise ModelError("the graph has no known targets to hold out; load some first: cli ingest targets")
    tensors = tensors or graph_tensors(heterograph, n_expressed=0, n_neighbours=1)
    genes = candidate_genes(heterograph, tensors, n_expressed)
    visible = visible or _all_responses(heterograph, tensors)
    evidence = PairEvidence.of(heterograph, tensors, visible, genes)
    known = np.zeros((tensors.n_drugs, len(genes)), bool)
    known[tensors.targets.dst.numpy(), np.searchsorted(genes, tensors.targets.src.numpy())] = True
    codes = np.unique(heterograph.relations["Drug", "TARGETS", "Gene"].features["dataset"].numpy())
    dataset = "+".join(heterograph.datasets[c] for c in codes if c >= 0)
    return TargetProblem(evidence, known, heterograph.ids["Drug"], dataset)


def _all_responses(heterograph: Heterograph, tensors: GraphTensors) -> Visible:
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    if not len(tested):
        nothing = torch.zeros(tensors.n_cell_lines, tensors.n_drugs)
        return Visible(nothing, nothing, nothing, nothing.any(0), nothing.any(1))
    has_ln_ic50 = bool(torch.isfinite(tested.features["ln_ic50"]).any())
    task: Task = "regression" if has_ln_ic50 else "classification"
    measured = responses(heterograph, task)
    return visible_pairs(measured, Scale.of(measured, task), tensors.device)
