"""Attention of drugs to genes, fitted to known targets, and the evidence that it is fitted to them from.

Recovery of held-out targets is in `evaluation.targets`.
"""

from pharmagraph.model.targets.gene_attention import GeneAttention
from pharmagraph.model.targets.problem import TargetProblem, target_problem
from pharmagraph.model.targets.run import RunTargets, fit_gene_attention, fit_run

__all__ = ["GeneAttention", "RunTargets", "TargetProblem", "fit_gene_attention", "fit_run", "target_problem"]
