"""The graph in the forms of other tools: networkx, GraphML, KGX and CSV.

Each is the whole graph as it is stored. `kg.heterograph` exports a part of it, `kg.neo4j.bulk_import` fills a server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
from pyarrow import csv

from pharmagraph.kg.copy import edge_blocks
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import NODES, EdgeKind, Ends, edge_count_key, edge_tables
from pharmagraph.kg.store import GraphStore

CATEGORIES = {label: f"biolink:{label}" for label in ("Drug", "Gene", "CellLine", "Pathway")}
"""Labels that the Biolink model has a class for, and that class."""
PREDICATES = {
    "SIMILAR_TO": "biolink:similar_to",
    "TARGETS": "biolink:affects",
    "EXPRESSES": "biolink:expresses",
    "INTERACTS_WITH": "biolink:interacts_with",
    "MEMBER_OF": "biolink:participates_in",
}
"""Edge kind → its Biolink predicate; the others are ``biolink:related_to``, with their type in a column of its own."""
PREFIX = "pharmagraph"


def to_networkx(store: GraphStore) -> nx.MultiDiGraph:
    """The graph as a networkx multigraph.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are named ``Label:id`` and have ``label``, ``id`` and their properties. Edges are keyed by type
        and identity and have ``type`` and their properties. Null properties are left out. A symmetric edge
        is there once, from the smaller id.
    """
    graph = nx.MultiDiGraph()
    for kind in NODES:
        for row in store.read_nodes(kind.label).to_pylist():
            graph.add_node(f"{kind.label}:{row['id']}", label=kind.label, **_present(row))
    for edge_kind, ends, block in _blocks(store):
        for row in block.to_pylist():
            src, dst = f"{ends[0]}:{row.pop('src')}", f"{ends[1]}:{row.pop('dst')}"
            key = ":".join([edge_kind.type, *(row[c] for c in edge_kind.identity)])
            graph.add_edge(src, dst, key=key, type=edge_kind.type, **_present(row))
    return graph


def write_graphml(store: GraphStore, path: Path) -> nx.MultiDiGraph:
    """Write the graph as GraphML and return it; GraphML has no lists, so they become text joined by ``"; "``."""
    graph = to_networkx(store)
    for _, properties in graph.nodes(data=True):
        for name, value in properties.items():
            if isinstance(value, list):
                properties[name] = "; ".join(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    nx.write_graphml(graph, path)
    return graph


def write_csv(store: GraphStore, folder: Path) -> dict[str, int]:
    """Write one CSV file per label and per edge kind; lists become JSON. Returns the number of rows by file."""
    _require_empty(folder)
    written = {}
    for kind in NODES:
        written[f"{kind.label}.csv"] = _write(
            folder / f"{kind.label}.csv", iter([store.read_nodes(kind.label)])
        )
    counts = store.counts()
    for edge_kind, ends in edge_tables():
        key = edge_count_key(edge_kind.type, ends)
        if counts[key]:
            blocks = edge_blocks(store, edge_kind.type, ends, edges=counts[key])
            written[f"{key}.csv"] = _write(folder / f"{key}.csv", blocks)
    return written


def write_kgx(store: GraphStore, folder: Path) -> dict[str, int]:
    """Write ``nodes.tsv`` and ``edges.tsv`` in the KGX format, with the terms of the Biolink model.

    They hold drugs, genes, cell lines, pathways and all edges between them; each edge names its dataset or run.
    A list's values are joined by ``|``, as KGX reads them. Returns the number of rows by file.
    """
    _require_empty(folder)
    identifiers: dict[str, dict[str, str]] = {}
    rows = 0
    node_columns = ["id", "category", "name", "synonym", "xref", "provided_by"]
    with (folder / "nodes.tsv").open("w", newline="") as out:
        out.write("\t".join(node_columns) + "\n")
        for label, category in CATEGORIES.items():
            identifiers[label] = {}
            for row in store.read_nodes(label).to_pylist():
                curies = _curies(label, row)
                identifiers[label][row["id"]] = curies[0]
                values = [
                    curies[0],
                    category,
                    row["name"] or row["id"],
                    _bars(row.get("aliases")),
                    _bars(curies[1:]),
                ]
                out.write("\t".join(map(_cell, [*values, PREFIX])) + "\n")
                rows += 1
    edge_columns = ["id", "subject", "predicate", "object", "relation", "knowledge_level", "agent_type"]
    edge_columns += ["primary_knowledge_source", "properties"]
    edges = 0
    with (folder / "edges.tsv").open("w", newline="") as out:
        out.write("\t".join(edge_columns) + "\n")
        for kind, ends, block in _blocks(store):
            for row in block.to_pylist():
                subject, target = identifiers[ends[0]][row.pop("src")], identifiers[ends[1]][row.pop("dst")]
                source = f"{PREFIX}:{row.get('dataset') or row.get('run_id')}"
                level = (
                    ("knowledge_assertion", "not_provided")
                    if kind.base
                    else ("prediction", "computational_model")
                )
                identity = ":".join(row[c] for c in kind.identity)
                values = [f"{PREFIX}:{kind.type}:{subject}:{target}:{identity}", subject]
                values += [
                    PREDICATES.get(kind.type, "biolink:related_to"),
                    target,
                    f"{PREFIX}:{kind.type}",
                    *level,
                    source,
                ]
                out.write(
                    "\t".join(map(_cell, [*values, json.dumps(_present(row), ensure_ascii=False)])) + "\n"
                )
                edges += 1
    return {"nodes.tsv": rows, "edges.tsv": edges}


def _blocks(store: GraphStore) -> Iterator[tuple[EdgeKind, Ends, pa.Table]]:
    counts = store.counts()
    for kind, ends in edge_tables():
        for block in edge_blocks(store, kind.type, ends, edges=counts[edge_count_key(kind.type, ends)]):
            yield kind, ends, block


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None}


def _curies(label: str, row: Mapping[str, Any]) -> list[str]:
    """The node's identifier first, then its other identifiers."""
    own = f"{PREFIX}.{label.lower()}:{row['id'].replace(' ', '_')}"
    others = {
        "Drug": [("PUBCHEM.COMPOUND", "pubchem_cid"), ("INCHIKEY", "inchikey")],
        "Gene": [("", "hgnc_id"), ("NCBIGene", "entrez_id")],
        "CellLine": [("cellosaurus", "cellosaurus_id"), ("DepMap", "depmap_id"), ("COSMIC", "cosmic_id")],
        "Pathway": [],
    }[label]
    known = [f"{prefix}:{row[c]}" if prefix else str(row[c]) for prefix, c in others if row[c] is not None]
    return [own, *known]


def _bars(values: list[str] | None) -> str:
    return "|".join(v.replace("|", "/") for v in values or ())


def _cell(value: str) -> str:
    return value.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def _write(path: Path, tables: Iterator[pa.Table]) -> int:
    rows, writer = 0, None
    try:
        for table in tables:
            for at, field in enumerate(table.schema):
                if pa.types.is_list(field.type):
                    texts = [
                        None if v is None else json.dumps(v, ensure_ascii=False)
                        for v in table.column(at).to_pylist()
                    ]
                    table = table.set_column(at, field.name, pa.array(texts, pa.string()))
            writer = writer or csv.CSVWriter(path, table.schema)
            writer.write_table(table)
            rows += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _require_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
