"""Models on held-out folds: fitted, scored, compared, and options searched; known targets held out and found again.

The folds come from `responses`; the pages about them are made in `reports`.
"""

from pharmagraph.model.evaluation.comparison import verdicts
from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.evaluation.tuning import tune, write_preset

__all__ = ["Plan", "evaluate", "tune", "verdicts", "write_preset"]
