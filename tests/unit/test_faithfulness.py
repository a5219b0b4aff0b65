"""Curves, rollout and gradients where the right answer is known; deletion from a network that was really fitted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from kg.errors import ModelError
from model.config import load_preset
from model.faithfulness import (
    delete_genes,
    deletion,
    gene_attention,
    insertion,
    integrated_gradients,
    rollout,
    without_edges,
)
from model.graph_tensors import graph_tensors
from model.responses import responses
from model.training import Fitted, fit
from tests.screens import screen

torch.set_num_threads(1)

EFFECT = np.array([5.0, 0.1, 3.0, 0.2, 0.0, 1.0])


def _sum_of_kept(kept: np.ndarray) -> np.ndarray:
    return np.array([EFFECT[kept].sum()])


def test_removing_the_edges_that_matter_changes_more_than_random_ones() -> None:
    order = np.argsort(-EFFECT)
    curve = deletion(_sum_of_kept, order, [1, 2, 6], n_random=200)
    assert curve.ranked == pytest.approx([5, 8, EFFECT.sum()])
    assert curve.random[0] == pytest.approx(EFFECT.mean(), rel=0.2)
    assert curve.ratio[0] > 2 and curve.ratio[2] == pytest.approx(1)


def test_leaving_the_edges_that_matter_brings_the_prediction_back() -> None:
    curve = insertion(_sum_of_kept, np.argsort(-EFFECT), [2, 6], n_random=50)
    assert curve.ranked == pytest.approx([EFFECT.sum() - 8, 0])
    assert curve.random[0] > curve.ranked[0]


def test_a_ranking_upside_down_is_worse_than_random() -> None:
    assert deletion(_sum_of_kept, np.argsort(EFFECT), [2], n_random=200).ratio[0] < 0.2


def test_rollout_is_the_product_of_layers_with_residuals() -> None:
    generator = np.random.default_rng(0)
    layers = [generator.random((5, 5)) for _ in range(2)]
    layers = [layer / layer.sum(1, keepdims=True) for layer in layers]
    expected = (0.5 * np.eye(5) + 0.5 * layers[1]) @ (0.5 * np.eye(5) + 0.5 * layers[0])
    found = rollout([sparse.csr_matrix(layer) for layer in layers]).toarray()
    assert found == pytest.approx(expected) and found.sum(1) == pytest.approx(np.ones(5))


def test_a_node_that_draws_nothing_keeps_its_state_in_rollout() -> None:
    layer = sparse.csr_matrix(np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert rollout([layer]).toarray() == pytest.approx(np.array([[0.5, 0.5], [0.0, 1.0]]))


def test_integrated_gradients_sum_to_the_change() -> None:
    value = torch.tensor([1.0, -2.0, 0.5])
    found = integrated_gradients(lambda x: (x**3).sum() + x[0] * x[1], value, n_steps=200)
    assert found.sum().item() == pytest.approx(((value**3).sum() + value[0] * value[1]).item(), abs=1e-3)
    assert found[2].item() == pytest.approx(0.125, abs=1e-4)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    config = load_preset(
        "fast", network={"channels": 8, "n_associated_genes": 6}, training={"epochs": 6, "untested_pairs": 50}
    )
    heterograph = screen()
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    return fit(tensors, responses(heterograph), config, seed=0)


def test_deleting_all_gene_edges_is_the_same_however_they_are_ranked(fitted: Fitted) -> None:
    n = int((fitted.messages.edges["drug_from_gene"].dst == 2).sum())
    curve = delete_genes(fitted, 2, [1, n], cell_lines=np.arange(20), n_random=3)
    assert curve.ranked[1] == pytest.approx(curve.random[1], rel=1e-4)
    assert curve.ranked[1] > 0 and curve.removed.tolist() == [1, n]


def test_only_the_masked_edges_go(fitted: Fitted) -> None:
    edges = fitted.messages.edges["drug_from_gene"]
    keep = torch.ones(len(edges), dtype=torch.bool)
    keep[[0, 4]] = False
    messages = without_edges(fitted, "drug_from_gene", keep)
    assert len(messages.edges["drug_from_gene"]) == len(edges) - 2
    assert messages.graphs["drug_from_gene"].n_edges == len(edges) - 2
    assert messages.edges["drug_from_drug"] is fitted.messages.edges["drug_from_drug"]


def test_attention_of_a_drug_sums_to_one(fitted: Fitted) -> None:
    weight, edges = gene_attention(fitted), fitted.messages.edges["drug_from_gene"]
    total = np.bincount(edges.dst.numpy(), weight, minlength=24)
    assert total == pytest.approx(np.ones(24), abs=1e-5)


def test_random_weights_rank_genes_otherwise(fitted: Fitted) -> None:
    """Attention that survives randomised weights would say nothing of what was learned."""
    from model.fitting import make_network

    before = gene_attention(fitted)
    torch.manual_seed(9)
    network = make_network(fitted.tensors, fitted.config)
    with torch.inference_mode():
        after = network.eval().attention(fitted.tensors, fitted.messages)["drug_from_gene"].weight.numpy()
    assert np.corrcoef(before, after)[0, 1] < 0.9


def test_a_drug_without_gene_edges_is_said(fitted: Fitted) -> None:
    with pytest.raises(ModelError, match="attends to no gene"):
        delete_genes(fitted, 999, [1], cell_lines=np.arange(3))
