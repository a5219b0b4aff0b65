"""Writes the graph as RDF in Turtle, in the terms of the Biolink model, a block of edges at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import curies, folders
from pharmagraph.kg.schema import EdgeKind, NodeKind, Property
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.kgx import CATEGORIES, PREDICATES
from pharmagraph.kg.views.parts import Part, shown

CLASSES = CATEGORIES | {"Dataset": "biolink:Dataset"}
"""Label → its class; the others are classes of the project's own."""
PROPERTY = f"{curies.OWN}.property"
_PREFIXES = {
    "biolink": "https://w3id.org/biolink/vocab/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    curies.OWN: curies.OWN_IRI,
    **{r.prefix: r.iri for registries in curies.REGISTRIES.values() for r in registries},
}
_OWN_PREFIXES = ("drug", "gene", "cellline", "pathway", "metabolite", "dataset", "run", "tissue", "property")
_NEXT = " ;\n    "
_PLAIN = re.compile(r"[A-Za-z0-9_%]([A-Za-z0-9_%.-]*[A-Za-z0-9_%-])?")


def write_turtle(store: GraphStore, path: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write the graph as RDF in Turtle.

    A node is named by its CURIE, an edge is a triple and a ``biolink:Association`` with its properties, which have the
    prefix ``pharmagraph.property``. What RDF has no place for is the order of a list. Returns the numbers of ``nodes``
    and ``edges``.
    """
    part, written = Part(store, choice), {"nodes": 0, "edges": 0}
    named: dict[tuple[str, str], str] = {}
    with folders.whole(path) as place, place.open("wb") as file:
        prefixes = _PREFIXES | {f"{curies.OWN}.{p}": f"{curies.OWN_IRI}{p}:" for p in _OWN_PREFIXES}
        file.writelines(f"@prefix {prefix}: <{iri}> .\n".encode() for prefix, iri in prefixes.items())
        for kind, table in part.nodes():
            named |= {
                (kind.label, id_): _name(curie)
                for id_, curie in zip(
                    table["id"].to_pylist(), table[curies.CURIE.name].to_pylist(), strict=True
                )
            }
            if table.num_rows:
                text.write(_nodes(kind, table), file)
                written["nodes"] += table.num_rows
        for edge_kind, ends, block in part.edges():
            text.write(_edges(edge_kind, ends, block, named), file)
            written["edges"] += block.num_rows
    return written


def _nodes(kind: NodeKind, table: pa.Table) -> pa.Array:
    class_ = CLASSES.get(kind.label, f"{curies.OWN}:{kind.label}")
    pieces = [
        text.mapped(table[curies.CURIE.name], lambda curie: f"\n{_name(curie)}"),
        f" a {class_}{_NEXT}rdfs:label ",
        text.mapped(shown(kind, table), _quoted),
        *_values(kind.columns, table),
        _list("skos:exactMatch", table[curies.XREFS.name], _name),
    ]
    if "tissue" in table.column_names:
        tissues = text.mapped(table["tissue"], lambda tissue: _name(curies.own("tissue", tissue)))
        pieces.append(text.around(f"{_NEXT}biolink:derives_from ", tissues, ""))
    return text.joined(*pieces, " .\n")


def _edges(
    kind: EdgeKind, ends: tuple[str, str], block: pa.Table, named: Mapping[tuple[str, str], str]
) -> pa.Array:
    src, dst = (
        text.mapped(block[column], lambda id_, label=label: named[label, id_])  # type: ignore[misc]
        for column, label in zip(("src", "dst"), ends, strict=True)
    )
    predicate = PREDICATES.get(kind.type, "biolink:related_to")
    return text.joined(
        src, f" {predicate} ", dst, f" .\n[] a biolink:Association{_NEXT}rdf:subject ", src,
        f"{_NEXT}rdf:predicate {predicate}{_NEXT}rdf:object ", dst,
        f"{_NEXT}{PROPERTY}:type {curies.OWN}:{kind.type}", *_values(kind.columns[2:], block), " .\n",
    )  # fmt: skip


def _values(properties: tuple[Property, ...], table: pa.Table) -> list[pa.Array]:
    """A predicate and its values for each property; null where it is missing."""
    found = []
    for p in properties:
        column, name = table[p.name], f"{PROPERTY}:{p.name}"
        if column.null_count == len(column):
            continue
        if p.type == "strings":
            found.append(_list(name, column, _quoted))
        elif p.type == "string":
            found.append(text.around(f"{_NEXT}{name} ", text.mapped(column, _quoted), ""))
        elif p.type == "float":
            values = text.plain(column)
            for arrow, xsd in (("nan", "NaN"), ("inf", "INF")):
                values = pc.replace_substring(values, arrow, xsd)
            found.append(text.around(f'{_NEXT}{name} "', values, '"^^xsd:double'))
        else:
            found.append(text.around(f"{_NEXT}{name} ", text.plain(column), ""))
    return found


def _list(name: str, column: pa.ChunkedArray, change: text.Change) -> pa.Array:
    values = [f"{_NEXT}{name} " + ", ".join(map(change, v)) if v else None for v in column.to_pylist()]
    return pa.array(values, pa.string())


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's escapes are among Turtle's


def _name(curie: str) -> str:
    """A CURIE, or its IRI where Turtle would need escapes in it, which not all readers know."""
    return curie if _PLAIN.fullmatch(curie.partition(":")[2]) else f"<{curies.iri(curie)}>"
