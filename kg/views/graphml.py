"""Writes the graph as GraphML, a block of edges at a time, so that the graph is never in memory as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pharmagraph.kg import folders, markup
from pharmagraph.kg.schema import EDGES, NODES, EdgeKind, Ends, NodeKind, Property, Type
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.dialects import ANY, Dialect
from pharmagraph.kg.views.parts import Part, columns, shown

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">\n'
)
_TYPES: dict[Type, str] = {
    "string": "string",
    "strings": "string",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
}


class _Key(NamedTuple):
    scope: str
    name: str
    type: str


def write_graphml(
    store: GraphStore, path: Path, choice: Choice = EVERYTHING, *, dialect: Dialect = ANY
) -> dict[str, int]:
    """Write the graph as GraphML.

    GraphML has no lists, so they become text joined by ``"; "``. A character that XML does not allow becomes
    `kg.markup.REPLACEMENT`. Ids of edges are unique in the file.

    Returns
    -------
    dict
        Numbers of ``nodes`` and ``edges``, and of ``texts changed``: different texts with such a character.
    """
    writer, part, written = _Writer(dialect), Part(store, choice), {"nodes": 0, "edges": 0}
    with folders.whole(path) as place, place.open("wb") as file:
        file.write(_HEAD.encode())
        for key, id_ in writer.keys.items():
            file.write(
                f'  <key id="{id_}" for="{key.scope}" attr.name="{key.name}" attr.type="{key.type}"/>\n'.encode()
            )
        file.write(b'  <graph edgedefault="directed">\n')
        for kind, nodes in part.nodes():
            if nodes.num_rows:
                text.write(writer.nodes(kind, nodes), file)
                written["nodes"] += nodes.num_rows
        for edge_kind, ends, block in part.edges():
            text.write(writer.edges(edge_kind, ends, block), file)
            written["edges"] += block.num_rows
        file.write(b"  </graph>\n</graphml>\n")
    return written | {"texts changed": len(writer.changed)}


class _Writer:
    """Elements in a dialect; ``changed`` collects the texts that XML cannot hold as they are."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.changed: set[str] = set()
        keys = [_Key("node", dialect.kind, "string"), _Key("edge", dialect.type, "string")]
        keys += [_Key("node", dialect.shown, "string")] if dialect.shown else []
        keys += [_Key("edge", "name", "string")] if dialect.names_edges else []
        keys += [_Key("edge", "weight", "double")] if dialect.weights else []
        keys += [self._key("node", p) for kind in NODES if kind.in_views for p in columns(kind)]
        keys += [self._key("edge", p) for kind in EDGES for p in kind.columns[2:]]
        self.keys = {key: f"d{number}" for number, key in enumerate(dict.fromkeys(keys))}
        """Every property as GraphML declares it, with its number there."""

    def nodes(self, kind: NodeKind, table: pa.Table) -> pa.Array:
        """An element for each node."""
        more = [self._constant("node", self.dialect.kind, kind.label)]
        if self.dialect.shown:
            names = text.mapped(shown(kind, table), self._content)
            more.append(self._data(_Key("node", self.dialect.shown, "string"), names))
        ids = text.mapped(table["id"], self._attribute)
        values = self._values("node", table, columns(kind))
        return text.joined(f'    <node id="{kind.label}:', ids, '">', *more, *values, "</node>\n")

    def edges(self, kind: EdgeKind, ends: Ends, block: pa.Table) -> pa.Array:
        """An element for each edge."""
        src, dst = (
            text.joined(f"{label}:", text.mapped(block[column], self._attribute))
            for column, label in zip(("src", "dst"), ends, strict=True)
        )
        more = [self._constant("edge", self.dialect.type, kind.type)]
        if self.dialect.names_edges:
            name = text.joined(f"{ends[0]}:", block["src"], f" ({kind.type}) {ends[1]}:", block["dst"])
            more.append(self._data(_Key("edge", "name", "string"), text.mapped(name, self._content)))
        if self.dialect.weights and "similarity" in block.column_names:
            more.append(self._data(_Key("edge", "weight", "double"), text.plain(block["similarity"])))
        key = text.edge_key(kind, block, self._attribute)
        values = self._values("edge", block, kind.columns[2:])
        return text.joined(
            '    <edge source="', src, '" target="', dst, '" id="', src, "|", key, "|", dst, '">',
            *more, *values, "</edge>\n",
        )  # fmt: skip

    def _values(self, scope: str, table: pa.Table, properties: tuple[Property, ...]) -> list[pa.Array]:
        """An element for each property; null where it is missing."""
        found = []
        for p in properties:
            column = table[p.name]
            if column.null_count == len(column):
                continue
            if p.type == "strings":
                lists = [None if v is None else self._content("; ".join(v)) for v in column.to_pylist()]
                values = pa.array(lists, pa.string())
            elif p.type == "string":
                values = text.mapped(column, self._content)
            else:
                values = text.plain(column)
            found.append(self._data(self._key(scope, p), values))
        return found

    def _key(self, scope: str, p: Property) -> _Key:
        name = self.dialect.renamed.get(p.name, p.name) if scope == "node" else p.name
        return _Key(scope, name, _TYPES[p.type])

    def _data(self, key: _Key, values: pa.Array) -> pa.Array:
        return text.around(f'<data key="{self.keys[key]}">', values, "</data>")

    def _constant(self, scope: str, name: str, value: str) -> str:
        return f'<data key="{self.keys[_Key(scope, name, "string")]}">{value}</data>'

    def _attribute(self, value: str) -> str:
        return self._counted(value, markup.escaped(value), value)

    def _content(self, value: str) -> str:
        written, read = self.dialect.content(value)
        return self._counted(value, written, read)

    def _counted(self, value: str, written: str, read: str) -> str:
        if written is not value and (read != value or not markup.is_allowed(value)):
            self.changed.add(value)
        return written
