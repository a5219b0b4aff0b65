"""Predicts training pairs that were hidden from a fitted ensemble: what its intervals are calibrated on.

Nothing is trained again. Pairs are hidden from the messages that predictions read, and the factors, which have numbers
for single entities, are fitted anew without them. The kernels' weights and the attention have seen the hidden pairs, in
steps that predicted them while they were masked; docs/decisions/certainty.md says why that is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pharmagraph.model.certainty.leverage import Leverage
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import inner_split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import visible_pairs
from pharmagraph.model.side_by_side import Tell, side_by_side
from pharmagraph.model.targets.gene_attention import message_builder
from pharmagraph.model.training.fitted import Fitted, Member

KINDS = (Split.random, Split.unseen_drug, Split.unseen_cell, Split.unseen_both)
"""Kinds of pairs, by what of them is in training: both ends, the cell line, the drug, neither."""

CUTS = 5
"""Parts of the drugs, and of the cell lines, that are hidden one after the other."""

RANDOM_CUTS = 3
"""Parts of random pairs that are hidden one after the other. Each is as large as an inner fold, and is one."""

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Predictions of hidden pairs of one kind, and what was known of them.

    Attributes
    ----------
    drug, cell_line
        Node numbers, int64 (n,).
    label
        The class, or ln IC50, (n,).
    output
        Logit, or standardised −ln IC50, (n,).
    deviation
        Standard deviation by the Gaussian process, in the unit of the output, (n,); 0 without one.
    spread
        Standard deviation of the outputs of networks and of their components, (n,).
    drug_distance, cell_line_distance
        1 less the similarity of structure, or of expression, to the nearest visible one; 0 for one that is visible
        itself, (n,).
    """

    drug: npt.NDArray[np.int64]
    cell_line: npt.NDArray[np.int64]
    label: Floats
    output: Floats
    deviation: Floats
    spread: Floats
    drug_distance: Floats
    cell_line_distance: Floats

    def __len__(self) -> int:
        return len(self.drug)

    def take(self, rows: np.ndarray) -> HeldOut:
        """The pairs at some positions, or where a mask is true."""
        return HeldOut(*(getattr(self, f.name)[rows] for f in fields(self)))


def held_out(
    fitted: Fitted,
    training: Responses,
    *,
    seed: int,
    groups: Groups,
    kinds: Iterable[Split] = KINDS,
    workers: int = 1,
) -> dict[Split, HeldOut]:
    """Hide training pairs, a cut after the other, and predict them.

    A fifth of the drugs and a fifth of the cell lines are hidden at once: pairs of one of these drugs and a visible
    cell line are those of an unseen drug, and so on. So a cut serves three kinds of pairs, and the whole costs as much
    as a few epochs.

    Parameters
    ----------
    fitted
        The ensemble, as `training.fit` returns it.
    training
        The pairs that it was fitted to.
    seed
        The ensemble's.
    groups
        Entities that are hidden together.
    kinds
        Kinds of pairs, of `KINDS`, that are wanted.
    workers
        Cuts that are predicted side by side, each in a process of its own.

    Returns
    -------
    dict
        A kind is absent where nothing can be hidden, such as the only drug, or where networks have numbers of single
        pairs' ends that have seen them.
    """
    kinds = tuple(kinds)
    builder = message_builder(
        fitted.tensors, fitted.config.network, fitted.scale.means, fitted.gene_attention
    )
    hide: list[Cut] = []
    if Split.random in kinds:
        for number in range(RANDOM_CUTS):
            fraction = fitted.config.training.validation_fraction
            fold = inner_split(training, Split.random, fraction=fraction, seed=seed, number=number)
            hide.append(Cut(fold.train, {Split.random: fold.test}, number))
    if len(kinds) > (Split.random in kinds):
        for cut in cuts(training, groups, seed):
            hide.append(replace(cut, hidden={kind: cut.hidden[kind] for kind in kinds if kind in cut.hidden}))
    tasks = [partial(_of_cut, cut, fitted, builder, training) for cut in hide]
    found = side_by_side(tasks, workers)
    return {
        kind: joined(parts)
        for kind in kinds
        if (parts := [of_cut[kind] for of_cut in found if kind in of_cut])
    }


def joined(parts: Sequence[HeldOut]) -> HeldOut:
    """The pairs of all parts, one part after the other."""
    return HeldOut(*(np.concatenate([getattr(one, f.name) for one in parts]) for f in fields(HeldOut)))


@dataclass(frozen=True)
class Cut:
    """Positions of pairs that are visible, and of those that are hidden by kind.

    ``number`` is that of the inner fold of random pairs, where those are hidden.
    """

    visible: Positions
    hidden: dict[Split, Positions]
    number: int | None = None


def cuts(training: Responses, groups: Groups, seed: int) -> list[Cut]:
    """The cuts by whole groups of drugs and of cell lines; each drug and each cell line is hidden once."""
    generator, parts = np.random.default_rng([seed, 11]), []
    for of_pair in (groups.drug[training.drug], groups.cell_line[training.cell_line]):
        present = np.unique(of_pair[of_pair >= 0])
        parts.append(
            [np.isin(of_pair, part) for part in np.array_split(generator.permutation(present), CUTS)]
        )
    found = []
    for drugs, cell_lines in zip(*parts, strict=True):
        masks = {
            Split.unseen_drug: drugs & ~cell_lines,
            Split.unseen_cell: ~drugs & cell_lines,
            Split.unseen_both: drugs & cell_lines,
        }
        visible = np.flatnonzero(~drugs & ~cell_lines)
        found.append(Cut(visible, {kind: np.flatnonzero(mask) for kind, mask in masks.items()}))
    return found


def _of_cut(
    cut: Cut, fitted: Fitted, builder: MessageBuilder, training: Responses, tell: Tell
) -> dict[Split, HeldOut]:
    """What a cut hides, predicted, by kind."""
    members = (
        _blind_to(fitted, Split.unseen_both, 0)
        if cut.number is None
        else _blind_to(fitted, Split.random, cut.number)
    )
    sizes = {kind: len(rows) for kind, rows in cut.hidden.items()}
    if not members or not len(cut.visible) or not sum(sizes.values()):
        return {}
    rows = np.concatenate(list(cut.hidden.values()))
    kind_of = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    certain = training.take(rows).certain(fitted.scale.task)
    rows, kind_of = rows[certain], kind_of[certain]
    together = _predicted(fitted, builder, members, training.take(cut.visible), training.take(rows))
    return {
        kind: together.take(kind_of == number)
        for number, kind in enumerate(sizes)
        if (kind_of == number).any()
    }


def _blind_to(fitted: Fitted, split: Split, cut: int) -> list[Member]:
    """The networks whose weights know nothing of the hidden pairs as such.

    Where drugs and cell lines have learned numbers of their own, these have seen random pairs, unless the network's
    inner fold has set them aside; of hidden entities they are not read.
    """
    if fitted.config.network.kind != "relational":
        return [m for m in fitted.members if split is Split.random and m.inner_number == cut]
    if split is Split.random and fitted.config.network.uses_states:
        return [m for m in fitted.members if m.inner_number == cut]
    return list(fitted.members)


def _predicted(
    fitted: Fitted, builder: MessageBuilder, members: Sequence[Member], visible: Responses, hidden: Responses
) -> HeldOut:
    with hidden_from(replace(fitted, members=tuple(members)), builder, visible) as blind:
        return predicted(blind, hidden)


@contextmanager
def hidden_from(fitted: Fitted, builder: MessageBuilder, visible: Responses) -> Iterator[Fitted]:
    """Within it, an ensemble whose messages and factors are those of the visible pairs alone."""
    messages = builder.build(visible_pairs(visible, fitted.scale, fitted.device))
    with _without(fitted.members, visible):
        yield replace(fitted, messages=messages)


def predicted(blind: Fitted, hidden: Responses) -> HeldOut:
    """Hidden pairs by an ensemble that they are hidden from."""
    output, spread = outputs(blind, blind.members, blind.messages, hidden.drug, hidden.cell_line)
    deviation = np.zeros(len(hidden), np.float32)
    if (process := Process.of(blind, blind.members[0], blind.messages)) is not None:
        deviation = process.deviations()[hidden.cell_line, hidden.drug]
    drug_distance, cell_line_distance = distances(blind, blind.messages)
    return HeldOut(
        hidden.drug, hidden.cell_line, hidden.label(blind.scale.task), output, deviation, spread,
        drug_distance[hidden.drug], cell_line_distance[hidden.cell_line],
    )  # fmt: skip


@contextmanager
def _without(members: Sequence[Member], visible: Responses) -> Iterator[None]:
    """Within it, the factors of networks are those of the visible pairs: of one start, which all of them share."""
    fits = [
        m.factor_fits for m in members if m.factor_fits is not None and m.network.weight_of()["factors"] > 0
    ]
    if not fits:
        yield
        return
    kept = [(one.factors, {k: t.clone() for k, t in one.factors.state_dict().items()}) for one in fits]
    single = fits[0].factors.like(n_starts=1)
    replace(fits[0], factors=single).fit(visible)
    state = single.state_dict()
    for factors, _ in kept:
        factors.load_state_dict({k: t.expand_as(factors.get_buffer(k)) for k, t in state.items()})
    try:
        yield
    finally:
        for factors, before in kept:
            factors.load_state_dict(before)


@torch.inference_mode()
def outputs(
    fitted: Fitted,
    members: Sequence[Member],
    messages: Messages,
    drug: npt.NDArray[np.int64],
    cell_line: npt.NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Mean output of networks for pairs, and its standard deviation over them and their components, (n,) each."""
    of_drug, of_cell_line = (torch.from_numpy(ends).to(fitted.device) for ends in (drug, cell_line))
    parts, weights, blended = [], [], []
    for member in members:
        logits = member.network(fitted.tensors, messages, of_drug, of_cell_line)
        slope, intercept = logits.calibration
        parts += [slope * component + intercept for component in logits.components]
        weights.append(logits.component_weights / len(members))
        blended.append(logits.blended)
    mean, weight = torch.stack(blended).mean(0), torch.cat(weights)
    variance = weight @ (torch.stack(parts) - mean) ** 2
    return mean.cpu().numpy(), variance.clamp(min=0).sqrt().cpu().numpy()


@dataclass(frozen=True)
class Process:
    """The Gaussian process of one network given some messages: kernels, leverage and the unit of its output.

    Attributes
    ----------
    leverage
        Of the visible pairs.
    kernel_c, kernel_d
        Kernels of all entities, (n, n).
    scale
        What a deviation is multiplied with, beside the drug's scale.
    drug_scale
        Scale of each drug, (n_drugs,).
    """

    leverage: Leverage
    kernel_c: Floats
    kernel_d: Floats
    scale: float
    drug_scale: Floats

    @classmethod
    @torch.inference_mode()
    def of(cls, fitted: Fitted, member: Member, messages: Messages) -> Process | None:
        """The process of a network; None where it has no part in the prediction."""
        if (there := member.process()) is None:
            return None
        network, process = there
        states, _ = network.states(fitted.tensors, messages)
        kernel_c, kernel_d, precision, _, drug_scale = (
            _numpy(t) for t in process.system(fitted.tensors, states, messages)
        )
        leverage = Leverage.of(kernel_c, kernel_d, precision)
        return cls(leverage, kernel_c, kernel_d, abs(float(process.scale)), drug_scale)

    def deviations(self) -> Floats:
        """Standard deviation of every pair by the process, (n_cell_lines, n_drugs)."""
        c, d = self.kernel_c, self.kernel_d
        variance = self.leverage.variance(c, c.diagonal(), d, d.diagonal())
        found: Floats = np.sqrt(variance) * (self.scale * self.drug_scale)
        return found


def distances(fitted: Fitted, messages: Messages) -> tuple[Floats, Floats]:
    """Distance of every drug and every cell line to the nearest visible one, (n_drugs,) and (n_cell_lines,)."""
    visible, tensors = messages.visible, fitted.tensors
    of_drugs = _nearest(_numpy(tensors.drug_kernels[..., 0]), _numpy(visible.known_drugs))
    of_cell_lines = _nearest(_numpy(tensors.cell_line_kernels[..., 1]), _numpy(visible.known_cell_lines))
    return of_drugs, of_cell_lines


def _nearest(similarity: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    best = similarity[:, known].max(1, initial=0.0)
    found: Floats = np.where(known, 0.0, np.clip(1 - best, 0, 1)).astype(np.float32)
    return found


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
