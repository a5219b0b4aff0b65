"""What nodes are called in tables, texts and pictures for people. Files and JSON have ids, and do not ask here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pharmagraph.kg.store import GraphStore

Node = tuple[str, str]
"""Label and id."""

OF_COLUMNS = {"drug": "Drug", "cell_line": "CellLine"}
"""Columns of ids in rows of pairs → the label of their nodes."""


def all_shown(store: GraphStore) -> dict[str, dict[str, str]]:
    """Column of `OF_COLUMNS` → id → what people call the node, of all drugs and cell lines of a store."""
    return {column: _told_apart(_names(store, label)) for column, label in OF_COLUMNS.items()}


def shown_of_rows(store: GraphStore, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """As `all_shown`, of the drugs and cell lines of a few rows of pairs alone."""
    names = shown(store, {(label, row[column]) for row in rows for column, label in OF_COLUMNS.items()})
    return {
        column: {id_: name for (of, id_), name in names.items() if of == OF_COLUMNS[column]}
        for column in OF_COLUMNS
    }


def shown(store: GraphStore, nodes: Iterable[Node]) -> dict[Node, str]:
    """Node → what people call it.

    That is its name, with the id behind it where another node of the label has the name, too. It is the id of a node
    without a name, and of a gene, whose id is its symbol.

    Parameters
    ----------
    store
        In which the nodes are.
    nodes
        A few; of all drugs and cell lines `all_shown` is quicker.
    """
    ids: dict[str, set[str]] = {}
    for label, id_ in nodes:
        ids.setdefault(label, set()).add(id_)
    found = {(label, id_): id_ for label in ids for id_ in ids[label]}
    for label in ids.keys() - {"Gene"}:
        query = f"MATCH (n:{label}) WHERE n.id IN $wanted RETURN n.id AS id, n.name AS name"
        names = {row["id"]: row["name"] for row in store.rows(query, {"wanted": sorted(ids[label])})}
        # others of these names, each of which is told apart by its id
        query = f"MATCH (n:{label}) WHERE n.name IN $wanted RETURN n.id AS id, n.name AS name"
        wanted = sorted({name for name in names.values() if name})
        alike = {row["id"]: row["name"] for row in store.rows(query, {"wanted": wanted})}
        called = _told_apart(alike | names)
        found |= {(label, id_): called[id_] for id_ in names}
    return found


def row_shown(row: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A row with what people call its nodes in place of their ids; names are those of `all_shown`.

    What is no id of the store, such as a new compound, stays as it is.
    """
    return dict(row) | {
        column: names[column].get(row[column], row[column]) for column in names if row.get(column) is not None
    }


def path_shown(steps: Iterable[tuple[Node, str, Node]], names: Mapping[Node, str]) -> str:
    """A path in one line, of edges with their ends and their type; names are those of `shown`."""
    words: list[str] = []
    for src, type_, dst in steps:
        words += [*([] if words else [names.get(src, src[1])]), f"–{type_}–", names.get(dst, dst[1])]
    return " ".join(words)


def _names(store: GraphStore, label: str) -> dict[str, str | None]:
    return {row["id"]: row["name"] for row in store.node_rows(label, ["id", "name"])}


def _told_apart(names: Mapping[str, str | None]) -> dict[str, str]:
    having = Counter(names.values())
    return {
        id_: id_ if not name else f"{name} ({id_})" if having[name] > 1 and name != id_ else name
        for id_, name in names.items()
    }
