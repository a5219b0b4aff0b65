"""A heterograph as torch_geometric.data.HeteroData; PyG is optional and imported here only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from pharmagraph.kg.heterograph import Heterograph


def to_pyg(heterograph: Heterograph) -> HeteroData:
    """The same nodes, edges and features for PyG.

    Parameters
    ----------
    heterograph
        As `kg.heterograph.export` gives it.

    Returns
    -------
    torch_geometric.data.HeteroData
        Node stores hold ``num_nodes``, ``ids`` and the node features; edge stores ``edge_index`` (2, e) and
        the edge features, in the heterograph's order. ``datasets`` and ``tissues`` are the names of the codes.

    Raises
    ------
    InputError
        If PyG is not installed.
    """
    try:
        from torch_geometric.data import HeteroData
    except ImportError:
        raise InputError("PyG is not installed; install it with: pip install torch-geometric") from None
    import torch

    data = HeteroData()
    graph = heterograph.graph
    for node_type in graph.ntypes:
        data[node_type].num_nodes = graph.num_nodes(node_type)
        data[node_type].ids = [str(i) for i in heterograph.ids[node_type]]
        for name, value in graph.nodes[node_type].data.items():
            data[node_type][name] = value
    for edge_type in graph.canonical_etypes:
        data[edge_type].edge_index = torch.stack(graph.edges(etype=edge_type)).long()
        for name, value in graph.edges[edge_type].data.items():
            data[edge_type][name] = value
    data.datasets, data.tissues = list(heterograph.datasets), list(heterograph.tissues)
    return data
