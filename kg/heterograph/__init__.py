"""The graph that training reads: a typed container, its way out of a store and into files and other libraries."""

from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation
from pharmagraph.kg.heterograph.dgl import from_dgl, to_dgl
from pharmagraph.kg.heterograph.networkx import to_networkx
from pharmagraph.kg.heterograph.pyg import to_pyg
from pharmagraph.kg.heterograph.read import export
from pharmagraph.kg.heterograph.saved import load, save

__all__ = [
    "EdgeType",
    "Heterograph",
    "Relation",
    "export",
    "from_dgl",
    "load",
    "save",
    "to_dgl",
    "to_networkx",
    "to_pyg",
]
