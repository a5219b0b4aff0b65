"""DGL's view of the graph: the same structure, features and sampled neighbours, there and back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import InputError, ShapeError
from pharmagraph.kg.heterograph import from_dgl, load, to_dgl
from pharmagraph.kg.heterograph.dgl import require_dgl, write_dgl
from tests.screens import screen

pytestmark = pytest.mark.dgl


def test_a_dgl_graph_comes_back_as_it_was() -> None:
    dgl = require_dgl()
    random = torch.Generator().manual_seed(0)
    ends = torch.randint(0, 5, (2, 12), generator=random)
    graph = dgl.heterograph(
        {
            ("a", "to", "b"): tuple(ends),
            ("b", "back", "a"): tuple(ends.flip(0)),
            ("a", "near", "a"): ([], []),
        },
        {"a": 5, "b": 6},
    )
    graph.edges["to"].data["weight"] = torch.rand(12, generator=random)
    graph.nodes["a"].data["x"] = torch.rand(5, 3, generator=random)
    ids = {kind: np.array([f"{kind}{i}" for i in range(graph.num_nodes(kind))], object) for kind in "ab"}
    again = to_dgl(from_dgl(graph, ids=ids))
    assert again.canonical_etypes == graph.canonical_etypes and again.ntypes == graph.ntypes
    for edge_type in graph.canonical_etypes:
        for ours, theirs in zip(again.edges(etype=edge_type), graph.edges(etype=edge_type), strict=True):
            assert torch.equal(ours, theirs)
    assert torch.equal(again.edges["to"].data["weight"], graph.edges["to"].data["weight"])
    assert torch.equal(again.nodes["a"].data["x"], graph.nodes["a"].data["x"])
    assert [again.num_nodes(kind) for kind in "ab"] == [5, 6]
    with pytest.raises(ShapeError, match="6 nodes b have 5 ids"):
        from_dgl(graph, ids={"a": ids["a"], "b": ids["b"][:5]})


def test_a_heterograph_comes_back_from_dgl_with_the_same_hash() -> None:
    h = screen(datasets=2)
    again = from_dgl(to_dgl(h), ids=h.ids, datasets=h.datasets, tissues=h.tissues)
    assert again.fingerprint() == h.fingerprint()
    for kind, features in h.nodes.items():
        for name, values in features.items():
            found = again.nodes[kind][name]
            assert found.dtype == values.dtype and torch.equal(found, values)


def test_the_hash_is_that_of_structure_features_and_ids_in_dgls_order() -> None:
    """Runs keep this hash: one that was trained when DGL was the container has it as DGL's order gave it."""
    h = screen()
    graph, digest = to_dgl(h), hashlib.sha256()
    for kind in graph.ntypes:
        digest.update("\0".join(map(str, h.ids[kind])).encode())
    for edge_type in graph.canonical_etypes:
        digest.update(repr(edge_type).encode())
        for end in graph.edges(etype=edge_type):
            digest.update(end.numpy().tobytes())
        for name in sorted(graph.edges[edge_type].data):
            digest.update(graph.edges[edge_type].data[name].numpy().tobytes())
    assert h.fingerprint() == digest.hexdigest()[:16]


def test_dgls_sampler_draws_edges_of_the_graph_with_their_features() -> None:
    dgl = require_dgl()
    h = screen()
    expresses = ("CellLine", "EXPRESSES", "Gene")
    edges = h.relations[expresses]
    z = {
        (s, d): v
        for s, d, v in zip(*(t.tolist() for t in (edges.src, edges.dst, edges.features["z"])), strict=True)
    }
    genes = torch.unique(edges.dst)[:6]
    graph = dgl.edge_type_subgraph(to_dgl(h), [expresses])
    sampled = dgl.sampling.sample_neighbors(graph, {"Gene": genes}, 2)
    drawn = list(zip(*(end.tolist() for end in sampled.edges(etype=expresses)), strict=True))
    assert [z[pair] for pair in drawn] == sampled.edges[expresses].data["z"].tolist()
    into = torch.bincount(edges.dst, minlength=h.n_nodes("Gene"))
    assert [sum(d == int(g) for _, d in drawn) for g in genes] == into[genes].clamp(max=2).tolist()
    blocks = dgl.dataloading.NeighborSampler([2, 2]).sample_blocks(graph, {"Gene": genes})[2]
    assert torch.equal(blocks[-1].dstdata[dgl.NID]["Gene"], genes)


def test_the_exported_folder_is_read_by_dgl_and_is_no_runs_graph(tmp_path: Path) -> None:
    dgl, h = require_dgl(), screen()
    write_dgl(h, tmp_path)
    (graph,), _ = dgl.load_graphs(str(tmp_path / "graph.bin"))
    about = json.loads((tmp_path / "ids.json").read_text())
    again = from_dgl(graph, ids={k: np.array(v, object) for k, v in about["ids"].items()})
    assert again.fingerprint() == h.fingerprint()
    with pytest.raises(InputError, match="train again: cli train"):
        load(tmp_path)
