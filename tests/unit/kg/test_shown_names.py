"""People are shown names, with the id where two nodes share one; each label for itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg.shown_names import all_shown, path_shown, row_shown, shown, shown_of_rows
from pharmagraph.kg.store import GraphStore, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("shown")
    with open_store(f"ladybug://{folder}/graph.lbug") as graph:
        graph.create_schema()
        drugs = {"id": ["D1", "D2", "D3", "SAME"], "name": ["erlotinib", "JQ1", "JQ1", "a drug"]}
        graph.upsert_nodes("Drug", pa.table(drugs))
        graph.upsert_nodes("CellLine", pa.table({"id": ["C1", "SAME"], "name": ["A-549", "JQ1"]}))
        graph.upsert_nodes("Gene", pa.table({"id": ["EGFR"], "name": ["epidermal growth factor receptor"]}))
        yield graph


def test_a_node_is_called_by_its_name_and_by_the_id_too_where_another_has_the_name(store: GraphStore) -> None:
    nodes = [("Drug", "D1"), ("Drug", "D2"), ("CellLine", "SAME"), ("Gene", "EGFR"), ("Drug", "unknown")]
    assert [shown(store, nodes)[node] for node in nodes] == [
        "erlotinib", "JQ1 (D2)", "JQ1", "EGFR", "unknown"
    ]  # fmt: skip
    everything = {"D1": "erlotinib", "D2": "JQ1 (D2)", "D3": "JQ1 (D3)", "SAME": "a drug"}
    rows = [{"drug": "D2", "cell_line": "SAME"}]
    assert shown_of_rows(store, rows) == {"drug": {"D2": "JQ1 (D2)"}, "cell_line": {"SAME": "JQ1"}}
    assert all_shown(store) == {"drug": everything, "cell_line": {"C1": "A-549", "SAME": "JQ1"}}


def test_a_row_is_shown_by_the_names_of_its_columns_and_keeps_what_is_no_id(store: GraphStore) -> None:
    names = all_shown(store)
    row = {"well": "A1", "drug": "SAME", "cell_line": "SAME", "rank": 1}
    assert row_shown(row, names) == {"well": "A1", "drug": "a drug", "cell_line": "JQ1", "rank": 1}
    assert row_shown({"drug": "CCO", "cell_line": None}, names) == {"drug": "CCO", "cell_line": None}


def test_a_path_is_shown_by_names_and_by_an_id_where_there_is_none() -> None:
    drug, gene, line = ("Drug", "PLX4720"), ("Gene", "BRAF"), ("CellLine", "A375")
    steps = [(drug, "ATTENDS", gene), (gene, "ATTENDS", line)]
    assert path_shown(steps, {drug: "PLX-4720"}) == "PLX-4720 –ATTENDS– BRAF –ATTENDS– A375"
