"""Explains predictions: evidence and paths, counterfactuals, and the faithfulness of attention.

Faithfulness, whether predictions use the edges that get the attention, is the package `faithfulness`. Public names
load when they are first asked for: an explanation is read from the graph and needs no torch.
"""

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.explain.counterfactuals import rank_genes, what_if
    from pharmagraph.model.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain", "rank_genes", "what_if"]

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(__name__, {
        "Explanation": "pharmagraph.model.explain.explanation",
        "explain": "pharmagraph.model.explain.explanation",
        "rank_genes": "pharmagraph.model.explain.counterfactuals",
        "what_if": "pharmagraph.model.explain.counterfactuals",
    })  # fmt: skip
