"""The stored graph, or a part of it, in the forms of other tools: tables, graph files, and terms of the Biolink model.

All properties stand in it as they are stored, with the results of runs. `kg.heterograph` exports what training reads,
and `kg.neo4j.bulk_import` fills a server.
"""

from pharmagraph.kg.views.biocypher import write_biocypher
from pharmagraph.kg.views.csv import write_csv
from pharmagraph.kg.views.cytoscape_json import write_cytoscape_json
from pharmagraph.kg.views.dialects import DIALECTS
from pharmagraph.kg.views.graphml import write_graphml
from pharmagraph.kg.views.kgx import write_kgx
from pharmagraph.kg.views.networkx import to_networkx
from pharmagraph.kg.views.node_link import write_node_link
from pharmagraph.kg.views.parquet import write_parquet
from pharmagraph.kg.views.parts import Part
from pharmagraph.kg.views.turtle import write_turtle

__all__ = [
    "DIALECTS",
    "Part",
    "to_networkx",
    "write_biocypher",
    "write_csv",
    "write_cytoscape_json",
    "write_graphml",
    "write_kgx",
    "write_node_link",
    "write_parquet",
    "write_turtle",
]
