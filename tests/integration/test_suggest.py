"""`cli suggest` as a user types it: plates by every way, with and without the network, bad input, and a replay."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from rdkit import Chem
from typer.testing import CliRunner, Result

from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, ModelError, NotFoundError, PharmagraphError, RowError
from pharmagraph.kg.store import open_store
from pharmagraph.model.certainty.certainty import FILE
from pharmagraph.model.commands.suggest import suggest
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import trained as training_run
from pharmagraph.run import Run

torch.set_num_threads(1)

SMILES = {"new-1": "CCOc1ccccc1", "new-2": "CCN(CC)CCNC(=O)c1ccc(N)cc1"}
DRUGS = [f"SYNTHETICDRUG{n:04d}" for n in range(1, 25)]
LINES = [f"SYNTHETICLINE{n:04d}" for n in range(1, 21)]

app = typer.Typer()
app.command()(suggest)


@app.callback()
def _of_several() -> None:
    """So that `suggest` is named on the line, as in the tool."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp("suggest")
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    small = {"members": 1, "epochs": 2}
    for network in ({"axial": True, "factors": False}, {"axial": False, "factors": False}):
        config = load_preset("default", network=network, training=small)
        with open_store(url) as graph:
            trained = training_run.train(
                graph, config, folder=folder / "runs", task="regression", device="cpu"
            )
            if not network["axial"]:
                runs.promote(graph, trained.run_id)
    return url


def run(url: str, *asked: str) -> Result:
    return CliRunner().invoke(app, ["suggest", "--store", url, *asked], catch_exceptions=False)


def wells(url: str, *asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(url, "--format", "json", "--quiet", *asked).stdout)
    return found


def table(path: Path, *rows: tuple[Any, ...]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def with_network(url: str) -> str:
    """Id of the run that predicts with its network."""
    with open_store(url, read_only=True) as graph:
        return next(row["id"] for row in graph.node_rows("Run", ["id", "promoted"]) if not row["promoted"])


def measured(url: str) -> set[tuple[str, str]]:
    with open_store(url, read_only=True) as graph:
        edges = graph.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dst"])
    return set(zip(edges["src"].to_pylist(), edges["dst"].to_pylist(), strict=True))


@pytest.mark.parametrize("by", ["gain", "uncertainty", "diverse", "random"])
def test_a_plate_holds_untested_pairs_each_with_a_reason(url: str, by: str) -> None:
    rows = wells(url, "--by", by, "--per-drug", "4", "--per-cell", "6")
    assert len(rows) == 96
    assert Counter(row["kind"] for row in rows)["vehicle"] == 8
    samples = [row for row in rows if row["kind"] == "sample"]
    pairs = {(row["drug"], row["cell_line"]) for row in samples}
    assert len(pairs) == len(samples) > 20 and not pairs & measured(url)
    assert max(Counter(drug for drug, _ in pairs).values()) <= 4
    assert max(Counter(line for _, line in pairs).values()) <= 6
    assert not any(row["drug"] in row["reason"] for row in samples), "the column drug has the id"
    assert all(row["reason"] and row["low"] < row["ln_ic50"] < row["high"] for row in samples)


def test_the_plate_map_and_the_picture_are_written(url: str, tmp_path: Path) -> None:
    asked = ("--plate", "384", "--controls", "20", "--control-columns", "1,2", "--doses", "4")
    shown = run(
        url, *asked, "--out", "plate.csv", "--picture", "plate.svg", "--colour", "prediction", "--limit", "3"
    )
    with (tmp_path / "plate.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [rows[0]["well"], rows[-1]["well"]] == ["A1", "P24"]
    assert Counter(row["kind"] for row in rows)["positive control"] == 10
    doses = Counter(row["dose"] for row in rows if row["kind"] == "sample")
    assert doses["1"] == doses["4"] <= (384 - 20) // 4
    assert "<svg" in (tmp_path / "plate.svg").read_text()
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "plate map in plate.csv" in shown.stderr and "Next: measure them" in shown.stderr


@pytest.mark.parametrize("of_network", [False, True])
def test_new_compounds_are_chosen_with_and_without_the_network(
    url: str, tmp_path: Path, of_network: bool
) -> None:
    compounds = table(tmp_path / "new.csv", ("drug", "smiles"), *SMILES.items())
    more = ("--run", with_network(url)) if of_network else ()
    rows = wells(url, "--compounds", compounds, "--per-drug", "5", "--controls", "4", *more)
    drugs = Counter(row["drug"] for row in rows if row["kind"] == "sample")
    assert drugs == {"new-1": 5, "new-2": 5}
    known = wells(url, "--drug", DRUGS[0], "--controls", "4", *more)
    assert {row["drug"] for row in known if row["kind"] == "sample"} == {DRUGS[0]}


def test_python_suggests_the_plate_that_the_command_does(url: str, tmp_path: Path) -> None:
    file, notes = tmp_path / "new.smi", list[str]()
    file.write_text(f"{SMILES['new-1']} new-1\n")
    expected = wells(url, "--compounds", str(file), "--per-drug", "5", "--by", "diverse", "--controls", "4")
    with open_store(url, read_only=True) as graph:
        opened = Run.open(graph)
        found = opened.suggest("diverse", compounds=file, per_drug=5, controls=4, note=notes.append)
        with pytest.raises(InputError, match=r"^by is "):
            opened.suggest("luck")  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"^per_drug is 0"):
            opened.suggest(per_drug=0)
    assert found["well"].tolist() == [row["well"] for row in expected]
    samples = found[found["kind"] == "sample"]
    assert (
        samples["drug"].tolist() == ["new-1"] * 5 and samples["reason"].str.contains("unlike the pairs").all()
    )
    assert samples["cell_line"].tolist() == [row["cell_line"] for row in expected if row["kind"] == "sample"]
    assert any("of 92 pairs" in note for note in notes)


def test_compounds_are_read_as_predict_reads_them(url: str, tmp_path: Path) -> None:
    with open_store(url, read_only=True) as graph:
        known = next(
            row["smiles"] for row in graph.node_rows("Drug", ["id", "smiles"]) if row["id"] == DRUGS[4]
        )
    (tmp_path / "new.smi").write_text(f"{SMILES['new-1']} new-1\n{known} as-we-call-it\nC(C broken\n")
    block = Chem.MolFromSmiles(SMILES["new-2"])
    block.SetProp("_Name", "new-2")
    with Chem.SDWriter(str(tmp_path / "new.sdf")) as writer:
        writer.write(block)
    few = ("--per-drug", "5", "--controls", "4")
    rows = wells(url, "--compounds", str(tmp_path / "new.smi"), "--reject-rows", *few)
    assert Counter(row["drug"] for row in rows if row["kind"] == "sample") == {"new-1": 5, DRUGS[4]: 5}
    rows = wells(url, "--compounds", str(tmp_path / "new.sdf"), *few)
    assert Counter(row["drug"] for row in rows if row["kind"] == "sample") == {"new-2": 5}


def test_stocks_and_cell_lines_in_culture_limit_what_is_chosen(url: str, tmp_path: Path) -> None:
    new = table(tmp_path / "new.csv", ("drug", "smiles"), ("new-1", SMILES["new-1"]))
    stocks = table(tmp_path / "stocks.csv", ("drug", "wells"), (DRUGS[1], 3), (DRUGS[2], ""), ("new-1", 4))
    lines = table(tmp_path / "lines.csv", ("cell_line",), *((line,) for line in LINES[:12]))
    rows = wells(url, "--compounds", new, "--stocks", stocks, "--cells", lines, "--doses", "2")
    samples = [row for row in rows if row["kind"] == "sample"]
    drugs = Counter(row["drug"] for row in samples)
    assert drugs["new-1"] == 4 and drugs[DRUGS[1]] <= 2 and set(drugs) <= {"new-1", *DRUGS[1:3]}
    assert {row["cell_line"] for row in samples} <= set(LINES[:12])


def test_targets_chooses_lines_that_tell_genes_apart(url: str) -> None:
    genes = ("--gene", "SYNTHETICG00001", "--gene", "SYNTHETICG00002")
    rows = wells(url, "--by", "targets", "--drug", DRUGS[3], *genes)
    samples = [row for row in rows if row["kind"] == "sample"]
    assert samples and {row["drug"] for row in samples} == {DRUGS[3]}
    assert all("SYNTHETICG00001 z" in row["reason"] for row in samples)


BAD: tuple[tuple[list[str], str, type[PharmagraphError]], ...] = (
    (["--controls", "96"], "a plate of 96 wells has no room for a pair (1 well) beside 96 controls", InputError),
    (["--plate", "97"], "plates have 96, 384 or 1536 wells", InputError),
    (["--control-columns", "1;2"], "is not a list of numbers", InputError),
    (["--stocks", "stocks.csv"], 'stocks.csv, row 2, column drug: "no-such-drug" is no drug of the graph', RowError),
    (["--stocks", "none.csv"], "there is no such file", InputError),
    (["--stocks", "half.csv"], "is no number of wells", RowError),
    (["--compounds", "bad.csv"], 'bad.csv: 1 of 1 rows cannot be predicted: row 2 "new": ', InputError),
    (["--compounds", "clash.smi"], f'clash.smi: "{DRUGS[0]}" is {DRUGS[0]} of the graph, which has', InputError),
    (["--cells", "lines.csv"], "is no cell line of the graph", RowError),
    (["--tissue", "moon"], "moon", NotFoundError),
    (["--by", "targets"], "name it: drug NAME", InputError),
    (["--picture", "plate.doc"], "give a name that ends in .svg", InputError),
    (["--rounds", "3"], "--rounds is an option of a replay", InputError),
    (["--replay", "--plate", "384"], "--plate is an option of a plate, and --replay makes none", InputError),
    (["--replay", "--drug", "D1"], "--drug is an option of a plate", InputError),
    (["--replay", "--slice", "big"], 'is not DRUGSxCELLS', InputError),
    (["--replay", "--slice", "24x20", "--rounds", "50"], "50 rounds of 60 pairs", InputError),
)  # fmt: skip


@pytest.mark.parametrize(("asked", "said", "kind"), BAD)
def test_bad_input_is_refused_in_a_line(
    url: str, tmp_path: Path, asked: list[str], said: str, kind: type[PharmagraphError]
) -> None:
    table(tmp_path / "stocks.csv", ("drug",), ("no-such-drug",))
    table(tmp_path / "half.csv", ("drug", "wells"), (DRUGS[0], 1.5))
    table(tmp_path / "bad.csv", ("drug", "smiles"), ("new", "C(C"))
    (tmp_path / "clash.smi").write_text(f"CCOc1ccccc1 {DRUGS[0]}\n")
    table(tmp_path / "lines.csv", ("cell_line",), ("LINE-X",))
    with pytest.raises(kind) as caught:
        run(url, *asked)
    assert said.replace("drug NAME", "") in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "plate.csv").exists()


def test_a_run_without_calibration_is_told_with_the_command(url: str, tmp_path: Path) -> None:
    with open_store(url, read_only=True) as graph:
        row = next(r for r in graph.node_rows("Run", ["id", "folder", "promoted"]) if r["promoted"])
    folder = Path(row["folder"])
    kept = shutil.copytree(folder, tmp_path / "kept")
    try:
        about = json.loads((folder / "config.json").read_text())
        about["files"] = [name for name in about["files"] if name != FILE]
        (folder / "config.json").write_text(json.dumps(about))
        (folder / FILE).unlink()
        with pytest.raises(ModelError, match=f"run {row['id']} has no calibration.*cli train --promote"):
            run(url)
    finally:
        shutil.copytree(kept, folder, dirs_exist_ok=True)


def test_a_replay_measures_every_way_and_keeps_its_rows(url: str, tmp_path: Path) -> None:
    from pharmagraph.model.reports.replay_folder import read
    from pharmagraph.model.reports.suggest import markdown, write_picture

    asked = ("--slice", "24x20", "--rounds", "2", "--batch", "20", "--start", "20", "--folder", "kept")
    shown = run(url, "--replay", *asked, "--seeds", "2")
    assert "measurements for what random choice reaches" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    (replayed,) = read(tmp_path / "kept")
    assert {(row["by"], row["seed"]) for row in replayed["rows"]} == {
        (way, seed) for way in ("random", "uncertainty", "diverse", "gain") for seed in (0, 1)
    }
    assert "| random | " in markdown([replayed])
    write_picture(tmp_path / "page.svg", [replayed])
    assert "measurements" in (tmp_path / "page.svg").read_text()
    with pytest.raises(InputError, match="holds a replay of another slice"):
        run(url, "--replay", *asked, "--seeds", "1", "--batch", "10")
