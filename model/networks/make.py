"""Makes the network that a preset asks for."""

from __future__ import annotations

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.drgt import AdjacencyNetwork
from pharmagraph.model.networks.network import Network
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.presets.config import Config


def make_network(tensors: GraphTensors, config: Config, task: Task, number: int = 0) -> Network:
    """A new network as the preset has it for the ensemble's member ``number``; torch's generator draws its weights."""
    options = config.of_member(number).network
    network: Network = (
        RelationalNetwork(tensors, options, task)
        if options.kind == "relational"
        else AdjacencyNetwork(tensors, options)
    )
    return network.to(tensors.structure.device)
