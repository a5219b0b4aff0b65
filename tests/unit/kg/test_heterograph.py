"""Export: features, id maps, round trip and subgraphs, on a real embedded file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.heterograph import export, load, save
from pharmagraph.kg.store import GraphStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes(
            "Dataset", pa.table({"id": ["A", "B"], "part_of": pa.array([None, None], pa.string())})
        )
        graph.upsert_nodes(
            "Drug",
            pa.table(
                {
                    "id": ["ASPIRIN", "ERLOTINIB", "NOBODY"],
                    "name": ["Aspirin", "Erlotinib", "Nobody"],
                    "smiles": ["CC(=O)Oc1ccccc1C(=O)O", "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1", None],
                }
            ),
        )
        graph.upsert_nodes(
            "CellLine",
            pa.table(
                {
                    "id": ["A549", "HT29", "MCF7"],
                    "name": ["A-549", "HT-29", "MCF-7"],
                    "tissue": ["Lung", "Bowel", None],
                }
            ),
        )
        graph.upsert_nodes("Gene", pa.table({"id": ["EGFR", "ESR1", "PTGS2"]}))
        graph.upsert_edges(
            "TESTED_ON",
            ("Drug", "CellLine"),
            pa.table(
                {
                    "src": ["ASPIRIN", "ERLOTINIB", "ERLOTINIB"],
                    "dst": ["HT29", "A549", "MCF7"],
                    "ln_ic50": [4.0, -1.5, None],
                    "response": [0, 1, None],
                    "dataset": ["A", "A", "B"],
                }
            ),
        )
        graph.upsert_edges(
            "TARGETS", ("Drug", "Gene"), pa.table({"src": ["ERLOTINIB"], "dst": ["EGFR"], "dataset": ["T"]})
        )
        graph.upsert_edges(
            "EXPRESSES",
            ("CellLine", "Gene"),
            pa.table(
                {"src": ["A549", "MCF7"], "dst": ["EGFR", "ESR1"], "z": [2.5, -3.0], "dataset": ["A", "B"]}
            ),
        )
        yield graph


def test_features_and_ids_are_those_of_the_store(store: GraphStore) -> None:
    h = export(store)
    assert list(h.ids["Drug"]) == ["ASPIRIN", "ERLOTINIB", "NOBODY"]
    assert h.nodes["Drug"]["has_structure"].tolist() == [True, True, False]
    bits = h.nodes["Drug"]["fingerprint"].sum(1).tolist()
    assert bits[0] > 10 and bits[1] > 10 and bits[2] == 0
    assert [h.tissues[i] if i >= 0 else None for i in h.nodes["CellLine"]["tissue"].tolist()] == [
        "Lung",
        "Bowel",
        None,
    ]
    tested = h.relations["Drug", "TESTED_ON", "CellLine"].features
    assert tested["response"].tolist() == [0, 1, -1]
    assert np.isnan(tested["ln_ic50"].numpy()).tolist() == [False, False, True]
    edges = h.relations["CellLine", "EXPRESSES", "Gene"]
    assert [(h.ids["CellLine"][s], h.ids["Gene"][d]) for s, d in zip(edges.src, edges.dst, strict=True)] == [
        ("A549", "EGFR"),
        ("MCF7", "ESR1"),
    ]


def test_a_saved_heterograph_comes_back_whole(store: GraphStore, tmp_path: Path) -> None:
    h = export(store)
    save(h, tmp_path / "saved")
    again = load(tmp_path / "saved")
    assert again.fingerprint() == h.fingerprint()
    assert again.datasets == h.datasets and again.tissues == h.tissues


def test_subgraph_by_dataset_drops_what_only_others_brought(store: GraphStore) -> None:
    h = export(store, datasets=["B"])
    assert list(h.ids["Drug"]) == ["ERLOTINIB"]
    assert list(h.ids["CellLine"]) == ["MCF7"]
    assert len(h.relations["Drug", "TARGETS", "Gene"]) == 1  # known targets stay


def test_subgraph_by_drug_name_and_tissue(store: GraphStore) -> None:
    h = export(store, drugs=["erlotinib"], tissues=["lung"])
    assert list(h.ids["Drug"]) == ["ERLOTINIB"] and list(h.ids["CellLine"]) == ["A549"]
    assert len(h.relations["Drug", "TESTED_ON", "CellLine"]) == 1


def test_hops_count_edges_from_the_node(store: GraphStore) -> None:
    one = export(store, around="EGFR", hops=1)
    assert (
        list(one.ids["Drug"]) == ["ERLOTINIB"]
        and list(one.ids["CellLine"]) == ["A549"]
        and list(one.ids["Gene"]) == ["EGFR"]
    )
    two = export(store, around="EGFR", hops=2)
    assert list(two.ids["CellLine"]) == ["A549", "MCF7"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"drugs": ["erlotinb"]}, 'no drug "erlotinb" in the graph; did you mean Erlotinib'),
        ({"tissues": ["brain"]}, 'no tissue "brain" in the graph; known are Bowel, Lung'),
        ({"datasets": ["C"]}, 'no dataset "C" in the graph; see: cli status'),
    ],
)
def test_a_choice_that_is_not_there_is_named(
    store: GraphStore, choice: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(NotFoundError, match=message):
        export(store, **choice)


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/empty.lbug") as graph:
        graph.create_schema()
        with pytest.raises(InputError, match="nothing is left to export"):
            export(graph)
