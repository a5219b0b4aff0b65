"""Writes the graph for BioCypher: its schema configuration, and nodes and edges as the tuples that BioCypher takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import NODES, Property, Type, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.parts import Part, columns

NAMES = {
    "Drug": "drug",
    "Gene": "gene",
    "CellLine": "cell line",
    "Pathway": "pathway",
    "Metabolite": "small molecule",
    "Dataset": "dataset",
    "Run": "training run",
}
"""Label → class of BioCypher, those of the Biolink model where it has one."""
PARENTS = {"Run": "information content entity"}
"""Classes that the Biolink model lacks, and the one above each."""
_TYPES: dict[Type, str] = {
    "string": "str",
    "strings": "str[]",
    "integer": "int",
    "float": "float",
    "boolean": "bool",
}
_CONFIGURATION = """# Settings of BioCypher for the files beside this one.
biocypher:
  dbms: neo4j
  offline: true
  strict_mode: false
  # Classes stand by themselves. To place them in the Biolink model, which BioCypher fetches, take out the next line.
  head_ontology: null
"""
_ABOUT = "# Classes and properties of a pharmagraph graph, for BioCypher.\n"


def write_biocypher(store: GraphStore, folder: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write ``schema_config.yaml``, ``biocypher_config.yaml``, ``nodes.jsonl`` and ``edges.jsonl``.

    A line is a tuple of BioCypher: a node's CURIE, label and properties; an edge's id, the CURIEs of its ends, label
    and properties. Returns the number of lines by file.
    """
    part = Part(store, choice)
    with whole_folder(folder) as place:
        document = yaml.safe_dump(schema(), sort_keys=False, allow_unicode=True)
        (place / "schema_config.yaml").write_text(_ABOUT + document, encoding="utf-8")
        (place / "biocypher_config.yaml").write_text(_CONFIGURATION, encoding="utf-8")
        named = _write_nodes(part, place / "nodes.jsonl")
        edges = _write_edges(part, named, place / "edges.jsonl")
    return {"nodes.jsonl": len(named), "edges.jsonl": edges}


def schema() -> dict[str, dict[str, Any]]:
    """The schema configuration: class → how it is represented, its label in the files and its properties."""
    found: dict[str, dict[str, Any]] = {}
    for kind in NODES:
        if kind.in_views:
            parent = {"is_a": PARENTS[kind.label]} if kind.label in PARENTS else {}
            found[NAMES[kind.label]] = {
                **parent,
                "represented_as": "node",
                "input_label": kind.label,
                "properties": _properties(columns(kind)),
            }
    for edge_kind, ends in edge_tables():
        source, target = (NAMES[label] for label in ends)
        verb = edge_kind.type.lower().replace("_", " ")
        found[f"{source} {verb} {target}"] = {
            "is_a": "association",
            "represented_as": "edge",
            "label_as_edge": edge_kind.type,
            "source": source,
            "target": target,
            "input_label": edge_count_key(edge_kind.type, ends),
            "properties": _properties(edge_kind.columns[2:]),
        }
    return found


def _properties(columns: tuple[Property, ...]) -> dict[str, str]:
    return {_key(p.name): _TYPES[p.type] for p in columns}


def _key(name: str) -> str:
    return "key" if name == "id" else name  # BioCypher's own id is the CURIE


def _write_nodes(part: Part, path: Path) -> dict[tuple[str, str], str]:
    """Write the nodes; returns the CURIE of each label and id."""
    named = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        for kind, table in part.nodes():
            for row in table.to_pylist():
                properties = {_key(k): v for k, v in row.items() if v is not None}
                file.write(json.dumps([row["curie"], kind.label, properties], ensure_ascii=False) + "\n")
                named[kind.label, row["id"]] = row["curie"]
    return named


def _write_edges(part: Part, named: dict[tuple[str, str], str], path: Path) -> int:
    edges = 0
    with path.open("wb") as file:
        for kind, ends, block in part.edges():
            src, dst = (
                text.mapped(block[column], lambda id_, label=label: json.dumps(named[label, id_]))  # type: ignore[misc]
                for column, label in zip(("src", "dst"), ends, strict=True)
            )
            ids = text.joined(block["src"], "|", text.edge_key(kind, block), "|", block["dst"])
            label = json.dumps(edge_count_key(kind.type, ends))
            properties = text.json_objects(block.drop_columns(["src", "dst"]))
            ids = text.mapped(
                text.joined(f"{label[1:-1]}|", ids), lambda id_: json.dumps(id_, ensure_ascii=False)
            )
            lines: pa.Array = text.joined("[", ids, ", ", src, ", ", dst, f", {label}, ", properties, "]\n")
            text.write(lines, file)
            edges += block.num_rows
    return edges
