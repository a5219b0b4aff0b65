"""`cli predict --write`: predictions in the graph, read by Cypher, checked, and gone with their run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from typer.testing import CliRunner

from pharmagraph.kg import check, predicted, runs
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.store import open_store
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import trained as training_run
from tests.integration.test_predict_new import app

torch.set_num_threads(1)

DRUGS, LINES = (
    [f"SYNTHETICDRUG{n:04d}" for n in range(1, 25)],
    [f"SYNTHETICLINE{n:04d}" for n in range(1, 21)],
)
ENDS = ("Drug", "CellLine")
LATER = "CCOc1ccccc1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run, and a drug that came after it."""
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp("made")
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    config = load_preset(
        "default", network={"axial": False, "factors": False}, training={"members": 1, "epochs": 2}
    )
    with open_store(url) as graph:
        trained = training_run.train(graph, config, folder=folder / "runs", task="regression", device="cpu")
        runs.promote(graph, trained.run_id)
        inchikey = "DLRJIFUOBPOJNS-UHFFFAOYSA-N"
        graph.upsert_nodes(
            "Drug",
            pa.table({"id": [inchikey], "name": ["phenetole"], "smiles": [LATER], "inchikey": [inchikey]}),
        )
    return folder


@pytest.fixture
def url(made: Path, tmp_path: Path) -> str:
    shutil.copytree(made, tmp_path / "own")
    return f"ladybug://{tmp_path}/own/graph.lbug"


def ask(url: str, *asked: str) -> list[dict[str, object]]:
    found = CliRunner().invoke(
        app, ["predict", "--store", url, "--format", "json", "--quiet", *asked], catch_exceptions=False
    )
    rows: list[dict[str, object]] = json.loads(found.stdout)
    return rows


def edges(url: str, drug: str) -> list[dict[str, object]]:
    with open_store(url, read_only=True) as graph:
        return graph.rows(
            "MATCH (d:Drug {id: $drug})-[p:PREDICTED]->(c:CellLine) RETURN c.id AS line, p.ln_ic50 AS ln_ic50, "
            "p.low AS low, p.high AS high, p.level AS level, p.run_id AS run ORDER BY line",
            {"drug": drug},
        )


def test_asked_pairs_get_the_interval_that_was_asked_for_and_others_keep_theirs(url: str) -> None:
    before, asked = edges(url, DRUGS[0]), ["--drug", DRUGS[0], "--cell", LINES[2], "--level", "0.5"]
    printed = ask(url, *asked)[0]
    (summary,) = ask(url, *asked, "--write")
    assert (summary["inserted"], summary["updated"], summary["unchanged"]) == (0, 1, 0)
    after = {row["line"]: row for row in edges(url, DRUGS[0])}
    for name in ("ln_ic50", "low", "high", "level"):
        assert after[LINES[2]][name] == pytest.approx(printed[name], abs=1e-5)
    assert after[LINES[2]]["level"] == 0.5
    assert all(after[row["line"]] == row for row in before if row["line"] != LINES[2])
    assert ask(url, *asked, "--write")[0]["unchanged"] == 1  # twice is once


def test_a_drug_that_came_after_the_run_has_edges_that_go_with_the_run(url: str) -> None:
    (summary,) = ask(url, "--smiles", LATER, "--write")
    assert summary["inserted"] == len(LINES)
    (drug,) = {"DLRJIFUOBPOJNS-UHFFFAOYSA-N"}
    rows = edges(url, drug)
    assert len(rows) == len(LINES) and {row["run"] for row in rows} == {summary["run"]}
    assert all(row["low"] < row["high"] and row["level"] == 0.9 for row in rows)  # type: ignore[operator]
    with open_store(url) as graph:
        assert [one for one in check.check(graph) if "PREDICTED" in one.where] == []
        runs.delete(graph, str(summary["run"]))
        assert graph.read_edges("PREDICTED", ENDS, ["src"]).num_rows == 0


def test_new_compounds_are_no_nodes_and_nothing_is_written(url: str, tmp_path: Path) -> None:
    file = tmp_path / "compounds.smi"
    file.write_text("CCN first\nCCCCO second\n")
    with open_store(url, read_only=True) as graph:
        n = graph.read_edges("PREDICTED", ENDS, ["src"]).num_rows
    with pytest.raises(
        ModelError, match=r"compounds asked for that are not in the graph.*: 2; load them first"
    ):
        ask(url, "--drugs", str(file), "--write")
    with open_store(url, read_only=True) as graph:
        assert graph.read_edges("PREDICTED", ENDS, ["src"]).num_rows == n


@pytest.mark.parametrize(
    "other", [["--out", "x.csv"], ["--no-interval"], ["--suggest-pilots", "3"], ["--pilot", "p.csv"]]
)
def test_what_goes_not_with_write_is_said(url: str, other: list[str]) -> None:
    with pytest.raises(InputError, match="leave"):
        ask(url, "--drug", DRUGS[0], "--write", *other)


def test_intervals_that_are_upside_down_or_have_no_level_are_refused_and_found(url: str) -> None:
    with open_store(url) as graph:
        run = str(graph.node_rows("Run", ["id"])[0]["id"])
        wrong = {"src": [DRUGS[0], DRUGS[1]], "dst": [LINES[0]] * 2, "ln_ic50": [1.0, 1.0]}
        ends = {"low": [2.0, 0.0], "high": [1.0, 2.0], "level": pa.array([0.9, None], pa.float64())}
        table = pa.table(wrong | ends)
        with pytest.raises(InputError, match="low is above high, an interval without level"):
            predicted.write(graph, run, [table])
        graph.upsert_edges("PREDICTED", ENDS, table.append_column("run_id", pa.array([run] * 2)))
        found = {one.problem: one for one in check.check(graph) if one.where == "Drug-PREDICTED-CellLine"}
    assert found["low is above high"].count == 1
    assert found["an interval without level, or with one end"].example.startswith(DRUGS[1])
