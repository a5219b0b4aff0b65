"""Removing edges by property together with nodes: one step, the same on every engine."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore

EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))


def test_edges_of_a_dataset_and_nodes_with_all_of_theirs_go_in_one_step(small: GraphStore) -> None:
    other = pa.table({"src": ["HT29"], "dst": ["EGFR"], "z": [1.0], "dataset": ["other"]})
    small.upsert_edges(*EXPRESSES, other)
    before = small.counts()
    small.remove([(*EXPRESSES, {"dataset": "GDSC"})], {"Drug": ["ERLOTINIB", "no such drug"], "Gene": []})
    after = small.counts()
    assert small.read_edges(*EXPRESSES, ["src", "dataset"]).to_pylist() == [
        {"src": "HT29", "dataset": "other"}
    ]
    assert (after["Drug"], after["Gene"]) == (before["Drug"] - 1, before["Gene"])
    assert "ERLOTINIB" not in small.read_edges("TARGETS", ("Drug", "Gene"), ["src"])["src"].to_pylist()
    small.remove([(*EXPRESSES, {"dataset": "GDSC"})], {"Drug": ["ERLOTINIB"]})
    assert small.counts() == after


def test_a_removal_without_a_filter_is_refused_and_removes_nothing(small: GraphStore) -> None:
    before = small.counts()
    with pytest.raises(InputError, match="EXPRESSES needs a filter"):
        small.remove([(*EXPRESSES, {})], {"Drug": ["ERLOTINIB"]})
    with pytest.raises(InputError, match="EXPRESSES does not join Drug→Gene"):
        small.remove([("EXPRESSES", ("Drug", "Gene"), {"dataset": "GDSC"})], {})
    assert small.counts() == before
