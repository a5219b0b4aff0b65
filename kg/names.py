"""Names of nodes: folding, the index of a label's names, and finding a node by any of them.

The tables of aliases are in `ingest/names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import schema
from pharmagraph.kg.errors import NotFoundError

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.kg.store import GraphStore

NameIndex = dict[str, list[str | None]]
"""Id of a node → its name and its aliases; the id itself is not among them."""

_NCI = re.compile(r"^H\d{2,4}[A-Z]?$")
_COLUMNS = ("id", "name", "aliases")
_WHAT = {"Drug": "drug", "CellLine": "cell line", "Gene": "gene"}


def fold(name: str) -> str:
    """A name without case and punctuation, so that ``MDA-MB-231`` and ``MDA_MB_231`` are one.

    A name of punctuation alone is only stripped and upper-cased.
    """
    folded = "".join(c for c in name.upper() if c.isalnum())
    return folded or name.strip().upper()


def fold_cell_line(name: str) -> str:
    """`fold`; NCI lines that some sources list as ``H1299`` get their prefix back."""
    folded = fold(name)
    return "NCI" + folded if _NCI.match(folded) else folded


def index(store: GraphStore, label: str) -> NameIndex:
    """The names of all nodes of a label in a store."""
    columns = [p.name for p in schema.node(label).columns if p.name in _COLUMNS]
    return _index_of_rows(store.node_rows(label, columns))


def index_of(nodes: pa.Table) -> NameIndex:
    """The names of the nodes of a table with the column ``id``, and ``name`` and ``aliases`` where a label has them."""
    return _index_of_rows(nodes.select([c for c in _COLUMNS if c in nodes.column_names]).to_pylist())


def _index_of_rows(rows: list[dict[str, Any]]) -> NameIndex:
    return {row["id"]: [row.get("name"), *(row.get("aliases") or ())] for row in rows}


def find(name: str, names: Mapping[str, Iterable[str | None]]) -> str | None:
    """The id of the node that has a name, or None.

    Parameters
    ----------
    name
        As the user typed it.
    names
        A `NameIndex`. An id wins over another node's name or alias.
    """
    if name in names:
        return name
    wanted = {fold(name), fold_cell_line(name)}
    for id_ in names:
        if fold(id_) in wanted:
            return id_
    for id_, others in names.items():
        if any(other and fold(other) in wanted for other in others):
            return id_
    return None


def require(what: str, name: str, names: Mapping[str, Iterable[str | None]], advice: str = "") -> str:
    """The id of the node that has a name.

    Parameters
    ----------
    what
        The kind of node for the message, such as ``"drug"``.
    name, names
        As in `find`.
    advice
        What the message advises if no name is similar.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    """
    id_ = find(name, names)
    if id_ is None:
        every = [n for known, others in names.items() for n in (known, *others) if n]
        raise NotFoundError(what, name, every, advice)
    return id_


def find_drug(store: GraphStore, name: str) -> dict[str, Any]:
    """All properties of the drug with a name, an alias or an id.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    """
    return find_node(store, "Drug", name)


def find_node(store: GraphStore, label: str, name: str) -> dict[str, Any]:
    """All properties of the drug, the cell line or the gene with a name, an alias or an id.

    Raises
    ------
    NotFoundError
        If there is none; the message offers the nearest names.
    """
    rows = {row["id"]: row for row in store.node_rows(label, [p.name for p in schema.node(label).columns])}
    return rows[require(_WHAT[label], name, _index_of_rows(list(rows.values())), "see: cli status")]
