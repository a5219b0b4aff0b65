"""Writes the graph in the KGX format: ``nodes.tsv`` and ``edges.tsv`` in the terms of the Biolink model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pharmagraph.kg import markup
from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import EdgeKind
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.parts import Part

CATEGORIES = {label: f"biolink:{label}" for label in ("Drug", "Gene", "CellLine", "Pathway")} | {
    "Metabolite": "biolink:SmallMolecule"
}
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


NODE_COLUMNS = ("id", "category", "name", "synonym", "xref", "provided_by")
EDGE_COLUMNS = (
    "id",
    "subject",
    "predicate",
    "object",
    "relation",
    "knowledge_level",
    "agent_type",
    "primary_knowledge_source",
    "properties",
)


def write_kgx(store: GraphStore, folder: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write ``nodes.tsv`` and ``edges.tsv`` in the KGX format, with the terms of the Biolink model.

    They hold drugs, genes, cell lines, pathways and all edges between them; each edge names its dataset or run.
    A list's values are joined by ``|``, as KGX reads them. Returns the number of rows by file.
    """
    part = Part(store, choice)
    with whole_folder(folder) as place:
        identifiers = _write_nodes(part, place / "nodes.tsv")
        edges = _write_edges(part, identifiers, place / "edges.tsv")
    return {"nodes.tsv": sum(map(len, identifiers.values())), "edges.tsv": edges}


def _write_nodes(part: Part, path: Path) -> dict[str, dict[str, str]]:
    """Write the nodes; returns the identifier of every id, by label."""
    identifiers: dict[str, dict[str, str]] = {}
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("\t".join(NODE_COLUMNS) + "\n")
        for kind, table in part.nodes():
            if kind.label not in CATEGORIES:
                continue
            identifiers[kind.label] = {}
            for row in table.to_pylist():
                curies = _curies(kind.label, row)
                identifiers[kind.label][row["id"]] = curies[0]
                names = [row["name"] or row["id"], _bars(row.get("aliases")), _bars(curies[1:])]
                values = [curies[0], CATEGORIES[kind.label], *names, PREFIX]
                out.write("\t".join(map(_cell, values)) + "\n")
    return identifiers


def _write_edges(part: Part, identifiers: Mapping[str, Mapping[str, str]], path: Path) -> int:
    """Write the edges between nodes with an identifier; returns their number."""
    edges = 0
    with path.open("wb") as file:
        file.write(("\t".join(EDGE_COLUMNS) + "\n").encode())
        for edge_kind, ends, block in part.edges():
            src, dst = (identifiers[label] for label in ends)
            subjects = text.mapped(block["src"], lambda id_, of=src: _cell(of[id_]))  # type: ignore[misc]
            objects = text.mapped(block["dst"], lambda id_, of=dst: _cell(of[id_]))  # type: ignore[misc]
            text.write(_edges(edge_kind, subjects, objects, block), file)
            edges += block.num_rows
    return edges


def _edges(kind: EdgeKind, subjects: pa.Array, objects: pa.Array, block: pa.Table) -> pa.Array:
    """The lines of some edges."""
    level = "knowledge_assertion\tnot_provided" if kind.base else "prediction\tcomputational_model"
    identity = [text.mapped(block[c], lambda value: f":{_cell(value)}") for c in kind.identity]
    source = text.mapped(block["dataset" if "dataset" in block.column_names else "run_id"], _cell)
    return text.joined(
        f"{PREFIX}:{kind.type}:",
        subjects,
        ":",
        objects,
        *(identity or [":"]),
        "\t",
        subjects,
        f"\t{PREDICATES.get(kind.type, 'biolink:related_to')}\t",
        objects,
        f"\t{PREFIX}:{kind.type}\t{level}\t{PREFIX}:",
        source,
        "\t",
        text.json_objects(block.drop_columns(["src", "dst"])),
        "\n",
    )


def _curies(label: str, row: Mapping[str, Any]) -> list[str]:
    """The node's identifier first, then its other identifiers."""
    own = f"{PREFIX}.{label.lower()}:{row['id'].replace(' ', '_')}"
    others = {
        "Drug": [("PUBCHEM.COMPOUND", "pubchem_cid"), ("INCHIKEY", "inchikey")],
        "Gene": [("", "hgnc_id"), ("NCBIGene", "entrez_id")],
        "CellLine": [("cellosaurus", "cellosaurus_id"), ("DepMap", "depmap_id"), ("COSMIC", "cosmic_id")],
        "Pathway": [],
        "Metabolite": [],
    }[label]
    known = [f"{prefix}:{row[c]}" if prefix else str(row[c]) for prefix, c in others if row[c] is not None]
    return [own, *known]


def _bars(values: list[str] | None) -> str:
    return "|".join(v.replace("|", "/") for v in values or ())


def _cell(value: str) -> str:
    return markup.allowed(value).replace("\t", " ").replace("\n", " ").replace("\r", " ")
