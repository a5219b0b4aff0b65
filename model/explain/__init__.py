"""Why a prediction is what it is, what would change it, and whether attention is what the prediction used.

The last of these is the package `faithfulness`.
"""

from pharmagraph.model.explain.counterfactuals import rank_genes, what_if
from pharmagraph.model.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain", "rank_genes", "what_if"]
