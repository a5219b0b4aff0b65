"""Which genes a drug may attend to for its response: by NumPy, and never by a response that is hidden."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs import gene_pairs
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.gene_pairs import (
    HEADS,
    N_OF_EACH_KIND,
    GenePairBuilder,
    GenePairs,
    correlations,
)
from pharmagraph.model.inputs.messages import KEPT_PAIRS, MessageBuilder
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.inputs.views import ASSOCIATION_UNIT, EVIDENCE, GENE_FEATURES
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.visible import SHRINKAGE, Visible, residuals
from tests.screens import screen, with_alterations

torch.set_num_threads(1)
N_ASSOCIATED = 5


def _tensors() -> GraphTensors:
    return graph_tensors(with_alterations(screen()), n_expressed=10, n_neighbours=5)


def _visible(tensors: GraphTensors, without_drug: int | None = None) -> Visible:
    measured = responses(screen())
    if without_drug is not None:
        measured = measured.take(measured.drug != without_drug)
    return visible_pairs(measured, Scale.of(measured, "classification"), tensors.device)


def _evidence(pairs: GenePairs, name: str) -> torch.Tensor:
    return pairs.evidence[:, EVIDENCE.index(name)]


def test_correlations_of_complete_responses_are_pearsons_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gene_pairs, "BLOCK", 4)  # several blocks, the last one smaller
    generator = torch.Generator().manual_seed(0)
    values, response = torch.randn(15, 10, generator=generator), torch.randn(15, 3, generator=generator)
    values, response = values - values.mean(0), response - response.mean(0)
    found = correlations(values, response, torch.ones_like(response))
    expected = np.corrcoef(response.T, values.T)[:3, 3:] * 15 / (15 + SHRINKAGE)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_correlations_are_over_the_measured_cell_lines_of_a_drug() -> None:
    tensors = _tensors()
    values, visible = GenePairBuilder(tensors, N_ASSOCIATED).values, _visible(tensors, without_drug=3)
    residual = residuals(visible.value, visible.measured)
    found = correlations(values, residual, visible.measured)
    assert not found[3].any()  # no responses
    for drug in (0, 1, 7):
        seen = visible.measured[:, drug].numpy() > 0
        x, r = values.numpy()[seen].astype(np.float64), residual.numpy()[seen, drug].astype(np.float64)
        expected = r @ x / np.maximum(np.linalg.norm(r) * np.linalg.norm(x, axis=0), 1e-6)
        expected *= seen.sum() / (seen.sum() + SHRINKAGE)
        np.testing.assert_allclose(found[drug], expected, atol=1e-5)


def test_candidates_are_the_most_associated_columns_and_known_targets() -> None:
    tensors = _tensors()
    builder, visible = GenePairBuilder(tensors, N_ASSOCIATED), _visible(tensors)
    pairs = builder.build(visible)
    residual = residuals(visible.value, visible.measured)
    own = correlations(builder.values, residual, visible.measured).numpy()
    targets = np.zeros((tensors.n_drugs, tensors.n_genes))
    targets[tensors.targets.dst, tensors.targets.src] = 1
    cosine = targets @ targets.T / np.sqrt(np.outer(targets.sum(1), targets.sum(1)))
    similar = tensors.drug_kernels[..., :6].mean(-1).clamp(min=0).numpy() ** 4 + cosine**2
    np.fill_diagonal(similar, 1)
    smoothed = similar @ own / similar.sum(1, keepdims=True)
    gene = builder.features.gene.numpy()
    for drug in range(tensors.n_drugs):
        mine = pairs.drug == drug
        column = pairs.column[mine].numpy()
        assert (np.diff(column) > 0).all()  # sorted, and none twice
        strongest = set(np.argsort(-np.abs(smoothed[drug]))[:N_ASSOCIATED].tolist())
        for kind in range(len(GENE_FEATURES)):
            of_kind = np.flatnonzero(builder.features.kind == kind)
            strongest |= set(of_kind[np.argsort(-np.abs(own[drug, of_kind]))[:N_OF_EACH_KIND]].tolist())
        assert set(column[pairs.associated[mine]].tolist()) == strongest
        of_targets = set(np.flatnonzero(targets[drug, gene]).tolist())
        assert set(column[pairs.given[mine]].tolist()) == of_targets and of_targets
        assert set(column.tolist()) == strongest | of_targets
        np.testing.assert_allclose(pairs.association[mine], smoothed[drug, column], atol=1e-5)
        np.testing.assert_allclose(
            _evidence(pairs, "own association")[mine],
            ASSOCIATION_UNIT * np.abs(own[drug, column]),
            atol=1e-4,
        )
    assert (torch.diff(pairs.drug) >= 0).all()


def test_evidence_says_what_a_pair_is() -> None:
    tensors = _tensors()
    weight = torch.rand(tensors.n_drugs, 6, generator=torch.Generator().manual_seed(0))
    genes = torch.tensor([0, 1, 2, 3, 10, 20])
    builder = GenePairBuilder(tensors, N_ASSOCIATED, (weight, genes))
    pairs = builder.build(_visible(tensors))
    size = ASSOCIATION_UNIT * pairs.association.abs()
    assert torch.equal(_evidence(pairs, "association"), size)
    assert torch.equal(_evidence(pairs, "associated") > 0, pairs.associated)
    assert torch.equal(_evidence(pairs, "target") > 0, pairs.given)
    assert torch.equal(_evidence(pairs, "target and association"), size * pairs.given)
    for kind, name in enumerate(GENE_FEATURES):
        assert torch.equal(_evidence(pairs, name) > 0, pairs.features.kind[pairs.column] == kind), name
    attended = torch.zeros(tensors.n_drugs, tensors.n_genes)
    attended[:, genes] = weight
    expected = torch.log(1 + 6 * attended[pairs.drug, pairs.features.gene[pairs.column]])
    torch.testing.assert_close(_evidence(pairs, "attended as a target"), expected)
    assert expected.any()


def test_a_hidden_response_has_no_part_in_any_pair_and_a_visible_one_has() -> None:
    tensors, measured = _tensors(), responses(screen())
    builder = GenePairBuilder(tensors, N_ASSOCIATED)
    hidden = np.zeros(len(measured), bool)
    hidden[::4] = True

    def pairs(flipped: np.ndarray) -> GenePairs:
        found = replace(
            measured,
            response=np.where(flipped, 1 - measured.response, measured.response),
            ln_ic50=np.where(flipped, 50 - measured.ln_ic50, measured.ln_ic50).astype(np.float32),
        ).take(~hidden)
        return builder.build(visible_pairs(found, Scale.of(found, "regression"), tensors.device))

    as_measured, other, control = (
        pairs(np.zeros_like(hidden)),
        pairs(hidden),
        pairs(~hidden & (measured.drug == 2)),
    )
    for field in ("drug", "column", "evidence", "association", "associated", "given"):
        assert torch.equal(getattr(as_measured, field), getattr(other, field)), field
    assert len(fields(GenePairs)) == 9  # the others are no function of responses
    assert not torch.equal(as_measured.association, control.association)


def test_a_drug_without_responses_has_the_candidates_of_similar_drugs() -> None:
    tensors = _tensors()
    pairs = GenePairBuilder(tensors, N_ASSOCIATED).build(_visible(tensors, without_drug=3))
    mine = pairs.drug == 3
    assert int(pairs.associated[mine].sum()) == N_ASSOCIATED
    assert pairs.association[mine & pairs.associated].abs().min() > 0
    assert (
        not _evidence(pairs, "own association")[mine].any() and not _evidence(pairs, "agreement")[mine].any()
    )
    same_family = pairs.drug == 7  # of the same structure, but for some bits, and the same target
    shared = set(pairs.column[mine & pairs.associated].tolist()) & set(pairs.column[same_family].tolist())
    assert len(shared) >= N_ASSOCIATED // 2


def test_without_targets_no_pair_is_given_and_without_responses_none_is_associated() -> None:
    tensors = _tensors()
    nothing = torch.empty(0, dtype=torch.int64)
    without = replace(tensors, targets=Edges(nothing, nothing, tensors.targets.weight[:0]))
    pairs = GenePairBuilder(without, N_ASSOCIATED).build(_visible(tensors))
    assert not pairs.given.any() and pairs.associated.all()
    assert (torch.bincount(pairs.drug, minlength=tensors.n_drugs) >= N_ASSOCIATED).all()
    visible = _visible(tensors)
    blank = replace(
        visible,
        value=torch.zeros_like(visible.value),
        sign=torch.zeros_like(visible.value),
        measured=torch.zeros_like(visible.value),
        known_drugs=torch.zeros_like(visible.known_drugs),
    )
    pairs = GenePairBuilder(tensors, N_ASSOCIATED).build(blank)
    assert pairs.given.all() and not pairs.associated.any() and torch.isfinite(pairs.evidence).all()
    assert len(GenePairBuilder(without, N_ASSOCIATED).build(blank)) == 0


def test_one_kind_of_omics_is_enough() -> None:
    tensors = _tensors()
    nothing = torch.zeros_like(tensors.expression)
    only = replace(tensors, expression=nothing, copy_number=nothing)
    pairs = GenePairBuilder(only, N_ASSOCIATED).build(_visible(tensors))
    assert len(pairs) and set(pairs.features.kind.tolist()) == {GENE_FEATURES.index("mutation")}
    assert torch.isfinite(pairs.evidence).all()


def test_every_head_has_columns_of_its_own_in_the_pattern() -> None:
    tensors = _tensors()
    pairs = GenePairBuilder(tensors, N_ASSOCIATED).build(_visible(tensors))
    pattern, position = pairs.pattern
    head, pair = position // len(pairs), position % len(pairs)
    assert len(position) == int(pairs.read.sum()) and pairs.read[head, pair].all()
    assert set(head.tolist()) == set(range(len(HEADS)))
    assert torch.equal(pattern.drug, pairs.drug[pair])
    n_columns = pairs.values.shape[1]
    assert torch.equal(pattern.used[pattern.column], pairs.column[pair] + head * n_columns)
    assert torch.equal(pattern.values[pattern.column], pairs.values.T[pairs.column[pair]])


def test_pairs_are_made_once_for_the_same_visible_responses_and_anew_for_others() -> None:
    tensors, visible = _tensors(), _visible(_tensors())
    builder = MessageBuilder(tensors, load_preset("default").network)
    first = builder.build(visible).gene_pairs
    assert first is not None and builder.build(_visible(tensors)).gene_pairs is first
    other = builder.build(replace(visible, value=visible.value.flip(1))).gene_pairs
    assert other is not None and not torch.equal(other.association[:10], first.association[:10])
    for n in range(KEPT_PAIRS):  # more sets than are kept
        builder.build(_visible(tensors, without_drug=n))
    again = builder.build(visible).gene_pairs
    assert again is not None and again is not first and torch.equal(again.evidence, first.evidence)
