"""Metrics of predictions and their uncertainty: AUROC, R², intervals, tests, false discovery, agreement of rankings.

All functions take and return numbers; nothing here knows a graph or a network. The names below load scipy when they are
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.metrics.calibration import best_threshold, curve, reliability
    from pharmagraph.model.metrics.false_discovery import benjamini_hochberg, empirical_p, null_q
    from pharmagraph.model.metrics.rank_agreement import edge_stability, rank_biased_overlap, stability
    from pharmagraph.model.metrics.scores import aupr, auroc, pearson, per_entity, r2, rmse, score, spearman
    from pharmagraph.model.metrics.significance import (
        Comparison,
        binomial_interval,
        bootstrap_interval,
        compare_by_bootstrap,
        compare_entities,
        compare_folds,
        difference_interval,
        mean_interval,
    )
    from pharmagraph.model.metrics.two_samples import TwoSamples

__all__ = [
    "Comparison",
    "TwoSamples",
    "aupr",
    "auroc",
    "benjamini_hochberg",
    "best_threshold",
    "binomial_interval",
    "bootstrap_interval",
    "compare_by_bootstrap",
    "compare_entities",
    "compare_folds",
    "curve",
    "difference_interval",
    "edge_stability",
    "empirical_p",
    "mean_interval",
    "null_q",
    "pearson",
    "per_entity",
    "r2",
    "rank_biased_overlap",
    "reliability",
    "rmse",
    "score",
    "spearman",
    "stability",
]

_NAMES = {
    "calibration": ("best_threshold", "curve", "reliability"),
    "false_discovery": ("benjamini_hochberg", "empirical_p", "null_q"),
    "rank_agreement": ("edge_stability", "rank_biased_overlap", "stability"),
    "scores": ("aupr", "auroc", "pearson", "per_entity", "r2", "rmse", "score", "spearman"),
    "significance": (
        "Comparison", "binomial_interval", "bootstrap_interval", "compare_by_bootstrap", "compare_entities",
        "compare_folds", "difference_interval", "mean_interval",
    ),
    "two_samples": ("TwoSamples",),
}  # fmt: skip

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__, {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
    )
