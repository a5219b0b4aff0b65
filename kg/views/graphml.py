"""Writes the graph as GraphML, a block of edges at a time, so that the graph is never in memory as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pharmagraph.kg import folders, markup
from pharmagraph.kg.schema import EDGES, NODES, EdgeKind, Ends, NodeKind, Type
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import EVERYTHING, Choice
from pharmagraph.kg.views import text
from pharmagraph.kg.views.parts import Part

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


def _keys() -> dict[_Key, str]:
    """Every property of the schema as GraphML declares it, with its number there."""
    keys = [_Key("node", "label", "string"), _Key("edge", "type", "string")]
    keys += [_Key("node", p.name, _TYPES[p.type]) for kind in NODES if kind.in_views for p in kind.columns]
    keys += [_Key("edge", p.name, _TYPES[p.type]) for kind in EDGES for p in kind.columns[2:]]
    return {key: f"d{number}" for number, key in enumerate(dict.fromkeys(keys))}


_KEYS = _keys()


def write_graphml(store: GraphStore, path: Path, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Write the graph as GraphML.

    GraphML has no lists, so they become text joined by ``"; "``. A character that XML does not allow becomes
    `kg.markup.REPLACEMENT`.

    Returns
    -------
    dict
        Numbers of ``nodes`` and ``edges``, and of ``texts changed``: different texts with such a character.
    """
    part, written, changed = Part(store, choice), {"nodes": 0, "edges": 0}, set[str]()

    def escaped(value: str) -> str:
        found = markup.escaped(value)
        if found is not value and not markup.is_allowed(value):
            changed.add(value)
        return found

    with folders.whole(path) as place, place.open("wb") as file:
        file.write(_HEAD.encode())
        for key, id_ in _KEYS.items():
            file.write(
                f'  <key id="{id_}" for="{key.scope}" attr.name="{key.name}" attr.type="{key.type}"/>\n'.encode()
            )
        file.write(b'  <graph edgedefault="directed">\n')
        for kind, nodes in part.nodes():
            if nodes.num_rows:
                text.write(_nodes(kind, nodes, escaped), file)
                written["nodes"] += nodes.num_rows
        for edge_kind, ends, block in part.edges():
            text.write(_edges(edge_kind, ends, block, escaped), file)
            written["edges"] += block.num_rows
        file.write(b"  </graph>\n</graphml>\n")
    return written | {"texts changed": len(changed)}


def _nodes(kind: NodeKind, table: pa.Table, escaped: text.Change) -> pa.Array:
    ids = text.mapped(table["id"], escaped)
    label = f'<data key="{_KEYS[_Key("node", "label", "string")]}">{kind.label}</data>'
    return text.joined(
        f'    <node id="{kind.label}:', ids, f'">{label}', *_data("node", kind, table, escaped), "</node>\n"
    )


def _edges(kind: EdgeKind, ends: Ends, block: pa.Table, escaped: text.Change) -> pa.Array:
    type_ = f'<data key="{_KEYS[_Key("edge", "type", "string")]}">{kind.type}</data>'
    return text.joined(
        f'    <edge source="{ends[0]}:',
        text.mapped(block["src"], escaped),
        f'" target="{ends[1]}:',
        text.mapped(block["dst"], escaped),
        '" id="',
        text.edge_key(kind, block, escaped),
        f'">{type_}',
        *_data("edge", kind, block, escaped),
        "</edge>\n",
    )


def _data(scope: str, kind: NodeKind | EdgeKind, table: pa.Table, escaped: text.Change) -> list[pa.Array]:
    """An element for each property; null where it is missing."""
    found = []
    for p in kind.columns if scope == "node" else kind.columns[2:]:
        column = table[p.name]
        if column.null_count == len(column):
            continue
        if p.type == "strings":
            lists = [None if v is None else escaped("; ".join(v)) for v in column.to_pylist()]
            values = pa.array(lists, pa.string())
        elif p.type == "string":
            values = text.mapped(column, escaped)
        else:
            values = text.plain(column)
        found.append(
            text.around(f'<data key="{_KEYS[_Key(scope, p.name, _TYPES[p.type])]}">', values, "</data>")
        )
    return found
