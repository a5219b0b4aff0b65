"""Explanations from a store worked out by hand, and what-ifs of a run whose network was really fitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.stats import spearmanr

from pharmagraph.kg import heterograph as graphs
from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, ModelError, NotFoundError, PharmagraphError
from pharmagraph.kg.heterograph import Relation
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names, find_drug, find_node
from pharmagraph.kg.shown_names import shown
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.commands.explain import _print
from pharmagraph.model.commands.explain import explain as explain_command
from pharmagraph.model.explain.counterfactuals import (
    _require_measured,
    agreement,
    parse_set,
    rank_genes,
    read_effects,
    what_if,
)
from pharmagraph.model.explain.explanation import explain
from pharmagraph.model.explain.picture import write
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.edits import changed
from pharmagraph.model.inputs.tensors import graph_tensors
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.reports.html import drug_report
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.runs import saved
from pharmagraph.model.training.ensemble import fit
from tests.screens import screen

torch.set_num_threads(1)


def _attention(rows: list[tuple[str, str, float]]) -> pa.Table:
    src, dst, weight = zip(*rows, strict=True)
    return pa.table({"src": src, "dst": dst, "weight": weight, "competitors": [3] * len(rows)})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder = tmp_path_factory.mktemp("explained")
    with open_store(f"ladybug://{folder}/graph.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes(
            "Drug", pa.table({"id": ["D1", "D2", "D3"], "name": ["erlotinib", "gefitinib", "untested"]})
        )
        graph.upsert_nodes("CellLine", pa.table({"id": ["C1", "C2"], "name": ["A-549", "HT-29"]}))
        graph.upsert_nodes("Gene", pa.table({"id": ["EGFR", "KRAS", "GRB2"]}))

        def edges(
            type_: str, ends: tuple[str, str], src: list[str], dst: list[str], **columns: list[object]
        ) -> None:
            table = pa.table({"src": src, "dst": dst, "dataset": ["T"] * len(src), **columns})
            graph.upsert_edges(type_, ends, table)

        edges("TARGETS", ("Drug", "Gene"), ["D1"], ["EGFR"])
        edges("INTERACTS_WITH", ("Gene", "Gene"), ["EGFR"], ["GRB2"])
        edges(
            "TESTED_ON",
            ("Drug", "CellLine"),
            ["D1", "D1", "D2"],
            ["C1", "C2", "C1"],
            response=[1, 0, 1],
            ln_ic50=[-1.0, 2.0, -0.5],
        )
        tables = {
            ("Drug", "Gene"): _attention([("D1", "EGFR", 0.6), ("D1", "KRAS", 0.3), ("D1", "GRB2", 0.1)]),
            ("CellLine", "Gene"): _attention([("C1", "KRAS", 0.5), ("C1", "GRB2", 0.25)]),
            ("Drug", "Drug"): _attention([("D1", "D2", 0.9)]),
            ("CellLine", "CellLine"): _attention([("C1", "C2", 0.7)]),
            ("Drug", "CellLine"): _attention([("D1", "C1", 0.8), ("D1", "C2", 0.2)]),
        }
        predicted = pa.table({"src": ["D1"], "dst": ["C1"], "probability": [0.83]})
        runs.register(graph, {"id": "r1", "preset": "x"}, tables, predicted, folder=folder / "r1")
        runs.promote(graph, "r1")
        yield graph


def test_a_pair_is_explained_with_the_driver_events_of_the_cell_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = ("CellLine", "Gene")
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        graph.upsert_nodes("Drug", pa.table({"id": ["D1"], "name": ["erlotinib"]}))
        lines = {"id": ["C1", "C2"], "name": ["A-549", "HT-29"], "msi": [True, None]}
        graph.upsert_nodes("CellLine", pa.table(lines))
        graph.upsert_nodes("Gene", pa.table({"id": ["EGFR", "KRAS", "MYC"]}))
        graph.upsert_edges(
            "TARGETS", ("Drug", "Gene"), pa.table({"src": ["D1"], "dst": ["EGFR"], "dataset": ["T"]})
        )
        mutated = {"src": ["C1", "C1"], "dst": ["KRAS", "MYC"], "value": [1.0, 1.0], "driver": [True, None]}
        graph.upsert_edges(
            "MUTATED", ends, pa.table(mutated | {"event": ["KRAS_mut", None], "dataset": ["T"] * 2})
        )
        copies = {"src": ["C1", "C1"], "dst": ["EGFR", "MYC"], "value": [1.0, -1.0], "driver": [True, True]}
        graph.upsert_edges(
            "COPY_NUMBER",
            ends,
            pa.table(copies | {"event": ["gain_1_(EGFR)", "loss_2_(MYC)"], "dataset": ["T"] * 2}),
        )
        tables = {
            ("Drug", "Gene"): _attention([("D1", "EGFR", 0.6)]),
            ("Drug", "CellLine"): _attention([("D1", "C1", 0.8)]),
        }
        predicted = pa.table({"src": ["D1", "D1"], "dst": ["C1", "C2"], "probability": [0.83, 0.2]})
        runs.register(graph, {"id": "r1", "preset": "x"}, tables, predicted, folder=tmp_path / "r1")
        runs.promote(graph, "r1")
        drug = find_drug(graph, "erlotinib")
        found = explain(graph, drug, find_node(graph, "CellLine", "C1"))
        none = explain(graph, drug, find_node(graph, "CellLine", "C2"))
        names = shown(graph, found.nodes)
        page = drug_report(graph, drug)
    assert [(r["gene"], r["kind"], r["event"], r["target"]) for r in found.drivers] == [
        ("EGFR", "gain", "gain_1_(EGFR)", True),  # a known target of the drug comes first
        (None, "microsatellite instability", "MSI", False),
        ("KRAS", "mutation", "KRAS_mut", False),
        ("MYC", "loss", "loss_2_(MYC)", False),
    ]
    assert found.as_json()["drivers"] == found.drivers and none.drivers == []
    _print(found, 3, names)
    printed = capsys.readouterr().out
    assert "Driver events of A-549, 3 of 4" in printed and "KRAS_mut" in printed and "loss_2" not in printed
    assert page.count("+EGFR, MSI, KRAS, −MYC") == 2  # of the lines attended to, and of those predicted


def test_a_pair_is_explained_by_prediction_measurements_genes_and_paths(store: GraphStore) -> None:
    found = explain(store, find_drug(store, "Erlotinib"), find_node(store, "CellLine", "A549"))
    assert found.prediction["probability"] == pytest.approx(0.83)
    assert [(m["response"], m["ln_ic50"]) for m in found.prediction["measured"]] == [(1, -1.0)]
    assert [(g["gene"], g["rank"], g["known"]) for g in found.genes] == [
        ("EGFR", 1, True), ("KRAS", 2, False), ("GRB2", 3, False)
    ]  # fmt: skip
    assert [(r["name"], r["response"]) for r in found.evidence["similar_drugs"]] == [("gefitinib", 1)]
    assert [(r["name"], r["response"]) for r in found.evidence["similar_cell_lines"]] == [("HT-29", 0)]
    paths = {p.text: p for p in found.paths}
    assert paths["D1 -ATTENDS- KRAS -ATTENDS- C1"].weight == pytest.approx(0.15)
    assert paths["D1 -ATTENDS- KRAS -ATTENDS- C1"].share == pytest.approx(0.15 / 0.175)
    assert paths["D1 -TARGETS- EGFR -INTERACTS_WITH- GRB2 -ATTENDS- C1"].weight == pytest.approx(0.6 * 0.25)
    assert paths["D1 -ATTENDS- D2 -TESTED_ON- C1"].response == 1
    assert paths["D1 -TESTED_ON- C2 -ATTENDS- C1"].share == 1


def test_paths_are_printed_with_names_and_kept_with_ids(
    store: GraphStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = explain(store, find_drug(store, "erlotinib"), find_node(store, "CellLine", "A549"))
    monkeypatch.setenv("COLUMNS", "200")
    _print(found, 10, shown(store, found.nodes))
    printed = capsys.readouterr().out
    for path in (
        "erlotinib –ATTENDS– gefitinib –TESTED_ON– A-549",
        "erlotinib –TESTED_ON– HT-29 –ATTENDS– A-549",
    ):
        assert path in printed
    assert "D1" not in printed and "C1" not in printed
    kept = found.as_json()["paths"]
    assert {"D1 -ATTENDS- D2 -TESTED_ON- C1", "D1 -TESTED_ON- C2 -ATTENDS- C1"} <= {p["path"] for p in kept}


def test_shares_of_each_kind_of_path_sum_to_one(store: GraphStore) -> None:
    found = explain(store, find_drug(store, "erlotinib"), find_node(store, "CellLine", "A549"))
    for kind in {p.kind for p in found.paths}:
        assert sum(p.share for p in found.paths if p.kind == kind) == pytest.approx(1)


def test_a_drug_alone_is_explained_by_genes_and_its_own_cell_lines(store: GraphStore) -> None:
    found = explain(store, find_drug(store, "erlotinib"))
    assert [(r["name"], r["response"]) for r in found.evidence["leaned_on"]] == [("A-549", 1), ("HT-29", 0)]
    assert found.cell_line is None and not found.paths and len(found.genes) == 3


def test_a_drug_the_run_never_saw_is_said(store: GraphStore) -> None:
    with pytest.raises(ModelError, match="keeps no attention of untested"):
        explain(store, find_drug(store, "untested"))
    with pytest.raises(ModelError, match="says nothing of untested on HT-29"):
        explain(store, find_drug(store, "untested"), find_node(store, "CellLine", "HT29"))
    with pytest.raises(NotFoundError, match='no run "r9"'):
        explain(store, find_drug(store, "erlotinib"), run_id="r9")


def test_attention_without_a_part_in_predictions_is_named_and_no_path_uses_it(
    store: GraphStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "the component that attends there, relational, has weight 0 in the prediction"
    tables = {
        ("Drug", "Gene"): _attention([("D1", "KRAS", 1.0)]),
        ("CellLine", "Gene"): _attention([("C1", "KRAS", 1.0)]),
        ("Drug", "Drug"): _attention([("D1", "D2", 1.0)]),
    }
    drug, cell_line = find_drug(store, "erlotinib"), find_node(store, "CellLine", "A549")
    nothing = pa.table({"src": pa.array([], pa.string()), "dst": [], "probability": []})
    for n, unused in enumerate(("CellLine→Gene", "Drug→Gene")):
        about = {"id": f"u{n}", "preset": "x", "unused_attention": {unused: reason}}
        kept = {ends: table for ends, table in tables.items() if "→".join(ends) != "CellLine→Gene" or n}
        runs.register(store, about, kept, nothing, folder=tmp_path / f"u{n}")
        found = explain(store, drug, cell_line, run_id=f"u{n}")
        assert [p.kind for p in found.paths] == ["similar drug"]
        assert found.as_json()["unused_attention"] == [{"relation": unused, "reason": reason}]
        _print(found, 10, shown(store, found.nodes))
        line = f"Attention {unused} has no part in the predictions of this run: {reason}."
        assert line in " ".join(capsys.readouterr().out.split())
        assert line in drug_report(store, drug, run_id=f"u{n}")
    kinds = {p.kind for p in explain(store, drug, cell_line, run_id="r1").paths}
    assert kinds == {"shared gene", "interacting genes", "similar drug", "similar cell line"}
    for run_id in ("u0", "u1"):
        runs.delete(store, run_id)


def test_the_graph_of_it_is_read_back_by_networkx(store: GraphStore, tmp_path: Path) -> None:
    found = explain(store, find_drug(store, "erlotinib"), find_node(store, "CellLine", "A549"))
    names = shown(store, found.nodes)
    write(found, tmp_path / "why.graphml", names)
    graph = nx.read_graphml(tmp_path / "why.graphml")
    assert {id_: d["name"] for id_, d in graph.nodes(data=True)} == {
        "D1": "erlotinib", "D2": "gefitinib", "C1": "A-549", "C2": "HT-29",
        **{gene: gene for gene in ("EGFR", "KRAS", "GRB2")},
    }  # fmt: skip
    assert {d["label"] for _, d in graph.nodes(data=True)} == {"Drug", "Gene", "CellLine"}
    weights = {(a, b): d["weight"] for a, b, d in graph.edges(data=True) if "weight" in d}
    assert weights["D1", "EGFR"] == pytest.approx(0.6)
    write(found, tmp_path / "why.png", names)
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"ends in \.graphml"):
        write(found, tmp_path / "why.doc", names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a fitted run."""
    place = tmp_path_factory.mktemp("run")
    heterograph = screen()
    config = load_preset("fast", network={"channels": 8}, training={"epochs": 4, "untested_pairs": 100})
    tensors = graph_tensors(
        heterograph,
        n_expressed=config.network.n_expressed_genes,
        n_neighbours=config.network.axial_neighbours,
    )
    measured = responses(heterograph)
    saved.save(fit(tensors, measured, config, seed=0), heterograph, measured, place, about={})
    return place


def test_what_if_predicts_before_and_after(folder: Path) -> None:
    rows = what_if(
        folder, "NSC1", "LINE03",
        [Change("GENE000", "expression", -3.0), Change("GENE000", "expression", None), Change("GENE000", "target", 0)],
        n_null=2,
    )  # fmt: skip
    graph = saved.load_graph(folder)
    before = saved.load(folder, graph).predict(np.array([0]), np.array([3]))[0]
    assert all(row["before"] == pytest.approx(before) for row in rows)
    assert all(row["after"] == pytest.approx(row["before"] + row["difference"]) for row in rows)
    assert abs(rows[0]["difference"]) > 1e-6
    assert any(rows[0]["null_p"] == pytest.approx(share) for share in (1 / 3, 2 / 3, 1))
    assert rows[2]["null_p"] is None and rows[2]["change"] == "GENE000 no target"


@pytest.mark.parametrize("homologous", [True, False])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change("GENE029", "expression", -2.0), "has no expression .* cannot be set"),
        (Change("GENE029", "expression", None), "has no expression .* cannot be silenced"),
        (Change("GENE029", "mutation", 1.0), "has no mutations .* cannot be mutated"),
    ],
)
def test_a_gene_that_was_not_measured_is_said_with_its_family(
    change: Change, why: str, homologous: bool, tmp_path: Path
) -> None:
    heterograph = screen(whole=True)  # the last gene lacks
    expected = "GENE000, GENE001, GENE002, GENE003, GENE004"  # of the same stem
    mutated = torch.tensor([28, 3])
    edges = {"dataset": torch.zeros(2, dtype=torch.int64), "value": torch.ones(2)}
    heterograph = heterograph.with_relation(
        ("CellLine", "MUTATED", "Gene"), Relation(torch.tensor([1, 2]), mutated, edges)
    )
    if homologous:
        pairs = Relation(
            torch.tensor([28, 29]), torch.tensor([29, 3]), {"identity": torch.tensor([0.5, 0.6])}
        )
        heterograph = heterograph.with_relation(("Gene", "HOMOLOGOUS", "Gene"), pairs)
        expected = "GENE003, GENE028"
    elif change.kind == "mutation":
        expected = "GENE003, GENE028"
    graphs.save(heterograph, tmp_path)
    numbers = {str(id_): n for n, id_ in enumerate(heterograph.ids["Gene"])}
    with pytest.raises(ModelError, match=f"GENE029 {why}.*measured of its family: {expected}\\)") as refused:
        _require_measured(SavedArrays(tmp_path), numbers, [change])
    assert "\n" not in str(refused.value)


def test_a_change_touches_its_edge_alone_and_not_the_runs_graph(folder: Path) -> None:
    graph = saved.load_graph(folder)
    after = changed(graph, Change("GENE005", "expression", 4.5), 0, 3, 5)
    edges = after.relations["CellLine", "EXPRESSES", "Gene"]
    assert edges.features["z"][(edges.src == 3) & (edges.dst == 5)].tolist() == [4.5]
    matrix = []
    for heterograph in (graph, after):
        tensors = graph_tensors(heterograph, n_expressed=5, n_neighbours=3)
        matrix.append(tensors.expression)
    differs = matrix[0] != matrix[1]
    assert differs.sum() == 1 and differs[3, 5]


def test_silencing_takes_the_least_expression_of_any_cell_line(folder: Path) -> None:
    graph = saved.load_graph(folder)
    least = graph_tensors(graph, n_expressed=5, n_neighbours=3).expression[:, 7].min()
    after = graph_tensors(
        changed(graph, Change("GENE007", "expression", None), 0, 3, 7), n_expressed=5, n_neighbours=3
    )
    assert after.expression[3, 7] == least


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("NOPE", "expression", 1.0), "gene NOPE is not in the run's graph"),
        (Change("GENE009", "target", 0), "GENE009 is no known target of this drug"),
    ],
)
def test_a_change_that_cannot_be_made_is_said(folder: Path, change: Change, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        what_if(folder, "NSC1", "LINE03", [change])


def test_genes_are_ranked_by_what_silencing_them_does(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "crispr.csv"
    table.write_text("gene,effect\nOLD-GENE000,-1.5\ngene001,0.2\nOTHER,1\nGENE002,0.1\n")
    genes = ["GENE001", "GENE000", "GENE002"]
    effects = read_effects(table, genes, Names("gene", {gene: (None, f"OLD{gene}") for gene in genes}))
    rows = rank_genes(folder, "NSC1", "LINE03", genes, n_null=3, truth=effects)
    alone = what_if(folder, "NSC1", "LINE03", [Change(row["gene"], "expression", None) for row in rows])[:-1]
    assert [row["difference"] for row in rows] == pytest.approx([row["difference"] for row in alone])
    sizes = [abs(row["difference"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0
    p = [row["null_p"] for row in rows]
    assert p == sorted(p) and set(p) <= {1 / 4, 2 / 4, 3 / 4, 1}
    assert {row["gene"]: row["truth"] for row in rows} == {"GENE000": -1.5, "GENE001": 0.2, "GENE002": 0.1}
    expected = spearmanr([row["difference"] for row in rows], [row["truth"] for row in rows]).statistic
    assert agreement(rows) == (pytest.approx(expected), 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene,value\nEGFR,1\n", 'no column "effect"; it has gene, value'),
        ("gene,effect\nEGFR,high\n", 'row 2, column effect: "high" is not a finite number'),
        ("gene,effect\nEGFR,nan\n", 'row 2, column effect: "nan" is not a finite number'),
        ("gene,effect\nEGFR,-1,25\n", "row 2: .* has 3 cells where the header has 2"),
        ("gene,effect\nEGFR,1\nEGFR,2\n", "row 3, column gene: .* has an effect already"),
        ("gene,effect,effect\nEGFR,1,2\n", 'the column "effect" is there twice'),
        ("gene,effect\nTP53,1\n", "its only gene is not among the 1 that are ranked"),
    ],
)
def test_a_bad_table_of_effects_is_said(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "crispr.csv"
    table.write_text(text)
    with pytest.raises(PharmagraphError, match=message):
        read_effects(table, ["EGFR"], Names("gene", {"EGFR": ()}))


@pytest.mark.parametrize("text", ["EGFR", "EGFR=", "EGFR=high", "=1", " =1", "EGFR=nan", "EGFR=1_0"])
def test_a_set_without_a_number_is_said(text: str) -> None:
    with pytest.raises(InputError, match="give GENE=z"):
        parse_set(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"null": 3}, "--null is compared with a change of expression"),
        ({"mutate": ["EGFR"], "null": 3}, "--null is compared with a change of expression"),
        ({"silence": ["EGFR"], "out": Path("x.svg")}, "--out draws an explanation"),
        ({"rank": 3, "out": Path("x.svg")}, "--out draws an explanation"),
        ({"rank": 3, "silence": ["EGFR"]}, "--rank silences the genes itself"),
        ({"silence": ["EGFR"], "null": 1001}, "--null 1001: at most 1,000 random genes"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        explain_command("erlotinib", "A375", **options)
