"""Curves, rollout and gradients where the right answer is known; deletion from a network that was really fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from scipy.stats import spearmanr

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.explain.faithfulness.curves import agreement, deletion, insertion, ranks, rollout
from pharmagraph.model.explain.faithfulness.interventions import without_edges
from pharmagraph.model.explain.faithfulness.masked_edges import GENES, Ranking
from pharmagraph.model.explain.faithfulness.measure import ALL, compare, faithfulness, stored_weight
from pharmagraph.model.explain.faithfulness.message_edges import N_SIGNS, N_STEPS, MessageEdges
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs import saved
from pharmagraph.model.training.ensemble import fit
from tests.screens import screen

torch.set_num_threads(1)

EFFECT = np.array([5.0, 0.1, 3.0, 0.2, 0.0, 1.0])
ONE = np.zeros(6, np.int64)


def _sum_of_kept(kept: np.ndarray) -> np.ndarray:
    return np.array([EFFECT[kept].sum()])


def _draws(n: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.permutation(len(EFFECT)) for _ in range(n)]


def test_removing_the_edges_that_matter_changes_more_than_random_ones() -> None:
    curve = deletion(_sum_of_kept, ranks(EFFECT, ONE), [1, 2, 6], _draws(200))
    assert curve.ranked == pytest.approx([5, 8, EFFECT.sum()])
    assert curve.random[0] == pytest.approx(EFFECT.mean(), rel=0.2)
    assert curve.ratio[0] > 2 and curve.ratio[2] == pytest.approx(1)


def test_leaving_the_edges_that_matter_brings_the_prediction_back() -> None:
    curve = insertion(_sum_of_kept, ranks(EFFECT, ONE), [2, 6], _draws(50))
    assert curve.ranked == pytest.approx([EFFECT.sum() - 8, 0])
    assert curve.random[0] > curve.ranked[0]


def test_a_ranking_upside_down_is_worse_than_random() -> None:
    assert deletion(_sum_of_kept, ranks(-EFFECT, ONE), [2], _draws(200)).ratio[0] < 0.2


def test_edges_rank_within_their_own_node() -> None:
    found = ranks(np.array([0.1, 0.9, 0.5, 0.5, 0.7]), np.array([7, 2, 7, 7, 2]))
    assert found.tolist() == [2, 0, 0, 1, 1]


@pytest.mark.parametrize("lengths", [[4, 4, 4], [1, 5, 3, 2]])
def test_agreement_is_scipys_spearman_of_each_node(lengths: list[int]) -> None:
    generator = np.random.default_rng(0)
    node = generator.permutation(np.repeat(np.arange(len(lengths)), lengths))
    first, second = generator.integers(0, 3, len(node)), generator.random(len(node))
    alone = [
        spearmanr(first[node == n], second[node == n]).statistic for n in np.unique(node) if lengths[n] > 1
    ]
    assert agreement(first, second, node) == pytest.approx(np.nanmean(alone))
    assert np.isnan(agreement(first[:0], second[:0], node[:0]))


def test_agreement_is_spearmans_within_nodes() -> None:
    node = np.array([0, 0, 0, 1, 1, 2])
    first, second = np.array([1.0, 2, 3, 5, 4, 9]), np.array([10.0, 20, 30, 1, 2, 0])
    assert agreement(first, second, node) == pytest.approx((1 - 1) / 2)


def test_rollout_is_the_product_of_layers_with_residuals() -> None:
    generator = np.random.default_rng(0)
    layers = [generator.random((5, 5)) for _ in range(2)]
    layers = [layer / layer.sum(1, keepdims=True) for layer in layers]
    expected = (0.5 * np.eye(5) + 0.5 * layers[1]) @ (0.5 * np.eye(5) + 0.5 * layers[0])
    found = rollout([sparse.csr_matrix(layer) for layer in layers]).toarray()
    assert found == pytest.approx(expected) and found.sum(1) == pytest.approx(np.ones(5))
    some = rollout([sparse.csr_matrix(layer) for layer in layers], np.array([3, 1])).toarray()
    assert some == pytest.approx(expected[[3, 1]])


def test_a_node_that_draws_nothing_keeps_its_state_in_rollout() -> None:
    layer = sparse.csr_matrix(np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert rollout([layer]).toarray() == pytest.approx(np.array([[0.5, 0.5], [0.0, 1.0]]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a fitted run."""
    place = tmp_path_factory.mktemp("run")
    config = load_preset(
        "fast", network={"channels": 8, "n_associated_genes": 6}, training={"epochs": 6, "untested_pairs": 50}
    )
    heterograph = screen()
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    measured = responses(heterograph)
    saved.save(fit(tensors, measured, config, seed=0), heterograph, measured, place, about={})
    return place


@pytest.fixture(scope="module")
def edges(folder: Path) -> MessageEdges:
    return MessageEdges.of(saved.load(folder, saved.load_graph(folder)), more_than=4)


def _attention(edges: MessageEdges) -> np.ndarray:
    return edges.attention()[GENES]


def _drug(edges: MessageEdges) -> np.ndarray:
    return edges.ends[GENES][0]


def test_only_the_masked_edges_go(edges: MessageEdges) -> None:
    all_edges = edges.fitted.messages.edges["drug_from_gene"]
    keep = torch.ones(len(all_edges), dtype=torch.bool)
    keep[[0, 4]] = False
    messages = without_edges(edges.fitted, "drug_from_gene", keep)
    assert len(messages.edges["drug_from_gene"]) == len(all_edges) - 2
    assert messages.graphs["drug_from_gene"].n_edges == len(all_edges) - 2
    assert messages.edges["drug_from_drug"] is edges.fitted.messages.edges["drug_from_drug"]


def test_attention_of_a_drug_sums_to_one(edges: MessageEdges) -> None:
    assert np.bincount(_drug(edges), _attention(edges), minlength=24) == pytest.approx(np.ones(24), abs=1e-5)


def test_a_mask_of_messages_is_the_whole_prediction_at_one_and_no_gene_edge_at_zero(
    edges: MessageEdges,
) -> None:
    n = len(_drug(edges))
    with torch.no_grad():
        whole, none = (edges._masked(torch.full((n,), value)).numpy() for value in (1.0, 0.0))
    assert whole == pytest.approx(edges.predict({GENES: np.ones(n, bool)}), abs=1e-5)
    assert none == pytest.approx(edges.predict({GENES: np.zeros(n, bool)}), abs=1e-5)
    assert np.abs(whole - none).max() > 1e-4


def test_integrated_gradients_are_those_of_small_steps(edges: MessageEdges) -> None:
    """By finite differences at every step of the path, for one edge and the same signs."""
    found = replace(edges, seed=1).gradients(GENES)
    n, edge, delta = len(_drug(edges)), int(np.argmax(found)), 1e-2
    counts = np.bincount(edges.pairs[0])[edges.pairs[0]]
    generator = torch.Generator().manual_seed(1)
    squares = []
    for _ in range(N_SIGNS):
        sign = (2 * torch.randint(0, 2, (len(counts),), generator=generator) - 1).numpy() / np.sqrt(counts)
        total = 0.0
        for step in range(N_STEPS):
            ends = []
            for side in (delta, -delta):
                mask = torch.full((n,), (step + 0.5) / N_STEPS)
                mask[edge] += side
                with torch.no_grad():
                    ends.append(float(edges._masked(mask).numpy() @ sign))
            total += (ends[0] - ends[1]) / (2 * delta) / N_STEPS
        squares.append(total**2)
    assert found[edge] == pytest.approx(np.sqrt(np.mean(squares)), rel=0.05)


def test_rollout_of_a_run_reaches_every_gene_edge(edges: MessageEdges) -> None:
    through = edges.rollout()
    assert through.shape == _drug(edges).shape and (through > 0).all()
    assert (
        np.bincount(_drug(edges), through, minlength=24) < 1
    ).all()  # the rest comes from cell lines and drugs


def test_random_weights_rank_genes_otherwise(edges: MessageEdges) -> None:
    """Attention that survives randomised weights would say nothing of what was learned."""
    unfitted = replace(edges, seed=9).unfitted()[GENES]
    assert agreement(_attention(edges), unfitted, _drug(edges)) < 0.8


def test_every_ranking_is_compared_with_the_same_random_edges(folder: Path, edges: MessageEdges) -> None:
    graph = saved.load_graph(folder)
    of_edges = edges.ends[GENES]
    drug, gene = graph.ids["Drug"][of_edges[0]], graph.ids["Gene"][of_edges[1]]
    attends = pa.table({"src": drug.tolist(), "dst": gene.tolist(), "weight": _attention(edges).tolist()})
    assert stored_weight(edges, attends.slice(1).take(pa.array(range(len(drug) - 2, -1, -1))), graph)[
        1:
    ] == pytest.approx(_attention(edges)[1:])
    n = int(np.bincount(_drug(edges)).max())
    rows = faithfulness(folder, attends, counts=[1, 4])
    by = {(row["ranking"], row["edges"]): row for row in rows}
    assert {r["ranking"] for r in rows} == {
        "attention", "attention rollout", "integrated gradients", "attention, randomised weights", "ATTENDS",
    }  # fmt: skip
    assert n > 4 and by["attention", 1]["agreement"] == pytest.approx(1)
    one, same = by["attention", 4], by["ATTENDS", 4]
    assert {k: v for k, v in one.items() if k != "ranking"} == {
        k: v for k, v in same.items() if k != "ranking"
    }
    ratios = [by[r, 4]["deletion"] / by[r, 4]["deletion_ratio"] for r, k in by if k == 4]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))


def test_a_run_without_gene_edges_is_said(edges: MessageEdges) -> None:
    with pytest.raises(ModelError, match="no drug of the run has more than 999 gene edges"):
        MessageEdges.of(edges.fitted, more_than=999)


def test_gene_edges_of_a_component_of_weight_0_are_refused(edges: MessageEdges) -> None:
    network = edges.fitted.members[0].network
    before = network.component_weights.clone()  # type: ignore[operator]
    network.component_weights.copy_(torch.tensor([0.0, 1.0]))  # type: ignore[operator]
    with pytest.raises(
        ModelError, match="relational, has weight 0 in the prediction; train with another seed"
    ):
        MessageEdges.of(edges.fitted, more_than=4)
    network.component_weights.copy_(before)  # type: ignore[operator]


@dataclass
class _SumOfTwo:
    """Edges of two relations whose kept effects are summed: every figure is known by hand."""

    ends: dict[str, tuple[np.ndarray, np.ndarray]]
    effect: dict[str, np.ndarray]

    def predict(self, kept: Mapping[str, np.ndarray]) -> np.ndarray:
        every = {r: np.ones(len(e), bool) for r, e in self.effect.items()} | dict(kept)
        return np.array([sum(float(e[every[r]].sum()) for r, e in self.effect.items())])

    def attention(self) -> dict[str, np.ndarray]:
        return self.effect

    def unfitted(self) -> dict[str, np.ndarray]:
        return {r: -e for r, e in self.effect.items()}

    def gradients(self, relation: str) -> np.ndarray:
        return self.effect[relation]

    def rankings(self) -> list[Ranking]:
        one = [Ranking("attention", (r,), lambda _: self.attention()) for r in self.ends]
        both = [
            Ranking(n, ("a", "b"), lambda _, f=f: f())
            for n, f in (("best", self.attention), ("worst", self.unfitted))
        ]  # type: ignore[misc]
        return one + both


def test_one_comparison_serves_edges_of_any_kind() -> None:
    effect = {"a": EFFECT, "b": np.array([4.0, 1.0, 2.0])}
    ends = {r: (np.zeros(len(e), np.int64), np.arange(len(e))) for r, e in effect.items()}
    edges = _SumOfTwo(ends, effect)
    told: list[str] = []
    rows = compare(edges, edges.rankings(), [1, 2], advance=told.append)
    assert told == ["a, attention", "b, attention", f"{ALL}, best", f"{ALL}, worst"]
    by = {(row["relation"], row["ranking"], row["edges"]): row for row in rows}
    assert [by["a", "attention", k]["deletion"] for k in (1, 2)] == pytest.approx([5, 8])
    assert by["b", "attention", 2]["insertion"] == pytest.approx(1)
    assert by[ALL, "best", 2]["deletion"] == pytest.approx(5 + 3 + 4 + 2)
    assert by[ALL, "worst", 1]["deletion"] == pytest.approx(0 + 1)
    assert (
        by["a", "attention", 1]["agreement"] == pytest.approx(1) and by[ALL, "best", 1]["agreement"] is None
    )
    generator = np.random.default_rng(0)
    samples = {r: [ranks(generator.random(len(e)), ends[r][0]) for _ in range(3)] for r, e in effect.items()}
    at_random = np.mean([effect["a"][place < 1].sum() for place in samples["a"]])
    assert by["a", "attention", 1]["deletion_ratio"] == pytest.approx(5 / at_random)
    both = np.mean([sum(effect[r][samples[r][n] < 1].sum() for r in effect) for n in range(3)])
    assert by[ALL, "best", 1]["deletion_ratio"] == pytest.approx((5 + 4) / both)
