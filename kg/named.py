"""One node of a store by any of its names, or an error that offers the nearest."""

from __future__ import annotations

from typing import Any

from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.names import find
from pharmagraph.kg.store import GraphStore

_WHAT = {"Drug": "drug", "CellLine": "cell line", "Gene": "gene"}


def find_drug(store: GraphStore, name: str) -> dict[str, Any]:
    """A drug by name, alias or id: all its properties.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    """
    return find_node(store, "Drug", name)


def names(store: GraphStore, label: str) -> dict[str, list[str | None]]:
    """Id → name and aliases, of all drugs or all cell lines."""
    rows = store.read_nodes(label, ["id", "name", "aliases"]).to_pylist()
    return {row["id"]: [row["name"], *(row["aliases"] or ())] for row in rows}


def find_node(store: GraphStore, label: str, name: str) -> dict[str, Any]:
    """A drug, a cell line or a gene by name, alias or id: all its properties.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    """
    nodes = {row["id"]: row for row in store.read_nodes(label).to_pylist()}
    known = {id_: [row.get("name"), *(row.get("aliases") or ())] for id_, row in nodes.items()}
    id_ = find(name, known)
    if id_ is None:
        every = [n for i, others in known.items() for n in (i, *others) if n]
        raise NotFoundError(_WHAT[label], name, every, "see: cli status")
    return nodes[id_]
