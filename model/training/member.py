"""One member of an ensemble: its network and inner fold are prepared, then it is fitted by Lightning."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor

from pharmagraph.model import ranks
from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config, TrainingConfig
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.runtime import _quiet_lightning
from pharmagraph.model.side_by_side import sent_weights, take_weights
from pharmagraph.model.training.engine import WholeFile, engine
from pharmagraph.model.training.factor_fits import FactorFits
from pharmagraph.model.training.fitted import Member
from pharmagraph.model.training.fitting import Fitting
from pharmagraph.model.training.unfinished import KeptFit

LEAST_STEPS = 100
"""Steps before which no fit stops early: a network whose epoch is one step has hardly moved in fewer. Set by hand."""


def prepare(
    tensors: GraphTensors,
    builder: MessageBuilder,
    training: Responses,
    config: Config,
    scale: Scale,
    split: Split,
    *,
    seed: int,
    number: int = 0,
    groups: Groups | None = None,
    like: Fitting | None = None,
) -> Fitting:
    """Make a network and its inner fold, ready to be fitted.

    Torch's generator is seeded here and draws the first weights; during the fit it goes on from there with dropout.

    Parameters
    ----------
    tensors, builder
        The graph, and what makes messages of visible pairs.
    training
        Training pairs only.
    config
        The preset.
    scale, split, groups
        What is predicted, how pairs will be asked for, and entities that are held out together.
    seed, number
        The ensemble's seed, and the member's number in it, counted from 0. They fix the inner fold and all draws.
    like
        Of another member: what depends on the graph alone is taken from it, and the prior of the factors.

    Returns
    -------
    Fitting
        Identities start from a decomposition of the fitted pairs, except where entities will be asked for unseen. The
        prior of the network's factors, where it has any, is chosen.
    """
    member_seed = seed + 1000 * number
    torch.manual_seed(member_seed)
    pairs = InnerFold.of(
        training, split, fraction=config.training.validation_fraction, seed=seed,
        number=config.inner_number(number), groups=groups,
    ).judged(scale.task)  # fmt: skip
    network = make_network(tensors, config, scale.task, number, like=None if like is None else like.network)
    factor_fits = None
    if isinstance(network, RelationalNetwork):
        if network.identities is not None and not split.of_unseen:
            network.identities.start_from(visible_pairs(pairs.training, scale, tensors.device))
        if network.factors is not None:
            penalties = config.training.factor_map_penalties
            if not ranks.rank().leads:  # the prior is chosen, and factors are fitted, by rank 0
                penalties = penalties[:1]
            if like is not None and like.factor_fits is not None:
                penalties = (like.factor_fits.map_penalty,)
            factor_fits = FactorFits.chosen(
                network.factors, network.encoder.components(tensors), pairs, penalties,
                tensors=tensors, builder=builder, scale=scale, split=split,
                untested=config.training.untested_weight, seed=member_seed,
            )  # fmt: skip
    return Fitting(
        network, pairs, tensors=tensors, builder=builder, config=config.of_member(number), scale=scale,
        split=split, groups=groups, seed=member_seed, random_state=torch.get_rng_state(), factor_fits=factor_fits,
    )  # fmt: skip


@dataclass(frozen=True)
class FitOfMember:
    """What a fit made of a network, as it is sent between processes.

    Attributes
    ----------
    weights
        Of the network, by name.
    best_epoch, validation
        As of `Member`.
    epoch_seconds
        How long each epoch took.
    """

    weights: Mapping[str, np.ndarray]
    best_epoch: int
    validation: float
    epoch_seconds: tuple[float, ...]

    def applied(self, fitting: Fitting, device: str) -> Member:
        """The member, its network the one of ``fitting``."""
        take_weights(fitting.network, self.weights)
        fitting.epoch_seconds = list(self.epoch_seconds)
        return Member(fitting.network.to(device).eval(), self.best_epoch, self.validation)


def fit_member(
    fitting: Fitting,
    device: str,
    tell: Callable[[int, float | None], None],
    kept: KeptFit | None = None,
) -> FitOfMember:
    """Fit a prepared network, its factors first, and keep the weights of one epoch.

    With a constant learning rate, that is the best epoch on the inner fold, and the fit may stop early. If the
    learning rate falls to zero, it is the last epoch: the schedule is made to end there, and the inner fold could
    not tell the epochs apart.

    Parameters
    ----------
    fitting
        From `prepare`, not fitted before. Its factors are fitted without the pairs set aside.
    device
        ``cpu`` or ``cuda``.
    tell
        Told (epoch counted from 1, figure on the inner fold or None) after every epoch.
    kept
        Where the fit is kept while it lasts, and goes on from; nowhere unless given. The result is the same.
    """
    torch.set_rng_state(fitting.random_state)
    if fitting.factor_fits is not None and ranks.rank().leads:
        fitting.factor_fits.fit(fitting.pairs.training)
    settings = fitting.config.training
    every = settings.validate_every if settings.schedule == "constant" else settings.epochs
    selection = _Selection(every, settings, tell)
    with _quiet_lightning(), ranks.file_of_first(None if kept is None else kept.begun()) as begun:
        trainer = lightning.Trainer(
            accelerator="gpu" if device.startswith("cuda") else "cpu", max_epochs=settings.epochs,
            callbacks=[selection, *([] if kept is None and ranks.rank().alone else [_Keeping(kept)])],
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            gradient_clip_val=settings.clip, plugins=[WholeFile()],
            precision="32-true" if settings.precision == 32 else "bf16-mixed", **engine(fitting.config),
        )  # fmt: skip
        with ranks.dividing():
            trainer.fit(
                fitting,
                torch.utils.data.DataLoader(range(settings.chunks), batch_size=None),  # type: ignore[arg-type]
                ckpt_path=begun,
                weights_only=True,
            )
    epoch_seconds = tuple(fitting.epoch_seconds)
    return FitOfMember(sent_weights(selection.weights), selection.epoch, selection.best, epoch_seconds)


class _Selection(lightning.Callback):
    """Validates every few epochs and the last, and stops after ``patience`` validations without a better figure.

    Figures of epochs that cannot be chosen are told, too: they are the learning curve of the run.

    Attributes
    ----------
    best, epoch, weights
        The best figure so far, its epoch counted from 1, and the network's weights in it.
    """

    def __init__(
        self, every: int, settings: TrainingConfig, tell: Callable[[int, float | None], None]
    ) -> None:
        self.every, self.told_every = every, settings.validate_every
        self.last, self.patience, self.tell = settings.epochs, settings.patience, tell
        self.best, self.since_best, self.epoch = -math.inf, 0, 0
        self.weights: dict[str, Tensor] = {}
        self.terminated = signal.getsignal(signal.SIGTERM)

    def state_dict(self) -> dict[str, Any]:
        """What goes on in a fit that was cut off."""
        return {name: getattr(self, name) for name in ("best", "since_best", "epoch", "weights")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as `state_dict` says."""
        vars(self).update(state_dict)

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Let SIGTERM end the process as before: Lightning's own handler waits for the end of a step, or for ever.

        A fit that was kept after its last epoch has stopped already; Lightning would fit one more.
        """
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.terminated)
        trainer.should_stop = self._is_over(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, Fitting)
        epoch = trainer.current_epoch + 1
        chosen_from = epoch % self.every == 0 or epoch == self.last
        value = module.validate() if chosen_from or epoch % self.told_every == 0 else None
        value = ranks.told_by_first(value)  # all stop in the same epoch
        if chosen_from and value is not None:
            self.since_best += 1
            if value > self.best:
                self.best, self.since_best, self.epoch = value, 0, epoch
                self.weights = {name: one.clone() for name, one in module.network.state_dict().items()}
            trainer.should_stop = self._is_over(trainer)
        self.tell(epoch, value)

    def _is_over(self, trainer: lightning.Trainer) -> bool:
        return self.since_best >= self.patience and trainer.global_step >= LEAST_STEPS


class _Keeping(lightning.Callback):
    """Keeps the fit after an epoch, when it is time to; the former state is replaced once the new one is whole."""

    def __init__(self, kept: KeptFit | None) -> None:
        self.kept = kept

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if ranks.told_by_first(self.kept is not None and self.kept.due()):
            trainer.save_checkpoint("" if self.kept is None else self.kept.path)  # rank 0 writes
