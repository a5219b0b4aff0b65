"""Metrics of predictions and their uncertainty: AUROC, R², intervals, tests, false discovery, agreement of rankings.

All functions take and return numbers; nothing here knows a graph or a network.
"""

from pharmagraph.model.metrics.calibration import best_threshold, curve
from pharmagraph.model.metrics.false_discovery import benjamini_hochberg, empirical_p, null_q
from pharmagraph.model.metrics.rank_agreement import edge_stability, rank_biased_overlap, stability
from pharmagraph.model.metrics.scores import aupr, auroc, pearson, per_entity, r2, rmse, score, spearman
from pharmagraph.model.metrics.significance import (
    Comparison,
    bootstrap_interval,
    compare_by_bootstrap,
    compare_entities,
    compare_folds,
    mean_interval,
)

__all__ = [
    "Comparison",
    "aupr",
    "auroc",
    "benjamini_hochberg",
    "best_threshold",
    "bootstrap_interval",
    "compare_by_bootstrap",
    "compare_entities",
    "compare_folds",
    "curve",
    "edge_stability",
    "empirical_p",
    "mean_interval",
    "null_q",
    "pearson",
    "per_entity",
    "r2",
    "rank_biased_overlap",
    "rmse",
    "score",
    "spearman",
    "stability",
]
