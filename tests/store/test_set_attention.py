"""Attention on base edges: set, replaced, cleared; other edges and other properties stay."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pharmagraph.kg.changes import Change
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))
TARGETS = ("TARGETS", ("Drug", "Gene"))


def attention(rows: list[tuple[str, str, float]]) -> pa.Table:
    src, dst, value = zip(*rows, strict=True)
    return pa.table({"src": src, "dst": dst, "attention": value})


def carried(store: GraphStore, kind: tuple[str, tuple[str, str]]) -> list[tuple[object, ...]]:
    columns = ["src", "dst", "attention", "attention_run"]
    return [tuple(r.values()) for r in store.read_edges(*kind, columns).to_pylist()]


def test_attention_is_set_replaced_and_cleared(small: GraphStore) -> None:
    before = small.read_edges(*EXPRESSES, ["src", "dst", "z", "dataset"])
    assert (
        small.set_attention(*EXPRESSES, attention([("A549", "EGFR", 0.25), ("HT29", "EGFR", 1.0)]), "r1") == 2
    )
    assert carried(small, EXPRESSES) == [
        ("A549", "EGFR", 0.25, "r1"),
        ("A549", "TP53", None, None),
        ("HT29", "EGFR", 1.0, "r1"),
    ]
    assert small.set_attention(*EXPRESSES, attention([("A549", "TP53", 0.5)]), "r2") == 1
    assert carried(small, EXPRESSES) == [
        ("A549", "EGFR", None, None),
        ("A549", "TP53", 0.5, "r2"),
        ("HT29", "EGFR", None, None),
    ]
    empty = attention([("A549", "TP53", 0.5)]).slice(0, 0)
    assert small.set_attention(*EXPRESSES, empty, "r2") == 0
    assert {row[2:] for row in carried(small, EXPRESSES)} == {(None, None)}
    assert small.read_edges(*EXPRESSES, ["src", "dst", "z", "dataset"]).equals(before)


def test_edges_of_several_datasets_get_the_same_value(small: GraphStore) -> None:
    assert small.set_attention(*TARGETS, attention([("ERLOTINIB", "EGFR", 0.75)]), "r1") == 2
    assert carried(small, TARGETS) == [
        ("ERLOTINIB", "EGFR", 0.75, "r1"),
        ("ERLOTINIB", "EGFR", 0.75, "r1"),
        ("NUTLIN3A", "MDM2", None, None),
    ]


def test_pairs_that_are_no_edges_are_left_out(small: GraphStore) -> None:
    assert small.set_attention(*TARGETS, attention([("GEFITINIB", "KRAS", 0.75)]), "r1") == 0
    assert small.counts()["Drug-TARGETS-Gene"] == 3


def test_symmetric_edges_take_either_direction_and_other_labels_are_kept(small: GraphStore) -> None:
    def similar(src: str, dst: str) -> pa.Table:
        return pa.table({"src": [src], "dst": [dst], "similarity": [0.5], "kernel": ["k"], "dataset": ["d"]})

    drugs, lines = ("SIMILAR_TO", ("Drug", "Drug")), ("SIMILAR_TO", ("CellLine", "CellLine"))
    small.upsert_edges(*drugs, similar("ERLOTINIB", "GEFITINIB"))
    small.upsert_edges(*lines, similar("A549", "HT29"))
    assert small.set_attention(*lines, attention([("A549", "HT29", 0.125)]), "r1") == 1
    assert small.set_attention(*drugs, attention([("GEFITINIB", "ERLOTINIB", 0.5)]), "r1") == 1
    assert carried(small, drugs) == [("ERLOTINIB", "GEFITINIB", 0.5, "r1")]
    assert carried(small, lines) == [("A549", "HT29", 0.125, "r1")]


def test_second_time_changes_nothing_and_upserts_keep_it(small: GraphStore) -> None:
    table = attention([("A549", "EGFR", 0.25)])
    assert small.set_attention(*EXPRESSES, table, "r1") == small.set_attention(*EXPRESSES, table, "r1") == 1
    sent = pa.table({"src": ["A549"], "dst": ["EGFR"], "z": [7.0], "dataset": ["GDSC"]})
    assert small.upsert_edges(*EXPRESSES, sent) == Change(updated=1)
    assert carried(small, EXPRESSES)[0] == ("A549", "EGFR", 0.25, "r1")


def test_bad_attention_is_refused(small: GraphStore) -> None:
    with pytest.raises(InputError, match="repeat a key, the first is src=A549, dst=EGFR"):
        small.set_attention(*EXPRESSES, attention([("A549", "EGFR", 0.25), ("A549", "EGFR", 0.5)]), "r1")
    with pytest.raises(InputError, match="column weight is not in the schema"):
        small.set_attention(*EXPRESSES, pa.table({"src": ["A549"], "dst": ["EGFR"], "weight": [0.5]}), "r1")
    with pytest.raises(InputError, match="not a base edge"):
        small.set_attention("ATTENDS", ("Drug", "Gene"), attention([("ERLOTINIB", "EGFR", 0.5)]), "r1")
    assert {row[2:] for row in carried(small, EXPRESSES)} == {(None, None)}
