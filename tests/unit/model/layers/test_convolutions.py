"""The convolutions of the ablations agree with PyG's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers import convolutions

pyg = pytest.importorskip("torch_geometric.nn")


@pytest.fixture
def graph() -> tuple[Csr, torch.Tensor]:
    torch.manual_seed(0)
    src, dst = torch.randint(0, 20, (150,)), torch.randint(0, 17, (150,))
    return Csr.from_edges(src, dst, 20, 18), torch.stack([src, dst])


def _copy(ours: nn.Linear, theirs: nn.Module) -> None:
    theirs.weight.data.copy_(ours.weight.data)


def test_gat_is_pygs(graph: tuple[Csr, torch.Tensor]) -> None:
    csr, edge_index = graph
    ours = convolutions.conv("gat", (5, 6), 7, 3, edge_dim=2)
    theirs = pyg.GATConv((5, 6), 7, 3, edge_dim=2, add_self_loops=False)
    for mine, its in (
        (ours.lin_src, theirs.lin_src),
        (ours.lin_dst, theirs.lin_dst),
        (ours.lin_edge, theirs.lin_edge),
    ):
        _copy(mine, its)
    for end in ("src", "dst", "edge"):
        getattr(theirs, f"att_{end}").data.copy_(getattr(ours, f"att_{end}").data[None])
    x, edge_attr = (torch.randn(20, 5, requires_grad=True), torch.randn(18, 6)), torch.randn(150, 2)
    out, attention = ours(x, csr, edge_attr, return_attention=True)
    wanted, (_, wanted_attention) = theirs(x, edge_index, edge_attr, return_attention_weights=True)
    torch.testing.assert_close(out, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(attention, wanted_attention, rtol=1e-5, atol=1e-6)
    (grad,) = torch.autograd.grad(out.square().sum(), x[0])
    (wanted_grad,) = torch.autograd.grad(wanted.square().sum(), x[0])
    torch.testing.assert_close(grad, wanted_grad, rtol=1e-4, atol=1e-4)


def test_transformer_is_pygs_without_its_edge_values(graph: tuple[Csr, torch.Tensor]) -> None:
    csr, edge_index = graph
    ours = convolutions.conv("transformer", (5, 6), 7, 3)
    theirs = pyg.TransformerConv((5, 6), 7, 3, root_weight=False, bias=False)
    for name in ("key", "value", "query"):
        _copy(getattr(ours, f"lin_{name}"), getattr(theirs, f"lin_{name}"))
    x = torch.randn(20, 5), torch.randn(18, 6, requires_grad=True)
    out, wanted = ours(x, csr), theirs(x, edge_index)
    torch.testing.assert_close(out, wanted, rtol=1e-5, atol=1e-5)
    (grad,) = torch.autograd.grad(out.square().sum(), x[1])
    (wanted_grad,) = torch.autograd.grad(wanted.square().sum(), x[1])
    torch.testing.assert_close(grad, wanted_grad, rtol=1e-4, atol=1e-5)


def test_gcn_is_pygs_on_a_square_graph() -> None:
    src, dst = torch.randint(0, 20, (150,)), torch.randint(0, 20, (150,))
    weight = torch.rand(150)
    # Kipf's A is symmetric, so that degrees in and out agree
    src, dst, weight = torch.cat([src, dst]), torch.cat([dst, src]), torch.cat([weight, weight])
    ours = convolutions.conv("gcn", 5, 7, edge_dim=1)
    theirs = pyg.GCNConv(5, 7, add_self_loops=False, bias=False)
    _copy(ours.lin_src, theirs.lin)
    x = torch.randn(20, 5)
    out = ours(x, Csr.from_edges(src, dst, 20, 20), weight[:, None])
    torch.testing.assert_close(out, theirs(x, torch.stack([src, dst]), weight), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["gat", "gcn", "transformer"])
def test_relations_are_summed(name: str, graph: tuple[Csr, torch.Tensor]) -> None:
    csr, _ = graph
    layer = convolutions.relational(name, 6, 4, {"a": (5, 1), "b": (3, None)}, 2)
    x_dst, x_src = torch.randn(18, 6), {"a": torch.randn(20, 5), "b": torch.randn(20, 3)}
    out, attention = layer(x_dst, x_src, {"a": csr, "b": csr}, {"a": torch.rand(150, 1)})
    first, _ = layer(x_dst, x_src, {"a": csr}, {"a": torch.rand(150, 1)})
    assert out.shape == first.shape == (18, 8)
    assert attention["a"].shape == attention["b"].shape == (150, 2)
    out.sum().backward()
    with pytest.raises(ShapeError, match="edge_attr"):
        layer(x_dst, x_src, {"a": csr})
