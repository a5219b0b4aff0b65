"""Measured drug–cell-line pairs: which are trained on, which are held out, on which scale, and which may be seen.

Held-out responses go no further than this package: `folds` separates them, `Visible` holds the responses that may pass
messages, and `audit` checks that no held-out response is among them.
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
