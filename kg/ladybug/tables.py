"""The Cypher statements of the embedded store, made from `kg.schema`; they are text, and nothing is opened here.

Values are always bound as parameters. Tables are passed as the Arrow parameter ``$rows`` of ``COPY`` and
``LOAD FROM``, never as lists of maps, whose types the engine guesses from the first row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import EDGES, NODES, EdgeKind, Ends, NodeKind, Property, Type

VERSION_TABLE = "SchemaVersion"
_TYPES: dict[Type, str] = {
    "string": "STRING",
    "strings": "STRING[]",
    "integer": "INT64",
    "float": "DOUBLE",
    "boolean": "BOOL",
}
_INCOMING = "in_"
"""Prefix of the columns of ``$rows``, so that none is mistaken for a property."""
_ENDS = {"src": "a", "dst": "b"}
"""Column → what the node at this end is called in a pattern."""


def create_statements() -> list[str]:
    """Statements that create the schema in an empty store, in order."""
    return [
        f"CREATE NODE TABLE IF NOT EXISTS {VERSION_TABLE}(id STRING, version INT64, PRIMARY KEY(id))",
        *(create_node_table(kind) for kind in NODES),
        *(create_edge_table(kind) for kind in EDGES),
    ]


def create_node_table(kind: NodeKind) -> str:
    """The table of a label, keyed by id."""
    return f"CREATE NODE TABLE IF NOT EXISTS {kind.label}({_declared(kind.columns)}, PRIMARY KEY(id))"


def rebuilt(kind: EdgeKind) -> str:
    """The name of an edge kind's table while it is rebuilt."""
    return f"{kind.type}_rebuilt"


def drop(kind: EdgeKind, *, old: bool) -> str:
    """Drop an edge kind's table (``old``), or the rebuilt one."""
    return f"DROP TABLE {kind.type if old else rebuilt(kind)}"


def rename_rebuilt(kind: EdgeKind) -> str:
    """Rename the rebuilt table to the name of the table that it replaces."""
    return f"ALTER TABLE {rebuilt(kind)} RENAME TO {kind.type}"


def create_edge_table(
    kind: EdgeKind, name: str | None = None, columns: Sequence[Property] | None = None
) -> str:
    """The table of an edge kind, for all its pairs of labels; while it is rebuilt, under another name and with some of
    its columns."""
    pairs = ", ".join(f"FROM {a} TO {b}" for a, b in kind.ends)
    declared = _declared(kind.columns[2:] if columns is None else columns)
    return f"CREATE REL TABLE IF NOT EXISTS {name or kind.type}({pairs}, {declared})"


def add_column(name: str, column: Property) -> str:
    """Add a column of nulls to a table."""
    return f"ALTER TABLE {name} ADD {_declared([column])}"


def copy_nodes(kind: NodeKind) -> str:
    """Append the nodes of ``$rows``, whose columns are the schema's, in order.

    They are named, since a table that was migrated has them in another order.
    """
    return f"COPY {kind.label}({', '.join(c.name for c in kind.columns)}) FROM $rows"


def copy_edges(
    kind: EdgeKind, ends: Ends, name: str | None = None, columns: Sequence[Property] | None = None
) -> str:
    """Append the edges of ``$rows``: src, dst, then columns in order, all unless given, named as in `copy_nodes`."""
    named = ", ".join(c.name for c in (kind.columns[2:] if columns is None else columns))
    return f"COPY {name or kind.type}({named}) FROM $rows (from='{ends[0]}', to='{ends[1]}')"


def create_nodes(kind: NodeKind, columns: Iterable[str]) -> str:
    """Insert nodes as `copy_nodes` does, but logged: slower, and allowed beside other statements in a transaction."""
    given = ", ".join(f"{c}: {_INCOMING}{c}" for c in columns)
    return f"LOAD FROM $rows CREATE (:{kind.label} {{{given}}})"


def create_edges(kind: EdgeKind, ends: Ends, columns: Iterable[str]) -> str:
    """Insert edges as `copy_edges` does, but logged: slower, and allowed beside other statements in a transaction."""
    given = ", ".join(f"{c}: {_INCOMING}{c}" for c in columns if c not in ("src", "dst"))
    return (
        f"LOAD FROM $rows MATCH (a:{ends[0]} {{id: {_INCOMING}src}}), (b:{ends[1]} {{id: {_INCOMING}dst}}) "
        f"CREATE (a)-[:{kind.type} {{{given}}}]->(b)"
    )


def update_nodes(kind: NodeKind, columns: Iterable[str]) -> str:
    """Set properties of the nodes of ``$rows``, whose columns are `incoming_names`."""
    assigned = ", ".join(f"n.{c} = {_INCOMING}{c}" for c in columns if c != "id")
    return f"LOAD FROM $rows MATCH (n:{kind.label} {{id: {_INCOMING}id}}) SET {assigned}"


def update_edges(kind: EdgeKind, ends: Ends, columns: Iterable[str]) -> str:
    """Set properties of the edges of ``$rows``, found by the kind's key."""
    assigned = ", ".join(f"r.{c} = {_INCOMING}{c}" for c in columns if c not in kind.key)
    required = {p.name for p in kind.columns if p.required}
    identity = " AND ".join(
        f"r.{c} = {_INCOMING}{c}" if c in required else f"coalesce(r.{c}, '') = coalesce({_INCOMING}{c}, '')"
        for c in kind.identity
    )
    return (
        f"LOAD FROM $rows MATCH (a:{ends[0]} {{id: {_INCOMING}src}})-[r:{kind.type}]->"
        f"(b:{ends[1]} {{id: {_INCOMING}dst}}) WHERE {identity} SET {assigned}"
    )


def incoming_names(columns: Iterable[str]) -> list[str]:
    """The names of the columns of ``$rows`` in `update_nodes` and `update_edges`."""
    return [_INCOMING + c for c in columns]


def read_nodes(kind: NodeKind, columns: Sequence[str]) -> str:
    """Chosen columns of all nodes, ordered by id."""
    return f"MATCH (n:{kind.label}) RETURN {', '.join(f'n.{c} AS {c}' for c in columns)} ORDER BY n.id"


def read_places(label: str) -> str:
    """Each node's position in its table, to which edges refer, and its id, ordered by id."""
    return f"MATCH (n:{label}) RETURN offset(id(n)) AS place, n.id AS id ORDER BY n.id"


def read_edges(
    kind: EdgeKind, ends: Ends, columns: Iterable[str], equals: Iterable[str], *, by: str = "src"
) -> str:
    """Chosen properties of edges, with positions for their ends; the filter's values are parameters, and the positions
    of the sources, or of the destinations, from ``$low`` on before ``$high``."""
    properties = "".join(f", r.{c} AS {c}" for c in columns if c not in ("src", "dst"))
    end = _ENDS[by]
    return (
        f"{_pattern(kind, ends, equals, (f'offset(id({end})) >= $low', f'offset(id({end})) < $high'))} "
        f"RETURN offset(id(a)) AS src, offset(id(b)) AS dst{properties}"
    )


def count_by_destination(kind: EdgeKind, ends: Ends, equals: Iterable[str] = ()) -> str:
    """Number of edges that match a filter, by the position of their destination; none of destinations without any."""
    return f"{_pattern(kind, ends, equals)} RETURN offset(id(b)) AS place, count(r) AS n ORDER BY place"


def count_edges(kind: EdgeKind, ends: Ends, equals: Iterable[str] = ()) -> str:
    """Number of edges that match a filter."""
    return f"{_pattern(kind, ends, equals)} RETURN count(r) AS n"


def delete_edges(kind: EdgeKind, ends: Ends, equals: Iterable[str]) -> str:
    """Delete the edges that match a filter."""
    return f"{_pattern(kind, ends, equals)} DELETE r"


def known_ids(kind: NodeKind) -> str:
    """The ids among ``$ids`` that the label has."""
    return f"MATCH (n:{kind.label}) WHERE n.id IN $ids RETURN n.id AS id"


def delete_nodes(kind: NodeKind) -> str:
    """Delete the nodes of ``$ids``, whose edges were deleted before."""
    return f"MATCH (n:{kind.label}) WHERE n.id IN $ids DELETE n"


def filter_values(
    columns: Sequence[Property], equals: Mapping[str, str | Sequence[str]]
) -> dict[str, list[str]]:
    """The parameters of a filter: each column's values as a list.

    Raises
    ------
    InputError
        If the kind has no such column.
    """
    require_columns_of(columns, equals)
    return {k: [str(v)] if isinstance(v, str) else [str(one) for one in v] for k, v in equals.items()}


def require_columns_of(columns: Sequence[Property], names: Iterable[str]) -> None:
    """Refuse names that are not columns of a kind.

    Raises
    ------
    InputError
        Naming the columns there are.
    """
    known = [p.name for p in columns]
    for name in names:
        if name not in known:
            raise InputError(f"column {name} is not in the schema; it has {', '.join(known)}")


def _pattern(kind: EdgeKind, ends: Ends, equals: Iterable[str], conditions: Iterable[str] = ()) -> str:
    held = {column: f"{end}.id" for column, end in _ENDS.items()}
    where = " AND ".join((*(f"{held.get(c, f'r.{c}')} IN ${c}" for c in equals), *conditions))
    return f"MATCH (a:{ends[0]})-[r:{kind.type}]->(b:{ends[1]})" + (f" WHERE {where}" if where else "")


def _declared(columns: Iterable[Property]) -> str:
    return ", ".join(f"{p.name} {_TYPES[p.type]}" for p in columns)
