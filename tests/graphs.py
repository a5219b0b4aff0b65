"""A small graph with every kind of node and edge and every property, for tests of copies and exports."""

from __future__ import annotations

import pyarrow as pa

from pharmagraph.kg import schema
from pharmagraph.kg.schema import ARROW, Property
from pharmagraph.kg.store import GraphStore

AWKWARD = ['é "quoted"', "comma, and; semicolon", "line\nbreak", "back\\slash 'x'"]


def fill_everything(store: GraphStore) -> None:
    """Three nodes a label and two edges a kind and pair of labels; some properties are null."""
    store.create_schema()
    for kind in schema.NODES:
        store.upsert_nodes(kind.label, _table(kind.columns, [{"id": i} for i in ("A", "B", "C d")]))
    for edge_kind, ends in schema.edge_tables():
        rows = [{"src": "A", "dst": "B"}, {"src": "B", "dst": "C d"}]
        store.upsert_edges(edge_kind.type, ends, _table(edge_kind.columns, rows))


def everything(store: GraphStore) -> dict[str, pa.Table]:
    """All nodes and edges of a store, for comparing two."""
    tables = {kind.label: store.read_nodes(kind.label) for kind in schema.NODES}
    for kind, ends in schema.edge_tables():
        tables[f"{ends[0]}-{kind.type}-{ends[1]}"] = store.read_edges(kind.type, ends)
    return tables


def _table(columns: tuple[Property, ...], rows: list[dict[str, str]]) -> pa.Table:
    arrays = {}
    for at, p in enumerate(columns):
        arrays[p.name] = pa.array(
            [row.get(p.name, _value(p, at + n)) for n, row in enumerate(rows)], ARROW[p.type]
        )
    return pa.table(arrays)


def _value(column: Property, number: int) -> object:
    if not column.required and number % 3 == 0:
        return None
    if column.choices:
        return column.choices[0]
    if column.name == "smiles":
        return "C" * number + "O"
    texts = [f"{column.name} {number}", AWKWARD[number % len(AWKWARD)]]
    return {
        "string": texts[number % 2],
        "strings": [texts[0], AWKWARD[number % len(AWKWARD)], ""],
        "integer": number + 1,
        "float": (number + 1) / 64,
        "boolean": number % 2 == 0,
    }[column.type]
