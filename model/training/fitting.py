"""One network's training as a Lightning module: chunks, losses, optimiser and the figure on the inner fold.

The module is given its network and its pairs; `member.py` prepares both and runs the fit.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.nn import functional

from pharmagraph.model import ranks
from pharmagraph.model.inputs.last_step import LastStep
from pharmagraph.model.inputs.messages import MessageBuilder, Messages
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.layers.pair_dropout import divide
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.make import blank_network
from pharmagraph.model.networks.network import Logits, Network
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import Config
from pharmagraph.model.responses.censoring import tobit_loss
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import InnerFold, draw_chunks
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import Fold
from pharmagraph.model.training.factor_fits import FactorFits

REGRESSION_NOISE = 0.5
"""Expected standard deviation of a value around its prediction, in standard deviations of the training ln IC50. It sets
how much the squared error counts beside the priors. Set by hand."""

WARM_UP_STEPS = 10
"""Steps over which learning rates rise to their full value. Set by hand."""

LAST_RATE = 1e-4
"""Fraction of its learning rate that remains at the end of the cosine. Set by hand."""

INDUCTIVE = ("axial", "gaussian_process")
"""Components that predict unseen entities from what similar ones were measured to do."""

NO_FIGURE = -1e9
"""Taken where one class alone was set aside: below any figure, so that any other epoch is better."""


class Fitting(lightning.LightningModule):
    """Trains one network: each step predicts one chunk of the training pairs while the others pass messages.

    Parameters
    ----------
    network
        New, or fitted so far.
    pairs
        The pairs that are fitted, and those that are set aside for selection.
    tensors, builder
        The graph, and what makes messages of visible pairs.
    config
        The preset, with ``process_states`` as this network of the ensemble has it.
    scale, split, groups
        What is predicted, how pairs will be asked for, and entities that are held out together.
    seed
        Seed of the order of chunks and of the draws of untested pairs.
    random_state
        Of torch's generator when the fit begins.
    factor_fits
        Fits the network's factors, which take no part in the steps; None where it has none.
    """

    def __init__(
        self,
        network: Network,
        pairs: InnerFold,
        *,
        tensors: GraphTensors,
        builder: MessageBuilder,
        config: Config,
        scale: Scale,
        split: Split,
        groups: Groups | None,
        seed: int,
        random_state: Tensor,
        factor_fits: FactorFits | None = None,
    ) -> None:
        super().__init__()
        self.network, self.pairs, self.tensors, self.builder = network, pairs, tensors, builder
        self.config, self.scale, self.split, self.groups = config, scale, split, groups
        self.random_state, self.factor_fits = random_state, factor_fits
        self.generator = np.random.default_rng(seed)
        self.epoch_seconds: list[float] = []
        self.chunks: list[Fold] = []
        self.last_steps = [LastStep() for _ in range(config.training.chunks)]
        self._all_untested: np.ndarray | None = None
        self.automatic_optimization = True

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's chunks, unless those of the first are kept."""
        self._started = time.perf_counter()
        if self.chunks and not self.config.training.redraw_chunks:
            return
        self.chunks = draw_chunks(
            self.pairs.training, self.split, self.config.training.chunks, self.generator, self.groups
        )

    def on_train_epoch_end(self) -> None:
        """Note how long the epoch took."""
        self.epoch_seconds.append(time.perf_counter() - self._started)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the next epoch depends on beside weights and optimiser: both generators, and the last steps."""
        checkpoint["fit"] = {
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "generator": self.generator.bit_generator.state,
            "last_steps": [step.solution for step in self.last_steps],
            "epoch_seconds": self.epoch_seconds,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on as `on_save_checkpoint` says; the first chunks are drawn again, as they were."""
        kept = checkpoint["fit"]
        self.on_train_epoch_start()
        self.generator.bit_generator.state = kept["generator"]
        self.last_steps = [LastStep(solution) for solution in kept["last_steps"]]
        self.epoch_seconds = list(kept["epoch_seconds"])
        torch.set_rng_state(kept["torch"])
        if kept["cuda"]:
            torch.cuda.set_rng_state_all(kept["cuda"])

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        """Loss of one chunk; every component is fitted to the labels by itself."""
        settings, training = self.config.training, self.pairs.training
        chunk = self.chunks[int(batch)]
        supervised = training.take(chunk.test)
        messages = (
            self.builder.build(visible_pairs(training.take(chunk.train), self.scale, self.tensors.device))
            if settings.mask_supervision
            else self.whole_messages
        )
        if "gaussian_process" in self.network.components:
            messages = replace(messages, last_step=self.last_steps[int(batch)])
        drug, cell_line, label, weight = self._supervision(supervised)
        measured = torch.arange(len(weight), device=weight.device) < len(supervised)
        rows = ranks.rows(len(weight))  # of this process, where several divide the pairs
        divide(self.network, None if ranks.rank().alone else (rows, len(weight)))
        logits: Logits = self.network(self.tensors, messages, drug[rows], cell_line[rows])
        label, weight, measured = label[rows], weight[rows], measured[rows]
        loss = weight.new_zeros(())
        outputs = zip(self.network.components, logits.components, strict=False)  # in training without factors
        for name, output in outputs:
            # where entities are unseen, untested pairs would teach that every new entity is half sensitive
            counted = weight * measured if self.split.of_unseen and name in INDUCTIVE else weight
            loss = loss + (self._loss(output, label, supervised, rows) * counted).sum()
        total = sum(len(chunk.test) for chunk in self.chunks) / settings.chunks
        penalty = self.network.penalty(
            settings.identity_penalty, settings.drug_bias_penalty, settings.cell_line_bias_penalty
        )
        # gradients are averaged over processes: each multiplies the sum over its pairs by their number
        whole: Tensor = loss * ranks.rank().size / total + penalty / len(training)
        return whole

    @cached_property
    def whole_messages(self) -> Messages:
        """Messages of all pairs that are fitted, the same in every step where none is masked."""
        return self.builder.build(visible_pairs(self.pairs.training, self.scale, self.tensors.device))

    def _loss(self, output: Tensor, label: Tensor, supervised: Responses, rows: slice) -> Tensor:
        if self.scale.task == "classification":
            return functional.binary_cross_entropy_with_logits(output, label, reduction="none")
        loss = (output - label) ** 2 / (2 * REGRESSION_NOISE**2)
        if (bounds := self.scale.bounds(supervised)) is None:
            return loss
        side, bound = (part.to(output.device)[rows] for part in bounds)
        return torch.where(side == 0, loss, tobit_loss(output, bound, side, REGRESSION_NOISE))

    def _supervision(self, supervised: Responses) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Drugs, cell lines, labels and weights (n,) of the given pairs and, after them, of drawn untested pairs.

        An untested pair has the label 0.5; the drawn ones stand for all there are, at ``untested_weight`` each.
        """
        settings, device = self.config.training, self.tensors.device
        label = self.scale.label(supervised)
        drug, cell_line = supervised.drug, supervised.cell_line
        weight = torch.ones(len(supervised))
        if settings.untested_weight and settings.untested_pairs and self.scale.task == "classification":
            untested, n_untested = self._untested(supervised)
            drug = np.concatenate([drug, untested // self.tensors.n_cell_lines])
            cell_line = np.concatenate([cell_line, untested % self.tensors.n_cell_lines])
            label = torch.cat([label, torch.full((len(untested),), 0.5)])
            of_one = settings.untested_weight * n_untested / settings.chunks / max(len(untested), 1)
            weight = torch.cat([weight, torch.full((len(untested),), of_one)])
        return (
            torch.from_numpy(drug).to(device),
            torch.from_numpy(cell_line).to(device),
            label.to(device),
            weight.to(device),
        )

    def _untested(self, supervised: Responses) -> tuple[np.ndarray, int]:
        """Untested pairs drawn for one step, as in `untested_pairs`, and how many an epoch has to draw from."""
        training = self.pairs.training
        if self.split.of_unseen:  # of the entities that are predicted as unseen in this step
            drugs = supervised.drug if self.split is not Split.unseen_cell else training.drug
            cell_lines = supervised.cell_line if self.split is not Split.unseen_drug else training.cell_line
            untested = untested_pairs(training, drugs, cell_lines)
            n_untested = len(untested) * self.config.training.chunks
        else:
            if self._all_untested is None:
                self._all_untested = untested_pairs(training, training.drug, training.cell_line)
            untested = self._all_untested
            n_untested = len(untested)
        limit = self.config.training.untested_pairs
        if len(untested) > limit:
            untested = untested[self.generator.integers(0, len(untested), limit)]
        return untested, n_untested

    def leave_out(self, components: Collection[str]) -> Network:
        """Go on with a network that lacks some components of the fitted one; that network is returned."""
        self.config = self.config.without(components)
        smaller = blank_network(self.tensors, self.config, self.scale.task, 0)
        wanted = smaller.state_dict()
        shared = wanted.keys() & self.network.state_dict().keys() - {"component_weights"}
        smaller.load_state_dict(wanted | {name: self.network.state_dict()[name] for name in shared})
        if self.factor_fits is not None:
            factors = smaller.factors if isinstance(smaller, RelationalNetwork) else None
            self.factor_fits = replace(self.factor_fits, factors=factors) if factors is not None else None
        self.network = smaller.eval()
        return self.network

    def inner_outputs(self) -> Tensor:
        """Logits of each component on the pairs set aside, (n_components, n_validation), on the CPU.

        The fitted pairs pass messages.
        """
        was_training = self.network.training
        self.network.eval()
        device, aside = self.tensors.device, self.pairs.validation
        messages = (
            self.builder.build(visible_pairs(self.pairs.training, self.scale, device))
            if (self.config.training.mask_supervision)
            else self.whole_messages
        )
        drug, cell_line = (torch.from_numpy(ends).to(device) for ends in (aside.drug, aside.cell_line))
        with torch.no_grad():
            outputs = torch.stack(self.network(self.tensors, messages, drug, cell_line).components).cpu()
        self.network.train(was_training)
        return outputs

    def figure(self, outputs: Tensor, component_weights: Tensor) -> float:
        """AUROC, or R², of `inner_outputs` blended with some weights; NaN where one class alone was set aside."""
        label = self.pairs.validation.label(self.scale.task)
        predicted = self.scale.prediction(component_weights @ outputs).numpy()
        return CHOSEN_BY[self.scale.task](label, predicted)

    def validate(self) -> float:
        """The figure of all components, each counting the same."""
        found = self.figure(self.inner_outputs(), self.network.component_weights.cpu())
        return found if np.isfinite(found) else NO_FIGURE

    def configure_optimizers(self) -> Any:
        """AdamW or Adam; the rates rise over `WARM_UP_STEPS`, then fall to `LAST_RATE` along a cosine, unless they are
        constant."""
        settings = self.config.training
        groups = self.network.parameter_groups()
        kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
        optimiser = kinds[settings.optimiser](
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
            return 0.5 * (1 + float(np.cos(np.pi * min(step / n_steps, 1.0)))) + LAST_RATE

        def warmed(step: int) -> float:
            if settings.schedule == "constant":
                return falling(step)
            return falling(step) * min(1.0, (step + 1) / WARM_UP_STEPS)

        rates: list[Any] = [warmed, warmed, warmed, falling]  # the few weights of kernels need no warm-up
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rates)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip each group's gradient on its own, identities excepted: theirs are large by design."""
        for group in optimizer.param_groups[1:]:
            if group["params"]:
                nn.utils.clip_grad_norm_(group["params"], self.config.training.clip)


def untested_pairs(measured: Responses, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
    """Pairs of the given drugs and cell lines that were not measured, as ``drug * n_cell_lines + cell_line``."""
    tested = np.zeros((measured.n_drugs, measured.n_cell_lines), bool)
    tested[measured.drug, measured.cell_line] = True
    drugs, cell_lines = np.unique(drug), np.unique(cell_line)
    d, c = np.nonzero(~tested[np.ix_(drugs, cell_lines)])
    numbers: np.ndarray = drugs[d] * measured.n_cell_lines + cell_lines[c]
    return numbers
