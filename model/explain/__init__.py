"""Explains predictions: evidence and paths, counterfactuals, and the faithfulness of attention.

Faithfulness, whether predictions use the edges that get the attention, is the package `faithfulness`.
"""

from pharmagraph.model.explain.counterfactuals import rank_genes, what_if
from pharmagraph.model.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain", "rank_genes", "what_if"]
