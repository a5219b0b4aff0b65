"""What must be the same of two stores: every row, without what tells when, where and by which code it was made."""

from __future__ import annotations

from pharmagraph.kg.schema import NODES, edge_tables
from pharmagraph.kg.store import open_store

NOT_COMPARED = {"ingested_at", "started_at", "folder", "program", "git_fingerprint"}


def rows(url: str, *, without: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """All rows of a store but those of its history, in one order; none where there is no store or no schema."""
    found: dict[str, list[str]] = {}
    with open_store(url, read_only=True) as store:
        if store.schema_version() is None:
            return found
        for kind in NODES:
            if kind.label == "Ingest":
                continue
            columns = [c.name for c in kind.columns if c.name not in NOT_COMPARED | without]
            found[kind.label] = sorted(map(repr, store.read_nodes(kind.label, columns).to_pylist()))
        for edge, ends in edge_tables():
            columns = [n for n in ("src", "dst", *(p.name for p in edge.properties)) if n not in without]
            table = store.read_edges(edge.type, ends, columns)
            found["-".join((ends[0], edge.type, ends[1]))] = sorted(map(repr, table.to_pylist()))
    return found
