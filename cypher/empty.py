"""Says what to do when a query found nothing: which edges the graph lacks, and the command that makes them."""

from __future__ import annotations

import re

from pharmagraph.cypher.catalogue import Query
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.store import GraphStore

MAKERS = {
    **{layer.edges: f"cli ingest omics FILE --kind {layer.option}" for layer in LAYERS},
    "TESTED_ON": "cli ingest tables FOLDER",
    "SIMILAR_TO": "cli ingest tables FOLDER",
    "TARGETS": "cli ingest targets",
    "INTERACTS_WITH": "cli ingest interactions FILE",
    "HOMOLOGOUS": "cli ingest homology",
    "DEPENDS_ON": "cli ingest dependencies FILE",
    "MEMBER_OF": "cli ingest pathways",
    "ATTENDS": "cli train --promote",
    "PREDICTED": "cli train --promote",
    "ENRICHED": "cli enrich",
}
"""Relationship type → the command that makes such edges."""

_NOT_NEEDED = re.compile(r"(EXISTS|COUNT)\s*\{[^}]*(\{[^}]*\}[^}]*)*\}|OPTIONAL MATCH[^\n]*")
_TYPES = re.compile(r"\[\w*:([A-Z_|]+)")


def needed(text: str) -> list[tuple[str, ...]]:
    """Types of the edges without which a query finds nothing, those of which one will do together."""
    found = (tuple(types.split("|")) for types in _TYPES.findall(_NOT_NEEDED.sub("", text)))
    return list(dict.fromkeys(found))


def next_step(store: GraphStore, query: Query) -> str:
    """The end of a sentence that begins with "no rows"."""
    counts = store.counts()
    there = {kind.split("-")[1] for kind, n in counts.items() if n and "-" in kind}
    for types in needed(query.text):
        if there.isdisjoint(types):
            return f"the graph has no edges {' or '.join(types)}, which it asks for; next: {MAKERS[types[0]]}"
    return f"nothing fits what was asked; usage: cli query {query.usage}"
