"""The named queries: headers, parameters, and what they answer on a small graph worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.cypher import catalogue
from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, NotFoundError, QueryError
from pharmagraph.kg.store import GraphStore, open_store

CHECKOUT = Path(__file__).resolve().parents[3]


def attention(src: list[str], dst: list[str], weight: list[float], competitors: list[int]) -> pa.Table:
    return pa.table({"src": src, "dst": dst, "weight": weight, "competitors": competitors})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """Read by every test, written by none."""
    folder = tmp_path_factory.mktemp("graph")
    with open_store(f"ladybug://{folder}/graph.lbug") as graph:
        fill(graph, folder)
        yield graph


def fill(graph: GraphStore, folder: Path) -> None:
    """Two drugs, two cell lines, three genes, two runs; the first is promoted."""
    graph.create_schema()
    graph.upsert_nodes("Dataset", pa.table({"id": ["A"]}))
    graph.upsert_nodes(
        "Drug",
        pa.table(
            {
                "id": ["ERLOTINIB", "GEFITINIB"],
                "name": ["Erlotinib", "Gefitinib"],
                "aliases": [["Tarceva"], None],
            }
        ),
    )
    graph.upsert_nodes(
        "CellLine",
        pa.table(
            {
                "id": ["A549", "HT29", "K562"],
                "name": ["A-549", "HT-29", "K-562"],
                "tissue": ["Lung", "Bowel", None],
            }
        ),
    )
    graph.upsert_nodes("Gene", pa.table({"id": ["EGFR", "KRAS", "MYC"]}))
    graph.upsert_nodes("Pathway", pa.table({"id": ["P1"], "name": ["EGFR signalling"]}))
    graph.upsert_edges(
        "TARGETS",
        ("Drug", "Gene"),
        pa.table(
            {
                "src": ["ERLOTINIB", "GEFITINIB"],
                "dst": ["EGFR", "EGFR"],
                "action": ["inhibitor"] * 2,
                "dataset": ["T"] * 2,
            }
        ),
    )
    graph.upsert_edges(
        "MEMBER_OF",
        ("Gene", "Pathway"),
        pa.table({"src": ["EGFR", "KRAS"], "dst": ["P1", "P1"], "dataset": ["P"] * 2}),
    )
    graph.upsert_edges(
        "INTERACTS_WITH",
        ("Gene", "Gene"),
        pa.table({"src": ["EGFR", "EGFR"], "dst": ["KRAS", "MYC"], "dataset": ["I", "I"]}),
    )
    graph.upsert_edges(
        "HOMOLOGOUS",
        ("Gene", "Gene"),
        pa.table({"src": ["EGFR"], "dst": ["KRAS"], "identity": [0.31], "coverage": [0.9], "dataset": ["H"]}),
    )
    graph.upsert_edges(
        "SIMILAR_TO",
        ("Drug", "Drug"),
        pa.table(
            {
                "src": ["ERLOTINIB"],
                "dst": ["GEFITINIB"],
                "similarity": [0.6],
                "kernel": ["tanimoto"],
                "dataset": ["A"],
            }
        ),
    )
    pair = {"src": ["A549"], "dst": ["HT29"], "similarity": [0.4], "kernel": ["rbf"], "dataset": ["A"]}
    graph.upsert_edges("SIMILAR_TO", ("CellLine", "CellLine"), pa.table(pair))
    graph.upsert_edges(
        "EXPRESSES",
        ("CellLine", "Gene"),
        pa.table({"src": ["A549", "HT29"], "dst": ["MYC", "MYC"], "z": [2.0, 1.5], "dataset": ["A"] * 2}),
    )
    graph.upsert_edges(
        "TESTED_ON",
        ("Drug", "CellLine"),
        pa.table(
            {
                "src": ["ERLOTINIB", "ERLOTINIB"],
                "dst": ["A549", "HT29"],
                "ln_ic50": [-1.0, 3.0],
                "response": [1, 0],
                "dataset": ["A"] * 2,
            }
        ),
    )
    graph.upsert_nodes("CellLine", pa.table({"id": ["A549", "HT29"], "msi": [False, True]}))
    graph.upsert_edges(
        "MUTATED",
        ("CellLine", "Gene"),
        pa.table(
            {
                "src": ["A549", "A549", "HT29"],
                "dst": ["KRAS", "MYC", "MYC"],
                "value": [1.0] * 3,
                "driver": [True, None, None],
                "event": ["KRAS_mut", None, None],
                "dataset": ["D", "A", "A"],
            }
        ),
    )
    graph.upsert_edges(
        "COPY_NUMBER",
        ("CellLine", "Gene"),
        pa.table(
            {
                "src": ["A549", "A549", "HT29"],
                "dst": ["EGFR", "MYC", "EGFR"],
                "value": [1.0, -1.0, -1.0],
                "driver": [True] * 3,
                "event": ["gain_1_(EGFR)", "loss_2_(MYC)", "loss_3_(EGFR)"],
                "dataset": ["D"] * 3,
            }
        ),
    )
    predictions = pa.table(
        {"src": ["ERLOTINIB", "GEFITINIB"], "dst": ["A549", "A549"], "probability": [0.9, 0.7]}
    )
    tables = {
        ("Drug", "Gene"): attention(
            ["ERLOTINIB"] * 3 + ["GEFITINIB"] * 2,
            ["EGFR", "KRAS", "MYC", "EGFR", "MYC"],
            [0.5, 0.4, 0.1, 0.3, 0.7],
            [3, 3, 3, 2, 2],
        ),
        ("CellLine", "Gene"): attention(["A549", "HT29"], ["MYC", "MYC"], [1.0, 1.0], [1, 1]),
        ("Drug", "CellLine"): attention(["ERLOTINIB", "ERLOTINIB"], ["A549", "HT29"], [0.8, 1.0], [1, 1]),
        ("Drug", "Drug"): attention(
            ["ERLOTINIB", "GEFITINIB"], ["GEFITINIB", "ERLOTINIB"], [0.4, 0.6], [1, 1]
        ),
        ("CellLine", "CellLine"): attention(["A549"], ["HT29"], [0.9], [1]),
    }
    runs.register(
        graph,
        {"id": "r1", "preset": "default", "metrics": {"auroc": 0.9}, "started_at": "2026-01-01"},
        tables,
        predictions,
        folder=folder / "r1",
    )
    tables[("Drug", "Gene")] = attention(["ERLOTINIB"] * 2, ["KRAS", "EGFR"], [0.9, 0.1], [2, 2])
    runs.register(
        graph,
        {"id": "r2", "preset": "fast", "metrics": {"auroc": 0.8}, "started_at": "2026-01-02"},
        tables,
        predictions,
        folder=folder / "r2",
    )
    tables = both_objectives()
    runs.register(graph, {"id": "r3", "preset": "default"}, tables, predictions, folder=folder / "r3")
    graph.upsert_edges(
        "ENRICHED",
        ("Drug", "Pathway"),
        pa.table(
            {
                "src": ["ERLOTINIB"] * 2,
                "dst": ["P1"] * 2,
                "run_id": ["r1", "r2"],
                "test": ["ranks"] * 2,
                "q": [0.01, 0.5],
            }
        ),
    )
    runs.promote(graph, "r1")


def both_objectives() -> dict[tuple[str, str], pa.Table]:
    """Erlotinib attends to two genes as targets, and to five features of three as what decides its response."""
    src, dst = (
        ["ERLOTINIB"] * 7 + ["GEFITINIB"],
        ["EGFR", "KRAS", "EGFR", "KRAS", "MYC", "EGFR", "MYC", "KRAS"],
    )
    drug = attention(src, dst, [0.5, 0.25, 0.2, 0.4, 0.1, 0.1, 0.05, 1.0], [2, 2, 9, 9, 9, 9, 9, 1])
    features = [None, None, "expression", "mutation", "expression", "copy_number", "mutation", "mutation"]
    drug = drug.append_column("objective", pa.array([None, "target", *["response"] * 6]))
    drug = drug.append_column("feature", pa.array(features))
    drug = drug.append_column("effect", pa.array([None, None, 0.5, -1.25, 0.25, 0.75, 0.0, 2.0]))
    drug = drug.append_column("q", pa.array([None, None, 0.01, *[None] * 5], pa.float64()))
    line = attention(["A549"] * 2, ["MYC"] * 2, [0.75, 0.25], [2, 2])
    line = line.append_column("objective", pa.array(["response"] * 2))
    line = line.append_column("feature", pa.array(["expression", "mutation"]))
    return {("Drug", "Gene"): drug, ("CellLine", "Gene"): line}


ANSWERS = {
    "responses": (
        {"drug": "tarceva"},
        [("A549", -1.0, 1), ("HT29", 3.0, 0)],
        ("cell_line", "ln_ic50", "response"),
    ),
    "tested-drugs": (
        {"cell_line": "a549"},
        [("ERLOTINIB", -1.0, 1.0, -2.0)],
        ("drug", "ln_ic50", "drug_mean", "difference"),
    ),
    "similar-cell-lines": (
        {"cell_line": "ht29"},
        [("A549", "Lung", 0.4)],
        ("cell_line", "tissue", "similarity"),
    ),
    "targeted-by": (
        {"gene": "egfr"},
        [("ERLOTINIB", "inhibitor"), ("GEFITINIB", "inhibitor")],
        ("drug", "action"),
    ),
    "gene-pathways": ({"gene": "EGFR"}, [("P1", 2)], ("pathway", "genes")),
    "members": ({"pathway": "P1"}, [("EGFR", 2), ("KRAS", 0)], ("gene", "drugs_with_this_target")),
    "tissue-cell-lines": ({"tissue": "Lung"}, [("A549", 1, 1.0)], ("cell_line", "responses", "sensitive")),
    "drivers": (
        {"cell_line": "a549"},
        [
            ("KRAS", "mutation", "KRAS_mut"),
            ("MYC", "loss", "loss_2_(MYC)"),
            ("EGFR", "gain", "gain_1_(EGFR)"),
        ],
        ("gene", "kind", "event"),
    ),
    "driver-response": (
        {"gene": "KRAS", "dataset": "A", "least": "1"},
        [("ERLOTINIB", 1, 1, -1.0, 3.0, -4.0)],
        ("drug", "n_with", "n_without", "mean_with", "mean_without", "difference"),
    ),
    "top-genes": (
        {"drug": "tarceva"},
        [("EGFR", 1, True), ("KRAS", 2, False), ("MYC", 3, False)],
        ("gene", "rank", "known"),
    ),
    "top-drugs": ({"gene": "egfr"}, [("ERLOTINIB", 1), ("GEFITINIB", 2)], ("drug", "rank")),
    "known-targets": ({"drug": "GEFITINIB"}, [("EGFR", 2)], ("gene", "rank")),
    "unlisted-genes": ({"drug": "erlotinib"}, [("KRAS", 0)], ("gene", "drugs_with_this_target")),
    "strongest-links": (
        {},
        [("Erlotinib", "EGFR", True), ("Gefitinib", "MYC", False)],
        ("drug", "gene", "known"),
    ),
    "strongest-unlisted": (
        {},
        [("Gefitinib", "MYC", 1, 0), ("Erlotinib", "KRAS", 2, 0), ("Erlotinib", "MYC", 3, 0)],
        ("drug", "gene", "rank", "drugs_with_this_target"),
    ),
    "similar-drug-paths": (
        {"drug": "gefitinib", "cell_line": "a549"},
        [("ERLOTINIB", 0.6, 1, -1.0)],
        ("drug", "weight", "response", "ln_ic50"),
    ),
    "similar-cell-line-paths": (
        {"drug": "erlotinib", "cell_line": "a549"},
        [("HT29", 0.9, 0, 3.0)],
        ("cell_line", "weight", "response", "ln_ic50"),
    ),
    "shared-genes": (
        {"first": "erlotinib", "second": "gefitinib"},
        [("EGFR", 1, 2), ("MYC", 3, 1)],
        ("gene", "first_rank", "second_rank"),
    ),
    "gene-paths": (
        {"drug": "erlotinib", "cell_line": "a549"},
        [("MYC", 0.1, 1.0, False)],
        ("gene", "of_drug", "of_cell_line", "known"),
    ),
    "interaction-paths": (
        {"drug": "erlotinib", "cell_line": "a549"},
        [("EGFR", "MYC", 0.5, 1.0, True)],
        ("gene", "interacts_with", "of_drug", "of_cell_line", "known"),
    ),
    "enriched-pathways": (
        {"drug": "erlotinib"},
        [("EGFR signalling", "ranks", 0.01)],
        ("pathway", "test", "q"),
    ),
    "tissue-genes": ({"tissue": "Lung"}, [("MYC", 1, 1.0)], ("gene", "cell_lines", "mean_excess")),
    "tissues": ({}, [("Bowel", 1, 1), ("Lung", 1, 1)], ("tissue", "cell_lines", "responses")),
    "sensitive-drugs": (
        {"cell_line": "a549"},
        [("ERLOTINIB", 0.9, 1), ("GEFITINIB", 0.7, None)],
        ("drug", "probability", "measured"),
    ),
    "similar-drugs": (
        {"drug": "gefitinib"},
        [("ERLOTINIB", 0.6, 1)],
        ("drug", "similarity", "attention_rank"),
    ),
    "leaned-on": ({"drug": "erlotinib"}, [("HT-29", 0), ("A-549", 1)], ("cell_line", "response")),
    "compare-runs": (
        {"drug": "erlotinib", "second": "r2"},
        [("EGFR", 1, 2), ("KRAS", 2, 1), ("MYC", 3, None)],
        ("gene", "first_rank", "second_rank"),
    ),
    "coverage": ({}, [("A", 1, 2, 2, 0.5)], ("dataset", "drugs", "cell_lines", "responses", "sensitive")),
    "pathway-genes": ({"drug": "erlotinib"}, [("EGFR signalling", 2)], ("pathway", "genes")),
}


OF_BOTH = {
    "top-genes": (
        {"drug": "erlotinib"},
        [
            ("EGFR", True, 1, 0.5, 2, "expression", 0.5),
            ("KRAS", False, 2, 0.25, 1, "mutation", -1.25),
            ("MYC", False, None, None, 4, "expression", 0.25),
        ],
        ("gene", "known", "rank", "weight", "response_rank", "feature", "effect"),
    ),
    "biomarkers": (
        {"drug": "erlotinib"},
        [
            ("KRAS", "mutation", -1.25, "resistant", 0.4, None, False),
            ("EGFR", "expression", 0.5, "sensitive", 0.2, 0.01, True),
            ("EGFR", "copy_number", 0.75, "sensitive", 0.1, None, True),
            ("MYC", "expression", 0.25, "sensitive", 0.1, None, False),
            ("MYC", "mutation", 0.0, None, 0.05, None, False),
        ],
        ("gene", "feature", "effect", "direction", "weight", "q", "known"),
    ),
    "strongest-biomarkers": (
        {},
        [
            ("Gefitinib", "KRAS", "mutation", 2.0, "sensitive if mutated", False),
            ("Erlotinib", "KRAS", "mutation", -1.25, "resistant if mutated", False),
        ],
        ("drug", "gene", "feature", "effect", "direction", "known"),
    ),
    "sensitivity-genes": (
        {"gene": "KRAS"},
        [
            ("Gefitinib", "mutation", 2.0, "sensitive", 1),
            ("Erlotinib", "mutation", -1.25, "resistant", 1),
        ],
        ("drug", "feature", "effect", "direction", "rank"),
    ),
    "pair-genes": (
        {"drug": "erlotinib", "cell_line": "ht29"},  # EGFR is lost, MYC high and mutated, KRAS not mutated
        [
            ("EGFR", "copy_number", -1.0, 0.75, -0.75),
            ("MYC", "expression", 1.5, 0.25, 0.375),
            ("KRAS", "mutation", 0.0, -1.25, 0.0),
            ("MYC", "mutation", 1.0, 0.0, 0.0),
        ],
        ("gene", "feature", "value", "effect", "contribution"),
    ),
    "known-targets": ({"drug": "erlotinib"}, [("EGFR", 1, 0.5)], ("gene", "rank", "weight")),
    "unlisted-genes": ({"drug": "erlotinib"}, [], ("gene",)),
    "strongest-links": ({}, [("Erlotinib", "EGFR", 1)], ("drug", "gene", "rank")),
    "strongest-unlisted": ({}, [("Erlotinib", "KRAS", 2)], ("drug", "gene", "rank")),
    "top-drugs": ({"gene": "KRAS"}, [("ERLOTINIB", 2)], ("drug", "rank")),
    "shared-genes": ({"first": "erlotinib", "second": "gefitinib"}, [], ("gene",)),
    "gene-paths": ({"drug": "erlotinib", "cell_line": "a549"}, [], ("gene",)),
    "interaction-paths": (
        {"drug": "erlotinib", "cell_line": "a549"},
        [("EGFR", "MYC", 0.5, 0.75)],
        ("gene", "interacts_with", "of_drug", "of_cell_line"),
    ),
    "pathway-genes": ({"drug": "erlotinib"}, [], ("pathway",)),
    "tissue-genes": ({"tissue": "Lung"}, [("MYC", 1, 1)], ("gene", "cell_lines", "best_rank")),
}
"""Of a run that attends to genes as targets and as what decides the response."""


@pytest.mark.parametrize("name", OF_BOTH)
def test_a_query_reads_the_objective_that_it_is_about(store: GraphStore, name: str) -> None:
    given, expected, columns = OF_BOTH[name]
    rows = catalogue.run(store, name, given | {"run": "r3"}).to_pylist()
    assert [tuple(row[c] for c in columns) for row in rows] == expected
    assert list(rows[0]) == list(catalogue.catalogue()[name].columns) if rows else True


def test_without_mutations_of_a_cell_line_its_genes_are_not_called_unmutated(store: GraphStore) -> None:
    rows = catalogue.run(store, "pair-genes", {"drug": "gefitinib", "cell_line": "a549", "run": "r3"})
    assert rows["value"].to_pylist() == [1.0]
    rows = catalogue.run(store, "pair-genes", {"drug": "gefitinib", "cell_line": "ht29", "run": "r3"})
    assert rows["value"].to_pylist() == [0.0]
    rows = catalogue.run(store, "pair-genes", {"drug": "gefitinib", "cell_line": "k562", "run": "r3"})
    assert rows.num_rows == 0


def test_runs_are_compared_within_an_objective(store: GraphStore) -> None:
    given = {"drug": "erlotinib", "first": "r3", "second": "r3", "objective": "response"}
    rows = catalogue.run(store, "compare-runs", given).to_pylist()
    assert [(r["gene"], r["feature"], r["first_rank"], r["second_rank"]) for r in rows] == [
        ("KRAS", "mutation", 1, 1), ("EGFR", "expression", 2, 2), ("EGFR", "copy_number", 3, 3),
        ("MYC", "expression", 4, 4), ("MYC", "mutation", 5, 5),
    ]  # fmt: skip
    rows = catalogue.run(store, "compare-runs", given | {"second": "r1", "objective": "target"}).to_pylist()
    assert [(r["gene"], r["feature"], r["second_rank"]) for r in rows] == [
        ("EGFR", None, 1),
        ("KRAS", None, 2),
    ]


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_those_worked_out_by_hand(store: GraphStore, name: str) -> None:
    given, expected, columns = ANSWERS[name]
    rows = catalogue.run(store, name, given).to_pylist()
    assert [tuple(row[c] for c in columns) for row in rows] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"gene": "EGFR", "kind": "loss"}, [4.0]),  # HT-29 loses it, A-549 gains it
        ({"gene": "EGFR", "kind": "gain"}, [-4.0]),
        ({"gene": "EGFR", "kind": "mutation"}, []),
        ({"gene": "MYC"}, []),  # mutated, but no driver event
        ({"gene": "KRAS", "least": "2"}, []),
    ],
)
def test_responses_are_compared_by_driver_events_of_one_kind(
    store: GraphStore, given: dict[str, str], expected: list[float]
) -> None:
    rows = catalogue.run(store, "driver-response", {"dataset": "A", "least": "1"} | given).to_pylist()
    assert [row["difference"] for row in rows] == expected


def test_evidence_gathers_every_way_to_a_gene(store: GraphStore) -> None:
    rows = catalogue.run(store, "evidence", {"drug": "erlotinib", "gene": "EGFR"}).to_pylist()
    assert {(r["evidence"], r["detail"]) for r in rows} == {
        ("attention as target, excess", "Erlotinib"),
        ("known target", "inhibitor"),
        ("similar drug with this target", "Gefitinib"),
    }
    rows = catalogue.run(store, "evidence", {"drug": "erlotinib", "gene": "KRAS"}).to_pylist()
    found = {(r["evidence"], r["detail"]): r["value"] for r in rows}
    assert found["interacts with its target", "EGFR"] == 1.0
    asked = {"drug": "erlotinib", "gene": "KRAS", "run": "r3"}
    of_both = {
        (r["evidence"], r["detail"]): r["value"] for r in catalogue.run(store, "evidence", asked).to_pylist()
    }
    assert of_both["attention as target, excess", "Erlotinib"] == 0.5
    assert of_both["decides response, effect", "mutation"] == -1.25
    assert found["alike in sequence to its target", "EGFR"] == 0.31


def test_every_query_is_answered_above_and_returns_the_columns_of_its_header(store: GraphStore) -> None:
    assert set(catalogue.catalogue()) == {*ANSWERS, *OF_BOTH, "evidence"}
    for name, (given, _, _) in ANSWERS.items():
        assert catalogue.run(store, name, given).column_names == list(catalogue.catalogue()[name].columns)


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("top-gene", {}, NotFoundError, "did you mean top-genes"),
        ("top-genes", {}, InputError, "needs drug=…; usage: cli query top-genes drug=DRUG"),
        (
            "top-genes",
            {"drug": "erlotinib", "lmit": "3"},
            InputError,
            'no parameter "lmit"; it takes drug, run, limit',
        ),
        ("top-genes", {"drug": "erlotinib", "limit": "many"}, InputError, '"many" is not a whole number'),
        ("top-genes", {"drug": "erlotinib", "limit": "-1"}, InputError, '"-1" is negative'),
        ("top-genes", {"drug": "erlotinb"}, NotFoundError, "did you mean"),
        ("top-genes", {"drug": "erlotinib", "run": "r9"}, NotFoundError, 'no run "r9"'),
    ],
)
def test_wrong_parameters_are_named(
    store: GraphStore, name: str, given: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        catalogue.run(store, name, given)


def test_without_a_promoted_run_the_next_command_is_named(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/empty.lbug") as graph:
        graph.create_schema()
        with pytest.raises(NotFoundError, match="cli train --promote"):
            catalogue.run(graph, "strongest-links", {})


def test_a_query_that_would_write_is_refused(store: GraphStore) -> None:
    before = store.counts()
    with pytest.raises(QueryError):
        store.query("MATCH (d:Drug) SET d.name = 'x'")
    assert store.counts() == before
    assert store.read_nodes("Drug", ["name"])["name"].to_pylist() == ["Erlotinib", "Gefitinib"]


def test_a_header_that_forgets_a_parameter_is_an_error() -> None:
    header = "// name: x\n// topic: A drug\n// about: y\n// columns: gene string\n"
    text = header + "MATCH (g:Gene {id: $gene}) RETURN g.id AS gene"
    with pytest.raises(InputError, match="differ in parameters \\['gene'\\]"):
        catalogue.read("x.cypher", text)


def test_a_topic_that_is_not_listed_is_an_error() -> None:
    text = "// name: x\n// topic: Odds and ends\n// about: y\n// columns: n integer\nRETURN 1 AS n"
    with pytest.raises(InputError, match="Odds and ends"):
        catalogue.read("x.cypher", text)


def test_the_page_of_queries_is_fresh() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "pharmagraph.cypher.catalogue"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (CHECKOUT / "docs" / "queries.md").read_text() == printed.stdout


@pytest.mark.parametrize("query", catalogue.catalogue().values(), ids=lambda query: query.name)
def test_rows_come_in_an_order_that_the_query_names(query: catalogue.Query) -> None:
    last = query.text.splitlines()
    order = next(n for n in range(len(last) - 1, -1, -1) if last[n].startswith("ORDER BY"))
    assert not any(line.startswith(("RETURN", "UNION")) for line in last[order:])
