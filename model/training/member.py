"""Fits one network, as Lightning drives it: chunks, losses, optimiser, inner validation, the best epoch's weights.

Ensembles and their predictions are `ensemble.py`.
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model.inputs.messages import MessageBuilder
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Logits
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_parts import draw_chunks, inner_split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.runtime import _quiet_lightning
from pharmagraph.model.training.factor_fits import FactorFits


@dataclass(frozen=True)
class Member:
    """One fitted network.

    Attributes
    ----------
    network
        In evaluation mode, with the weights of its best epoch.
    best_epoch
        Counted from 1.
    validation
        AUROC (R² for regression) on its inner part at that epoch.
    """

    network: nn.Module
    best_epoch: int
    validation: float


class Fitting(lightning.LightningModule):
    """One member's fit, as Lightning drives it: a step predicts one chunk with the others as messages."""

    def __init__(
        self,
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
    ) -> None:
        super().__init__()
        self.own_seed = own_seed = seed + 1000 * number
        torch.manual_seed(own_seed)
        self.process_states = config.of_member(number).network.process_states
        self.inner_number = config.inner_number(number)
        self.config, self.scale, self.builder, self.split = config, scale, builder, split
        self.graph, self.groups = tensors, groups
        share = config.training.validation_share
        inner = inner_split(training, split, share=share, seed=seed, number=self.inner_number, groups=groups)
        self.inner_training, self.inner_validation = training.take(inner.train), training.take(inner.test)
        self.network = make_network(tensors, config, scale.task, number)
        if not split.of_unseen and isinstance(self.network, RelationalNetwork):
            self.network.identities.start_from(visible_pairs(self.inner_training, scale, tensors.device))
        self.map_penalty: float | None = None  # of the factors; chosen in the first of their fits
        self.fit_factors(self.inner_training)
        self.generator = np.random.default_rng(own_seed)
        self.epoch_seconds: list[float] = []
        self.chunks: list[Fold] = []
        self._all_untested: np.ndarray | None = None
        self.automatic_optimization = True

    def fit_factors(self, pairs: Responses) -> None:
        """Fit the network's factors, where it has any, to these pairs; its other weights stay."""
        if not isinstance(self.network, RelationalNetwork) or (factors := self.network.factors) is None:
            return
        fits = FactorFits(
            self.graph, self.network.encoder.components(self.graph), self.builder, self.scale, self.split,
            self.config.training.untested_weight, self.own_seed,
        )  # fmt: skip
        if self.map_penalty is None:
            penalties = self.config.training.factor_map_penalties
            self.map_penalty = fits.choose(factors, self.inner_training, self.inner_validation, penalties)
        fits.fit(factors, pairs, self.map_penalty)

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's chunks."""
        self._started = time.perf_counter()
        self.chunks = draw_chunks(
            self.inner_training, self.split, self.config.training.chunks, self.generator, self.groups
        )

    def on_train_epoch_end(self) -> None:
        """Note how long it took."""
        self.epoch_seconds.append(time.perf_counter() - self._started)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        """Loss of one chunk."""
        settings = self.config.training
        chunk = self.chunks[int(batch)]
        supervised = self.inner_training.take(chunk.test)
        passing = self.inner_training.take(chunk.train) if settings.mask_supervision else self.inner_training
        visible = visible_pairs(passing, self.scale, self.graph.device)
        messages = self.builder.build(visible)
        drug, cell_line, target, weight = self._pairs(supervised)
        logits: Logits = self.network(self.graph, messages, drug, cell_line)
        relational, *others = logits.components
        loss = (self._loss(relational, target) * weight).sum()
        if self.split.of_unseen:  # the others would learn that whoever is new is half sensitive
            weight = weight * (torch.arange(len(weight), device=weight.device) < len(supervised))
        loss = loss + sum((self._loss(part, target) * weight).sum() for part in others)
        total = sum(len(chunk.test) for chunk in self.chunks) / settings.chunks
        penalty = self.network.penalty(
            settings.identity_penalty, settings.drug_bias_penalty, settings.cell_line_bias_penalty
        )  # type: ignore[operator]
        whole: Tensor = loss / total + penalty / len(self.inner_training)
        return whole

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        if self.scale.task == "classification":
            return functional.binary_cross_entropy_with_logits(output, target, reduction="none")
        return (output - target) ** 2 / (2 * REGRESSION_NOISE**2)

    def _pairs(self, supervised: Responses) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Supervised pairs, then a draw of untested ones as weak targets: node numbers, targets, weights."""
        settings, device = self.config.training, self.graph.structure.device
        target = self.scale.label(supervised)
        drug, cell_line = supervised.drug, supervised.cell_line
        weight = torch.ones(len(supervised))
        if settings.untested_weight and settings.untested_pairs and self.scale.task == "classification":
            untested, n_untested = self._untested(supervised)
            drug = np.concatenate([drug, untested // self.graph.n_cell_lines])
            cell_line = np.concatenate([cell_line, untested % self.graph.n_cell_lines])
            target = torch.cat([target, torch.full((len(untested),), 0.5)])
            share = settings.untested_weight * n_untested / settings.chunks / max(len(untested), 1)
            weight = torch.cat([weight, torch.full((len(untested),), share)])
        return (
            torch.from_numpy(drug).to(device),
            torch.from_numpy(cell_line).to(device),
            target.to(device),
            weight.to(device),
        )

    def _untested(self, supervised: Responses) -> tuple[np.ndarray, int]:
        """A draw of pairs that nobody measured, as numbers, and how many there are for an epoch."""
        if self.split.of_unseen:  # of the entities that play unseen in this step
            drugs = supervised.drug if self.split is not Split.unseen_cell else self.inner_training.drug
            cell_lines = (
                supervised.cell_line if self.split is not Split.unseen_drug else self.inner_training.cell_line
            )
            untested = untested_pairs(self.inner_training, drugs, cell_lines)
            n_untested = len(untested) * self.config.training.chunks
        else:
            if self._all_untested is None:
                known = self.inner_training
                self._all_untested = untested_pairs(known, known.drug, known.cell_line)
            untested = self._all_untested
            n_untested = len(untested)
        limit = self.config.training.untested_pairs
        if len(untested) > limit:
            untested = untested[self.generator.integers(0, len(untested), limit)]
        return untested, n_untested

    def inner_outputs(self) -> Tensor:
        """What each part of the network says of the inner validation part, (n_parts, n_inner), on the CPU.

        The rest of the training part passes messages.
        """
        was_training = self.network.training
        self.network.eval()
        messages = self.builder.build(visible_pairs(self.inner_training, self.scale, self.graph.device))
        device, inner = self.graph.structure.device, self.inner_validation
        drug, cell_line = (torch.from_numpy(ends).to(device) for ends in (inner.drug, inner.cell_line))
        with torch.no_grad():
            outputs = torch.stack(self.network(self.graph, messages, drug, cell_line).components).cpu()
        self.network.train(was_training)
        return outputs

    def figure(self, outputs: Tensor, shares: Tensor) -> float:
        """AUROC (R²) of a blend of `inner_outputs`; NaN for an inner part of one class."""
        target = self.inner_validation.label(self.scale.task)
        return CHOSEN_BY[self.scale.task](target, self.scale.prediction(shares @ outputs).numpy())

    def validate(self) -> float:
        """The figure of the parts in even shares."""
        found = self.figure(self.inner_outputs(), self.network.component_weights.cpu())  # type: ignore[arg-type]
        return found if np.isfinite(found) else NOT_VALIDATED / 2

    def configure_optimizers(self) -> Any:
        """AdamW; warm-up over ten steps, then a cosine to nothing."""
        settings = self.config.training
        groups = self.network.parameter_groups()  # type: ignore[operator]
        optimiser = torch.optim.AdamW(
            [
                {"params": groups["identity"], "lr": settings.identity_learning_rate, "weight_decay": 0.0},
                {
                    "params": groups["rest"],
                    "lr": settings.learning_rate,
                    "weight_decay": settings.weight_decay,
                },
                {
                    "params": groups["axial"],
                    "lr": settings.axial_learning_rate,
                    "weight_decay": settings.axial_weight_decay,
                },
                {
                    "params": groups["gaussian_process"],
                    "lr": settings.process_learning_rate,
                    "weight_decay": 0.0,
                },
            ]
        )
        n_steps = settings.epochs * settings.chunks

        def falling(step: int) -> float:
            if settings.schedule == "constant":
                return 1.0
            return 0.5 * (1 + float(np.cos(np.pi * min(step / n_steps, 1.0)))) + 1e-4

        def warmed(step: int) -> float:
            return falling(step) * (1.0 if settings.schedule == "constant" else min(1.0, (step + 1) / 10))

        rates: list[Any] = [warmed, warmed, warmed, falling]  # the few numbers of the kernels need no warm-up
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rates)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip all but the identities, whose gradients are large by design; the axial part on its own."""
        for group in optimizer.param_groups[1:]:
            if group["params"]:
                nn.utils.clip_grad_norm_(group["params"], self.config.training.clip)


def untested_pairs(measured: Responses, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
    """Pairs of some drugs and cell lines that are not among the measured, as ``drug * n_cell_lines + cell_line``."""
    tested = np.zeros((measured.n_drugs, measured.n_cell_lines), bool)
    tested[measured.drug, measured.cell_line] = True
    drugs, cell_lines = np.unique(drug), np.unique(cell_line)
    d, c = np.nonzero(~tested[np.ix_(drugs, cell_lines)])
    numbers: np.ndarray = drugs[d] * measured.n_cell_lines + cell_lines[c]
    return numbers


REGRESSION_NOISE = 0.5
"""Standard deviation that a value is expected to have around its prediction, in those of training; it sets priors apart
from data."""

NOT_VALIDATED = -1e9
"""Worse than any epoch that was validated; Lightning's callbacks take no missing values."""


class _Selection(lightning.Callback):
    """Validates every few epochs and reports; the monitored figure is ``validation``."""

    def __init__(self, every: int, last: int, tell: Callable[[int, float | None], None]) -> None:
        self.every, self.last, self.tell = every, last, tell
        self.terminated = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Let SIGTERM end the process as before: Lightning's own handler waits for the end of a step, or for ever."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.terminated)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, Fitting)
        epoch = trainer.current_epoch + 1
        value = None
        if epoch % self.every == 0 or epoch == self.last:
            value = module.validate()
        module.log(
            "validation",
            value if value is not None else float(trainer.callback_metrics.get("validation", NOT_VALIDATED)),
        )
        self.tell(epoch, value)


def fit_member(fitting: Fitting, device: str, tell: Callable[[int, float | None], None]) -> Member:
    """Fit; with constant rates stop early and go back to the best epoch's weights.

    Where the rates fall to nothing the last epoch is the one they lead to, and an inner part says nothing of epochs.

    Parameters
    ----------
    fitting
        New.
    device
        ``cpu`` or ``cuda``.
    tell
        Told (epoch counted from 1, inner validation or None) after every epoch.
    """
    settings = fitting.config.training
    with tempfile.TemporaryDirectory(prefix="pharmagraph-") as folder:
        best = lightning.callbacks.ModelCheckpoint(
            folder, "best", monitor="validation", mode="max", save_weights_only=True
        )
        stop = lightning.callbacks.EarlyStopping(
            "validation", mode="max", patience=settings.patience, check_on_train_epoch_end=True
        )
        by_epoch = settings.schedule == "constant"
        every = settings.validate_every if by_epoch else settings.epochs
        with _quiet_lightning():
            trainer = lightning.Trainer(
                accelerator="gpu" if device.startswith("cuda") else "cpu", devices=1, max_epochs=settings.epochs,
                callbacks=[_Selection(every, settings.epochs, tell), *([stop] if by_epoch else []), best],
                logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
                gradient_clip_val=settings.clip,
            )  # fmt: skip
            trainer.fit(fitting, torch.utils.data.DataLoader(range(settings.chunks), batch_size=None))  # type: ignore[arg-type]
        saved = torch.load(Path(best.best_model_path), weights_only=True)
        fitting.load_state_dict(saved["state_dict"])
    assert best.best_model_score is not None
    return Member(fitting.network.to(device).eval(), int(saved["epoch"]) + 1, float(best.best_model_score))
