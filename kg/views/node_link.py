"""Writes the graph as node-link JSON, the form of `networkx.node_link_graph`, a block of edges at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from pharmagraph.kg import folders
from pharmagraph.kg.schema import EdgeKind, Ends
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.parts import Part

SOURCE = "evidence_source"
"""Name of an edge's property ``source`` where ``source`` is the node that it begins at."""


def write_node_link(store: GraphStore, path: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write what `networkx.node_link_data` gives for `to_networkx`; returns the numbers of nodes and edges.

    The form keeps the names ``source`` and ``target`` for the ends of an edge, so its property ``source`` is `SOURCE`.
    """
    part, written = Part(store, choice), {"nodes": 0, "edges": 0}
    with folders.whole(path) as place, place.open("wb") as file:
        file.write(b'{"directed": true, "multigraph": true, "graph": {}, "nodes": [')
        for kind, table in part.nodes():
            for row in table.to_pylist():
                properties = {k: v for k, v in row.items() if v is not None}
                node = {"label": kind.label, **properties, "id": f"{kind.label}:{row['id']}"}
                file.write(b",\n" if written["nodes"] else b"\n")
                file.write(json.dumps(node, ensure_ascii=False).encode())
                written["nodes"] += 1
        file.write(b'],\n"edges": [')
        for edge_kind, ends, block in part.edges():
            objects = text.json_objects(_edges(edge_kind, ends, block))
            file.write(b",\n" if written["edges"] else b"\n")
            text.write(objects.slice(0, 1), file)
            text.write(text.joined(",\n", objects.slice(1)), file)
            written["edges"] += block.num_rows
        file.write(b"]}\n")
    return written


def _edges(kind: EdgeKind, ends: Ends, block: pa.Table) -> pa.Table:
    """The members of each edge's object."""
    names = {
        "type": text.constant(kind.type, block.num_rows),
        **{SOURCE if c == "source" else c: block[c] for c in block.column_names if c not in ("src", "dst")},
        "source": text.mapped(block["src"], lambda id_: f"{ends[0]}:{id_}"),
        "target": text.mapped(block["dst"], lambda id_: f"{ends[1]}:{id_}"),
        "key": text.edge_key(kind, block),
    }
    return pa.table(names)
