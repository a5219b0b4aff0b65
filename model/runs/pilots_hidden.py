"""Gives hidden drugs and cell lines some of their responses as pilots and predicts the others: what the intervals of
predictions with pilots are calibrated on.

Entities are hidden as for all other intervals (`certainty.held_out`), in the same cuts; nothing is trained again.
Pilots are drawn at random among an entity's responses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from pharmagraph.model.certainty.calibrate import calibration
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.certainty.held_out import Cut, HeldOut, cuts, hidden_from, joined, predicted
from pharmagraph.model.certainty.situation import situation_of
from pharmagraph.model.certainty.with_pilots import COUNTS, WithPilots
from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.predictor.asked_for import Entity
from pharmagraph.model.predictor.frozen import Frozen
from pharmagraph.model.predictor.pilots import Kind, Pilots
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.runs.freeze import can_freeze, freeze
from pharmagraph.model.side_by_side import Tell, side_by_side
from pharmagraph.model.targets.gene_attention import message_builder
from pharmagraph.model.training.fitted import Fitted

KINDS: dict[Split, Kind] = {Split.unseen_drug: "drug", Split.unseen_cell: "cell_line"}
"""Kinds of pairs of which pilots are given, and their new side."""

MOST = 150
"""Hidden drugs, and hidden cell lines, that are given pilots; the outer 5% of them are seven. Set by hand."""

JUDGED = 5
"""Other responses that an entity needs beside its pilots. Set by hand."""

Hidden = dict[tuple[Split, int], HeldOut]
"""Hidden pairs by their kind and the number of pilots that their drug, or cell line, was given."""


def calibrated_with_pilots(
    certainty: Certainty,
    fitted: Fitted,
    training: Responses,
    tissue: np.ndarray,
    *,
    seed: int,
    groups: Groups,
    workers: int = 1,
) -> Certainty:
    """A certainty with calibrations of predictions with pilots; the same where the ensemble takes none.

    Parameters
    ----------
    certainty
        What `certainty.calibrate` made.
    fitted, training, tissue, seed, groups, workers
        As there.
    """
    tensors, found = fitted.tensors, {}
    similarity = (tensors.drug_kernels[..., 0].cpu().numpy(), tensors.cell_line_kernels[..., 1].cpu().numpy())
    hidden = hidden_with_pilots(fitted, training, seed=seed, groups=groups, workers=workers)
    for (kind, n), pairs in hidden.items():
        situation = situation_of(kind, pairs, certainty.errors, similarity, tissue)
        if (made := calibration(fitted, kind, pairs, situation, groups)) is not None:
            found[kind, n] = made
    return replace(certainty, with_pilots=WithPilots(found))


def hidden_with_pilots(
    fitted: Fitted, training: Responses, *, seed: int, groups: Groups, workers: int = 1
) -> Hidden:
    """Hidden pairs that were predicted with pilots; none where the ensemble takes none."""
    if not can_freeze(fitted):
        return {}
    builder = message_builder(
        fitted.tensors, fitted.config.network, fitted.scale.means, fitted.gene_attention
    )
    made = cuts(training, groups, seed)
    most = [MOST * (number + 1) // len(made) - MOST * number // len(made) for number in range(len(made))]
    tasks = [
        partial(
            _of_cut, cut, most[number], fitted, builder, training, np.random.default_rng([seed, 13, number])
        )
        for number, cut in enumerate(made)
        if len(cut.visible)
    ]
    parts: dict[tuple[Split, int], list[HeldOut]] = {}
    for found in side_by_side(tasks, workers):
        for at, one in found:
            parts.setdefault(at, []).append(one)
    return {at: joined(of_one) for at, of_one in parts.items()}


def _of_cut(
    cut: Cut,
    most: int,
    fitted: Fitted,
    builder: MessageBuilder,
    training: Responses,
    generator: np.random.Generator,
    tell: Tell,
) -> list[tuple[tuple[Split, int], HeldOut]]:
    """What a cut hides, predicted with pilots, by kind and number of pilots; ``most`` entities of either kind."""
    found: list[tuple[tuple[Split, int], HeldOut]] = []
    with hidden_from(fitted, builder, training.take(cut.visible)) as blind:
        frozen = Frozen(*freeze(blind))
        if not any(member["gaussian_process"] for member in frozen.members):
            return []
        for kind, side in KINDS.items():
            pairs = training.take(cut.hidden[kind])
            pairs = pairs.take(pairs.certain(fitted.scale.task))
            if len(pairs):
                with_pilots = _with_pilots(frozen, predicted(blind, pairs), side, most, generator)
                found += [((kind, n), one) for n, one in with_pilots]
    return found


def _with_pilots(
    frozen: Frozen, pairs: HeldOut, side: Kind, most: int, generator: np.random.Generator
) -> Iterator[tuple[int, HeldOut]]:
    """Numbers of pilots, and the other pairs of one of the entities as they are predicted with them."""
    own, other = (pairs.drug, pairs.cell_line) if side == "drug" else (pairs.cell_line, pairs.drug)
    before: Pilots | None = None
    for entity in generator.permutation(np.unique(own))[:most]:
        before = process = Pilots(frozen, Entity(int(entity)), side, before)
        rows: npt.NDArray[np.int64] = generator.permutation(np.flatnonzero(own == entity))
        for n in COUNTS:
            if len(rows) < n + JUDGED:
                break
            at, rest, values = other[rows[:n]], rows[n:], pairs.label[rows[:n]].astype(np.float64)
            outputs, deviation = process.conditioned_outputs(at, values), process.deviation(at)
            yield n, replace(
                pairs.take(rest), output=outputs[other[rest]].astype(np.float32),
                deviation=deviation[other[rest]].astype(np.float32),
            )  # fmt: skip
