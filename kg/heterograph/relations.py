"""Which kinds of edges models get as relations, and which properties as features; it reads nothing."""

from __future__ import annotations

from pharmagraph.kg.heterograph import drivers
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.schema import EdgeKind

NODE_KINDS = ("Drug", "CellLine", "Gene", "Pathway")
"""Kinds of nodes that models get, in this order."""

FEATURES = {
    "SIMILAR_TO": ("similarity",),
    "TESTED_ON": ("ln_ic50", "auc"),
    "HOMOLOGOUS": ("identity",),
    **{layer.edges: (layer.value.name,) for layer in LAYERS if layer.relation},
}
"""Edge type → float properties that become edge features; a missing value is NaN."""

PROFILES_ALONE = frozenset(layer.edges for layer in LAYERS if not layer.relation)
"""Edge types that are for queries: all of their values are in profiles."""


def columns(kind: EdgeKind) -> list[str]:
    """The properties of a kind that an export for models reads."""
    more = (
        ["response", "censored"]
        if kind.type == "TESTED_ON"
        else ["driver"]
        if kind.type in drivers.KINDS
        else []
    )
    return ["dataset", *FEATURES.get(kind.type, ()), *more]
