"""Writing nodes and edges: what an upsert inserts, changes, keeps and refuses, the same on every engine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore, open_store

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))
SIMILAR = ("SIMILAR_TO", ("Drug", "Drug"))


def expression(rows: list[tuple[str, str, float | None]], dataset: str = "GDSC") -> pa.Table:
    src, dst, z = zip(*rows, strict=True)
    return pa.table(
        {"src": src, "dst": dst, "z": pa.array(z, pa.float64()), "dataset": [dataset] * len(rows)}
    )


def test_second_upsert_changes_nothing(small: GraphStore) -> None:
    nodes, edges = small.read_nodes("Drug"), small.read_edges(*EXPRESSES)
    assert small.upsert_nodes("Drug", nodes) == Change(unchanged=3)
    assert small.upsert_edges(*EXPRESSES, edges) == Change(unchanged=3)
    assert small.read_nodes("Drug").equals(nodes)
    assert small.read_edges(*EXPRESSES).equals(edges)


def test_nodes_are_inserted_updated_and_left_in_one_call(small: GraphStore) -> None:
    table = pa.table(
        {
            "id": ["ERLOTINIB", "GEFITINIB", "NEW"],
            "name": ["Erlotinib", "Iressa", "New"],
            "max_phase": [4, 3, None],
        }
    )
    assert small.upsert_nodes("Drug", table) == Change(inserted=1, updated=1, unchanged=1)
    rows = {r["id"]: r for r in small.read_nodes("Drug", ["id", "name", "aliases", "max_phase"]).to_pylist()}
    assert rows["GEFITINIB"]["name"] == "Iressa"
    assert rows["GEFITINIB"]["max_phase"] == 3
    assert rows["ERLOTINIB"]["aliases"] == ["Tarceva", "OSI-774"], "a column that was not sent is kept"
    assert rows["NEW"] == {"id": "NEW", "name": "New", "aliases": None, "max_phase": None}


def test_edges_are_inserted_updated_and_left_in_one_call(small: GraphStore) -> None:
    table = expression([("A549", "TP53", -3.0), ("A549", "EGFR", 2.5), ("HT29", "KRAS", 4.0)])
    assert small.upsert_edges(*EXPRESSES, table) == Change(inserted=1, updated=1, unchanged=1)
    stored = small.read_edges(*EXPRESSES, ["src", "dst", "z"]).to_pylist()
    assert [tuple(r.values()) for r in stored] == [
        ("A549", "EGFR", 2.5),
        ("A549", "TP53", -3.0),
        ("HT29", "EGFR", 1.5),
        ("HT29", "KRAS", 4.0),
    ]


def test_null_that_was_sent_is_written_and_counts_as_no_change_the_second_time(small: GraphStore) -> None:
    table = pa.table({"id": ["ERLOTINIB"], "max_phase": pa.nulls(1, pa.int64())})
    assert small.upsert_nodes("Drug", table) == Change(updated=1)
    assert small.upsert_nodes("Drug", table) == Change(unchanged=1)
    assert small.read_nodes("Drug", ["max_phase"])["max_phase"].to_pylist() == [None, 4, None]


def test_nan_is_stored_as_null_so_that_it_equals_itself(small: GraphStore) -> None:
    tested = pa.table({"src": ["ERLOTINIB"], "dst": ["A549"], "ln_ic50": [np.nan], "dataset": ["GDSC1"]})
    assert small.upsert_edges("TESTED_ON", ("Drug", "CellLine"), tested) == Change(inserted=1)
    assert small.upsert_edges("TESTED_ON", ("Drug", "CellLine"), tested) == Change(unchanged=1)
    read = small.read_edges("TESTED_ON", ("Drug", "CellLine"), ["ln_ic50"])
    assert read["ln_ic50"].to_pylist() == [None]


def test_edges_of_two_datasets_between_one_pair_are_two_edges(small: GraphStore) -> None:
    assert small.upsert_edges(*EXPRESSES, expression([("A549", "EGFR", 9.0)], "CCLE")) == Change(inserted=1)
    both = small.read_edges(*EXPRESSES, ["z", "dataset"], equals={"src": "A549", "dst": "EGFR"}).to_pylist()
    assert {r["dataset"]: r["z"] for r in both} == {"GDSC": 2.5, "CCLE": 9.0}
    assert small.upsert_edges(*EXPRESSES, expression([("A549", "EGFR", 8.0)], "CCLE")) == Change(updated=1)
    both = small.read_edges(*EXPRESSES, ["z", "dataset"], equals={"src": "A549", "dst": "EGFR"}).to_pylist()
    assert {r["dataset"]: r["z"] for r in both} == {"GDSC": 2.5, "CCLE": 8.0}


def test_symmetric_edge_is_stored_once_whichever_way_it_is_sent(small: GraphStore) -> None:
    def similar(src: str, dst: str) -> pa.Table:
        return pa.table(
            {"src": [src], "dst": [dst], "similarity": [0.5], "kernel": ["tanimoto"], "dataset": ["GDSC"]}
        )

    assert small.upsert_edges(*SIMILAR, similar("GEFITINIB", "ERLOTINIB")) == Change(inserted=1)
    assert small.upsert_edges(*SIMILAR, similar("ERLOTINIB", "GEFITINIB")) == Change(unchanged=1)
    assert small.read_edges(*SIMILAR, ["src", "dst"]).to_pylist() == [
        {"src": "ERLOTINIB", "dst": "GEFITINIB"}
    ]


def test_pairs_of_labels_of_one_kind_do_not_touch_each_other(small: GraphStore) -> None:
    def attends(src: str, dst: str) -> pa.Table:
        return pa.table({"src": [src], "dst": [dst], "run_id": ["r1"], "weight": [0.5], "rank": [1]})

    for ends, row in {
        ("Drug", "Gene"): ("ERLOTINIB", "EGFR"),
        ("CellLine", "Gene"): ("A549", "EGFR"),
        ("Drug", "CellLine"): ("ERLOTINIB", "A549"),
        ("Drug", "Drug"): ("ERLOTINIB", "GEFITINIB"),
        ("CellLine", "CellLine"): ("A549", "HT29"),
    }.items():
        assert small.upsert_edges("ATTENDS", ends, attends(*row)) == Change(inserted=1)
    counts = small.counts()
    assert [n for key, n in counts.items() if "ATTENDS" in key] == [1, 1, 1, 1, 1]
    assert small.delete_edges("ATTENDS", ("Drug", "Gene"), equals={"run_id": "r1"}) == 1
    assert sum(n for key, n in small.counts().items() if "ATTENDS" in key) == 4


def test_a_null_in_an_identity_is_a_value_like_any_other(small: GraphStore) -> None:
    drug_gene = ("Drug", "Gene")
    rows = {
        "src": ["ERLOTINIB"] * 4,
        "dst": ["EGFR"] * 4,
        "run_id": ["r1"] * 4,
        "objective": ["target", "response", "response", None],
        "feature": [None, "expression", "mutation", None],
    }

    def stored() -> dict[tuple[str | None, str | None], float]:
        table = small.read_edges("ATTENDS", drug_gene, ["objective", "feature", "weight"])
        return {(r["objective"], r["feature"]): r["weight"] for r in table.to_pylist()}

    def send(weights: list[float], **columns: list[str | None]) -> Change:
        table = pa.table({k: v[: len(weights)] for k, v in (rows | columns).items()} | {"weight": weights})
        return small.upsert_edges("ATTENDS", drug_gene, table)

    assert send([0.1, 0.2, 0.3, 0.4]) == Change(inserted=4)
    assert send([0.1, 0.2, 0.3, 0.4]) == Change(unchanged=4)
    assert send([0.1, 0.25, 0.3, 0.45]) == Change(updated=2, unchanged=2)
    expected = {("target", None): 0.1, ("response", "expression"): 0.25, ("response", "mutation"): 0.3}
    assert stored() == expected | {(None, None): 0.45}
    table = pa.table({"src": ["ERLOTINIB"], "dst": ["EGFR"], "run_id": ["r1"], "weight": [0.5]})
    assert small.upsert_edges("ATTENDS", drug_gene, table) == Change(updated=1), "absent is null"
    assert stored() == expected | {(None, None): 0.5}
    with pytest.raises(InputError, match="1 rows repeat a key"):
        send([0.1, 0.2], objective=[None, None], feature=[None, None])
    assert small.delete_edges("ATTENDS", drug_gene, equals={"run_id": "r1", "objective": "response"}) == 2
    assert stored() == {("target", None): 0.1, (None, None): 0.5}


@pytest.mark.parametrize("rows", [0, 1])
def test_columns_of_nulls_only_and_empty_tables_are_written(store: GraphStore, rows: int) -> None:
    # the engines' clients crash on lists of maps with nothing but nulls, or with none
    table = pa.table(
        {"id": ["EGFR"][:rows], "name": pa.nulls(rows, pa.string()), "entrez_id": pa.nulls(rows)}
    )
    assert store.upsert_nodes("Gene", table) == Change(inserted=rows)
    assert store.upsert_nodes("Gene", table) == Change(unchanged=rows)
    assert store.counts()["Gene"] == rows


def test_arrow_of_any_layout_is_written_as_its_values(store: GraphStore) -> None:
    ids = pa.chunked_array(
        [pa.array(["X", "EGFR"]).dictionary_encode(), pa.array(["KRAS"]).dictionary_encode()]
    )
    table = pa.table({"entrez_id": pa.array([0, 1956, 3845], pa.int32()), "id": ids}).slice(1)
    assert store.upsert_nodes("Gene", table) == Change(inserted=2)
    assert store.read_nodes("Gene", ["id", "entrez_id"]).to_pylist() == [
        {"id": "EGFR", "entrez_id": 1956},
        {"id": "KRAS", "entrez_id": 3845},
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"src": ["A549"], "dst": ["NOPE"], "z": [1.0], "dataset": ["d"]},
            r'1 ids are not in the graph \("NOPE"\)',
        ),
        ({"src": ["B1"], "dst": ["EGFR"], "z": [1.0], "dataset": ["d"]}, r'EXPRESSES src \(CellLine\).*"B1"'),
        ({"src": ["A549"], "dst": ["EGFR"], "z": [1.0]}, "the key column dataset is missing"),
        (
            {"src": ["A549"], "dst": ["EGFR"], "z": [1.0], "dataset": [None]},
            "dataset is required and is empty",
        ),
        ({"src": ["A549"], "dst": ["EGFR"], "z": ["high"], "dataset": ["d"]}, "column z is not float"),
        ({"src": ["A549"], "dst": ["EGFR"], "Z": [1.0], "dataset": ["d"]}, "column Z is not in the schema"),
        ({"src": ["A549"], "dst": ["KRAS"], "dataset": ["d"]}, "lack the required column z"),
        (
            {"src": ["A549"] * 2, "dst": ["EGFR"] * 2, "z": [1.0, 2.0], "dataset": ["d"] * 2},
            "repeat a key, the first is src=A549, dst=EGFR, dataset=d",
        ),
    ],
)
def test_bad_edges_are_refused_by_name_and_nothing_is_written(
    small: GraphStore, table: dict[str, list[object]], message: str
) -> None:
    before = small.counts()
    with pytest.raises(InputError, match=message):
        small.upsert_edges(*EXPRESSES, pa.table(table))
    assert small.counts() == before


def test_one_bad_row_keeps_the_good_ones_out(small: GraphStore) -> None:
    with pytest.raises(InputError, match="NOPE"):
        small.upsert_edges(*EXPRESSES, expression([("A549", "KRAS", 1.0), ("A549", "NOPE", 1.0)]))
    assert small.counts()["CellLine-EXPRESSES-Gene"] == 3


def test_ends_that_a_kind_does_not_join_are_refused(small: GraphStore) -> None:
    with pytest.raises(InputError, match="EXPRESSES does not join Drug→Gene; it joins CellLine→Gene"):
        small.upsert_edges("EXPRESSES", ("Drug", "Gene"), expression([("ERLOTINIB", "EGFR", 1.0)]))


def test_deleting_nodes_takes_their_edges_along(small: GraphStore) -> None:
    assert small.delete_nodes("Gene", ["EGFR", "UNKNOWN"]) == 1
    counts = small.counts()
    assert counts["Gene"] == 3
    assert counts["CellLine-EXPRESSES-Gene"] == 1
    assert counts["Drug-TARGETS-Gene"] == 1


def test_deleting_edges_by_property_leaves_the_others(small: GraphStore) -> None:
    assert small.delete_edges("TARGETS", ("Drug", "Gene"), equals={"dataset": ["other", "unknown"]}) == 1
    assert small.delete_edges("TARGETS", ("Drug", "Gene"), equals={"dataset": []}) == 0
    left = small.read_edges("TARGETS", ("Drug", "Gene"), ["src", "dataset"]).to_pylist()
    assert left == [{"src": "ERLOTINIB", "dataset": "targets"}, {"src": "NUTLIN3A", "dataset": "targets"}]
    with pytest.raises(InputError, match="needs a filter"):
        small.delete_edges("TARGETS", ("Drug", "Gene"), equals={})


def test_read_only_store_refuses_every_write(small: GraphStore, url: str) -> None:
    small.close()
    with open_store(url, read_only=True) as graph:
        before = graph.counts()
        writes = [
            lambda: graph.upsert_nodes("Gene", pa.table({"id": ["MYC"]})),
            lambda: graph.upsert_edges(*EXPRESSES, expression([("A549", "KRAS", 1.0)])),
            lambda: graph.delete_edges(*EXPRESSES, equals={"dataset": "GDSC"}),
            lambda: graph.delete_nodes("Gene", ["EGFR"]),
            lambda: graph.set_attention(
                *EXPRESSES, pa.table({"src": ["A549"], "dst": ["EGFR"], "attention": [0.5]}), "r"
            ),
        ]
        for write in writes:
            with pytest.raises(Exception, match="read-only"):
                write()
        assert graph.counts() == before


def test_many_changed_edges_are_all_changed(store: GraphStore) -> None:
    # past the size from which the embedded engine rebuilds the table
    n_lines, n_genes = 150, 200
    store.upsert_nodes(
        "CellLine", pa.table({"id": [f"C{i}" for i in range(n_lines)], "name": ["c"] * n_lines})
    )
    store.upsert_nodes("Gene", pa.table({"id": [f"G{i}" for i in range(n_genes)]}))
    src = np.repeat([f"C{i}" for i in range(n_lines)], n_genes)
    dst = np.tile([f"G{i}" for i in range(n_genes)], n_lines)
    z = np.arange(len(src)) / 7

    def table(values: np.ndarray) -> pa.Table:
        return pa.table({"src": src, "dst": dst, "z": values, "dataset": ["d"] * len(src)})

    assert store.upsert_edges(*EXPRESSES, table(z).slice(0, 29_000)) == Change(inserted=29_000)
    changed = np.where(np.arange(len(z)) < 25_000, z + 1, z)
    expected = Change(inserted=1_000, updated=25_000, unchanged=4_000)
    assert store.upsert_edges(*EXPRESSES, table(changed)) == expected
    stored = store.read_edges(*EXPRESSES, ["src", "dst", "z"])
    by_key = dict(zip(zip(src, dst, strict=True), changed, strict=True))
    assert stored["z"].to_pylist() == [by_key[k] for k in sorted(by_key)]
    assert store.delete_edges(*EXPRESSES, equals={"dataset": "d"}) == 30_000
    assert store.counts()["CellLine-EXPRESSES-Gene"] == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(
        st.dictionaries(
            st.tuples(st.sampled_from(["A549", "HT29"]), st.sampled_from(["EGFR", "KRAS", "MDM2", "TP53"])),
            st.floats(-5, 5),
            max_size=8,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_sequence_of_upserts_ends_as_a_dictionary_would(
    small: GraphStore, sent: list[dict[tuple[str, str], float]]
) -> None:
    small.delete_edges(*EXPRESSES, equals={"dataset": "GDSC"})
    model: dict[tuple[str, str], float] = {}
    for batch in sent:
        if not batch:
            continue
        table = expression([(s, d, z) for (s, d), z in batch.items()])
        expected = Change(
            inserted=sum(k not in model for k in batch),
            updated=sum(k in model and model[k] != z for k, z in batch.items()),
            unchanged=sum(k in model and model[k] == z for k, z in batch.items()),
        )
        assert small.upsert_edges(*EXPRESSES, table) == expected
        model |= batch
    stored = small.read_edges(*EXPRESSES, ["src", "dst", "z"]).to_pylist()
    assert [((r["src"], r["dst"]), r["z"]) for r in stored] == sorted(model.items())
