"""Networks that predict drug–cell-line pairs, as logits or standardised ln IC50, and give their attention.

Each is a `Network`; `make_network` makes the one that a preset asks for.
"""

from pharmagraph.model.networks.default import RelationalNetwork
from pharmagraph.model.networks.drgt import AdjacencyNetwork
from pharmagraph.model.networks.make import make_network
from pharmagraph.model.networks.network import Attended, Logits, Network

__all__ = ["AdjacencyNetwork", "Attended", "Logits", "Network", "RelationalNetwork", "make_network"]
