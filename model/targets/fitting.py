"""Fits target attention: in every step some visible targets are hidden and have to be found from the others.

It is given training targets and training responses only, nothing that is held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.runtime import reproducible
from pharmagraph.model.side_by_side import Tell, sent_weights, side_by_side, take_weights
from pharmagraph.model.targets.attention import PairTensors, TargetAttention, recovery_loss
from pharmagraph.model.targets.evidence import PairEvidence

FEWEST_DRUGS = 2
"""Drugs with a known target; with fewer no target can be hidden and found."""
BLOCK = 64
"""Drugs scored at a time, because the features of all pairs at once would need most of the memory."""


@dataclass(frozen=True)
class Settings:
    """How target attention is fitted.

    Attributes
    ----------
    members
        Networks whose attention is averaged.
    steps
        Steps of the optimiser; each hides another sample of targets.
    hidden_share
        Fraction of the targets that is hidden in a step.
    hide_drugs, hide_genes
        Fractions of the steps in which all targets of some structures, or all drugs of some genes, are hidden in place
        of single pairs.
    sampled_genes
        Genes without a visible target that compete in a step; each step samples others, which stand for all.
    learning_rate, weight_decay
        Of AdamW.
    heads, channels, dropout
        Of `TargetAttention`.
    """

    members: int = 3
    steps: int = 120
    hidden_share: float = 0.2
    hide_drugs: float = 0.0
    hide_genes: float = 0.3
    sampled_genes: int = 150
    learning_rate: float = 0.03
    weight_decay: float = 0.02
    heads: int = 4
    channels: int = 16
    dropout: float = 0.0


@dataclass(frozen=True)
class FittedTargets:
    """An ensemble fitted to training targets.

    Attributes
    ----------
    members
        The networks, in evaluation mode.
    scores
        Of each member, before the softmax, float32 (members, n_drugs, n_genes).
    """

    members: tuple[TargetAttention, ...]
    scores: np.ndarray

    @property
    def attention(self) -> np.ndarray:
        """Softmax over each drug's candidate genes, mean over members, float64 (n_drugs, n_genes)."""
        total = np.zeros(self.scores.shape[1:])
        for of_member in self.scores:  # one at a time: all of them would be the peak of a fold's memory
            total += softmax(of_member)
        return total / len(self.scores)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, float64."""
    weight: np.ndarray = scores.astype(np.float64)
    weight -= scores.max(-1, keepdims=True)
    np.exp(weight, out=weight)
    weight /= weight.sum(-1, keepdims=True)
    return weight


@reproducible()
def fit(
    evidence: PairEvidence,
    visible: np.ndarray,
    *,
    seed: int,
    settings: Settings | None = None,
    workers: int = 1,
) -> FittedTargets:
    """Fit an ensemble and score all pairs with all visible targets.

    Parameters
    ----------
    evidence
        From the graph and the training responses.
    visible
        Training targets, bool (n_drugs, n_genes).
    seed
        The same seed gives the same scores to the last bit, whatever the number of threads.
    settings
        The defaults unless given.
    workers
        Members that are fitted side by side, each in a process of its own.

    Raises
    ------
    ModelError
        If fewer than two drugs have a target, so that none can be hidden and found.
    """
    settings = settings or Settings()
    if visible.any(1).sum() < FEWEST_DRUGS:
        raise ModelError("fewer than two drugs have known targets; load some first: cli ingest targets")
    pairs = PairTensors.of(evidence, visible)
    tasks = [
        partial(_fit_member, evidence, pairs, visible, settings, seed + 1000 * index)
        for index in range(settings.members)
    ]
    members = tuple(_network(pairs, settings).eval() for _ in tasks)
    for member, weights in zip(members, side_by_side(tasks, workers), strict=True):
        take_weights(member, weights)
    return FittedTargets(members, _score(members, pairs, visible))


def score(members: Sequence[TargetAttention], evidence: PairEvidence, visible: np.ndarray) -> np.ndarray:
    """Scores of all pairs, before the softmax, float32 (members, n_drugs, n_genes).

    Parameters
    ----------
    members
        In evaluation mode.
    evidence, visible
        As in `fit`.
    """
    return _score(members, PairTensors.of(evidence, visible), visible)


def _score(members: Sequence[TargetAttention], pairs: PairTensors, visible: np.ndarray) -> np.ndarray:
    given, (n_drugs, n_genes) = torch.from_numpy(visible.astype(np.float32)), visible.shape
    scores = np.empty((len(members), n_drugs, n_genes), np.float32)
    with torch.inference_mode():
        for drugs in torch.arange(n_drugs).split(BLOCK):
            block = pairs.some_drugs(drugs)
            for of_member, member in zip(scores, members, strict=True):
                of_member[drugs.numpy()] = member(block, given).numpy()
    return scores


def _network(pairs: PairTensors, settings: Settings) -> TargetAttention:
    return TargetAttention(
        pairs.drug_similarity.shape[-1],
        len(pairs.gene_relations),
        heads=settings.heads,
        channels=settings.channels,
        dropout=settings.dropout,
    )


def _fit_member(
    evidence: PairEvidence, pairs: PairTensors, visible: np.ndarray, settings: Settings, seed: int, tell: Tell
) -> dict[str, np.ndarray]:
    """The weights of one member, by name."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    senders = np.flatnonzero(visible.any(1))
    known, group, pairs = visible[senders], evidence.structure_group[senders], pairs.of_senders()
    network = _network(pairs, settings)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, (step + 1) / 5) * 0.5 * (1 + np.cos(np.pi * step / settings.steps)) + 1e-4,
    )
    is_target = known.sum(0) > 0
    targeted, others = np.flatnonzero(is_target), np.flatnonzero(~is_target)
    n_sampled = min(settings.sampled_genes, len(others))
    for _ in range(settings.steps):
        hidden = _hidden(known, group, settings, random)
        if not hidden.any():
            continue
        genes = np.sort(np.concatenate([targeted, random.choice(others, n_sampled, replace=False)]))
        log_weight = np.where(is_target[genes], 0.0, np.log(len(others) / max(n_sampled, 1)))
        drug, gene = np.nonzero(hidden)
        drugs, row = np.unique(drug, return_inverse=True)
        given = (known & ~hidden)[:, genes]
        asked = pairs.some_drugs(torch.from_numpy(drugs)).some_genes(torch.from_numpy(genes))
        scores = network(asked, torch.from_numpy(given.astype(np.float32)))
        loss = recovery_loss(
            scores,
            torch.from_numpy(row),
            torch.from_numpy(np.searchsorted(genes, gene)),
            torch.from_numpy(given[drugs]),
            torch.from_numpy(log_weight.astype(np.float32)),
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return sent_weights(network.state_dict())


def _hidden(
    known: np.ndarray, group: np.ndarray, settings: Settings, random: np.random.Generator
) -> np.ndarray:
    """The targets to hide in a step, bool as ``known``; those of drugs of the same structure are hidden together."""
    drug, gene = np.nonzero(known)
    kind = random.random()
    if kind < settings.hide_drugs:
        unit = group[drug]
    elif kind < settings.hide_drugs + settings.hide_genes:
        unit = gene
    else:
        unit = group[drug] * known.shape[1] + gene
    number = np.unique(unit, return_inverse=True)[1]
    chosen = (random.random(number.max(initial=0) + 1) < settings.hidden_share)[number]
    hidden = np.zeros_like(known)
    hidden[drug[chosen], gene[chosen]] = True
    return hidden
