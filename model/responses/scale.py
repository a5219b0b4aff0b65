"""Turns measured responses into what a network sees and is fitted to, and its outputs into predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.presets.choices import Split, Task
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.visible import SCALE_PAIRS, Means, Visible

LARGEST_STRENGTH = 4.0
"""Standard deviations of its drug at which the strength of a response is cut off. Set by hand."""


@dataclass(frozen=True)
class Scale:
    """The unit of labels and predictions for one task, set from the training pairs.

    Attributes
    ----------
    task
        The task.
    mean, deviation
        Mean and standard deviation of the training ln IC50; 0 and 1 for classes.
    drug_means, cell_line_means
        Whether regression takes the means of drugs and of cell lines, which explain most of ln IC50, out of the visible
        responses and adds them to predictions. False where such entities will be asked for unseen: their means have to
        be predicted, too.
    """

    task: Task
    mean: float = 0.0
    deviation: float = 1.0
    drug_means: bool = True
    cell_line_means: bool = True

    @classmethod
    def of(cls, responses: Responses, task: Task, split: Split = Split.random) -> Scale:
        """The scale of training pairs; ``split`` says how other pairs will be asked for."""
        if task == "classification":
            return cls(task)
        mean, deviation = float(responses.ln_ic50.mean()), float(responses.ln_ic50.std()) or 1.0
        return cls(task, mean, deviation, *Means.of(split))

    @property
    def means(self) -> Means | None:
        """Whether drug and cell-line means are taken out; None for classes, whose values have no means."""
        return Means(self.drug_means, self.cell_line_means) if self.task == "regression" else None

    def label(self, responses: Responses) -> Tensor:
        """Labels to which a network's output is fitted, (n,): 1 or 0 for classes, standardised −ln IC50 for
        regression."""
        if self.task == "classification":
            return torch.from_numpy(responses.response)
        return torch.from_numpy((self.mean - responses.ln_ic50) / self.deviation)

    def bounds(self, responses: Responses) -> tuple[Tensor, Tensor] | None:
        """Sides, int8, and bounds of the labels of a regression, (n,) each; None where no ln IC50 is censored.

        The side is 1 where the label is above its bound, -1 where it is below, 0 where it is known.
        """
        if self.task == "classification" or responses.bounds is None:
            return None
        bound = (self.mean - responses.bounds.value) / self.deviation
        return torch.from_numpy(-responses.bounds.side), torch.from_numpy(bound)

    def strength(self, responses: Responses) -> Tensor:
        """Value with which a response passes messages, larger for more sensitive, (n,).

        For regression it is the label. For classes it is how far −ln IC50 is above its drug's mean, in standard
        deviations of the drug, both computed from the given pairs alone; ±1 where only the class is known.
        """
        if self.task == "regression":
            return self.label(responses)
        return torch.from_numpy(_above_drug_mean(responses))

    def prediction(self, output: Tensor) -> Tensor:
        """Probability of a sensitive response, or ln IC50, from outputs of a network."""
        return torch.sigmoid(output) if self.task == "classification" else self.mean - output * self.deviation


def visible_pairs(responses: Responses, scale: Scale, device: torch.device) -> Visible:
    """All given pairs as visible responses, on a device."""
    sensitive = (
        responses.response > 0.5
    )  # false where only ln IC50 is known; regression computes signs from values
    return Visible.of(
        torch.from_numpy(responses.drug).to(device), torch.from_numpy(responses.cell_line).to(device),
        scale.strength(responses).to(device), torch.from_numpy(sensitive).to(device),
        (responses.n_cell_lines, responses.n_drugs),
    )  # fmt: skip


def _above_drug_mean(responses: Responses) -> np.ndarray:
    """Strength of responses for classes, float32 (n,), within ±`LARGEST_STRENGTH`."""
    strength: np.ndarray = 2 * responses.response - 1
    graded = np.isfinite(responses.ln_ic50)
    if not graded.any():
        return strength
    drug, value = responses.drug[graded], -responses.ln_ic50[graded].astype(np.float64)
    count = np.bincount(drug, minlength=responses.n_drugs)
    mean = np.bincount(drug, value, minlength=responses.n_drugs) / np.maximum(count, 1)
    rest = value - mean[drug]
    overall = max(float((rest**2).mean()), 1e-12)
    variance = (np.bincount(drug, rest**2, minlength=responses.n_drugs) + SCALE_PAIRS * overall) / (
        count + SCALE_PAIRS
    )
    strength = strength.copy()
    strength[graded] = (rest / np.sqrt(variance[drug])).clip(-LARGEST_STRENGTH, LARGEST_STRENGTH)
    return strength
