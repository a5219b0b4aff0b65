"""Drawn neighbourhoods: only edges of the graph, none twice, all equally often, and the right ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from pharmagraph.kg.errors import InputError
from pharmagraph.model.inputs.neighbourhoods import ALL, Block, Incoming, distinct, features_of


def graph(n_nodes: int = 60, n_edges: int = 900, *, seed: int = 0) -> Incoming:
    """A graph with a hub, nodes without edges, repeated edges, and ids in another order than the edges."""
    generator = np.random.default_rng(seed)
    dst = np.sort(generator.choice(n_nodes, n_edges, p=_popularity(n_nodes)))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(dst, minlength=n_nodes))])
    source = generator.integers(0, n_nodes, n_edges).astype(np.int32)
    edge = generator.permutation(n_edges)
    return Incoming(indptr, source, edge, (10 * edge).astype(np.float32)[:, None])


def _popularity(n: int) -> np.ndarray:
    weight = 1 / np.arange(1, n + 1)
    weight[-3:] = 0
    return weight / weight.sum()


def ends(incoming: Incoming) -> np.ndarray:
    """Edge id → source and destination, (n_edges, 2)."""
    dst = np.repeat(np.arange(incoming.n_dst), np.diff(incoming.indptr))
    found = np.empty((incoming.n_edges, 2), int)
    found[incoming.edge] = np.stack([incoming.source, dst], 1)
    return found


def are_edges(block: Block, incoming: Incoming) -> bool:
    """Whether each edge of a block is the edge of the graph that its id says, with its features."""
    here = np.stack([block.node[block.src], block.node[block.dst]], 1)
    features = features_of(incoming, block)
    assert features is not None
    same_features = np.array_equal(features[:, 0].numpy(), 10 * block.edge)
    return np.array_equal(here, ends(incoming)[block.edge]) and same_features


@pytest.mark.parametrize("k", [1, 4, 20])
def test_at_most_k_edges_into_a_node_are_drawn_and_each_is_one_of_the_graph(k: int) -> None:
    incoming = graph()
    seeds = np.array([57, 0, 3, 58, 41])
    blocks = incoming.sample(seeds, [k, k], np.random.default_rng(1))
    degree = np.diff(incoming.indptr)
    for block in blocks:
        assert are_edges(block, incoming)
        assert len(set(block.edge.tolist())) == len(block.edge)
        count = np.bincount(block.dst, minlength=block.n_dst)
        assert count.tolist() == np.minimum(degree[block.node[: block.n_dst]], k).tolist()
        assert len(set(block.node.tolist())) == len(block.node)
        assert block.node[: len(seeds)].tolist() == seeds.tolist()
    assert blocks[1].node.tolist() == blocks[0].node[: blocks[0].n_dst].tolist()
    assert blocks[1].n_dst == len(seeds)


@pytest.mark.parametrize("k", [ALL, 10**9])
def test_all_neighbours_are_all_edges(k: int) -> None:
    incoming = graph()
    (block,) = incoming.sample(np.arange(incoming.n_dst), [k], np.random.default_rng(0))
    assert sorted(block.edge.tolist()) == list(range(incoming.n_edges))
    assert are_edges(block, incoming)


def test_the_same_state_draws_the_same_and_another_one_does_not() -> None:
    incoming, seeds = graph(), np.arange(5)
    drawn = [incoming.sample(seeds, [3, 3], np.random.default_rng(state))[0].edge for state in (7, 7, 8)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


@pytest.mark.parametrize(("total", "k"), [(4, 3), (6, 3), (7, 3), (40, 3), (9, 1)])
def test_every_number_and_every_set_is_drawn_equally_often(total: int, k: int) -> None:
    drawn = np.sort(distinct(np.full(20_000, total), k, np.random.default_rng(0)), axis=1)
    assert (drawn >= 0).all()
    assert (drawn < total).all()
    assert (np.diff(drawn, axis=1) > 0).all()
    assert chisquare(np.bincount(drawn.ravel(), minlength=total)).pvalue > 1e-3
    if total < 10:
        sets = np.unique(drawn, axis=0, return_counts=True)[1]
        assert chisquare(sets).pvalue > 1e-3


def test_large_and_small_totals_are_drawn_together() -> None:
    total = np.array([6, 10**9, 11, 7, 10**6])
    drawn = distinct(total, 5, np.random.default_rng(0))
    assert (drawn < total[:, None]).all()
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()


def test_ranges_cover_each_node_once_and_bound_the_edges() -> None:
    incoming = graph()
    degree = np.diff(incoming.indptr)
    for most in (1, 7, 100, 10_000):
        ranges = list(incoming.ranges(most))
        assert [i for start, stop in ranges for i in range(start, stop)] == list(range(incoming.n_dst))
        assert all(degree[a:b].sum() <= most or b - a == 1 for a, b in ranges)


def test_a_pair_that_is_predicted_passes_no_message_in_either_direction() -> None:
    incoming = graph(n_nodes=8, n_edges=300)
    seeds = np.array([4, 1, 2])
    first, second = np.array([0, 2]), np.array([1, 2])  # the pairs 4–1 and 2–2
    for block in incoming.sample(seeds, [ALL, ALL], np.random.default_rng(0)):
        left = block.without(first, second)
        assert are_edges(left, incoming)
        hidden = {(4, 1), (1, 4), (2, 2)}
        pairs = list(zip(block.node[block.src].tolist(), block.node[block.dst].tolist(), strict=True))
        assert hidden <= set(pairs)
        kept = list(zip(left.node[left.src].tolist(), left.node[left.dst].tolist(), strict=True))
        assert kept == [pair for pair in pairs if pair not in hidden]


def written(folder: Path, incoming: Incoming) -> Path:
    np.save(folder / "indptr.npy", incoming.indptr)
    np.save(folder / "source.npy", incoming.source)
    np.save(folder / "edge.npy", incoming.edge)
    np.save(folder / "weight.npy", incoming.feature)
    return folder


def test_mapped_files_are_read_as_arrays_in_memory_are(tmp_path: Path) -> None:
    incoming = graph()
    mapped = Incoming.open(written(tmp_path, incoming), "weight")
    assert isinstance(mapped.source, np.memmap)
    pair = [one.sample(np.arange(9), [4, 4], np.random.default_rng(0)) for one in (incoming, mapped)]
    for here, there in zip(*pair, strict=True):
        assert np.array_equal(here.edge, there.edge)
        assert are_edges(there, mapped)
    assert Incoming.open(tmp_path).feature is None


def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path: Path) -> None:
    written(tmp_path, graph())
    with pytest.raises(InputError, match=r"length\.npy: no such file; give the folder"):
        Incoming.open(tmp_path, "length")
    np.save(tmp_path / "edge.npy", np.arange(5))
    with pytest.raises(InputError, match=r"edge\.npy: has 5 rows, but indptr\.npy ends with 900"):
        Incoming.open(tmp_path)
    np.save(tmp_path / "indptr.npy", np.array([0, 7, 5]))
    with pytest.raises(InputError, match=r"indptr\.npy: does not rise"):
        Incoming.open(tmp_path)
    (tmp_path / "source.npy").write_text("no array")
    with pytest.raises(InputError, match=r"source\.npy: no array of NumPy"):
        Incoming.open(tmp_path)
