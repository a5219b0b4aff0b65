from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.messages import Messages
from pharmagraph.model.inputs.tensors import GraphTensors

KINDS = ("Drug", "CellLine", "Gene")


@dataclass(frozen=True)
class Attended:
    """Attention on the edges of one relation.

    Attributes
    ----------
    edges
        Of the relation, from source to destination.
    weight
        Mean over heads, (n_edges,).
    competitors
        Edges in the softmax of the edge's destination, itself included, int64 (n_edges,).
    """

    edges: Edges
    weight: Tensor
    competitors: Tensor

    @classmethod
    def within(cls, edges: Edges, weight: Tensor) -> Attended:
        """Where the edges of a relation compete among themselves."""
        return cls(edges, weight, torch.bincount(edges.dst)[edges.dst] if len(edges) else edges.dst)


@dataclass(frozen=True)
class Logits:
    """What the parts of a network say of pairs.

    Attributes
    ----------
    components
        Each (n_pairs,), each fitted against the targets; in training without the factors, which are fitted alone.
    component_weights
        Of the parts in the prediction, (n_parts,), summing to 1.
    calibration
        Slope and intercept of the prediction, (2,).
    """

    components: tuple[Tensor, ...]
    component_weights: Tensor
    calibration: Tensor

    @property
    def blended(self) -> Tensor:
        """The prediction, (n_pairs,)."""
        slope, intercept = self.calibration
        return slope * (self.component_weights @ torch.stack(self.components)) + intercept


class Network(Protocol):
    """What a network offers to the trainer and the attribution; all of them are `torch.nn.Module`."""

    def __call__(
        self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor
    ) -> Logits: ...

    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]: ...

    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor: ...

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]: ...

    component_weights: Tensor
    calibration: Tensor
    components: tuple[str, ...]
