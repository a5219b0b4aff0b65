"""Predictions of a run made by hand beside what is measured later: what counts, whence it came, what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pharmagraph.kg import heterograph, runs, schema
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.certainty.certainty import FILE, Certainty
from pharmagraph.model.certainty.outcomes import HELD_OUT, LATER, UNUSED
from pharmagraph.model.certainty.situation import Errors
from pharmagraph.model.runs.fared import fared
from pharmagraph.model.runs.folder import CONFIG, FORMAT, GRAPH, PAIRS
from tests.cli.typed import typed

BEGUN, BEFORE, AFTER = "2026-02-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"
DRUGS, LINES = ("D1", "D2"), ("L1", "L2", "L3", "L4")
TRAINED = [("D1", "L1"), ("D1", "L2"), ("D2", "L1"), ("D2", "L2")]
OLD = dict.fromkeys(TRAINED, 0.0) | {
    ("D1", "L3"): 0.9, ("D2", "L3"): -1.5, ("D1", "L4"): 0.2, ("D2", "L4"): 0.1,
}  # fmt: skip
"""ln IC50 at training; every prediction is 0, from -1 to 1."""


def write_nodes(store: GraphStore, label: str, rows: list[dict[str, Any]]) -> None:
    types = {p.name: schema.ARROW[p.type] for p in schema.node(label).columns}
    store.upsert_nodes(label, pa.table({k: pa.array([row[k] for row in rows], types[k]) for k in rows[0]}))


def measure(
    store: GraphStore, dataset: str, values: Mapping[tuple[str, str], float], at: str, **more: str | None
) -> None:
    """Load responses of a data set, all of them with the same further properties."""
    write_nodes(store, "Dataset", [{"id": dataset, "ingested_at": at}])
    n, known = len(values), [value for value in more.values() if value]
    table = {
        "src": [drug for drug, _ in values], "dst": [line for _, line in values], "ln_ic50": list(values.values()),
        "response": [int(value < 0) for value in values.values()], "dataset": [dataset] * n,
    }  # fmt: skip
    more_columns = {name: pa.array([value] * n, pa.string()) for name, value in more.items()} if known else {}
    store.upsert_edges("TESTED_ON", ("Drug", "CellLine"), pa.table({**table, **more_columns}))


def predicted(drugs: tuple[str, ...] = DRUGS, *, interval: bool = True) -> pa.Table:
    src, dst = [d for d in drugs for _ in LINES], [line for _ in drugs for line in LINES]
    given = {"low": -1.0, "high": 1.0, "level": 0.9}
    columns = {
        name: pa.array([value if interval else None] * len(src), pa.float64())
        for name, value in given.items()
    }
    return pa.table({"src": src, "dst": dst, "ln_ic50": [0.0] * len(src), **columns})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    """Two drugs, four cell lines, all measured; the run is trained on half of them. Nothing could be hidden from it."""
    with open_store(f"ladybug://{tmp_path / 'pharmagraph.lbug'}") as graph:
        graph.create_schema()
        write_nodes(graph, "Drug", [{"id": i, "name": f"drug {i}"} for i in (*DRUGS, "D3")])
        tissues = dict(zip(LINES, ("skin", "skin", "lung", None), strict=True))
        write_nodes(
            graph, "CellLine", [{"id": i, "name": f"line {i}", "tissue": t} for i, t in tissues.items()]
        )
        measure(graph, "old", OLD, BEFORE)
        register(graph, tmp_path / "runs" / "r1")
        yield graph


def register(graph: GraphStore, folder: Path, predictions: pa.Table | None = None) -> None:
    folder.mkdir(parents=True)
    exported = heterograph.export(graph)
    heterograph.save(exported, folder / GRAPH)
    n_drugs, n_lines = exported.n_nodes("Drug"), exported.n_nodes("CellLine")
    of_drugs, of_lines = np.zeros(n_drugs, np.float32), np.zeros(n_lines, np.float32)
    tables = {
        "deviation": np.zeros((n_lines, n_drugs), np.float32), "spread": np.zeros((n_lines, n_drugs), np.float32),
        "drug_distance": of_drugs, "cell_line_distance": of_lines, "known_drugs": of_drugs == 0,
        "known_cell_lines": of_lines == 0, "tissue": np.zeros(n_lines, np.int64),
    }  # fmt: skip
    Certainty("regression", 0.0, 1.0, {}, {}, Errors(of_drugs + 1, of_lines + 1), tables, None, 1.0, {}).save(
        folder
    )
    (folder / CONFIG).write_text(json.dumps({"format": FORMAT, "files": [PAIRS, GRAPH, FILE]}))
    columns = {
        "drug": [d for d, _ in TRAINED], "cell_line": [line for _, line in TRAINED], "label": [1.0, 0.0, 1.0, 0.0],
        "ln_ic50": [0.0] * 4,
    }  # fmt: skip
    pq.write_table(pa.table(columns), folder / PAIRS)
    run = {"id": folder.name, "preset": "fast", "started_at": BEGUN, "datasets": ["old"]}
    runs.register(graph, run, {}, predicted() if predictions is None else predictions, folder=folder)


def pairs_of(
    store: GraphStore, run: str = "r1"
) -> tuple[dict[tuple[str, str, str], tuple[bool, str]], list[str]]:
    """Drug, cell line and data set of what was compared → whether it is inside, and its origin; and the notes."""
    notes: list[str] = []
    of = fared(store, run, note=notes.append)
    keys = zip(of.drug.tolist(), of.cell_line.tolist(), of.dataset.tolist(), strict=True)
    found = {
        (drug[5:], line[5:], dataset): value
        for (drug, line, dataset), value in zip(
            keys, zip(of.inside.tolist(), of.origin.tolist(), strict=True), strict=True
        )
    }
    return found, notes


def test_what_was_held_out_at_training_is_compared_and_what_was_trained_on_is_not(store: GraphStore) -> None:
    found, notes = pairs_of(store)
    assert found == {
        ("D1", "L3", "old"): (True, HELD_OUT),
        ("D2", "L3", "old"): (False, HELD_OUT),  # -1.5 is below -1
        ("D1", "L4", "old"): (True, HELD_OUT),
        ("D2", "L4", "old"): (True, HELD_OUT),
    }
    assert notes == ["left out: 4 of 8 measured responses are of pairs that the run was trained on"]


def test_a_later_data_set_is_told_from_one_that_the_run_was_not_given(store: GraphStore) -> None:
    measure(store, "new", {("D1", "L1"): 0.0, ("D1", "L3"): 0.5, ("D3", "L1"): 0.0}, AFTER)
    measure(store, "other", {("D2", "L3"): 2.0}, BEFORE)
    found, notes = pairs_of(store)
    assert found["D1", "L3", "new"] == (True, LATER)
    assert found["D2", "L3", "other"] == (False, UNUSED)
    assert ("D1", "L1", "new") not in found  # the run was trained on the pair, by another data set
    assert len(found) == 6 and [note.split(" are ")[0] for note in notes] == [
        "left out: 5 of 12 measured responses", "left out: 1 of 12 measured responses",
    ]  # fmt: skip


def test_of_a_changed_data_set_what_is_as_before_was_held_out_and_the_rest_came_since(
    store: GraphStore,
) -> None:
    measure(store, "old", {("D1", "L4"): 3.0}, AFTER)
    found, _ = pairs_of(store)
    assert found["D1", "L4", "old"] == (False, LATER)
    assert found["D1", "L3", "old"] == (True, HELD_OUT)


def test_censored_and_gone_responses_are_left_out_and_bounds_that_contradict_are_counted(
    store: GraphStore,
) -> None:
    measure(store, "new", {("D1", "L3"): 1.5, ("D2", "L3"): 0.5}, AFTER, censored="above")
    measure(store, "newer", {("D1", "L4"): -0.5}, AFTER, censored="below")
    measure(store, "gone", {("D2", "L4"): 0.0}, AFTER, gone=AFTER)
    found, notes = pairs_of(store)
    assert {dataset for _, _, dataset in found} == {"old"}
    assert notes[-1].startswith("left out: 3 censored responses") and "; 1 of the bounds rule" in notes[-1]


def test_a_pair_without_an_interval_is_left_out(store: GraphStore, tmp_path: Path) -> None:
    some = pa.concat_tables([predicted(("D1",)), predicted(("D2",), interval=False)])
    register(store, tmp_path / "runs" / "r2", some)
    found, notes = pairs_of(store, "r2")
    assert {drug for drug, _, _ in found} == {"D1"}
    assert notes[-1] == "left out: 2 of 8 measured responses are of pairs for which it has no interval"


def calibration(*words: str, code: int = 0) -> tuple[str, str]:
    done = typed("runs", "calibration", *words, environment={"COLUMNS": "80"})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def test_the_command_prints_tables_of_eighty_columns_and_says_drift(store: GraphStore) -> None:
    measure(store, "new", {("D1", "L3"): 0.5, ("D2", "L3"): 2.0}, AFTER)
    store.close()
    out, error = calibration("r1", "--least", "2", "--picture", "reliability.svg")
    assert max(map(len, out.splitlines())) <= 80
    lines = [line.split() for line in out.splitlines()]
    # 0.9, -1.5, 0.2, 0.1, 0.5, 2.0: four of six are inside; squares sum to 7.36, values to 2.2
    assert ["all", "6", "0.9", "0.667", "0.223–0.957", "1.11", "0.37"] in lines
    assert ["measured", "since", "2", "0.9", "0.5", "0.013–0.987", "1.46", "1.25"] in lines
    assert [line[0] for line in lines if line and line[0] in {"new", "old"}] == ["new", "old"]
    assert "Drift cannot be told: the 2 responses measured since" in " ".join(out.split())
    assert "picture: reliability.svg" in error
    text = Path("reliability.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml") and text.rstrip().endswith("</svg>")


def test_rows_are_for_programs_and_the_drift_stands_beside_them(store: GraphStore) -> None:
    store.close()
    out, error = calibration("r1", "--by", "tissue", "--least", "1", "--format", "json")
    rows = json.loads(out)
    assert [(row["by"], row["group"], row["n"]) for row in rows] == [
        ("pairs", "all", 4), ("pairs", HELD_OUT, 4), ("tissue", "lung", 2), ("tissue", "unknown", 2),
    ]  # fmt: skip
    assert rows[2]["held"] == 0.5 and rows[2]["stated"] == 0.9 and rows[2]["bias"] == pytest.approx(-0.3)
    assert "Drift cannot be told" in error
    of_csv, _ = calibration("r1", "--by", "drug", "--least", "3", "--format", "csv")
    assert [row["by"] for row in csv.DictReader(io.StringIO(of_csv))] == ["pairs", "pairs"]


def _delete_folder(graph: GraphStore, folder: Path) -> None:
    (folder / CONFIG).unlink()


def _without_intervals(graph: GraphStore, folder: Path) -> None:
    about = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(about | {"files": [PAIRS, GRAPH]}))


def _trained_on_all(graph: GraphStore, folder: Path) -> None:
    columns = {"drug": [d for d, _ in OLD], "cell_line": [line for _, line in OLD], "label": [1.0] * len(OLD)}
    pq.write_table(pa.table(columns | {"ln_ic50": list(OLD.values())}), folder / PAIRS)


def _damage_graph(graph: GraphStore, folder: Path) -> None:
    (folder / GRAPH / "nodes.parquet").write_bytes(b"no table")


def _nothing(graph: GraphStore, folder: Path) -> None:
    """The run is as it was."""


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (_nothing, ("r0",), 'no run "r0" in the graph; see: cli runs list'),
        (_delete_folder, ("r1",), "holds no trained run (no config.json); bring it back, or train again: cli train"),
        (_without_intervals, ("r1",), "r1: this run has no intervals: it was made before runs had them"),
        (_trained_on_all, ("r1",), "r1 predicted no pair with a measured response outside its 8 training pairs; load"),
        (_damage_graph, ("r1",), "graph cannot be read"),
        (_nothing, ("r1", "--picture", "a.txt"), "a.txt is no picture; give a name that ends in .svg, .png or .pdf"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(
    store: GraphStore,
    tmp_path: Path,
    change: Callable[[GraphStore, Path], None],
    words: tuple[str, ...],
    message: str,
) -> None:
    change(store, tmp_path / "runs" / "r1")
    store.close()
    out, error = calibration(*words, code=1)
    assert out == "" and message in error
    assert len([line for line in error.splitlines() if line.startswith("error: ")]) == 1
