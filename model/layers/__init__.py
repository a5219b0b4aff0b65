"""Graph convolutions on the kernels of `model.kernels`, as `torch.nn.Module`: GATv2 (Brody et al. 2022) and others.

A layer knows edges and features, and nothing of drugs, genes or responses.
"""

from pharmagraph.model.layers.conversions import from_dgl, from_pyg, to_dgl, to_pyg
from pharmagraph.model.layers.convolutions import GATConv, GCNConv, RelationalConv, TransformerConv
from pharmagraph.model.layers.dropout import HashDropout
from pharmagraph.model.layers.gatv2 import GATv2Conv, RelationalGATv2Conv

__all__ = [
    "GATConv",
    "GATv2Conv",
    "GCNConv",
    "HashDropout",
    "RelationalConv",
    "RelationalGATv2Conv",
    "TransformerConv",
    "from_dgl",
    "from_pyg",
    "to_dgl",
    "to_pyg",
]
