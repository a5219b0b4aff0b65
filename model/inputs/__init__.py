"""The heterograph as tensors without any label, and the messages that visible responses add to them in one step.

`edits` makes copies of a graph with one change: a new drug, a silenced gene.
"""

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.edits import Change, changed, with_new_cell_line, with_new_drug
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.principal_components import PrincipalComponents
from pharmagraph.model.inputs.similarities import cell_line_kernels, drug_kernels, k_nearest
from pharmagraph.model.inputs.tensors import GraphTensors, baseline_tensors, graph_tensors, network_tensors

__all__ = [
    "Change",
    "Edges",
    "GraphTensors",
    "MessageBuilder",
    "Messages",
    "PrincipalComponents",
    "baseline_tensors",
    "cell_line_kernels",
    "changed",
    "drug_kernels",
    "graph_tensors",
    "k_nearest",
    "network_tensors",
    "with_new_cell_line",
    "with_new_drug",
]
