"""Writes the graph as Cytoscape JSON (``.cyjs``), for Cytoscape and cytoscape.js, a block of edges at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from pharmagraph.kg import folders
from pharmagraph.kg.schema import EdgeKind, Ends
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.node_link import SOURCE
from pharmagraph.kg.views.parts import Part, shown


def write_cytoscape_json(store: GraphStore, path: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write the graph as the elements of a Cytoscape network; returns the numbers of nodes and edges.

    A node's ``id`` is ``Label:id``, its ``kind`` the label and its ``name`` what Cytoscape shows; a property that has
    the name ``name`` is ``full_name``. An edge's ``interaction`` is its type. Null properties are left out.
    """
    part, written = Part(store, choice), {"nodes": 0, "edges": 0}
    title = json.dumps(path.stem, ensure_ascii=False)
    with folders.whole(path) as place, place.open("wb") as file:
        head = (
            '{"format_version": "1.0", "generated_by": "pharmagraph", "target_cytoscapejs_version": "~3.3",\n'
        )
        head += f'"data": {{"name": {title}, "shared_name": {title}}},\n"elements": {{"nodes": ['
        file.write(head.encode())
        for kind, table in part.nodes():
            for row, name in zip(table.to_pylist(), shown(kind, table).to_pylist(), strict=True):
                properties = {k: v for k, v in row.items() if v is not None and k not in ("id", "name")}
                node = {
                    "id": f"{kind.label}:{row['id']}",
                    "name": name,
                    "shared_name": name,
                    "kind": kind.label,
                }
                if row.get("name") is not None:
                    node["full_name"] = row["name"]
                file.write(b",\n" if written["nodes"] else b"\n")
                data = {"data": {"key": row["id"], **properties, **node}}
                file.write(json.dumps(data, ensure_ascii=False).encode())
                written["nodes"] += 1
        file.write(b'],\n"edges": [')
        for edge_kind, ends, block in part.edges():
            objects = text.around('{"data": ', text.json_objects(_edges(edge_kind, ends, block)), "}")
            file.write(b",\n" if written["edges"] else b"\n")
            text.write(objects.slice(0, 1), file)
            text.write(text.joined(",\n", objects.slice(1)), file)
            written["edges"] += block.num_rows
        file.write(b"]}}\n")
    return written


def _edges(kind: EdgeKind, ends: Ends, block: pa.Table) -> pa.Table:
    """The members of each edge's ``data``."""
    sources = text.mapped(block["src"], lambda id_: f"{ends[0]}:{id_}")
    targets = text.mapped(block["dst"], lambda id_: f"{ends[1]}:{id_}")
    columns = {
        SOURCE if c == "source" else c: block[c] for c in block.column_names if c not in ("src", "dst")
    }
    columns |= {
        "id": text.joined(sources, "|", text.edge_key(kind, block), "|", targets),
        "source": sources,
        "target": targets,
        "interaction": text.constant(kind.type, block.num_rows),
        "shared_interaction": text.constant(kind.type, block.num_rows),
        "name": text.joined(sources, f" ({kind.type}) ", targets),
    }
    return pa.table(columns)
