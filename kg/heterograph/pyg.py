"""A heterograph as `torch_geometric.data.HeteroData`; PyG is optional, and imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from pharmagraph.kg.heterograph.container import Heterograph


def to_pyg(heterograph: Heterograph) -> HeteroData:
    """The same nodes, edges and features for PyG.

    Parameters
    ----------
    heterograph
        As `export` gives it.

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
    for kind, ids in heterograph.ids.items():
        data[kind].num_nodes = len(ids)
        data[kind].ids = [str(i) for i in ids]
        for name, values in heterograph.nodes.get(kind, {}).items():
            data[kind][name] = values
    for edge_type, relation in heterograph.relations.items():
        data[edge_type].edge_index = torch.stack([relation.src, relation.dst])
        for name, values in relation.features.items():
            data[edge_type][name] = values
    data.datasets, data.tissues = list(heterograph.datasets), list(heterograph.tissues)
    return data
