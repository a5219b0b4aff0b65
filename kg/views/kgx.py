"""Writes the graph in the KGX format, in the terms of the Biolink model: as tables (TSV) or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import curies, markup
from pharmagraph.kg.folders import whole_folder
from pharmagraph.kg.schema import EdgeKind
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.parts import Part, shown

CATEGORIES = {label: f"biolink:{label}" for label in ("Drug", "Gene", "CellLine", "Pathway")} | {
    "Metabolite": "biolink:SmallMolecule"
}
"""Labels that the Biolink model has a class for, and that class."""
PREDICATES = {
    "SIMILAR_TO": "biolink:similar_to",
    "TARGETS": "biolink:affects",
    "EXPRESSES": "biolink:expresses",
    "INTERACTS_WITH": "biolink:interacts_with",
    "HOMOLOGOUS": "biolink:homologous_to",
    "MEMBER_OF": "biolink:participates_in",
}
"""Edge kind → its Biolink predicate; the others are ``biolink:related_to``, with their type in a column of its own."""
PREFIX = curies.OWN
KNOWN, FOUND = ("knowledge_assertion", "not_provided"), ("prediction", "computational_model")
"""``knowledge_level`` and ``agent_type`` of what datasets brought and of the results of runs."""

_NO_PLACE = str.maketrans({"\t": " ", "\n": " ", "\r": " ", "|": "/"})
"""Signs that a text in a table cannot have, and what stands for each."""

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


def write_kgx(
    store: GraphStore, folder: Path, choice: Choice = EVERYTHING, *, json_lines: bool = False
) -> dict[str, int]:
    """Write ``nodes.tsv`` and ``edges.tsv`` in the KGX format, with the terms of the Biolink model.

    They hold drugs, genes, cell lines, pathways and all edges between them; each edge names its dataset or run, and has
    its properties as JSON. A list's values are joined by ``|``, as KGX reads them; a bar in a name becomes ``/``, a
    line break or a tab a blank. With ``json_lines`` the files are ``nodes.jsonl`` and ``edges.jsonl``, which keep
    them. Returns the number of rows by file.
    """
    part, ending = Part(store, choice), "jsonl" if json_lines else "tsv"
    with whole_folder(folder) as place:
        named, nodes = {}, 0
        with (place / f"nodes.{ending}").open("w", encoding="utf-8", newline="") as file:
            if not json_lines:
                file.write("\t".join(NODE_COLUMNS) + "\n")
            for label, id_, node in _nodes(part):
                named[label, id_] = node["id"]
                filled = {k: v for k, v in node.items() if v != []}
                file.write(json.dumps(filled, ensure_ascii=False) if json_lines else _tabbed(node))
                file.write("\n")
                nodes += 1
        edges = _write_edges(part, named, place / f"edges.{ending}", json_lines=json_lines)
    return {f"nodes.{ending}": nodes, f"edges.{ending}": edges}


def _nodes(part: Part) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Label and id of each node, and its columns."""
    for kind, table in part.nodes():
        if kind.label not in CATEGORIES:
            continue
        for row, name in zip(table.to_pylist(), shown(kind, table).to_pylist(), strict=True):
            further = [row["name"]] if row["name"] not in (None, name) else []
            values = [
                row["curie"], [CATEGORIES[kind.label]], name, [*further, *(row.get("aliases") or ())],
                row["xrefs"] or [], [PREFIX],
            ]  # fmt: skip
            yield kind.label, row["id"], dict(zip(NODE_COLUMNS, values, strict=True))


def _write_edges(part: Part, named: Mapping[tuple[str, str], str], path: Path, *, json_lines: bool) -> int:
    """Write the edges; returns their number."""
    edges = 0
    with path.open("wb") as file:
        if not json_lines:
            file.write(("\t".join(EDGE_COLUMNS) + "\n").encode())
        for kind, (src, dst), block in part.edges():
            subjects = text.mapped(block["src"], lambda id_, label=src: named[label, id_])  # type: ignore[misc]
            objects = text.mapped(block["dst"], lambda id_, label=dst: named[label, id_])  # type: ignore[misc]
            table = _edges(kind, subjects, objects, block)
            if json_lines:
                lines = text.joined(text.json_objects(table), "\n")
            else:  # no tab or line break is left in CURIEs and JSON, and KGX takes any text with a bar for a list
                *named_columns, properties = (table[name] for name in EDGE_COLUMNS)
                cells = [piece for column in named_columns for piece in (column, "\t")]
                lines = text.joined(*cells, pc.replace_substring(properties, "|", "\\u007c"), "\n")
            text.write(lines, file)
            edges += block.num_rows
    return edges


def _edges(kind: EdgeKind, subjects: pa.Array, objects: pa.Array, block: pa.Table) -> pa.Table:
    """The columns of some edges."""
    level, agent = KNOWN if kind.base else FOUND
    identity = [text.mapped(block[c], lambda value: f":{quote(value, safe='')}") for c in kind.identity]
    source = "dataset" if "dataset" in block.column_names else "run_id"
    values = [
        text.joined(f"{PREFIX}:{kind.type}:", subjects, ":", objects, *(identity or [":"])),
        subjects,
        text.constant(PREDICATES.get(kind.type, "biolink:related_to"), block.num_rows),
        objects,
        text.constant(f"{PREFIX}:{kind.type}", block.num_rows),
        text.constant(level, block.num_rows),
        text.constant(agent, block.num_rows),
        text.mapped(block[source], lambda id_: curies.own(source.removesuffix("_id"), id_)),
        text.json_objects(block.drop_columns(["src", "dst"])),
    ]
    return pa.table(dict(zip(EDGE_COLUMNS, values, strict=True)))


def _tabbed(node: Mapping[str, Any]) -> str:
    lists = (value if isinstance(value, list) else [value] for value in node.values())
    return "\t".join("|".join(map(_cell, values)) for values in lists)


def _cell(value: str) -> str:
    return markup.allowed(value).translate(_NO_PLACE)
