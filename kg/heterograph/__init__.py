"""The graph that training reads: a typed container, its way out of a store and into files and other libraries.

Most names below load torch when they are first used; `arrays` reads a saved graph without it, and so do those of arrays
that are mapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation
    from pharmagraph.kg.heterograph.dgl import from_dgl, to_dgl
    from pharmagraph.kg.heterograph.mapped import MappedGraph, MappedRelation, open_arrays
    from pharmagraph.kg.heterograph.mapped_export import write_arrays
    from pharmagraph.kg.heterograph.networkx import to_networkx
    from pharmagraph.kg.heterograph.pyg import to_pyg
    from pharmagraph.kg.heterograph.read import export
    from pharmagraph.kg.heterograph.saved import load, save

__all__ = [
    "EdgeType",
    "Heterograph",
    "MappedGraph",
    "MappedRelation",
    "Relation",
    "export",
    "from_dgl",
    "load",
    "open_arrays",
    "save",
    "to_dgl",
    "to_networkx",
    "to_pyg",
    "write_arrays",
]

_HERE = "pharmagraph.kg.heterograph"
_MODULE_OF = {
    "EdgeType": f"{_HERE}.container",
    "Heterograph": f"{_HERE}.container",
    "MappedGraph": f"{_HERE}.mapped",
    "MappedRelation": f"{_HERE}.mapped",
    "Relation": f"{_HERE}.container",
    "export": f"{_HERE}.read",
    "from_dgl": f"{_HERE}.dgl",
    "load": f"{_HERE}.saved",
    "open_arrays": f"{_HERE}.mapped",
    "save": f"{_HERE}.saved",
    "to_dgl": f"{_HERE}.dgl",
    "to_networkx": f"{_HERE}.networkx",
    "to_pyg": f"{_HERE}.pyg",
    "write_arrays": f"{_HERE}.mapped_export",
}

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(__name__, _MODULE_OF)
