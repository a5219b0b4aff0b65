"""q of attention for response: small for a planted signal, large for chance and for what marks a tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.stats import false_discovery_control

from pharmagraph.model.inputs.gene_pairs import GenePairBuilder, GenePairs
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import Visible
from pharmagraph.model.training.response_null import _pools, _traded, association_q
from tests.screens import screen, with_alterations

torch.set_num_threads(1)
N_CELL_LINES, N_FAMILIES = 90, 4


def _screen(n_read: int = 5) -> tuple[GraphTensors, Visible, GenePairs]:
    heterograph = with_alterations(screen(12, N_CELL_LINES, 60))
    tensors = graph_tensors(heterograph, n_expressed=0, n_neighbours=1)
    measured = responses(heterograph)
    visible = visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)
    return tensors, visible, GenePairBuilder(tensors, n_read).build(visible)


def _traded_lines(visible: Visible, order: np.ndarray) -> Visible:
    """The responses of other cell lines."""
    value, sign, measured = (
        table[torch.from_numpy(order)] for table in (visible.value, visible.sign, visible.measured)
    )
    return replace(visible, value=value, sign=sign, measured=measured)


def test_the_gene_that_decides_response_has_a_small_q() -> None:
    tensors, visible, pairs = _screen()
    q = association_q(tensors, visible, pairs, n_permutations=20, seed=0)
    expression = pairs.features.kind[pairs.column] == 0
    planted = (expression & (pairs.features.gene[pairs.column] == pairs.drug % N_FAMILIES)).numpy()
    assert planted.sum() == 12 and (q[planted] < 0.1).all()
    assert ((q > 0) & (q <= 1)).all() and np.median(q[~planted]) > 0.2


def _share_with_a_discovery(q: np.ndarray, pairs: GenePairs) -> float:
    """Share of the drugs and kinds of omics that have a q below .1; without signal a tenth is what is allowed."""
    tests = pairs.drug.numpy() * 4 + pairs.features.kind[pairs.column].numpy()
    return float(np.mean([(q[tests == test] < 0.1).any() for test in np.unique(tests)]))


def test_responses_of_other_cell_lines_leave_no_small_q() -> None:
    tensors, visible, before = _screen()
    shares = []
    for seed in range(8):
        other = _traded_lines(visible, np.random.default_rng(seed).permutation(N_CELL_LINES))
        pairs = GenePairBuilder(tensors, 5).build(other)
        q = association_q(tensors, other, pairs, n_permutations=10, seed=0)
        shares.append(_share_with_a_discovery(q, pairs))
    assert np.mean(shares) < 0.12
    q = association_q(tensors, visible, before, n_permutations=10, seed=0)
    assert _share_with_a_discovery(q, before) > 0.3


def test_q_is_that_of_all_columns_and_permutations_one_by_one() -> None:
    tensors, visible, pairs = _screen()
    n_columns, kinds = pairs.values.shape[1], pairs.features.kind.numpy()
    every = GenePairBuilder(tensors, n_columns)  # all columns are candidates

    def sizes(of: Visible) -> np.ndarray:
        found = every.build(of)
        table = np.zeros((tensors.n_drugs, n_columns))
        table[found.drug, found.column] = found.association.abs()
        return table

    random = np.random.default_rng(3)
    pools = _pools(tensors.tissue.numpy(), np.ones(N_CELL_LINES, bool))
    null = np.stack([sizes(_traded_lines(visible, _traded(pools, N_CELL_LINES, random))) for _ in range(4)])
    observed = sizes(visible)
    p = np.empty(observed.shape)
    for drug, column in np.ndindex(*observed.shape):
        of_kind = null[:, drug, kinds == kinds[column]].ravel()
        p[drug, column] = (1 + (of_kind >= observed[drug, column]).sum()) / (1 + len(of_kind))
    expected = np.empty(p.shape)
    for drug, kind in np.ndindex(len(p), kinds.max() + 1):
        if (kinds == kind).any():
            expected[drug, kinds == kind] = false_discovery_control(p[drug, kinds == kind])
    found = association_q(tensors, visible, pairs, n_permutations=4, seed=3)
    np.testing.assert_allclose(found, expected[pairs.drug, pairs.column], rtol=0.02)


def test_a_gene_that_marks_a_tissue_alone_has_no_small_q() -> None:
    tensors, visible, _ = _screen()
    random = np.random.default_rng(0)
    of_tissue = torch.where(tensors.tissue == 1, 1.0, -0.5)[:, None]
    marks = torch.zeros(tensors.expression.shape).bernoulli_(0.5, generator=torch.Generator().manual_seed(0))[
        :1
    ]
    noise = torch.from_numpy(random.normal(size=tensors.expression.shape).astype(np.float32))
    tensors = replace(tensors, expression=noise + 3 * marks * of_tissue)
    value = of_tissue + torch.from_numpy(random.normal(size=visible.value.shape).astype(np.float32))
    visible = replace(visible, value=value * visible.measured)
    pairs = GenePairBuilder(tensors, 5).build(visible)
    q = association_q(tensors, visible, pairs, n_permutations=20, seed=0)
    assert pairs.association.abs().max() > 0.3  # it would be found without tissues
    of_one = replace(tensors, tissue=torch.zeros_like(tensors.tissue))
    without = association_q(of_one, visible, pairs, n_permutations=20, seed=0)
    assert _share_with_a_discovery(without, pairs) > 0.3
    assert _share_with_a_discovery(q, pairs) < 0.12


def test_cell_lines_trade_within_tissues_and_those_that_are_alone_with_each_other() -> None:
    tissue = np.array([0, 0, 0, 1, 2, -1, 3, 3, 0])
    with_responses = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0], bool)
    pools = _pools(tissue, with_responses)
    assert sorted(map(sorted, pools)) == [[0, 1, 2], [3, 4, 5, 6]]
    orders = [_traded(pools, 9, np.random.default_rng(seed)) for seed in range(5)]
    for order in orders:
        assert sorted(order) == list(range(9)) and order[7:].tolist() == [7, 8]
        assert set(order[:3]) == {0, 1, 2} and set(order[3:7]) == {3, 4, 5, 6}
    assert len({tuple(order) for order in orders}) > 1
