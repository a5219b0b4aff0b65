"""Fits ensembles of networks to training pairs; whatever is chosen is chosen on inner folds of those pairs.

The package is given training pairs only, never a pair that an evaluation holds out. The names below load when they are
first used: what reads a fitted ensemble does without Lightning, which fits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.training.blending import blend
    from pharmagraph.model.training.ensemble import fit
    from pharmagraph.model.training.fitted import Fitted, Member
    from pharmagraph.model.training.from_graph import fit_graph
    from pharmagraph.model.training.sampled import NodePairs, SampledFit, fit_sampled

__all__ = ["Fitted", "Member", "NodePairs", "SampledFit", "blend", "fit", "fit_graph", "fit_sampled"]

_MODULES = {
    "blending": ("blend",),
    "ensemble": ("fit",),
    "fitted": ("Fitted", "Member"),
    "from_graph": ("fit_graph",),
    "sampled": ("NodePairs", "SampledFit", "fit_sampled"),
}

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
    )
