"""Networks that turn drug–cell-line pairs into logits, or standardised ln IC50, and say where they attended.

Each is a `Network`; `make_network` makes the one that a preset asks for.
"""

from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.drgt import AdjacencyNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Attended, Logits, Network

__all__ = ["AdjacencyNetwork", "Attended", "Logits", "Network", "RelationalNetwork", "make_network"]
