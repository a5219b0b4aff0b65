"""Fits ensembles of networks to training pairs; whatever is chosen is chosen on inner folds of those pairs.

The package is given training pairs only, never a pair that an evaluation holds out.
"""

from pharmagraph.model.training.blending import blend
from pharmagraph.model.training.ensemble import Fitted, fit
from pharmagraph.model.training.from_graph import fit_graph
from pharmagraph.model.training.member import Member

__all__ = ["Fitted", "Member", "blend", "fit", "fit_graph"]
