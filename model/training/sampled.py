"""Fits a network of learned embeddings to pairs of nodes of a graph whose arrays may lie in files.

A step reads drawn neighbours of its pairs, so its time and memory do not grow with the graph. What is kept of the whole
graph is the embedding of each node, with one number of the optimiser beside each of its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.inputs.neighbourhoods import Incoming
from pharmagraph.model.networks.embedding import EmbeddingNetwork
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.runtime import reproducible

_EDGES_AT_ONCE = 1 << 22
"""Edges whose features are looked at at once."""


@dataclass(frozen=True, eq=False)
class NodePairs:
    """Measured pairs of nodes of one graph.

    Attributes
    ----------
    drug, cell_line
        Nodes in the numbering of the graph, int64 (n_pairs,).
    response
        1 for sensitive and 0 for resistant, or values such as ln IC50, (n_pairs,).
    """

    drug: np.ndarray
    cell_line: np.ndarray
    response: np.ndarray

    def __len__(self) -> int:
        return len(self.drug)


@dataclass(frozen=True, eq=False)
class SampledFit:
    """A fitted network.

    Attributes
    ----------
    network
        In evaluation mode.
    task, mean, deviation
        What is predicted; a standardised value times ``deviation`` plus ``mean`` is a response.
    """

    network: EmbeddingNetwork
    task: Task
    mean: float
    deviation: float

    @torch.no_grad()
    def predict(self, states: Tensor, drug: np.ndarray, cell_line: np.ndarray) -> np.ndarray:
        """Probability, or value, of pairs of nodes, float32 (n_pairs,), from the states of all nodes.

        Parameters
        ----------
        states
            Of `EmbeddingNetwork.states`, which reads every edge.
        drug, cell_line
            Nodes, int64 (n_pairs,).
        """
        output = self.network.of_pairs(states, torch.from_numpy(drug), torch.from_numpy(cell_line))
        found = (
            torch.sigmoid(output) if self.task == "classification" else output * self.deviation + self.mean
        )
        return found.numpy()


@reproducible()
def fit_sampled(
    incoming: Incoming,
    pairs: NodePairs,
    *,
    neighbours: Sequence[int] = (10, 10),
    task: Task = "classification",
    heads: int = 2,
    channels: int = 32,
    epochs: int = 1,
    pairs_a_step: int = 512,
    most_steps: int | None = None,
    learning_rate: float = 0.005,
    embedding_rate: float = 0.05,
    seed: int = 0,
    tell: Callable[[int, float], None] | None = None,
) -> SampledFit:
    """Fit embeddings, GATv2 layers and a head on drawn neighbours.

    A pair that is predicted in a step passes no message in it: an edge between its two nodes is left out, in both
    directions. The graph must not have edges made of pairs that are predicted later.

    Parameters
    ----------
    incoming
        The graph, every node of it a destination. On the CPU.
    pairs
        Training pairs.
    neighbours
        Most edges into one node for each layer, the first layer's first; 0 for all.
    task
        ``classification`` of responses 0 and 1, or ``regression``.
    heads, channels
        Sizes of the layers.
    epochs, pairs_a_step, most_steps
        How often all pairs are gone through, in parts of what size, and after how many steps the fit ends at most.
    learning_rate, embedding_rate
        Of Adam, which fits the layers, and of Adagrad, which fits the embeddings that a step read.
    seed
        The same seed gives the same weights to the last bit.
    tell
        Told (step counted from 1, its loss) after every step.

    Raises
    ------
    ModelError
        If there are no pairs, arrays of pairs differ in length, a pair or an edge has a node that the graph lacks,
        classes are not 0 and 1, a response or a feature is not finite, or ``neighbours`` or a size is no count.
    """
    _check(incoming, pairs, task)
    _check_counts(neighbours, {"heads": heads, "channels": channels, "pairs_a_step": pairs_a_step})
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    mean, deviation = 0.0, 1.0
    if task == "regression":
        mean, deviation = float(pairs.response.mean()), float(pairs.response.std()) or 1.0
    target = torch.from_numpy(((pairs.response - mean) / deviation).astype(np.float32))
    edge_dim = None if incoming.feature is None else int(np.prod(incoming.feature.shape[1:]))
    network = EmbeddingNetwork(
        incoming.n_dst, n_layers=len(neighbours), heads=heads, channels=channels, edge_dim=edge_dim
    ).train()
    rest = [weight for name, weight in network.named_parameters() if name != "embedding.weight"]
    optimisers = [
        torch.optim.Adagrad([network.embedding.weight], lr=embedding_rate),
        torch.optim.Adam(rest, lr=learning_rate),
    ]
    loss_of = functional.binary_cross_entropy_with_logits if task == "classification" else functional.mse_loss
    step = 0
    for _ in range(epochs):
        order = generator.permutation(len(pairs))
        for start in range(0, len(pairs), pairs_a_step):
            if most_steps is not None and step >= most_steps:
                break
            own = order[start : start + pairs_a_step]
            ends = np.concatenate([pairs.drug[own], pairs.cell_line[own]])
            seeds, place = np.unique(ends, return_inverse=True)
            drug, cell_line = place[: len(own)], place[len(own) :]
            blocks = [
                block.without(drug, cell_line) for block in incoming.sample(seeds, neighbours, generator)
            ]
            output = network(incoming, blocks, torch.from_numpy(drug), torch.from_numpy(cell_line))
            loss = loss_of(output, target[torch.from_numpy(own)])
            for optimiser in optimisers:
                optimiser.zero_grad()
            with torch.sparse.check_sparse_tensor_invariants(
                False
            ):  # or Adagrad warns that they are not checked
                loss.backward()
                for optimiser in optimisers:
                    optimiser.step()
            step += 1
            if tell is not None:
                tell(step, loss.item())
    return SampledFit(network.eval(), task, mean, deviation)


def _check(incoming: Incoming, pairs: NodePairs, task: Task) -> None:
    if not len(pairs):
        raise ModelError("pairs is empty: give at least one measured pair.")
    lengths = len(pairs.drug), len(pairs.cell_line), len(pairs.response)
    if len(set(lengths)) > 1:
        raise ModelError(f"pairs: arrays of {', '.join(map(str, lengths))} values; give one length.")
    for name, node in (("pairs.drug", pairs.drug), ("pairs.cell_line", pairs.cell_line)):
        if node.dtype.kind not in "iu":
            raise ModelError(f"{name}: is {node.dtype}; give integers, the numbers of nodes.")
    with np.errstate(over="ignore"):
        finite = np.isfinite(pairs.response.astype(np.float32))
    if not finite.all():
        raise ModelError(
            f"pairs.response: {pairs.response[~finite][0]} is no finite float32; leave the pair out."
        )
    if incoming.feature is not None:
        for start in range(0, incoming.n_edges, _EDGES_AT_ONCE):
            if not np.isfinite(incoming.feature[start : start + _EDGES_AT_ONCE]).all():
                raise ModelError(
                    f"feature: an edge from place {start:,} on has one that is not finite; give 0 where it is missing."
                )
    for name, node in (
        ("pairs.drug", pairs.drug),
        ("pairs.cell_line", pairs.cell_line),
        ("source", incoming.source),
    ):
        if len(node) and (node.min() < 0 or node.max() >= incoming.n_dst):
            worst = node.min() if node.min() < 0 else node.max()
            raise ModelError(f"{name}: node {worst} is not in the graph, which has {incoming.n_dst}.")
    if task == "classification" and not np.isin(pairs.response, (0, 1)).all():
        wrong = pairs.response[~np.isin(pairs.response, (0, 1))][0]
        raise ModelError(f"pairs.response: {wrong} is not 0 or 1; give classes, or the task regression.")


def _check_counts(neighbours: Sequence[int], sizes: Mapping[str, int]) -> None:
    if not len(neighbours) or not all(isinstance(k, int | np.integer) and 0 <= k < 2**31 for k in neighbours):
        raise ModelError(
            f"neighbours: {tuple(neighbours)} are no counts; give one of 0 or more for each layer."
        )
    for name, size in sizes.items():
        if size < 1:
            raise ModelError(f"{name}: {size} is too few; give 1 or more.")
