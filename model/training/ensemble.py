"""Fits an ensemble of networks to training pairs and predicts with it; same seed, same result.

It is given training pairs only; nothing of a held-out pair is within its reach. One network's fit is `member.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.similarities import kernel_of
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses, require_two_classes
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.runtime import give_back_memory, reproducible
from pharmagraph.model.targets.gene_attention import GeneAttention
from pharmagraph.model.training.blending import blend
from pharmagraph.model.training.member import Fitting, Member, fit_member


@dataclass(frozen=True)
class Fitted:
    """An ensemble that was fitted on one training part.

    Attributes
    ----------
    members
        Networks whose outputs are averaged.
    messages
        Made of all training pairs: what a prediction may lean on.
    seconds_per_epoch
        Median over epochs and members.
    gene_attention
        Of drugs to genes, where it was fitted to known targets beforehand.
    threshold
        Probability from which a pair is best called sensitive, by inner parts of random pairs; not kept in a run.
    """

    config: Config
    scale: Scale
    tensors: GraphTensors
    members: tuple[Member, ...]
    messages: Messages
    seconds_per_epoch: float
    gene_attention: GeneAttention | None = None
    threshold: float | None = None

    def predict(self, drug: np.ndarray, cell_line: np.ndarray, *, batch: int = 200_000) -> np.ndarray:
        """Probability, or ln IC50, of pairs given by node numbers; float32 (n_pairs,)."""
        found = []
        for start in range(0, len(drug), batch):
            of_drug, of_cell_line = (
                torch.from_numpy(np.asarray(i[start : start + batch], np.int64)).to(self.device)
                for i in (drug, cell_line)
            )
            with torch.inference_mode():
                outputs = [
                    m.network(self.tensors, self.messages, of_drug, of_cell_line).blended
                    for m in self.members
                ]
            found.append(self.scale.prediction(torch.stack(outputs).mean(0)).cpu().numpy())
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def component_weights(self) -> dict[str, float]:
        """Part of the network → its share in the prediction, mean over members."""
        mean = torch.stack([m.network.component_weights for m in self.members]).mean(0)  # type: ignore[misc]
        return dict(zip(self.members[0].network.components, mean.tolist(), strict=True))  # type: ignore[arg-type]

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return self.tensors.structure.device


Report = Callable[[int, int, float | None], None]
"""Told (member, epoch, inner validation or None) after every epoch, both counted from 1."""


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
    report: Report | None = None,
) -> Fitted:
    """Fit an ensemble.

    Parameters
    ----------
    tensors
        Of the whole graph, held-out entities included: features carry no response.
    training
        Training pairs only.
    config
        The preset.
    seed
        Same seed, same number of threads and same device: the same weights to the last bit.
    task
        What is predicted.
    split
        How pairs will be asked for: it sets what is masked in training (pairs, whole drugs or whole cell
        lines) and what the inner validation part is made of.
    groups
        Drugs and cell lines that the outer split holds out together, as inner parts and chunks then do, too; each
        alone unless given.
    device
        ``cpu`` or ``cuda``.
    gene_attention
        Attention of drugs to genes, fitted to known targets with the training pairs as evidence.
    report
        Told of progress.

    Raises
    ------
    ModelError
        If all training targets are equal.
    """
    require_two_classes(training, task, "the training responses")
    tensors = tensors.to(device)
    config = config.for_split(split.value)
    scale = Scale.of(training, task, split)
    blind = gene_attention.on(tensors, blind=True) if gene_attention is not None else None
    builder = MessageBuilder(tensors, config.network, scale.means, blind)
    members, fittings, seconds = [], [], []
    for number in range(config.training.members):
        fitting = Fitting(
            tensors, builder, training, config, scale, split, seed=seed, number=number, groups=groups
        )
        members.append(fit_member(fitting, device, _for_member(report, number + 1)))
        fittings.append(fitting)
        seconds += fitting.epoch_seconds
        give_back_memory()
    chosen = blend(fittings)
    if len(kinds := {fittings[n].process_states for n in chosen.kept}) == 1:
        config = config.with_states(kinds.pop())
    members = [members[n] for n in chosen.kept]
    # the inner parts have said what they had to: now they are training pairs as all others
    for number in chosen.kept:
        fittings[number].fit_factors(training)
    messages = builder.build(visible_pairs(training, scale, tensors.device))
    if gene_attention is not None:
        given = gene_attention.on(tensors)
        messages = replace(messages, gene_attention=given, overlap=kernel_of(given))
    return Fitted(
        config,
        scale,
        tensors,
        tuple(members),
        messages,
        float(np.median(seconds)),
        gene_attention,
        chosen.threshold,
    )


def _for_member(report: Report | None, member: int) -> Callable[[int, float | None], None]:
    def tell(epoch: int, value: float | None) -> None:
        if report is not None:
            report(member, epoch, value)

    return tell
