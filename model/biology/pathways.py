"""Whether a graph has pathways: asked before anything is imported that works with them."""

from __future__ import annotations

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore


def require_pathways(store: GraphStore) -> None:
    """Refuse a graph without pathways.

    Raises
    ------
    InputError
        With the ways to get some.
    """
    if not store.rows("MATCH (:Gene)-[m:MEMBER_OF]->(:Pathway) RETURN 1 AS one LIMIT 1"):
        raise InputError(
            "the graph has no pathways; load GO biological processes (cli ingest pathways) or name a file: --gmt FILE"
        )
