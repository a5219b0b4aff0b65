"""`cli predict` with pilots: a new structure and a new profile, as a user types them, on a promoted run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.store import open_store
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import trained as training_run
from tests.integration.test_predict_new import app

torch.set_num_threads(1)

SMILES = "CCOc1ccccc1"
LINES = [f"SYNTHETICLINE{n:04d}" for n in range(1, 21)]
DRUGS = [f"SYNTHETICDRUG{n:04d}" for n in range(1, 25)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp("pilots")
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=24, cells=20, genes=60, store=url, quiet=True)
    config = load_preset(
        "default",
        network={"axial": False, "factors": False},
        training={"members": 2, "epochs": 2},
    )
    with open_store(url) as graph:
        trained = training_run.train(graph, config, folder=folder / "runs", task="regression", device="cpu")
        runs.promote(graph, trained.run_id)
    return url


def run(url: str, *asked: str) -> Result:
    options = ["--store", url, "--format", "json", "--limit", "1000"]
    return CliRunner().invoke(app, ["predict", *options, *asked], catch_exceptions=False)


def predicted(url: str, by: str, *asked: str) -> dict[str, float]:
    return {row[by]: row["ln_ic50"] for row in json.loads(run(url, *asked).stdout)}


def pilots(folder: Path, by: str, measured: dict[str, float], column: str = "ln_ic50") -> str:
    with (path := folder / "pilot.csv").open("w", newline="") as file:
        csv.writer(file).writerows([(by, column), *measured.items()])
    return str(path)


def test_a_new_drug_with_pilots_is_predicted_on_all_other_lines(url: str, tmp_path: Path) -> None:
    before = predicted(url, "cell_line", "--drug", SMILES)
    measured = {line: before[line] + 3 for line in LINES[:5]}
    after = predicted(url, "cell_line", "--drug", SMILES, "--pilot", pilots(tmp_path, "cell_line", measured))
    assert set(after) == set(LINES[5:])
    assert all(before[line] < after[line] < before[line] + 3.5 for line in after)
    one = predicted(
        url, "cell_line", "--drug", SMILES, "--cell", LINES[9], "--pilot", str(tmp_path / "pilot.csv")
    )
    assert one == {LINES[9]: pytest.approx(after[LINES[9]])}


def test_a_new_cell_line_with_pilots_is_predicted_with_all_other_drugs(url: str, tmp_path: Path) -> None:
    profile = tmp_path / "profile.csv"
    profile.write_text("gene,z\n" + "".join(f"SYNTHETICG{n:05d},{n % 5 - 2}\n" for n in range(1, 41)))
    before = predicted(url, "drug", "--cell", str(profile))
    measured = {drug: before[drug] - 2 for drug in DRUGS[:6]}
    after = predicted(url, "drug", "--cell", str(profile), "--pilot", pilots(tmp_path, "drug", measured))
    assert set(after) == set(DRUGS[6:])
    assert sum(after[d] - before[d] for d in after) / len(after) < -0.3


def test_predictions_with_pilots_have_intervals_and_say_what_these_were_made_on(
    url: str, tmp_path: Path
) -> None:
    before = predicted(url, "cell_line", "--drug", SMILES)
    file = pilots(tmp_path, "cell_line", {line: before[line] + 1 for line in LINES[:4]})
    found = run(url, "--drug", SMILES, "--pilot", file, "--level", "0.8")
    rows = json.loads(found.stdout)
    assert len(rows) == 16 and {row["level"] for row in rows} == {0.8}
    assert all(row["low"] < row["ln_ic50"] < row["high"] for row in rows)
    said = " ".join(found.stderr.split())
    assert (
        "intervals are calibrated on" in said and "given 3 pilots each, drawn at random; yours has 4" in said
    )
    with pytest.raises(ModelError, match=r"needs 199 drugs .* given 4 or fewer pilots"):
        run(url, "--drug", SMILES, "--pilot", file, "--level", "0.99")


def test_suggestions_are_lines_not_measured_yet(url: str) -> None:
    rows: list[dict[str, Any]] = json.loads(run(url, "--drug", SMILES, "--suggest-pilots", "4").stdout)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert len({row["cell_line"] for row in rows} & set(LINES)) == 4
    assert 0 < rows[0]["explained"] < rows[3]["explained"] < 1


@pytest.mark.parametrize(
    ("asked", "by", "measured", "said"),
    [
        (["--drug", SMILES, "--cell", LINES[1]], "cell_line", {LINES[1]: 1.0}, "is the pair asked for"),
        (["--cell", LINES[1]], "cell_line", {LINES[2]: 1.0}, "pilots are of one drug, and 24 are asked for"),
        (["--drug", SMILES], "cell_line", {"LINE-X": 1.0}, 'row 2, column cell_line: "LINE-X" is no cell line'),
        (["--drug", SMILES], "cell_line", {LINES[2]: 900.0}, "cannot be an ln IC50"),
        (["--drug", SMILES], "cell_line", {}, "has no rows"),
    ],
)  # fmt: skip
def test_bad_pilots_are_refused(
    url: str, tmp_path: Path, asked: list[str], by: str, measured: dict[str, float], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(url, *asked, "--pilot", pilots(tmp_path, by, measured))
    assert said in str(caught.value) and "pilot.csv" in str(caught.value)


def test_a_pair_of_the_training_set_is_no_pilot(url: str, tmp_path: Path) -> None:
    rows = json.loads(run(url, "--drug", DRUGS[0]).stdout)
    trained = next(row["cell_line"] for row in rows if row["measured"])
    with pytest.raises(InputError, match="was trained on already"):
        run(url, "--drug", DRUGS[0], "--pilot", pilots(tmp_path, "cell_line", {trained: 1.0}))


def test_what_cannot_be_asked_together_is_said(url: str, tmp_path: Path) -> None:
    file = pilots(tmp_path, "cell_line", {LINES[0]: 1.0})
    with pytest.raises(InputError, match="give one of both"):
        run(url, "--drug", SMILES, "--pilot", file, "--suggest-pilots", "3")
    with pytest.raises(InputError, match="there is no such file"):
        run(url, "--drug", SMILES, "--pilot", str(tmp_path / "none.csv"))
    with pytest.raises(ModelError, match="leave one of both out"):
        run(url, "--drug", SMILES, "--cell", LINES[0], "--suggest-pilots", "3")
