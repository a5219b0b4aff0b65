"""The GATv2 layer against PyG's and DGL's, its gradients in float64, and what it says of bad input."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pharmagraph.kg.errors import ModelError, ShapeError
from pharmagraph.model.kernels import Csr
from pharmagraph.model.layers.conversions import from_dgl, from_pyg, to_dgl, to_pyg
from pharmagraph.model.layers.gatv2 import GATv2Conv, RelationalGATv2Conv

pyg = pytest.importorskip("torch_geometric.nn")


def _close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Equal to 1e-5 of the largest value: single entries near zero carry the rounding of the others."""
    scale = float(theirs.abs().max()) if theirs.numel() else 1.0
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * max(scale, 1.0))


@st.composite
def layers_and_graphs(draw: Any) -> tuple[GATv2Conv, torch.Tensor, torch.Tensor, int, int]:
    """A layer of any options, with edges of any shape between any numbers of nodes."""
    torch.manual_seed(draw(st.integers(0, 10_000)))
    n_src, n_dst = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    n_edges = draw(st.sampled_from([0, 1, 2, 31, 32, 33, 64, 200]))
    src, dst = torch.randint(0, n_src, (n_edges,)), torch.randint(0, n_dst, (n_edges,))
    if draw(st.booleans()):
        dst = torch.full_like(dst, n_dst - 1)  # all into one, the others isolated
    if draw(st.booleans()):
        src = src.clamp(max=1)  # repeated edges
    share = draw(st.booleans())
    layer = GATv2Conv(
        (5, 5 if share else 3),
        draw(st.sampled_from([1, 2, 7, 8, 15, 16, 17, 33, 50, 96, 97, 130])),
        draw(st.integers(1, 3)),
        concat=draw(st.booleans()),
        negative_slope=draw(st.sampled_from([0.0, 0.2, 1.0])),
        edge_dim=draw(st.sampled_from([None, 1, 2, 5])),
        share_weights=share,
        bias=draw(st.booleans()),
        residual=draw(st.booleans()),
    )
    return layer, src, dst, n_src, n_dst


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers_and_graphs())
def test_output_and_all_gradients_are_pygs(
    drawn: tuple[GATv2Conv, torch.Tensor, torch.Tensor, int, int],
) -> None:
    """PyG's in float64: in float32 its own rounding can be the larger, where sums over many edges cancel."""
    ours, src, dst, n_src, n_dst = drawn
    theirs = to_pyg(ours).double()
    x = [torch.randn(n_src, ours.in_channels[0]), torch.randn(n_dst, ours.in_channels[1])]
    edge_attr = None if ours.edge_dim is None else torch.randn(len(src), ours.edge_dim)
    results = []
    for layer in (ours, theirs):
        number = torch.float32 if layer is ours else torch.float64
        inputs = [t.to(number, copy=True).requires_grad_() for t in x]
        edges = None if edge_attr is None else edge_attr.to(number, copy=True).requires_grad_()
        if layer is ours:
            graph = Csr.from_edges(src, dst, n_src, n_dst)
            out, attention = ours((inputs[0], inputs[1]), graph, edges, return_attention=True)
        else:
            given_edges = torch.stack([src, dst])
            out, (_, attention) = theirs(tuple(inputs), given_edges, edges, return_attention_weights=True)
        torch.manual_seed(0)
        weights = [torch.randn(t.shape).to(number) for t in (out, attention)]
        ((out * weights[0]).sum() + (attention * weights[1]).sum()).backward()
        found = [out, attention, *(t.grad for t in [*inputs, edges] if t is not None)]
        results.append([None if t is None else t.detach().float() for t in found])
    for mine, its in zip(*results, strict=True):
        assert its is not None
        _close(torch.zeros_like(its) if mine is None else mine, its)
    pairs = {"lin_src": "lin_l", "lin_dst": "lin_r", "lin_edge": "lin_edge", "lin_residual": "res"}
    for name, parameter in ours.named_parameters():
        first, *rest = name.split(".")
        its = theirs.get_parameter(".".join([pairs.get(first, first), *rest]))
        assert its.grad is not None
        mine = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        _close(mine.view_as(its.grad), its.grad.float())


@pytest.mark.dgl
def test_output_is_dgls_and_the_bias_survives_the_way_there_and_back() -> None:
    import dgl
    from dgl.nn import GATv2Conv as DglConv

    torch.manual_seed(0)
    src, dst = torch.randint(0, 30, (300,)), torch.cat([torch.arange(25), torch.randint(0, 25, (275,))])
    graph = dgl.heterograph({("a", "to", "b"): (src, dst)}, {"a": 30, "b": 25})
    theirs = DglConv((5, 6), 7, 3)
    torch.nn.init.normal_(theirs.fc_src.bias)
    x = torch.randn(30, 5), torch.randn(25, 6)
    csr = Csr.from_edges(src, dst, 30, 25)
    ours = from_dgl(theirs)
    _close(ours(x, csr), theirs(graph, x).flatten(1))
    gradients = []
    for layer, edges in ((ours, csr), (theirs, graph)):
        inputs = [t.clone().requires_grad_() for t in x]
        out = layer(tuple(inputs), edges) if layer is ours else layer(edges, tuple(inputs)).flatten(1)
        torch.manual_seed(1)
        (out * torch.randn_like(out)).sum().backward()
        gradients.append([t.grad for t in inputs])
    for mine, its in zip(gradients[0], gradients[1], strict=True):
        _close(mine, its)
    pairs = ((ours.lin_src, theirs.fc_src), (ours.lin_dst, theirs.fc_dst))
    for mine_linear, its_linear in pairs:
        _close(mine_linear.weight.grad, its_linear.weight.grad)
    # DGL's source bias is both in the score and in the message, ours likewise
    _close(ours.lin_src.bias.grad, theirs.fc_src.bias.grad)
    _close(ours.att.grad, theirs.attn.grad[0])
    assert ours.bias is not None
    torch.nn.init.normal_(ours.bias)
    _close(to_dgl(ours)(graph, x).flatten(1), ours(x, csr))
    back = from_pyg(to_pyg(ours))
    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), ours.parameters(), strict=True))
    with pytest.raises(ModelError, match="edge features"):
        to_dgl(GATv2Conv(5, 7, edge_dim=1))


@pytest.mark.parametrize("softmax", ["relation", "destination"])
def test_gradients_are_those_of_finite_differences(softmax: Any) -> None:
    torch.manual_seed(0)
    layer = RelationalGATv2Conv(3, 2, {"a": (4, 2), "b": (5, None)}, 2, softmax=softmax).double()
    graphs = {r: Csr.from_edges(torch.randint(0, 4, (9,)), torch.randint(0, 3, (9,)), 4, 3) for r in "ab"}
    inputs = [
        torch.randn(n, w, dtype=torch.float64, requires_grad=True)
        for n, w in ((3, 3), (4, 4), (4, 5), (9, 2))
    ]

    def of(
        x_dst: torch.Tensor, a: torch.Tensor, b: torch.Tensor, e: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        out, attention = layer(x_dst, {"a": a, "b": b}, graphs, {"a": e})
        return out, *attention.values()

    assert torch.autograd.gradcheck(of, inputs)


def test_relations_with_their_own_softmax_are_the_sum_of_single_layers() -> None:
    torch.manual_seed(0)
    layer = RelationalGATv2Conv(6, 9, {"a": (5, 1), "b": (4, None)}, 2, bias=False)
    graphs = {
        r: Csr.from_edges(torch.randint(0, 20, (90,)), torch.randint(0, 12, (90,)), 20, 12) for r in "ab"
    }
    x_dst, x_src = torch.randn(12, 6), {"a": torch.randn(20, 5), "b": torch.randn(20, 4)}
    edge_attr = {"a": torch.randn(90, 1)}
    out, attention = layer(x_dst, x_src, graphs, edge_attr)
    total = torch.zeros_like(out)
    for r, width, edge_dim in (("a", 5, 1), ("b", 4, None)):
        single = pyg.GATv2Conv((width, 6), 9, 2, edge_dim=edge_dim, add_self_loops=False, bias=False)
        single.lin_l.weight.data, single.lin_r.weight.data = (
            layer.lin_src[r].weight.data,
            layer.lin_dst[r].weight.data,
        )
        single.att.data = layer.att[r].data[None]
        if edge_dim:
            single.lin_edge.weight.data = layer.lin_edge[r].weight.data
        edges = torch.stack([_by_id(graphs[r].src, graphs[r]), _by_id(graphs[r].dst(), graphs[r])])
        part, (_, weights) = single((x_src[r], x_dst), edges, edge_attr.get(r), return_attention_weights=True)
        _close(attention[r], weights)
        total = total + part
    _close(out, total)


def _by_id(per_edge: torch.Tensor, graph: Csr) -> torch.Tensor:
    return graph.unsort(per_edge.long())


def test_one_softmax_over_all_relations_sums_to_one() -> None:
    layer = RelationalGATv2Conv(6, 9, {"a": (5, None), "b": (5, None)}, 2, softmax="destination")
    graph = Csr.from_edges(torch.randint(0, 20, (90,)), torch.arange(90) % 12, 20, 12)
    x = torch.randn(20, 5)
    _, attention = layer(torch.randn(12, 6), {"a": x, "b": x}, {"a": graph, "b": graph})
    total = torch.zeros(12, 2).index_add(0, torch.arange(90) % 12, attention["a"] + attention["b"])
    _close(total, torch.ones(12, 2))
    only, _ = layer(torch.randn(12, 6), {}, {}, {})
    assert only.shape == (12, 18)


def test_dropped_attention_repeats_with_the_seed_and_keeps_the_mean() -> None:
    layer = GATv2Conv(4, 3, 2, dropout=0.4, bias=False)
    x = torch.ones(1, 4)
    graph = Csr.from_edges(torch.zeros(4000, dtype=torch.int64), torch.zeros(4000, dtype=torch.int64), 1, 1)
    torch.manual_seed(3)
    first = layer(x, graph)
    torch.manual_seed(3)
    assert torch.equal(layer(x, graph), first)
    assert not torch.equal(layer(x, graph), first)
    whole = layer.eval()(x, graph)
    torch.testing.assert_close(first, whole, rtol=0.1, atol=0.0)


def test_features_need_be_neither_contiguous_nor_differentiable() -> None:
    layer, graph = GATv2Conv(4, 5, 2), Csr.from_edges(torch.arange(6) % 3, torch.arange(6) % 4, 3, 4)
    strided = torch.randn(4, 8)[:, ::2], torch.randn(4, 4).T
    out = layer((strided[0][:3], strided[1]), graph)
    _close(out, layer((strided[0][:3].contiguous(), strided[1].contiguous()), graph))
    with torch.no_grad():
        assert not layer((strided[0][:3], strided[1]), graph).requires_grad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.ones(5, 4)}, "x has shape"),
        ({"x": torch.ones(3, 3)}, "x has shape"),
        ({"x": torch.ones(3, 4, dtype=torch.int64)}, "x holds torch.int64"),
        ({"edge_attr": torch.ones(5, 2)}, "edge_attr has shape"),
        ({"edge_attr": None}, "edge_attr is missing"),
        ({"x": torch.full((3, 4), torch.nan)}, "x_src holds .* NaN"),
        ({"edge_attr": torch.full((6, 2), torch.inf)}, "edge_attr holds .* infinite"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    layer, graph = (
        GATv2Conv(4, 5, 2, edge_dim=2),
        Csr.from_edges(torch.arange(6) % 3, torch.arange(6) % 3, 3, 3),
    )
    arguments = {"x": torch.ones(3, 4), "edge_attr": torch.ones(6, 2)} | change
    with pytest.raises(ValueError, match=message):
        layer(arguments["x"], graph, arguments["edge_attr"])


def test_bad_options_are_named() -> None:
    with pytest.raises(ShapeError, match="share_weights"):
        GATv2Conv((3, 4), 5, share_weights=True)
    with pytest.raises(ValueError, match="dropout is 1"):
        GATv2Conv(3, 5, dropout=1.0)
    with pytest.raises(ShapeError, match='"c" is not a relation'):
        RelationalGATv2Conv(3, 5, {"a": (3, None)})(
            torch.ones(1, 3), {}, {"c": Csr.from_edges([0], [0], 1, 1)}
        )  # type: ignore[arg-type]
