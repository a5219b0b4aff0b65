"""Evaluates models on held-out folds: fits, scores and compares them, and searches options.

`model.evaluation.targets` does the same for known targets. Folds come from `model.responses`; `model.reports` makes the
pages.
"""

from pharmagraph.model.evaluation.comparison import verdicts
from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.evaluation.tuning import tune, write_preset

__all__ = ["Plan", "evaluate", "tune", "verdicts", "write_preset"]
