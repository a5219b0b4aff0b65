"""What every network offers: the logits of pairs, and its attention on the edges of the graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

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
        Edges of the relation, from source to destination.
    weight
        Attention coefficient of each edge, mean over heads, (n_edges,).
    competitors
        Number of edges in the softmax that the edge is in, itself included, int64 (n_edges,).
    """

    edges: Edges
    weight: Tensor
    competitors: Tensor

    @classmethod
    def within(cls, edges: Edges, weight: Tensor) -> Attended:
        """Attention of a relation whose edges into one destination share a softmax of their own."""
        return cls(edges, weight, torch.bincount(edges.dst)[edges.dst] if len(edges) else edges.dst)


@dataclass(frozen=True)
class Logits:
    """Logits of pairs, or standardised values, by each component of a network and blended.

    Attributes
    ----------
    residuals
        Output of each component, (n_pairs,) each, without the means that were taken out of its messages. In training
        the factors are left out: they are fitted by themselves.
    offset
        Those means (`Messages.offset`), (n_pairs,): this is the one place that adds them.
    component_weights
        Weight of each component in the prediction, (n_components,), summing to 1.
    calibration
        Slope and intercept of the prediction, (2,).
    """

    residuals: tuple[Tensor, ...]
    offset: Tensor
    component_weights: Tensor
    calibration: Tensor

    @property
    def components(self) -> tuple[Tensor, ...]:
        """Prediction of each component by itself, (n_pairs,) each: what is fitted to the labels."""
        return tuple(self.offset + residual for residual in self.residuals)

    @property
    def blended(self) -> Tensor:
        """The prediction, (n_pairs,)."""
        slope, intercept = self.calibration
        return slope * (self.component_weights @ torch.stack(self.components)) + intercept


class Network(nn.Module, ABC):
    """A network that predicts pairs from the tensors of a graph and the messages of visible responses.

    Parameters
    ----------
    components
        Names of its components, whose logits are blended into the prediction.

    Attributes
    ----------
    components
        The same names.
    component_weights
        Weight of each component in the prediction, (n_components,), summing to 1; even until the ensemble sets them.
    calibration
        Slope and intercept of the prediction, (2,); 1 and 0 until the ensemble sets them.
    """

    components: tuple[str, ...]
    component_weights: Tensor
    calibration: Tensor

    def __init__(self, components: tuple[str, ...]) -> None:
        super().__init__()
        self.components = components
        self.register_buffer("component_weights", torch.full((len(components),), 1 / len(components)))
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def weight_of(self) -> dict[str, float]:
        """Component → its weight in the prediction."""
        return dict(zip(self.components, self.component_weights.tolist(), strict=True))

    @abstractmethod
    def forward(self, tensors: GraphTensors, messages: Messages, drug: Tensor, cell_line: Tensor) -> Logits:
        """Logits, or standardised values, of pairs given by node numbers (n_pairs,)."""

    @abstractmethod
    def attention(self, tensors: GraphTensors, messages: Messages) -> dict[str, Attended]:
        """Relation → attention on its edges, mean over heads; the network is in evaluation mode."""

    @abstractmethod
    def penalty(self, numbers: float, drug_bias: float, cell_line_bias: float) -> Tensor:
        """Negative log density of the priors of learned identities, a scalar to be added to the summed loss."""

    @abstractmethod
    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """``identity``, ``axial``, ``gaussian_process`` and ``rest``: each has a learning rate of its own."""
