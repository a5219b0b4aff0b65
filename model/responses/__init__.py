"""Measured drug–cell-line pairs: their labels and scale, folds and groups, and the pairs that may pass messages.

A held-out response goes no further than this package: `folds` removes it, `Visible` holds the pairs that may pass
messages, and `audit` checks every fold for leaks.
"""

from pharmagraph.model.responses.groups import Groups, cell_line_groups, drug_groups, structure_groups
from pharmagraph.model.responses.leakage import Check, audit, audit_features, require_clear
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import Fold, folds, transfer
from pharmagraph.model.responses.visible import Means, Offsets, Visible

__all__ = [
    "Check",
    "Fold",
    "Groups",
    "Means",
    "Offsets",
    "Responses",
    "Scale",
    "Visible",
    "audit",
    "audit_features",
    "cell_line_groups",
    "drug_groups",
    "folds",
    "require_clear",
    "responses",
    "structure_groups",
    "transfer",
    "visible_pairs",
]
