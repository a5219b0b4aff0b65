"""Reading columns back: order, types, filters, counts, versions, the same on every engine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg import schema
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.schema import ARROW
from pharmagraph.kg.store import GraphStore, open_store

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))


def test_every_property_of_every_node_survives_a_round_trip(store: GraphStore) -> None:
    values = {
        "string": "é \"quoted\" \\ 'x' \n",
        "strings": ["a", "", "b;c"],
        "integer": 3,
        "float": -0.125,
        "boolean": True,
    }
    for kind in schema.NODES:
        row = {p.name: p.choices[0] if p.choices else values[p.type] for p in kind.columns} | {"id": "X"}
        sparse = {p.name: None for p in kind.columns} | {
            p.name: row[p.name] for p in kind.columns if p.required
        }
        rows = [row, sparse | {"id": "Y"}]
        table = pa.table({p.name: pa.array([r[p.name] for r in rows], ARROW[p.type]) for p in kind.columns})
        store.upsert_nodes(kind.label, table)
        read = store.read_nodes(kind.label)
        assert read.to_pylist() == rows, kind.label
        assert read.schema.names == [p.name for p in kind.columns]
        assert read.schema.types == [ARROW[p.type] for p in kind.columns]


def test_every_kind_of_edge_survives_a_round_trip(store: GraphStore) -> None:
    of_type = {"string": "x", "strings": ["x"]}
    for kind in schema.NODES:
        required = {p.name: [of_type[p.type]] * 2 for p in kind.columns if p.required}
        store.upsert_nodes(kind.label, pa.table(required | {"id": ["A", "B"]}))
    values = {"string": "text", "integer": 1, "float": 0.25, "boolean": True}
    for kind, ends in schema.edge_tables():
        row = {p.name: values[p.type] for p in kind.columns} | {"src": "A", "dst": "B"}
        store.upsert_edges(kind.type, ends, pa.table({k: [v] for k, v in row.items()}))
        read = store.read_edges(kind.type, ends)
        assert read.to_pylist() == [row], (kind.type, ends)
        assert read.schema.types == [ARROW[p.type] for p in kind.columns]
    assert set(store.counts().values()) == {1, 2}


def test_nodes_come_by_id_and_edges_by_source_then_target(small: GraphStore) -> None:
    small.upsert_nodes("Gene", pa.table({"id": ["AKT1", "ZEB1", "BRAF"]}))
    small.delete_nodes("Gene", ["KRAS"])  # leaves a gap among the engine's own numbers
    assert small.read_nodes("Gene", ["id"])["id"].to_pylist() == [
        "AKT1",
        "BRAF",
        "EGFR",
        "MDM2",
        "TP53",
        "ZEB1",
    ]
    more = [("HT29", "BRAF"), ("A549", "ZEB1"), ("HT29", "AKT1")]
    table = pa.table(
        {"src": [s for s, _ in more], "dst": [d for _, d in more], "z": [1.0] * 3, "dataset": ["d"] * 3}
    )
    small.upsert_edges(*EXPRESSES, table)
    read = small.read_edges(*EXPRESSES, ["dst", "src"])
    assert read.column_names == ["dst", "src"], "columns come as asked"
    pairs = list(zip(read["src"].to_pylist(), read["dst"].to_pylist(), strict=True))
    assert pairs == sorted([("A549", "EGFR"), ("A549", "TP53"), ("HT29", "EGFR"), *more])


def test_columns_without_the_ends_are_in_the_same_order(small: GraphStore) -> None:
    assert (
        small.read_edges(*EXPRESSES, ["z"])["z"].to_pylist() == small.read_edges(*EXPRESSES)["z"].to_pylist()
    )
    assert small.read_edges(*EXPRESSES, ["z"])["z"].to_pylist() == [2.5, -2.0, 1.5]


@pytest.mark.parametrize(
    ("equals", "expected"),
    [
        ({"src": "A549"}, [2.5, -2.0]),
        ({"dst": ["EGFR"]}, [2.5, 1.5]),
        ({"dst": ["EGFR", "TP53", "NONE"], "src": "A549"}, [2.5, -2.0]),
        ({"dataset": "GDSC", "dst": "TP53"}, [-2.0]),
        ({"dataset": "other"}, []),
        ({"dataset": []}, []),
        ({"dataset": "' OR true //"}, []),
    ],
)
def test_filters_keep_the_edges_that_have_the_values(
    small: GraphStore, equals: dict[str, str | list[str]], expected: list[float]
) -> None:
    read = small.read_edges(*EXPRESSES, ["z"], equals=equals)
    assert read["z"].to_pylist() == expected
    assert read.schema.types == [pa.float64()]


def test_numpy_text_is_a_filter_too(small: GraphStore) -> None:
    assert small.read_edges(*EXPRESSES, ["z"], equals={"src": list(np.array(["HT29"]))}).num_rows == 1


def test_empty_tables_have_the_columns_of_the_schema(store: GraphStore) -> None:
    for kind in schema.NODES:
        assert store.read_nodes(kind.label).schema.names == [p.name for p in kind.columns]
    for kind, ends in schema.edge_tables():
        read = store.read_edges(kind.type, ends)
        assert read.num_rows == 0
        assert read.schema.types == [ARROW[p.type] for p in kind.columns]


def test_unknown_columns_and_kinds_are_named(small: GraphStore) -> None:
    with pytest.raises(InputError, match="column colour is not in the schema"):
        small.read_nodes("Drug", ["id", "colour"])
    with pytest.raises(InputError, match="column colour is not in the schema"):
        small.read_edges(*EXPRESSES, ["colour"])
    with pytest.raises(InputError, match="column colour is not in the schema"):
        small.read_edges(*EXPRESSES, equals={"colour": "red"})
    with pytest.raises(InputError, match='no node kind "Compound"'):
        small.read_nodes("Compound")
    with pytest.raises(InputError, match='no edge kind "BINDS"'):
        small.read_edges("BINDS", ("Drug", "Gene"))
    with pytest.raises(InputError, match="does not join"):
        small.read_edges("EXPRESSES", ("Drug", "Gene"))


def test_counts_list_every_kind_in_the_order_of_the_schema(small: GraphStore) -> None:
    counts = small.counts()
    keys = [k.label for k in schema.NODES] + [f"{a}-{k.type}-{b}" for k, (a, b) in schema.edge_tables()]
    assert list(counts) == keys
    assert {k: n for k, n in counts.items() if n} == {
        "Drug": 3,
        "Gene": 4,
        "CellLine": 2,
        "Drug-TARGETS-Gene": 3,
        "CellLine-EXPRESSES-Gene": 3,
    }


def test_schema_is_made_once_and_its_version_kept(url: str) -> None:
    with open_store(url) as graph:
        assert graph.schema_version() is None
        assert set(graph.counts().values()) == {0}
        graph.create_schema()
        graph.create_schema()
        assert graph.schema_version() == schema.VERSION
    with open_store(url) as graph:
        assert graph.schema_version() == schema.VERSION
        assert graph.url.split("://")[0] == url.split("://")[0]


def test_what_was_written_is_there_after_reopening(small: GraphStore, url: str) -> None:
    nodes, edges = small.read_nodes("Drug"), small.read_edges(*EXPRESSES)
    small.close()
    small.close()
    with open_store(url) as graph:
        assert graph.read_nodes("Drug").equals(nodes)
        assert graph.read_edges(*EXPRESSES).equals(edges)
