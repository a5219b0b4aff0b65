"""Attention to genes as a part of predictions, and predictions without edges, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.explain.counterfactuals import what_if
from pharmagraph.model.explain.faithfulness.masked_edges import GENES
from pharmagraph.model.explain.faithfulness.measure import compare, deletion_curve, faithfulness
from pharmagraph.model.explain.faithfulness.process_edges import SIMILAR, ProcessEdges
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.inputs.tensors import network_tensors
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.runs import saved
from pharmagraph.model.targets.gene_attention import GeneAttention, given_targets, with_given
from pharmagraph.model.targets.problem import target_problem
from pharmagraph.model.targets.run import fit_gene_attention
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.fitted import Fitted
from tests.screens import screen

pytestmark = pytest.mark.once
torch.set_num_threads(1)


def _config() -> Config:
    config = load_preset(
        "default",
        network={
            "channels": 8,
            "n_associated_genes": 6,
            "factor_starts": 2,
            "relational": True,
            "process_states": "alternate",
        },
        training={
            "expected_weights": {"relational": 0.1, "axial": 0.2, "gaussian_process": 0.4, "factors": 0.3},
            "epochs": 3,
            "untested_pairs": 50,
            "members": 2,
            "factor_map_penalties": [100.0],
            "calibrate": False,
        },  # a slope of 8 says 1.0 of all
    )
    assert config.targets is not None
    return config.model_copy(update={"targets": config.targets.model_copy(update={"steps": 5, "members": 2})})


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    heterograph, config = screen(), _config()
    tensors, measured = network_tensors(heterograph, config.network), responses(heterograph)
    gene_attention = fit_gene_attention(heterograph, tensors, measured, config, task="classification", seed=0)
    assert gene_attention is not None
    return fit(tensors, measured, config, seed=0, gene_attention=gene_attention)


@pytest.fixture(scope="module")
def edges(fitted: Fitted) -> ProcessEdges:
    return ProcessEdges(fitted, screen(), seed=0)


def _whole(edges: ProcessEdges) -> np.ndarray:
    return edges.predict({relation: np.ones(len(node), bool) for relation, (node, _) in edges.ends.items()})


def test_known_targets_come_first_and_the_rest_shares_one_more() -> None:
    found = torch.tensor([[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]])
    given = torch.tensor([[True, False, False], [False, False, False]])
    expected = torch.tensor([[0.5, 0.5 * 0.6 / 0.9, 0.5 * 0.3 / 0.9], [0.1, 0.6, 0.3]])
    assert torch.allclose(with_given(found, given), expected)
    every = with_given(found, torch.ones(2, 3, dtype=torch.bool))  # nothing is left to be found
    assert torch.allclose(every, torch.full((2, 3), 0.25))


def test_the_overlap_of_attention_is_a_covariance_of_ones() -> None:
    gene_attention = torch.softmax(torch.randn(5, 40, generator=torch.Generator().manual_seed(0)), 1).double()
    kernel = kernel_of(gene_attention)
    assert torch.allclose(kernel.diagonal(), torch.ones(5, dtype=torch.float64))
    assert torch.linalg.eigvalsh(kernel).min() > -1e-9
    assert kernel[0, 1] == pytest.approx(float((gene_attention[0] * gene_attention[1]).sqrt().sum()))


def test_a_drug_that_came_later_attends_to_what_similar_drugs_attend_to(fitted: Fitted) -> None:
    assert fitted.gene_attention is not None
    whole = fitted.gene_attention.found
    less = GeneAttention(fitted.gene_attention.genes, whole[:-1], fitted.gene_attention.blind[:-1])
    row = less.on(fitted.tensors)[-1]
    likeness = fitted.tensors.drug_kernels[-1, :-1, :6].mean(-1) ** 4
    given = given_targets(fitted.tensors, fitted.gene_attention.genes)
    of_others = with_given(whole[:-1], given[:-1])
    found = torch.nn.functional.normalize(likeness @ of_others + 1e-6, p=1, dim=0)
    assert torch.allclose(row, with_given(found[None], given[-1:])[0])


def test_relatives_of_the_target_of_the_one_similar_drug_come_after_the_target(fitted: Fitted) -> None:
    """No other drug has the target, so the fit, which hides it, prefers a relative."""
    tensors, genes = fitted.tensors, torch.arange(30)
    found = torch.full((23, 30), 0.01)
    found[0, 7] = 0.5  # a relative of drug 0's target
    targets = replace(tensors.targets, dst=torch.tensor([0]), src=torch.tensor([3]), weight=torch.ones(1, 1))
    kernels = torch.zeros_like(tensors.drug_kernels)
    kernels[23, 0] = 1.0
    alone = replace(tensors, targets=targets, drug_kernels=kernels)
    row = GeneAttention(genes, found, found).on(alone)[23]
    assert row.argsort(descending=True)[:2].tolist() == [3, 7]


def test_predictions_draw_on_the_attention_that_is_stored(fitted: Fitted) -> None:
    assert fitted.gene_attention is not None and fitted.messages.gene_attention is not None
    assert torch.equal(fitted.messages.gene_attention, fitted.gene_attention.on(fitted.tensors))
    assert torch.allclose(
        fitted.messages.gene_attention.sum(1), torch.ones(fitted.tensors.n_drugs), atol=1e-5
    )
    assert not {"drug_from_gene", "gene_from_drug"} & set(fitted.messages.edges)


def test_the_network_is_fitted_with_attention_that_saw_no_response() -> None:
    """A pair that is predicted in a step is no evidence of what the step draws on; at prediction all pairs are."""
    heterograph = screen()
    tensors, measured = network_tensors(heterograph, _config().network), responses(heterograph)
    halves = [measured, measured.take(np.arange(len(measured) // 2))]
    seen = [visible_pairs(half, Scale("classification"), tensors.device) for half in halves]
    whole, half = (target_problem(heterograph, tensors=tensors, visible=visible).evidence for visible in seen)
    assert not np.array_equal(whole.association, half.association)
    blind = [evidence.without_responses() for evidence in (whole, half)]
    assert np.array_equal(blind[0].drug_similarity, blind[1].drug_similarity)
    assert not blind[0].association.any()


def test_the_saved_run_draws_on_the_same_attention(fitted: Fitted, tmp_path: Path) -> None:
    heterograph = screen()
    measured = responses(heterograph)
    saved.save(fitted, heterograph, measured, tmp_path, about={})
    again = saved.load(tmp_path, saved.load_graph(tmp_path))
    asked = (measured.drug, measured.cell_line)
    assert np.array_equal(again.predict(*asked), fitted.predict(*asked))


def test_a_target_that_is_given_or_taken_away_changes_what_is_predicted(
    fitted: Fitted, tmp_path: Path
) -> None:
    heterograph = screen()
    saved.save(fitted, heterograph, responses(heterograph), tmp_path, about={})
    drug, gene = int(fitted.tensors.targets.dst[0]), int(fitted.tensors.targets.src[0])
    of_drug = set(fitted.tensors.targets.src[fitted.tensors.targets.dst == drug].tolist())
    assert fitted.gene_attention is not None
    other = next(g for g in fitted.gene_attention.genes.tolist() if g not in of_drug)
    ids = heterograph.ids
    changes = [Change(str(ids["Gene"][gene]), "target", 0.0), Change(str(ids["Gene"][other]), "target", 1.0)]
    rows = what_if(tmp_path, str(ids["Drug"][drug]), str(ids["CellLine"][0]), changes)
    assert all(row["difference"] != 0 for row in rows)


def test_all_edges_kept_is_the_prediction(fitted: Fitted, edges: ProcessEdges) -> None:
    with torch.inference_mode():
        ends = (edges._drug, edges._cell_line)
        expected = torch.stack(
            [m.network(fitted.tensors, fitted.messages, *ends).blended for m in fitted.members]
        ).mean(0)
    assert _whole(edges) == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_drug_that_goes_takes_what_it_says_of_levels_with_it(tmp_path: Path) -> None:
    heterograph, config = screen(), _config()
    alone = {"regression_weights": {"unseen-drug": {"gaussian_process": 1.0}}}
    config = config.model_copy(update={"training": config.training.model_copy(update=alone)})
    tensors, measured = network_tensors(heterograph, config.network), responses(heterograph, "regression")
    gene_attention = fit_gene_attention(heterograph, tensors, measured, config, task="regression", seed=0)
    fitted = fit(
        tensors,
        measured,
        config,
        seed=0,
        task="regression",
        split=Split.unseen_drug,
        gene_attention=gene_attention,
    )
    edges, asked = ProcessEdges(fitted, heterograph, seed=0), (measured.drug, measured.cell_line)
    with torch.inference_mode():
        members = [
            m.network(fitted.tensors, fitted.messages, edges._drug, edges._cell_line) for m in fitted.members
        ]
    assert _whole(edges) == pytest.approx(torch.stack([m.blended for m in members]).mean(0).numpy(), abs=1e-4)
    alone_left = edges.predict({SIMILAR[0]: np.zeros(len(edges.ends[SIMILAR[0]][0]), bool)})
    by_hand = []
    for contributions in (m.contributions for m in edges._members):
        assert contributions.levels is not None and float(contributions.levels.abs().max()) > 0.1
        itself = (
            contributions.kernel_c @ contributions.source * contributions.kernel_d.diagonal()
            + contributions.levels.diagonal()
        )
        of_all = (
            contributions.kernel_c @ contributions.source @ contributions.kernel_d
            + contributions.levels.sum(1)
        )
        by_hand.append((itself - of_all)[edges._cell_line, edges._drug])
    change = alone_left - edges.predict({})
    assert change == pytest.approx(torch.stack(by_hand).mean(0).numpy(), abs=1e-4)
    saved.save(fitted, heterograph, measured, tmp_path, about={})
    again = saved.load(tmp_path, saved.load_graph(tmp_path))
    assert np.array_equal(again.predict(*asked), fitted.predict(*asked))


def test_a_gene_that_goes_takes_its_term_with_it(fitted: Fitted, edges: ProcessEdges) -> None:
    """Without one drug's gene, its overlap with every other loses the product of their roots, and no more."""
    gene_attention = fitted.messages.gene_attention
    assert gene_attention is not None
    drug, gene = divmod(int(gene_attention.argmax()), gene_attention.shape[1])
    kept = np.ones(gene_attention.shape, bool)
    kept[drug, gene] = False
    change = edges.predict({GENES: kept.ravel()}) - edges.predict({})
    expected = np.zeros_like(change)
    for member in edges._members:
        less = member.of_genes * (gene_attention[drug, gene] * gene_attention[:, gene]).sqrt()
        source = (member.contributions.kernel_c @ member.contributions.source).detach()
        lost = torch.where(
            edges._drug == drug,
            source[edges._cell_line] @ less,
            source[edges._cell_line, drug] * less[edges._drug],
        )
        factor = float(member.network.calibration[0]) * member.component_weights["gaussian_process"]  # type: ignore[index]
        expected -= factor * lost.numpy() / len(edges._members)
    assert change == pytest.approx(expected, abs=1e-4) and np.abs(change).max() > 1e-3


def test_few_edges_gone_and_few_left_are_the_same_sum(fitted: Fitted, edges: ProcessEdges) -> None:
    gene_attention = fitted.messages.gene_attention
    assert gene_attention is not None
    random = torch.Generator().manual_seed(1)
    for share in (0.05, 0.95):
        mask = (torch.rand(gene_attention.shape, generator=random) < share).float()
        expected = kernel_of(gene_attention) - kernel_of(gene_attention * mask)
        assert torch.allclose(edges._less_overlap({GENES: mask}), expected, atol=1e-5)  # type: ignore[arg-type]


def test_attention_between_similar_nodes_is_of_all_parts_by_their_shares(edges: ProcessEdges) -> None:
    attention = edges.attention()
    for relation in SIMILAR:
        node, _ = edges.ends[relation]
        assert np.bincount(node, attention[relation]) == pytest.approx(np.ones(node.max() + 1), abs=1e-4)


def test_every_relation_is_measured(fitted: Fitted, edges: ProcessEdges, tmp_path: Path) -> None:
    rows = compare(edges, edges.rankings(), [2])
    saved.save(fitted, screen(), responses(screen()), tmp_path, about={})
    assert faithfulness(tmp_path, counts=[2]) == rows
    curve = deletion_curve(tmp_path, [2])
    assert curve.ranked[0] == pytest.approx(
        next(r["deletion"] for r in rows if (r["relation"], r["ranking"]) == (GENES, "ATTENDS")), abs=1e-5
    )
    assert {r["relation"] for r in rows} == {GENES, *SIMILAR, "all of these"}
    by = {(r["relation"], r["ranking"]): r for r in rows}
    assert by[GENES, "ATTENDS"]["deletion_ratio"] > 1
    assert by[GENES, "ATTENDS"]["agreement"] == pytest.approx(1)
    assert by[GENES, "randomised weights"]["agreement"] < 0.9


def test_relations_of_components_of_weight_0_are_not_measured(fitted: Fitted) -> None:
    before = fitted.members[0].network.component_weights.clone()  # type: ignore[operator]

    def weigh(*weights: float) -> None:
        for member in fitted.members:
            member.network.component_weights.copy_(torch.tensor(weights))  # type: ignore[operator]

    assert fitted.members[0].network.components == ("relational", "axial", "gaussian_process", "factors")
    weigh(0, 0.5, 0, 0.5)
    edges = ProcessEdges(fitted, screen(), seed=0)
    assert set(edges.ends) == set(SIMILAR)
    rows = compare(edges, edges.rankings(), [2])
    assert {row["ranking"] for row in rows} == {
        "ATTENDS", "random of the first 50 ATTENDS", "randomised weights"
    }  # fmt: skip
    weigh(0, 0, 0, 1)
    with pytest.raises(ModelError, match="draw on no attention: only factors has a weight"):
        ProcessEdges(fitted, screen(), seed=0)
    weigh(*before.tolist())
