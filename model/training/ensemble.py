"""Fits an ensemble of networks to training pairs and predicts with it; the same seed gives the same result.

It is given training pairs only, never a held-out one. How one network is fitted is `member.py` and `fitting.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from pharmagraph.model import ranks
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, require_two_classes
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.runtime import give_back_memory, reproducible, require_precision
from pharmagraph.model.side_by_side import Tell, sent_weights, side_by_side, take_weights
from pharmagraph.model.targets.gene_attention import GeneAttention, as_predicted, message_builder
from pharmagraph.model.training.blending import blend, settled_weights, unneeded, weights_on_inner_fold
from pharmagraph.model.training.factor_fits import FactorFits
from pharmagraph.model.training.fitted import Fitted, Member
from pharmagraph.model.training.fitting import Fitting
from pharmagraph.model.training.member import FitOfMember, fit_member, prepare
from pharmagraph.model.training.unfinished import Unfinished

Progress = Callable[[int, int, float | None], None]
"""Called after every epoch with the member, the epoch (both from 1) and the figure on its inner fold, or None."""


@reproducible()
def fit(
    tensors: GraphTensors,
    training: Responses,
    config: Config,
    *,
    seed: int,
    task: Task = "classification",
    split: Split = Split.random,
    groups: Groups | None = None,
    device: str = "cpu",
    gene_attention: GeneAttention | None = None,
    report: Progress | None = None,
    unfinished: Unfinished | None = None,
    workers: int = 1,
) -> Fitted:
    """Fit an ensemble.

    The inner fold of the first network chooses weights for its components. A component with weight 0 is left out of
    all networks once they are fitted.

    Parameters
    ----------
    tensors
        Tensors of the whole graph, held-out entities included: features carry no response.
    training
        Training pairs only.
    config
        The preset.
    seed
        The same seed and device give the same weights to the last bit, whatever the number of threads.
    task
        What is predicted.
    split
        How pairs will be asked for: it sets what a chunk and an inner fold consist of (pairs, whole drugs or whole
        cell lines).
    groups
        Drugs and cell lines that the outer split holds out together; inner folds and chunks keep them together, too.
        Each alone unless given.
    device
        ``cpu`` or ``cuda``.
    gene_attention
        Attention of drugs to genes, fitted to known targets with the training pairs as evidence.
    report
        Called after every epoch.
    unfinished
        Where fits are kept while they last, and go on from; nowhere unless given. The result is the same.
    workers
        Networks that are fitted side by side, each in a process of its own; on the CPU alone. The result is the same.

    Raises
    ------
    ModelError
        If the training pairs are all of one class, or all have one ln IC50; if half precision is asked for on a CPU.
    """
    require_precision(config.training.precision, device)
    require_two_classes(training, task, "the training responses")
    tensors = tensors.to(device)
    config = config.for_split(split.value)
    scale = Scale.of(training, task, split)
    builder = message_builder(tensors, config.network, scale.means, gene_attention)
    if settled := settled_weights(config, task, split):
        config = config.without(unneeded(config.network.components, settled))
    fittings: list[Fitting] = []
    for number in range(config.training.members):
        like = fittings[0] if fittings else None
        fitting = prepare(
            tensors, builder, training, config, scale, split,
            seed=seed, number=number, groups=groups, like=like,
        )  # fmt: skip
        fittings.append(fitting)
    members = _fitted(fittings, device, workers, report, unfinished)
    ranks.end_of_steps()
    if without := unneeded(fittings[0].network.components, weights_on_inner_fold(fittings[0])):
        config = config.without(without)
        members = [
            replace(member, network=fitting.leave_out(without))
            for member, fitting in zip(members, fittings, strict=True)
        ]
    give_back_memory()
    chosen = blend(fittings)
    if len(kinds := {fittings[n].config.network.process_states for n in chosen.kept}) == 1:
        config = config.with_states(kinds.pop())
    members = [
        replace(
            members[n],
            inner_number=fittings[n].pairs.number if split is Split.random else None,
            factor_fits=fittings[n].factor_fits,
        )
        for n in chosen.kept
    ]
    for member in members:
        member.network.component_weights.copy_(chosen.component_weights)
        member.network.calibration.copy_(torch.tensor(chosen.calibration))
    # everything is chosen: from here on the pairs that inner folds set aside are training pairs like all others
    _fit_factors([f for n in chosen.kept if (f := fittings[n].factor_fits) is not None], training, workers)
    messages = as_predicted(
        builder.build(visible_pairs(training, scale, tensors.device)), tensors, gene_attention
    )
    return Fitted(
        config,
        scale,
        tensors,
        tuple(members),
        messages,
        float(np.median([seconds for fitting in fittings for seconds in fitting.epoch_seconds])),
        gene_attention,
        chosen.threshold,
    )


def _fitted(
    fittings: Sequence[Fitting],
    device: str,
    workers: int,
    report: Progress | None,
    unfinished: Unfinished | None,
) -> list[Member]:
    """Fit prepared networks; those of ``fittings`` have the weights afterwards."""
    if not ranks.rank().alone:
        workers = 1  # all ranks work on one network
    kept = [None if unfinished is None else unfinished.of_network(number) for number in range(len(fittings))]
    if unfinished is not None and min(workers, len(fittings)) > 1:
        unfinished.own()  # by this process, so that all of its copies may write there

    def task(number: int) -> Callable[[Tell], FitOfMember]:
        return lambda tell: fit_member(fittings[number], device, partial(tell, number + 1), kept[number])

    try:
        found = side_by_side([task(number) for number in range(len(fittings))], workers, report)
    finally:
        if unfinished is not None and not unfinished.begun:
            unfinished.done()  # nothing was kept
    return [fit.applied(fitting, device) for fit, fitting in zip(found, fittings, strict=True)]


def _fit_factors(fits: Sequence[FactorFits], training: Responses, workers: int) -> None:
    """Fit the factors of networks to all training pairs."""
    tasks = [partial(_factors_of, one, training) for one in fits]
    for one, weights in zip(fits, side_by_side(tasks, workers), strict=True):
        take_weights(one.factors, weights)


def _factors_of(one: FactorFits, training: Responses, tell: Tell) -> dict[str, np.ndarray]:
    one.fit(training)
    return sent_weights(one.factors.state_dict())
