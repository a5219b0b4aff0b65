"""Makes the network that a preset asks for."""

from __future__ import annotations

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.drgt import AdjacencyNetwork
from pharmagraph.model.networks.network import Network
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import Config


def make_network(
    tensors: GraphTensors, config: Config, task: Task, number: int = 0, *, like: Network | None = None
) -> Network:
    """A new network; torch's generator draws its weights.

    Parameters
    ----------
    tensors
        The graph's.
    config, task
        The preset, and what is predicted.
    number
        Member of the ensemble; the preset may differ by it.
    like
        Another network on the same graph, whose principal components are taken; they are computed unless given.
    """
    network = blank_network(tensors, config, task, number)
    if isinstance(network, RelationalNetwork):
        network.encoder.find_components(
            tensors, like.encoder if isinstance(like, RelationalNetwork) else None
        )
    return network


def blank_network(tensors: GraphTensors, config: Config, task: Task, number: int) -> Network:
    """A network whose weights and principal components will be loaded; parameters as in `make_network`."""
    options = config.of_member(number).network
    network: Network = (
        RelationalNetwork(tensors, options, task)
        if options.kind == "relational"
        else AdjacencyNetwork(tensors, options, config.training.sampling)
    )
    return network.to(tensors.structure.device)
