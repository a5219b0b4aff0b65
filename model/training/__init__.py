"""Fits networks to training pairs and blends them to an ensemble, choosing on inner folds of those pairs alone.

Nothing that an evaluation holds out reaches this package.
"""

from pharmagraph.model.training.blending import blend
from pharmagraph.model.training.ensemble import Fitted, fit
from pharmagraph.model.training.member import Member

__all__ = ["Fitted", "Member", "blend", "fit"]
