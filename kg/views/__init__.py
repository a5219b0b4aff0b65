"""The stored graph, or a part of it, in the forms of other tools: networkx, node-link JSON, GraphML, KGX and CSV.

All properties stand in it as they are stored, with the results of runs. `kg.heterograph` exports what training reads,
and `kg.neo4j.bulk_import` fills a server.
"""

from pharmagraph.kg.views.csv import write_csv
from pharmagraph.kg.views.graphml import write_graphml
from pharmagraph.kg.views.kgx import write_kgx
from pharmagraph.kg.views.networkx import to_networkx
from pharmagraph.kg.views.node_link import write_node_link
from pharmagraph.kg.views.parts import Part

__all__ = ["Part", "to_networkx", "write_csv", "write_graphml", "write_kgx", "write_node_link"]
