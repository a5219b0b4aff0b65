"""The stored graph as `networkx.MultiDiGraph`, in memory; its files are written by the modules beside this one."""

from __future__ import annotations

import networkx as nx

from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views.parts import Part


def to_networkx(store: GraphStore, choice: Choice = EVERYTHING) -> nx.MultiDiGraph:
    """The graph as a networkx multigraph.

    Parameters
    ----------
    store
        An open store.
    choice
        The part of it.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are named ``Label:id`` and have ``label``, ``id`` and their properties. Edges are keyed by type
        and identity and have ``type`` and their properties. Null properties are left out. A symmetric edge
        is there once, from the smaller id.
    """
    graph, part = nx.MultiDiGraph(), Part(store, choice)
    for kind, table in part.nodes():
        for row in table.to_pylist():
            properties = {k: v for k, v in row.items() if v is not None}
            graph.add_node(f"{kind.label}:{row['id']}", label=kind.label, **properties)
    for edge_kind, ends, block in part.edges():
        for row in block.to_pylist():
            src, dst = f"{ends[0]}:{row.pop('src')}", f"{ends[1]}:{row.pop('dst')}"
            key = ":".join([edge_kind.type, *(row[c] for c in edge_kind.identity if row[c] is not None)])
            properties = {k: v for k, v in row.items() if v is not None}
            graph.add_edge(src, dst, key=key, type=edge_kind.type, **properties)
    return graph
