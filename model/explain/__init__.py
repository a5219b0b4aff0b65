"""Explains predictions: evidence and paths, counterfactuals, and the faithfulness of attention.

Faithfulness, whether predictions use the edges that get the attention, is the package `faithfulness`. Public names
load when they are first asked for: an explanation is read from the graph and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pharmagraph.model.explain.counterfactuals import rank_genes, what_if
    from pharmagraph.model.explain.explanation import Explanation, explain

_MODULES = {
    "Explanation": "explanation", "explain": "explanation",
    "rank_genes": "counterfactuals", "what_if": "counterfactuals",
}  # fmt: skip

__all__ = ["Explanation", "explain", "rank_genes", "what_if"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
