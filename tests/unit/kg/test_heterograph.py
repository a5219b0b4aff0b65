"""The graph that training reads: features, id maps, files, edits and subgraphs, on a real embedded file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from pharmagraph.kg import fingerprints as chemistry
from pharmagraph.kg.errors import InputError, NotFoundError, ShapeError
from pharmagraph.kg.heterograph import Relation, export, load, save, to_networkx
from pharmagraph.kg.heterograph.arrays import SavedArrays
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
        graph.upsert_nodes(
            "Gene",
            pa.table(
                {
                    "id": ["EGFR", "ESR1", "PTGS2"],
                    "expression_mean": [7.25, 3.5, None],
                    "expression_deviation": [1.5, 2.0, None],
                }
            ),
        )
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
    for kind, ids in h.ids.items():
        assert list(again.ids[kind]) == list(ids)
        have = again.nodes[kind]
        for name, values in h.nodes.get(kind, {}).items():
            assert have[name].dtype == values.dtype
            assert np.array_equal(have[name], values, equal_nan=values.is_floating_point())
    for edge_type, edges in h.relations.items():
        for name, values in {"src": edges.src, "dst": edges.dst, **edges.features}.items():
            have = again.relations[edge_type]
            found = getattr(have, name) if name in ("src", "dst") else have.features[name]
            assert found.dtype == values.dtype and np.array_equal(
                found, values, equal_nan=values.is_floating_point()
            )


def test_genes_have_their_expression_statistics_and_the_fingerprint_does_not_depend_on_them(
    store: GraphStore, tmp_path: Path
) -> None:
    h = export(store)
    save(h, tmp_path)
    mean, deviation = (
        SavedArrays(tmp_path).node_feature("Gene", f"expression_{name}") for name in ("mean", "deviation")
    )
    assert mean.dtype == np.float32 and list(h.ids["Gene"]) == ["EGFR", "ESR1", "PTGS2"]
    np.testing.assert_array_equal(mean, [7.25, 3.5, np.nan])
    np.testing.assert_array_equal(deviation, [1.5, 2.0, np.nan])
    before = replace(h, nodes={kind: of for kind, of in h.nodes.items() if kind != "Gene"})
    assert before.fingerprint() == h.fingerprint()
    save(before, tmp_path)
    assert not SavedArrays(tmp_path).has_node_feature("Gene", "expression_mean")


def test_the_files_are_read_without_this_library(store: GraphStore, tmp_path: Path) -> None:
    save(export(store), tmp_path)
    nodes = pq.read_table(tmp_path / "nodes.parquet").to_pylist()
    drugs, genes = ([row["id"] for row in nodes if row["kind"] == kind] for kind in ("Drug", "Gene"))
    tensors = load_file(tmp_path / "graph.safetensors")
    ends = [tensors[f"Drug-TARGETS-Gene/{end}"] for end in ("src", "dst")]
    assert [(drugs[s], genes[d]) for s, d in zip(*ends, strict=True)] == [("ERLOTINIB", "EGFR")]
    assert tensors["Drug/fingerprint"].shape == (3, 2048)


def test_a_folder_in_dgls_form_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "graph.bin").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"DGL's form \(graph.bin\).* train again: cli train, or export again"
    ) as refused:
        load(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_damaged_or_missing_file_is_named(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no saved heterograph"):
        load(tmp_path)
    save(export(store), tmp_path)
    whole = (tmp_path / "graph.safetensors").read_bytes()
    (tmp_path / "graph.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged heterograph"):
        load(tmp_path)
    save(export(store), tmp_path)
    nodes = pq.read_table(tmp_path / "nodes.parquet")
    for damaged in (nodes.drop_columns(["kind"]), nodes.slice(0, 1)):
        pq.write_table(damaged, tmp_path / "nodes.parquet")
        with pytest.raises(InputError, match="damaged heterograph") as caught:
            load(tmp_path)
        assert "\n" not in str(caught.value)


def test_a_saved_heterograph_is_replaced_whole_or_not_at_all(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export(store)
    save(whole, tmp_path)

    def cut_off(*_: object) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", cut_off)
        with pytest.raises(OSError, match="cut off"):
            save(export(store, drugs=[str(whole.ids["Drug"][0])]), tmp_path)
    assert load(tmp_path).fingerprint() == whole.fingerprint()


def test_numbers_become_ids_in_their_order(store: GraphStore) -> None:
    h = export(store)
    assert h.names("Drug", np.array([2, 0, 2])).to_pylist() == ["NOBODY", "ASPIRIN", "NOBODY"]
    assert h.names("Drug", np.array([], np.int64)).type == pa.string()


def test_an_edit_leaves_the_graph_it_was_made_of_alone(store: GraphStore) -> None:
    h = export(store)
    before, expresses = h.fingerprint(), ("CellLine", "EXPRESSES", "Gene")
    edges = h.relations[expresses]
    one = torch.tensor([1])
    longer = h.with_relation(expresses, edges.append(one, one, {"z": torch.tensor([1.5]), "dataset": one}))
    assert longer.relations[expresses].features["z"].tolist() == [2.5, -3.0, 1.5]
    assert longer.relations[expresses].take(torch.tensor([False, True, True])).src.tolist() == [2, 1]
    assert h.fingerprint() == before != longer.fingerprint()
    more = h.with_node("CellLine", "NEW", {"tissue": torch.tensor([-1])})
    assert list(more.ids["CellLine"]) == ["A549", "HT29", "MCF7", "NEW"] and h.n_nodes("CellLine") == 3


def test_what_does_not_fit_together_is_refused(store: GraphStore) -> None:
    h = export(store)
    with pytest.raises(ShapeError, match='3 nodes Drug have 2 values of "scaffold"'):
        h.with_features("Drug", {"scaffold": torch.zeros(2)})
    with pytest.raises(ShapeError, match='a relation of 2 edges has 1 values of "z"'):
        Relation(torch.zeros(2), torch.zeros(2), {"z": torch.zeros(1)})
    beyond = Relation(torch.tensor([0]), torch.tensor([3]), {})
    with pytest.raises(ShapeError, match="Drug-TARGETS-Gene has an end beyond the 3 nodes Gene"):
        h.with_relation(("Drug", "TARGETS", "Gene"), beyond)


def test_a_structure_is_computed_once_a_process(store: GraphStore) -> None:
    first = export(store)
    made = chemistry._row.cache_info().misses
    again = export(store)
    assert chemistry._row.cache_info().misses == made > 0
    assert all(
        torch.equal(first.nodes["Drug"][view], again.nodes["Drug"][view]) for view in chemistry.FINGERPRINTS
    )
    again.nodes["Drug"]["fingerprint"][:] = 7  # a caller's own copy
    assert torch.equal(export(store).nodes["Drug"]["fingerprint"], first.nodes["Drug"]["fingerprint"])


def test_networkx_has_the_edges_and_what_is_known_of_them(store: GraphStore) -> None:
    graph = to_networkx(export(store))
    assert graph.nodes["CellLine:A549"] == {"label": "CellLine", "id": "A549", "tissue": "Lung"}
    assert "tissue" not in graph.nodes["CellLine:MCF7"] and "scaffold" not in graph.nodes["Drug:NOBODY"]
    (measured,) = graph["Drug:ERLOTINIB"]["CellLine:A549"].values()
    assert measured == {"type": "TESTED_ON", "ln_ic50": -1.5, "response": 1, "dataset": "A"}
    assert graph.number_of_edges() == 6


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


@pytest.mark.parametrize("datasets", [None, ("A",)])
def test_driver_events_are_exported_whatever_data_sets_are_named(
    store: GraphStore, datasets: tuple[str, ...] | None
) -> None:
    store.upsert_nodes("Gene", pa.table({"id": ["BRAF"]}))
    store.upsert_nodes("Dataset", pa.table({"id": ["AA-drivers"]}))
    for dataset, gene, driver in (("AA-drivers", "BRAF", True), ("B", "ESR1", None)):
        edges = {"src": ["A549"], "dst": [gene], "value": [1.0], "driver": [driver], "dataset": [dataset]}
        store.upsert_edges("MUTATED", ("CellLine", "Gene"), pa.table(edges))
    after = export(store, datasets=datasets)
    edges_of = after.relations["CellLine", "MUTATED", "Gene"]
    mutated = {after.ids["Gene"][g] for g in edges_of.dst}
    assert "BRAF" in mutated
    assert ("ESR1" in mutated) == (datasets is None)
