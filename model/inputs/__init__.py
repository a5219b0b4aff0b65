"""The heterograph as tensors without any label, and the messages that visible responses add to them in one step.

`edits` makes copies of a graph with one change: a new drug, a silenced gene. The names below load torch when they are
first used; `views` and `changes` do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names
from pharmagraph.model.inputs.changes import Change

if TYPE_CHECKING:
    from pharmagraph.model.inputs.edges import Edges
    from pharmagraph.model.inputs.edits import changed, with_new_cell_line, with_new_drug
    from pharmagraph.model.inputs.joined import Part, join
    from pharmagraph.model.inputs.messages import MessageBuilder, Messages
    from pharmagraph.model.inputs.neighbourhoods import Block, Incoming
    from pharmagraph.model.inputs.principal_components import PrincipalComponents
    from pharmagraph.model.inputs.similarities import cell_line_kernels, drug_kernels, k_nearest
    from pharmagraph.model.inputs.tensors import (
        GraphTensors,
        baseline_tensors,
        graph_tensors,
        network_tensors,
    )

__all__ = [
    "Block",
    "Change",
    "Edges",
    "GraphTensors",
    "Incoming",
    "MessageBuilder",
    "Messages",
    "Part",
    "PrincipalComponents",
    "baseline_tensors",
    "cell_line_kernels",
    "changed",
    "drug_kernels",
    "graph_tensors",
    "join",
    "k_nearest",
    "network_tensors",
    "with_new_cell_line",
    "with_new_drug",
]

_MODULES = {
    "edges": ("Edges",),
    "edits": ("changed", "with_new_cell_line", "with_new_drug"),
    "joined": ("Part", "join"),
    "messages": ("MessageBuilder", "Messages"),
    "neighbourhoods": ("Block", "Incoming"),
    "principal_components": ("PrincipalComponents",),
    "similarities": ("cell_line_kernels", "drug_kernels", "k_nearest"),
    "tensors": ("GraphTensors", "baseline_tensors", "graph_tensors", "network_tensors"),
}

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(
        __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
    )
