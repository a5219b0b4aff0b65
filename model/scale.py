"""How measured responses and network outputs relate; ±1 stands for a class, standardised −ln IC50 for regression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.graph_tensors import GraphTensors
from model.messages import Visible
from model.responses import Responses, Task


@dataclass(frozen=True)
class Scale:
    """How targets and network outputs relate; ±1 stands for a class, standardised −ln IC50 for regression."""

    task: Task
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, responses: Responses, task: Task) -> Scale:
        """From training pairs."""
        if task == "classification":
            return cls(task)
        return cls(task, float(responses.ln_ic50.mean()), float(responses.ln_ic50.std()) or 1.0)

    def value(self, responses: Responses) -> Tensor:
        """What passes messages, larger for more sensitive, (n,)."""
        if self.task == "classification":
            return torch.from_numpy(2 * responses.label - 1)
        return torch.from_numpy((self.mean - responses.ln_ic50) / self.deviation)

    def prediction(self, output: Tensor) -> Tensor:
        """Probability, or ln IC50, of network outputs."""
        return torch.sigmoid(output) if self.task == "classification" else self.mean - output * self.deviation


def visible_pairs(tensors: GraphTensors, responses: Responses, scale: Scale) -> Visible:
    """All given pairs as visible responses."""
    device = tensors.structure.device
    return Visible.of(
        torch.from_numpy(responses.drug).to(device), torch.from_numpy(responses.cell_line).to(device),
        scale.value(responses).to(device), (tensors.n_cell_lines, tensors.n_drugs),
    )  # fmt: skip
