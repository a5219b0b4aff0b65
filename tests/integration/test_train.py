"""From a store to a run in the register and back: train, promote, predict, evaluate, on a real embedded file."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import typer
from typer.testing import CliRunner

from pharmagraph.kg import runs
from pharmagraph.kg.errors import ModelError, NotFoundError, StoreError
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model import side_by_side
from pharmagraph.model.commands import evaluate as evaluation_commands
from pharmagraph.model.commands import train as commands
from pharmagraph.model.commands.predict import predict
from pharmagraph.model.explain.explanation import explain
from pharmagraph.model.networks.drgt import AdjacencyNetwork
from pharmagraph.model.presets.by_dataset import preset_of_store
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import saved
from pharmagraph.model.runs import trained as training_run
from pharmagraph.training import train

torch.set_num_threads(1)  # these networks are far too small for more

QUICK = load_preset("fast", network={"channels": 8}, training={"epochs": 2, "untested_pairs": 100})

app = typer.Typer()
app.command()(commands.train)
app.command()(evaluation_commands.evaluate)
app.command()(predict)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    from pharmagraph.ingest.commands import synthetic

    url = f"ladybug://{tmp_path_factory.mktemp('store')}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    return url


@pytest.fixture
def store(filled: str, tmp_path: Path) -> Iterator[GraphStore]:
    source = Path(filled.removeprefix("ladybug://"))
    copy = tmp_path / "graph.lbug"
    copy.write_bytes(source.read_bytes())
    with open_store(f"ladybug://{copy}") as graph:
        yield graph


def test_run_is_registered_with_attention_predictions_and_weights(store: GraphStore, tmp_path: Path) -> None:
    trained = training_run.train(store, QUICK, folder=tmp_path / "runs", seed=1)
    found = runs.find(store, trained.run_id)
    assert found["seed"] == 1 and found["split"] == "random" and found["datasets"] == ["synthetic"]
    assert found["config"] == QUICK.model_dump(mode="json")
    assert found["metrics"]["auroc pooled"] == pytest.approx(
        next(f["model"] for f in trained.figures if (f["metric"], f["grouping"]) == ("auroc", "pooled"))
    )
    audit = json.loads((trained.folder / "config.json").read_text())["audit"]
    assert len(audit) >= 5 and not [check for check in audit if check["verdict"] == "leak"]
    counts = store.counts()
    for kind in ("Drug-ATTENDS-Gene", "CellLine-ATTENDS-Gene", "Drug-ATTENDS-CellLine", "Drug-ATTENDS-Drug"):
        assert counts[kind], kind
    assert counts["Drug-PREDICTED-CellLine"] == 24 * 20
    assert {path.name for path in trained.folder.iterdir()} >= {
        "config.json",
        "weights.safetensors",
        "attention",
    }


def test_the_papers_network_has_settings_for_its_own_data_sets_alone(
    filled: str, store: GraphStore, tmp_path: Path
) -> None:
    assert preset_of_store(store, "drgt-ctrp") == "drgt-ctrp"  # named, so wanted
    wanted = 'no settings for the data set "synthetic".*name one of drgt-nci60'
    with pytest.raises(ModelError, match=wanted):
        train(store, "drgt", folder=tmp_path / "runs")
    result = CliRunner().invoke(app, ["train", "--preset", "drgt", "--store", filled])
    assert isinstance(result.exception, ModelError) and "\n" not in str(result.exception)
    result = CliRunner().invoke(app, ["evaluate", "--models", "drgt", "--store", filled])
    assert isinstance(result.exception, ModelError) and "synthetic" in str(result.exception)
    assert not (tmp_path / "runs").exists()


def test_a_run_trained_on_drawn_neighbours_predicts_and_attends_by_all_edges(
    store: GraphStore, tmp_path: Path
) -> None:
    sizes = {"gene_share": 1.0, "input_channels": 8, "head_channels": [4, 4]}
    training = {"epochs": 2, "neighbours": [3, 3], "block_edges": 40}
    config = load_preset("drgt-nci60", network={"heads": 2, "adjacency": sizes}, training=training)
    trained = training_run.train(store, config, folder=tmp_path / "runs")
    fitted = saved.load(trained.folder, saved.load_graph(trained.folder))
    network = fitted.members[0].network
    assert isinstance(network, AdjacencyNetwork) and network.sampling is not None
    drug, cell_line = (part.ravel() for part in np.mgrid[:24, :20])
    predicted = fitted.predict(drug, cell_line)
    attended = network.attention(fitted.tensors, fitted.messages)
    network.sampling = None  # the whole graph at once
    assert predicted == pytest.approx(fitted.predict(drug, cell_line), abs=1e-5)
    for relation, whole in network.attention(fitted.tensors, fitted.messages).items():
        torch.testing.assert_close(attended[relation].weight, whole.weight, atol=1e-5, rtol=1e-4)
    assert store.counts()["Drug-ATTENDS-Gene"] > 0


def test_held_out_pairs_are_not_among_the_training_pairs_and_not_attended(
    store: GraphStore, tmp_path: Path
) -> None:
    relational = load_preset(
        "fast", network={"channels": 8, "axial": False}, training={"epochs": 2, "untested_pairs": 100}
    )  # the one component, so that the run draws on responses by attention
    trained = training_run.train(store, relational, folder=tmp_path / "runs")
    pairs = pq.read_table(trained.folder / "training_pairs.parquet")
    used = set(zip(pairs["drug"].to_pylist(), pairs["cell_line"].to_pylist(), strict=True))
    tested = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dst"])
    everything = set(zip(tested["src"].to_pylist(), tested["dst"].to_pylist(), strict=True))
    assert len(used) == trained.n_training and len(everything - used) == trained.n_held_out > 0
    attended = store.read_edges(
        "ATTENDS", ("Drug", "CellLine"), ["src", "dst"], equals={"run_id": trained.run_id}
    )
    looked_at = set(zip(attended["src"].to_pylist(), attended["dst"].to_pylist(), strict=True))
    assert looked_at and looked_at <= used


def test_same_command_gives_the_same_files_with_any_number_of_threads(
    store: GraphStore, tmp_path: Path
) -> None:
    runs, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(training_run.train(store, QUICK, folder=tmp_path / str(threads), seed=5))
    finally:
        torch.set_num_threads(before)
    _require_same(runs)


def test_networks_fitted_side_by_side_give_the_same_files(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "most_workers", lambda: 3)
    config = load_preset(
        "default",
        network={"n_response_genes": 5, "n_screened_genes": 20, "axial_dropout": 0.3, "factor_starts": 2},
        training={"epochs": 2, "members": 3, "untested_pairs": 100},
    )
    assert config.targets is not None
    config = config.model_copy(update={"targets": config.targets.model_copy(update={"steps": 3})})
    told: list[tuple[int, int]] = []
    runs = [
        training_run.train(
            store, config, folder=tmp_path / str(workers), seed=5, workers=workers,
            report=lambda member, epoch, value: told.append((member, epoch)),
        )
        for workers in (1, 3)
    ]  # fmt: skip
    _require_same(runs)
    assert "certainty.safetensors" in {file.name for file in runs[0].folder.iterdir()}
    epochs = sorted((member, epoch) for member in (1, 2, 3) for epoch in (1, 2))
    assert told[:6] == epochs and sorted(told[6:]) == epochs


def _require_same(runs: list[training_run.Trained]) -> None:
    """The weights, the calibrations and the tables of runs are the same to the last byte."""
    first, *others = (
        {
            file.name: file.read_bytes()
            for file in run.folder.iterdir()
            if file.suffix == ".safetensors" or file.name == "predictions.parquet"
        }
        for run in runs
    )
    assert "weights.safetensors" in first
    assert others == [first] * len(others)
    attention = [run.folder / "attention" for run in runs]
    tables = [
        {file.name: pq.read_table(file).to_pydict() for file in sorted(folder.iterdir())}
        for folder in attention
    ]
    assert tables[0] and tables[1:] == [tables[0]] * len(others)


def test_a_clock_that_was_set_back_overwrites_no_run(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where chance gives the digits of a run that is there."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    times = iter([noon, noon + timedelta(minutes=5), noon])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return next(times)

    digits = iter(["0001", "0001", "0001", "0002"])
    monkeypatch.setattr(training_run, "datetime", Clock)
    monkeypatch.setattr(secrets, "token_hex", lambda n: next(digits))
    trained, contents = [], []
    for epochs in (2, 3, 4):  # of other weights each
        config = load_preset(
            "fast", network={"channels": 8}, training={"epochs": epochs, "untested_pairs": 100}
        )
        trained.append(training_run.train(store, config, folder=tmp_path / "runs"))
        contents.append(files(trained[-1].folder))
    assert [run.run_id for run in trained] == [
        "fast-20260301-120000-0-0001",
        "fast-20260301-120500-0-0001",
        "fast-20260301-120000-0-0002",
    ]
    assert {run["id"] for run in runs.runs(store)} == {run.run_id for run in trained}
    assert [files(run.folder) for run in trained] == contents


def test_within_one_second_a_folder_that_is_there_is_neither_written_into_nor_removed(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a run that was deleted from the register; an interrupted run takes away its own only."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(
        training_run, "datetime", type("Clock", (datetime,), {"now": classmethod(lambda cls, tz: noon)})
    )
    first = training_run.train(store, QUICK, folder=tmp_path / "runs")
    before = files(first.folder)
    runs.delete(store, first.run_id)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training_run.runs, "register", interrupt)
        with pytest.raises(KeyboardInterrupt):
            training_run.train(store, QUICK, folder=tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == [first.folder]
    assert training_run.train(store, QUICK, folder=tmp_path / "runs").run_id != first.run_id
    assert files(first.folder) == before


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_interrupted_run_leaves_neither_folder_nor_register(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training_run.runs, "register", interrupt)
    with pytest.raises(KeyboardInterrupt):
        training_run.train(store, QUICK, folder=tmp_path / "runs")
    assert runs.runs(store) == []
    assert not (tmp_path / "runs").exists()


def test_a_component_of_weight_0_writes_no_attention_and_explain_says_so(
    store: GraphStore, tmp_path: Path
) -> None:
    weights = {"unseen-cell": {"axial": 1.0}}
    config = load_preset(
        "fast", network={"channels": 8}, training={"epochs": 2, "regression_weights": weights}
    )
    trained = training_run.train(
        store, config.model_copy(update={"targets": None}), folder=tmp_path / "runs", task="regression",
        split=Split.unseen_cell,
    )  # fmt: skip
    assert trained.fitted.component_weights() == {"axial": 1}
    assert trained.gene_attention == "none"
    counts = store.counts()
    silent = {"Drug→Gene", "CellLine→Gene", "Drug→CellLine"}
    assert set(trained.unused_attention) == silent
    assert not any(counts[relation.replace("→", "-ATTENDS-")] for relation in silent)
    assert counts["Drug-ATTENDS-Drug"] and counts["CellLine-ATTENDS-CellLine"]
    assert {path.stem for path in (trained.folder / "attention").iterdir()} == {
        "Drug-Drug", "CellLine-CellLine"
    }  # fmt: skip
    runs.promote(store, trained.run_id)
    for type_, ends in (("EXPRESSES", ("CellLine", "Gene")), ("TESTED_ON", ("Drug", "CellLine"))):
        carried = store.read_edges(type_, ends, ["attention"])["attention"]
        assert len(carried) and carried.null_count == len(carried)
    drug, cell_line = (
        store.read_nodes(label, ["id", "name"]).to_pylist()[0] for label in ("Drug", "CellLine")
    )
    found = explain(store, drug, cell_line)
    assert found.unused_attention == trained.unused_attention
    assert "relational, has weight 0 in the prediction" in found.unused_attention["CellLine→Gene"]
    assert {p.kind for p in found.paths} <= {"similar drug", "similar cell line"} and found.paths
    alone = explain(store, drug)
    assert not alone.genes and silent == alone.unused_attention.keys()


def test_regression_and_no_held_out_part(store: GraphStore, tmp_path: Path) -> None:
    trained = training_run.train(store, QUICK, folder=tmp_path / "runs", task="regression", split=Split.none)
    assert trained.figures == [] and trained.n_held_out == 0
    predicted = store.read_edges("PREDICTED", ("Drug", "CellLine"), ["ln_ic50", "probability"])
    assert predicted["ln_ic50"].null_count == 0
    assert predicted["probability"].null_count == len(predicted)


def test_empty_store_is_refused_with_the_next_command(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/empty.lbug") as graph:
        graph.create_schema()
        with pytest.raises(ModelError, match="cli ingest gdsc"):
            training_run.train(graph, QUICK, folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_training_without_a_store_makes_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", "--store", f"ladybug://{tmp_path}/none.lbug", "--quiet"])
    assert isinstance(done.exception, StoreError)
    assert not list(tmp_path.iterdir())


def test_sigterm_ends_training_at_once_and_leaves_only_what_goes_on(
    store: GraphStore, tmp_path: Path
) -> None:
    store.close()
    command = [
        sys.executable,
        "-m",
        "pharmagraph.cli",
        "train",
        "--preset",
        "fast",
        "--epochs",
        "100000",
        "--quiet",
    ]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--store", store.url, "--runs", str(tmp_path / "runs")],
        env=environment, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 300
    while not list(tmp_path.glob("runs/.unfinished/*/network-0.ckpt")):  # it is fitting
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 143 and "interrupted" in told
    assert not list(tmp_path.glob("pharmagraph-*"))
    assert [one.name for one in (tmp_path / "runs").iterdir()] == [".unfinished"]
    with open_store(store.url, read_only=True) as graph:
        assert not runs.runs(graph)


def test_commands_train_predict_and_evaluate(store: GraphStore, tmp_path: Path) -> None:
    url = store.url
    store.close()
    runner = CliRunner()
    options = ["--store", url, "--preset", "fast", "--epochs", "2", "--format", "json"]
    done = runner.invoke(app, ["train", *options, "--promote", "--runs", str(tmp_path / "runs"), "--quiet"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert {"run", "metric", "grouping", "model", "additive"} == set(rows[0])
    asked = ["predict", "--store", url, "--format", "json", "--drug", "CCOc1ccccc1", "--limit", "3"]
    predicted = json.loads(runner.invoke(app, asked).stdout)
    assert len(predicted) == 3 and all(0 <= row["probability"] <= 1 for row in predicted)
    out = tmp_path / "rows.json"
    asked = [
        "evaluate",
        "--store",
        url,
        "--models",
        "additive,mean",
        "--folds",
        "3",
        "--out",
        str(out),
        "--quiet",
    ]
    assert runner.invoke(app, asked).exit_code == 0
    assert {row["model"] for row in json.loads(out.read_text())} == {"additive", "mean"}
    unknown = runner.invoke(app, ["predict", "--store", url, "--drug", "no such drug"])
    assert isinstance(unknown.exception, NotFoundError)
