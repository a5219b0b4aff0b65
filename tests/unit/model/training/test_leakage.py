"""What is predicted passes no message: not a pair, not an entity, not its label in any statistic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors, graph_tensors
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import draw_chunks
from pharmagraph.model.responses.measured import Responses, responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.training.ensemble import fit
from pharmagraph.model.training.member import prepare
from tests.screens import screen

torch.set_num_threads(1)  # these networks are far too small for more

SMALL = load_preset(
    "default",
    network={"channels": 8, "n_associated_genes": 4, "axial_neighbours": 6, "factor_starts": 2},
    training={
        "members": 1,
        "epochs": 3,
        "validate_every": 1,
        "untested_pairs": 50,
        "factor_map_penalties": [30.0, 1000.0],
    },
)


def _tensors(config: Config = SMALL, seed: int = 0) -> tuple[GraphTensors, Responses]:
    heterograph = screen(seed=seed)
    return graph_tensors(
        heterograph, n_expressed=10, n_neighbours=config.network.axial_neighbours
    ), responses(heterograph)


def _with_flipped(measured: Responses, rows: np.ndarray) -> Responses:
    label, ln_ic50 = measured.response.copy(), measured.ln_ic50.copy()
    label[rows] = 1 - label[rows]
    ln_ic50[rows] = 100 - ln_ic50[rows]
    return Responses(
        measured.drug, measured.cell_line, label, ln_ic50, measured.n_drugs, measured.n_cell_lines
    )


@pytest.mark.once
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("split", [Split.random, Split.unseen_drug, Split.unseen_cell])
def test_changed_test_labels_change_no_bit_of_weights_and_predictions(split: Split, task: str) -> None:
    heterograph = screen()
    tensors, measured = _tensors()
    fold = next(folds(measured, heterograph, split))
    outcomes = []
    for found in (measured, _with_flipped(measured, fold.test)):
        fitted = fit(tensors, found.take(fold.train), SMALL, seed=1, task=task, split=split)  # type: ignore[arg-type]
        test = found.take(fold.test)
        weights = torch.cat([p.flatten() for p in fitted.members[0].network.parameters()])
        outcomes.append((weights, fitted.predict(test.drug, test.cell_line)))
    assert torch.equal(outcomes[0][0], outcomes[1][0])
    assert np.array_equal(outcomes[0][1], outcomes[1][1])


def _messages(tensors: GraphTensors, passing: Responses) -> Messages:
    scale = Scale.of(passing, "classification")
    return MessageBuilder(tensors, SMALL.network).build(visible_pairs(passing, scale, tensors.device))


def test_supervised_pair_is_in_no_message_in_either_direction() -> None:
    tensors, measured = _tensors()
    for chunk in draw_chunks(measured, Split.random, 4, np.random.default_rng(0)):
        messages = _messages(tensors, measured.take(chunk.train))
        asked = measured.take(chunk.test)
        supervised = set(zip(asked.drug.tolist(), asked.cell_line.tolist(), strict=True))
        for name in ("sensitive", "resistant"):
            to_drug, to_cell_line = (
                messages.edges[f"drug_from_{name}"],
                messages.edges[f"cell_line_from_{name}"],
            )
            assert not supervised & set(zip(to_drug.dst.tolist(), to_drug.src.tolist(), strict=True))
            assert not supervised & set(
                zip(to_cell_line.src.tolist(), to_cell_line.dst.tolist(), strict=True)
            )
        assert not messages.visible.measured[asked.cell_line, asked.drug].any()


def test_label_of_a_supervised_pair_reaches_no_tensor_of_its_step() -> None:
    tensors, measured = _tensors()
    chunk = np.arange(0, len(measured), 4)
    seen = np.setdiff1d(np.arange(len(measured)), chunk)
    first, second = (
        _messages(tensors, found.take(seen)) for found in (measured, _with_flipped(measured, chunk))
    )
    for relation in first.edges:
        assert torch.equal(first.edges[relation].src, second.edges[relation].src), relation
        assert torch.equal(first.edges[relation].weight, second.edges[relation].weight), relation
    assert torch.equal(first.visible.value, second.visible.value)
    assert torch.equal(first.drug_statistics, second.drug_statistics)
    assert torch.equal(first.cell_line_statistics, second.cell_line_statistics)
    assert first.gene_pairs is not None and second.gene_pairs is not None and len(first.gene_pairs)
    for name in ("drug", "column", "evidence", "association", "associated", "given"):
        assert torch.equal(getattr(first.gene_pairs, name), getattr(second.gene_pairs, name)), name


@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_cell])
def test_held_out_entity_sends_no_message(split: Split) -> None:
    tensors, measured = _tensors()
    entity = measured.drug if split is Split.unseen_drug else measured.cell_line
    held_out = np.unique(entity)[:4]
    messages = _messages(tensors, measured.take(~np.isin(entity, held_out)))
    kind = "drug" if split is Split.unseen_drug else "cell_line"
    sends = {
        "drug": ("drug_from_drug", "gene_from_drug", "cell_line_from_sensitive", "cell_line_from_resistant"),
        "cell_line": (
            "cell_line_from_cell_line",
            "gene_from_cell_line",
            "drug_from_sensitive",
            "drug_from_resistant",
        ),
    }[kind]
    for relation in sends:
        assert not np.isin(messages.edges[relation].src.numpy(), held_out).any(), relation
    receives = f"{kind}_from_{kind}"
    assert np.isin(messages.edges[receives].dst.numpy(), held_out).any()


@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_cell])
def test_chunks_of_unseen_entities_are_whole(split: Split) -> None:
    _, measured = _tensors()
    entity = measured.drug if split is Split.unseen_drug else measured.cell_line
    chunks = draw_chunks(measured, split, 4, np.random.default_rng(1))
    assert np.array_equal(np.sort(np.concatenate([chunk.test for chunk in chunks])), np.arange(len(measured)))
    owners = [set(entity[chunk.test]) for chunk in chunks]
    assert sum(map(len, owners)) == len(set.union(*owners))
    assert all(not owner & set(entity[chunk.train]) for owner, chunk in zip(owners, chunks, strict=True))


def test_drugs_and_cell_lines_that_play_unseen_together_have_no_visible_pair() -> None:
    tensors, measured = _tensors()
    groups = Groups(np.arange(measured.n_drugs) // 2, np.arange(measured.n_cell_lines) // 2)
    builder = MessageBuilder(tensors, SMALL.network)
    scale = Scale.of(measured, "classification")
    fitting = prepare(tensors, builder, measured, SMALL, scale, Split.unseen_both, seed=0, groups=groups)
    fitting.on_train_epoch_start()
    parts = [
        (fitting.pairs.training.take(c.train), fitting.pairs.training.take(c.test)) for c in fitting.chunks
    ]
    for seen, asked in [*parts, (fitting.pairs.training, fitting.pairs.validation)]:
        assert len(seen) and len(asked)
        assert not set(groups.drug[seen.drug]) & set(groups.drug[asked.drug])
        assert not set(groups.cell_line[seen.cell_line]) & set(groups.cell_line[asked.cell_line])
    assert torch.isfinite(fitting.training_step(torch.tensor(0), 0))


@pytest.mark.parametrize("split", [Split.unseen_drug, Split.unseen_cell])
def test_twins_are_set_aside_and_predicted_together(split: Split) -> None:
    tensors, measured = _tensors()
    groups = Groups(np.arange(measured.n_drugs) // 3, np.arange(measured.n_cell_lines) // 2)
    builder = MessageBuilder(tensors, SMALL.network)
    scale = Scale.of(measured, "classification")
    fitting = prepare(tensors, builder, measured, SMALL, scale, split, seed=0, groups=groups)
    fitting.on_train_epoch_start()
    parts = [fitting.pairs.training.take(c.test) for c in fitting.chunks] + [fitting.pairs.validation]
    of_parts = [
        set(groups.drug[p.drug] if split is Split.unseen_drug else groups.cell_line[p.cell_line])
        for p in parts
    ]
    assert all(of_parts)
    assert sum(map(len, of_parts)) == len(set.union(*of_parts))


@pytest.mark.parametrize("redraw", [False, True])
def test_chunks_are_drawn_once_unless_the_preset_wants_them_anew(redraw: bool) -> None:
    tensors, measured = _tensors()
    config = SMALL.model_copy(
        update={"training": SMALL.training.model_copy(update={"redraw_chunks": redraw})}
    )
    builder, scale = MessageBuilder(tensors, config.network), Scale.of(measured, "classification")
    fitting = prepare(tensors, builder, measured, config, scale, Split.random, seed=0)
    drawn = []
    for _ in range(2):
        fitting.on_train_epoch_start()
        drawn.append([chunk.test for chunk in fitting.chunks])
    assert len(drawn[0]) == config.training.chunks
    same = [np.array_equal(first, second) for first, second in zip(*drawn, strict=True)]
    assert all(same) is not redraw


def test_inner_validation_pairs_pass_no_message_while_fitting() -> None:
    tensors, measured = _tensors()
    scale = Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, SMALL.network)
    fitting = prepare(tensors, builder, measured, SMALL, scale, Split.random, seed=0)
    inner = set(
        zip(fitting.pairs.validation.drug.tolist(), fitting.pairs.validation.cell_line.tolist(), strict=True)
    )
    used = set(
        zip(fitting.pairs.training.drug.tolist(), fitting.pairs.training.cell_line.tolist(), strict=True)
    )
    assert inner and not inner & used


def test_untested_targets_are_never_measured_training_pairs() -> None:
    tensors, measured = _tensors()
    scale = Scale.of(measured, "classification")
    builder = MessageBuilder(tensors, SMALL.network)
    fitting = prepare(tensors, builder, measured, SMALL, scale, Split.random, seed=0)
    supervised = fitting.pairs.training.take(np.arange(20))
    drug, cell_line, target, weight = fitting._supervision(supervised)
    trained = set(
        zip(fitting.pairs.training.drug.tolist(), fitting.pairs.training.cell_line.tolist(), strict=True)
    )
    weak = set(zip(drug[20:].tolist(), cell_line[20:].tolist(), strict=True))
    assert weak and not weak & trained
    assert (target[20:] == 0.5).all()
    assert (weight[:20] == 1).all()
