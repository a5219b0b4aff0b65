"""Converts GATv2 layers from and to those of PyG and DGL, which have to be installed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.dgl import require_dgl
from pharmagraph.model.layers.gatv2 import GATv2Conv


def from_pyg(layer: Any) -> GATv2Conv:
    """Convert a `torch_geometric.nn.GATv2Conv`.

    Self-loops have to be edges of the graph: for a layer with ``add_self_loops``, add them there.
    """
    ours = GATv2Conv(
        (layer.lin_l.in_channels, layer.lin_r.in_channels),
        layer.out_channels,
        layer.heads,
        concat=layer.concat,
        negative_slope=layer.negative_slope,
        dropout=layer.dropout,
        edge_dim=layer.edge_dim,
        share_weights=layer.share_weights,
        bias=layer.lin_l.bias is not None,
        residual=layer.res is not None,
    )
    _copy(_pyg_linears(layer), _linears(ours))
    with torch.no_grad():
        ours.att.copy_(layer.att[0])
        if ours.bias is not None:
            ours.bias.copy_(layer.bias)
    return ours


def to_pyg(layer: GATv2Conv) -> Any:
    """Convert to a `torch_geometric.nn.GATv2Conv`, which adds no self-loops."""
    from torch_geometric.nn import GATv2Conv as PygConv

    theirs = PygConv(
        layer.in_channels,
        layer.out_channels,
        layer.heads,
        concat=layer.concat,
        negative_slope=layer.negative_slope,
        dropout=layer.dropout,
        edge_dim=layer.edge_dim,
        share_weights=layer.share_weights,
        bias=layer.bias is not None,
        residual=layer.lin_residual is not None,
        add_self_loops=False,
    )
    _copy(_linears(layer), _pyg_linears(theirs))
    with torch.no_grad():
        theirs.att.copy_(layer.att[None])
        if layer.bias is not None:
            theirs.bias.copy_(layer.bias)
    return theirs


def from_dgl(layer: Any) -> GATv2Conv:
    """Convert a `dgl.nn.GATv2Conv`, which returns ``(n_dst, heads, out)``; its dropout of features is not converted.

    Raises
    ------
    ModelError
        If the layer has an activation or an identity residual, which this project's layer does not have.
    """
    residual = getattr(layer, "res_fc", None)
    if layer.activation is not None:
        raise ModelError("the DGL layer has an activation: take it out and apply it after the layer.")
    if residual is not None and not isinstance(residual, nn.Linear):
        raise ModelError("the DGL layer's residual is the identity: add the features after the layer.")
    ours = GATv2Conv(
        (layer.fc_src.in_features, layer.fc_dst.in_features),
        layer._out_feats,
        layer._num_heads,
        negative_slope=layer.leaky_relu.negative_slope,
        dropout=layer.attn_drop.p,
        share_weights=layer.share_weights,
        bias=layer.fc_src.bias is not None,
        residual=residual is not None,
    )
    _copy(_dgl_linears(layer), _linears(ours))
    with torch.no_grad():
        ours.att.copy_(layer.attn[0])
        if ours.bias is not None:
            ours.bias.zero_()
            if residual is not None and residual.bias is not None:
                ours.bias.copy_(residual.bias)
    return ours


def to_dgl(layer: GATv2Conv) -> Any:
    """Convert to a `dgl.nn.GATv2Conv`, which returns ``(n_dst, heads, out)``.

    DGL's layer has no additive bias, so the bias moves into the projections. A destination without edges, which DGL
    refuses by default, then gets no bias.

    Raises
    ------
    ModelError
        If the layer has edge features, a mean over heads, or shared weights with a bias: DGL's has not.
    InputError
        If DGL is not installed.
    """
    require_dgl()
    from dgl.nn import GATv2Conv as DglConv

    if layer.edge_dim is not None or not layer.concat:
        raise ModelError("DGL's GATv2Conv takes no edge features and does not average its heads.")
    if layer.share_weights and layer.bias is not None and bool(layer.bias.any()):
        raise ModelError("with share_weights, DGL's GATv2Conv has no place for the bias.")
    theirs = DglConv(
        layer.in_channels,
        layer.out_channels,
        layer.heads,
        attn_drop=layer.dropout,
        negative_slope=layer.negative_slope,
        residual=layer.lin_residual is not None,
        allow_zero_in_degree=True,
        bias=layer.bias is not None,
        share_weights=layer.share_weights,
    )
    if layer.lin_residual is not None and not isinstance(theirs.res_fc, nn.Linear):
        raise ModelError("DGL's residual is the identity where widths agree; ours is a projection.")
    _copy(_linears(layer), _dgl_linears(theirs))
    with torch.no_grad():
        theirs.attn.copy_(layer.att[None])
        if layer.lin_residual is not None and theirs.res_fc.bias is not None:
            theirs.res_fc.bias.zero_()
        if layer.bias is not None and not layer.share_weights:
            # out = sum of alpha (W x + b_l + c) = … + c, and x_j + x_i does not change
            theirs.fc_src.bias += layer.bias
            theirs.fc_dst.bias -= layer.bias
    return theirs


def _linears(layer: GATv2Conv) -> list[nn.Linear | None]:
    return [layer.lin_src, layer.lin_dst, layer.lin_edge, layer.lin_residual]


def _pyg_linears(layer: Any) -> list[Any]:
    return [layer.lin_l, layer.lin_r, layer.lin_edge, layer.res]


def _dgl_linears(layer: Any) -> list[Any]:
    return [layer.fc_src, layer.fc_dst, None, getattr(layer, "res_fc", None)]


def _copy(given: list[Any], taken: list[Any]) -> None:
    with torch.no_grad():
        for source, target in zip(given, taken, strict=True):
            if source is None:
                continue
            target.weight.copy_(source.weight)
            if target.bias is not None and source.bias is not None:
                target.bias.copy_(source.bias)
