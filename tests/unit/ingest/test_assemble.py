"""Tables of edges hold each text once, and say the same as a list of rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.contracts import validate
from pharmagraph.kg import schema


def test_texts_are_dictionaries_with_each_text_once() -> None:
    found = assemble.taken(["a", None, "b", "a"], np.array([0, 3, -1, 1, 2]))
    assert found.to_pylist() == ["a", "a", None, None, "b"]
    assert found.dictionary.to_pylist() == ["a", "b"]


def test_a_table_of_edges_says_the_same_as_rows() -> None:
    table = assemble.edge_table(
        np.array(["D1", "D1", "D2"], object), pa.array(["A", "B", "A"]),
        {"ln_ic50": np.array([1.5, np.nan, -2]), "auc": np.full(3, np.nan), "dataset": "own"},
    )  # fmt: skip
    checked = validate(schema.edge("TESTED_ON"), table)
    assert checked.to_pylist() == [
        {"src": "D1", "dst": "A", "ln_ic50": 1.5, "auc": None, "dataset": "own"},
        {"src": "D1", "dst": "B", "ln_ic50": None, "auc": None, "dataset": "own"},
        {"src": "D2", "dst": "A", "ln_ic50": -2.0, "auc": None, "dataset": "own"},
    ]
    assert pa.types.is_dictionary(checked.schema.field("src").type)
    assert pa.types.is_null(checked.schema.field("auc").type)
    assert schema.conform(checked, schema.edge("TESTED_ON").columns).schema.field("auc").type == pa.float64()
