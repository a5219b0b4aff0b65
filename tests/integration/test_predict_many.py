"""`cli predict` of files and matrices: what is asked for, what is bad in it, and what is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from pyarrow import csv, parquet
from rdkit import Chem
from typer.testing import CliRunner, Result

from pharmagraph.cli import app
from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, PharmagraphError
from pharmagraph.kg.store import open_store
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import trained as training_run

torch.set_num_threads(1)  # this network is far too small for more

NEW = {"first": "CCOc1ccccc1C=O", "second": "Cn1cnc2c1c(=O)n(C)c(=O)n2C"}


@dataclass(frozen=True)
class Screen:
    """A store with a promoted run, and the ids of its drugs and cell lines."""

    url: str
    drugs: list[str]
    cell_lines: list[str]
    tissues: dict[str, str]

    def call(self, *asked: object) -> Result:
        """`cli predict` with JSON."""
        options = ["--store", self.url, "--format", "json", "--device", "cpu"]
        return CliRunner().invoke(app, ["predict", *options, *map(str, asked)], catch_exceptions=False)

    def rows(self, *asked: object) -> list[dict[str, Any]]:
        """Rows that are printed."""
        found: list[dict[str, Any]] = json.loads(self.call(*asked).stdout)
        return found

    def refused(self, *asked: object) -> str:
        """The one line of an error."""
        with pytest.raises(PharmagraphError) as error:
            self.call(*asked)
        assert "\n" not in str(error.value)
        return str(error.value)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp("many")
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=24, cells=16, genes=40, store=url, quiet=True)
    with open_store(url) as graph:
        ids = [row["id"] for row in graph.node_rows("CellLine", ["id"])]
        tissues = {id_: ("skin" if n % 3 else "lung") for n, id_ in enumerate(ids)}
        graph.upsert_nodes("CellLine", pa.table({"id": ids, "tissue": list(tissues.values())}))
        preset = load_preset("fast", training={"epochs": 1, "members": 1})
        trained = training_run.train(graph, preset, folder=folder / "runs", device="cpu")
        runs.promote(graph, trained.run_id)
        drugs = [row["id"] for row in graph.node_rows("Drug", ["id"])]
    return Screen(url, drugs, ids, tissues)


def _csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def _sdf(path: Path) -> Path:
    writer = Chem.SDWriter(str(path))
    for name, smiles in NEW.items():
        molecule = Chem.MolFromSmiles(smiles)
        molecule.SetProp("_Name", name)
        writer.write(molecule)
    writer.close()
    return path


def _key(rows: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    return {(row["drug"], row["cell_line"]): row["probability"] for row in rows}


def test_a_matrix_has_what_single_predictions_have(screen: Screen, tmp_path: Path) -> None:
    out = tmp_path / "all.parquet"
    (summary,) = json.loads(screen.call("--out", out).stdout)
    table = parquet.read_table(out).to_pylist()
    assert summary["rows"] == len(table) == len(screen.drugs) * len(screen.cell_lines)
    one = screen.rows("--drug", screen.drugs[3], "--limit", 100)
    of_drug = [row for row in table if row["drug"] == screen.drugs[3]]
    assert [r["cell_line"] for r in of_drug] == [r["cell_line"] for r in one]
    for ours, theirs in zip(of_drug, one, strict=True):
        assert list(ours) == list(theirs)
        assert ours["measured"] == theirs["measured"]
        assert ours["probability"] == pytest.approx(theirs["probability"], rel=1e-6)
        assert (ours["low"] is None) == (theirs["low"] is None)


def test_sdf_smiles_and_tables_predict_the_same(screen: Screen, tmp_path: Path) -> None:
    smi = tmp_path / "new.smi"
    smi.write_text("".join(f"{smiles} {name}\n" for name, smiles in NEW.items()), encoding="utf-8")
    table = pa.table({"compound": list(NEW), "SMILES": list(NEW.values())})
    parquet.write_table(table, tmp_path / "new.parquet")
    csv.write_csv(table, tmp_path / "new.csv")
    files = [_sdf(tmp_path / "new.sdf"), smi, tmp_path / "new.parquet", tmp_path / "new.csv"]
    found = [_key(screen.rows("--drugs", file, "--limit", 100)) for file in files]
    typed = screen.rows("--smiles", NEW["first"], "--limit", 100)
    assert len(found[0]) == 2 * len(screen.cell_lines)
    for one in found:
        assert one == pytest.approx(found[0], rel=1e-5)
    for row in typed:
        assert found[0]["first", row["cell_line"]] == pytest.approx(row["probability"], rel=1e-5)


def test_pairs_keep_their_order_and_names(screen: Screen, tmp_path: Path) -> None:
    spelled = screen.drugs[1].replace("DRUG", "-drug-").lower()
    rows = [
        f"{spelled},{screen.cell_lines[5]}",
        f"{spelled},{screen.cell_lines[2]}",
        f"{NEW['first']},{screen.cell_lines[0]}",
    ]
    file = _csv(tmp_path / "pairs.csv", "drug,cell_line", *rows, rows[0])
    out = tmp_path / "out.csv"
    result = screen.call("--pairs", file, "--out", out)
    read = csv.read_csv(out).to_pylist()
    assert [f"{r['drug']},{r['cell_line']}" for r in read] == rows
    assert [r["drug_id"] for r in read[:2]] == [screen.drugs[1]] * 2 and not read[2]["drug_id"]
    assert "repeat a pair of the file, which is predicted once: 1" in result.stderr
    whole = _key(screen.rows("--drug", screen.drugs[1], "--limit", 100))
    for row in read[:2]:
        assert row["probability"] == pytest.approx(whole[screen.drugs[1], row["cell_line"]], rel=1e-5)


def test_bad_rows_end_the_work_or_are_left_out(screen: Screen, tmp_path: Path) -> None:
    line = screen.cell_lines[0]
    rows = [
        f"unheard,{line}",
        f"{screen.drugs[0]},nowhere",
        f"C1CC,{line}",
        f"unheard,{line}",
        f"{screen.drugs[0]},{line}",
    ]
    file = _csv(tmp_path / "pairs.csv", "drug,cell_line", *rows)
    said = screen.refused("--pairs", file)
    assert "4 of 5 pairs cannot be predicted" in said and "--reject-rows" in said
    assert (
        'row 2: no drug "unheard"' in said
        and 'row 3: no cell line "nowhere"' in said
        and "and 1 more" in said
    )
    assert len(screen.rows("--pairs", file, "--reject-rows")) == 1
    none = _csv(tmp_path / "none.csv", "drug,cell_line", *rows[:3])
    assert "none is left" in screen.refused("--pairs", none, "--reject-rows")


def test_two_structures_of_one_name_are_refused(screen: Screen, tmp_path: Path) -> None:
    file = _csv(tmp_path / "d.csv", "drug,smiles", "a,CCOc1ccccc1", "a,CCCCN", "a,CCOc1ccccc1")
    said = screen.refused("--drugs", file)
    assert "row 3" in said and "row 2 has this name with another structure" in said


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "drug\n", "has no rows"),
        ("a.csv", "CCO\nCCN\n", 'no column "drug" or "smiles"'),
        ("a.smi", "", "has no molecule"),
        ("a.smi", "nonsense x\n", "none is left"),
        ("a.sdf", "drug,smiles\nx,CCO\n", "is no SDF"),
        ("a.smi", "C" * 600 + " huge\n", "600 atoms"),
    ],
)
def test_files_without_drugs_are_refused(
    screen: Screen, tmp_path: Path, name: str, text: str, wrong: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert wrong in screen.refused("--drugs", tmp_path / name)


def test_places_and_options_that_cannot_be(screen: Screen, tmp_path: Path) -> None:
    assert "is a folder" in screen.refused("--drugs", tmp_path)
    assert "there is no such file" in screen.refused("--cells", tmp_path / "none.csv")
    assert "give a file that ends in" in screen.refused("--out", tmp_path / "a.xlsx")
    assert "give --out" in screen.refused("--top", 1)
    assert "leave --drug out" in screen.refused("--pairs", tmp_path / "p.csv", "--drug", "x")
    assert "leave --cell out" in screen.refused("--tissue", "skin", "--cell", screen.cell_lines[0])
    assert not list(tmp_path.iterdir())


def test_tissue_and_top(screen: Screen, tmp_path: Path) -> None:
    found = screen.rows("--drug", screen.drugs[0], "--tissue", "SKIN", "--limit", 100)
    assert {r["cell_line"] for r in found} == {c for c, t in screen.tissues.items() if t == "skin"}
    out = tmp_path / "top.csv"
    screen.call("--top", 2, "--tissue", "lung", "--out", out)
    read = csv.read_csv(out).to_pylist()
    assert len(read) == 2 * len(screen.drugs)
    best = screen.rows("--drug", screen.drugs[7], "--tissue", "lung", "--limit", 2)
    ours = [r["cell_line"] for r in read if r["drug"] == screen.drugs[7]]
    assert ours == [r["cell_line"] for r in best]
    assert 'no tissue "skins"' in screen.refused("--tissue", "skins")


def test_lists_profiles_and_limits(screen: Screen, tmp_path: Path) -> None:
    with open_store(screen.url, read_only=True) as graph:
        genes = [row["id"] for row in graph.node_rows("Gene", ["id"])]
    rows = [f"{gene},{(n % 7 - 3) / 2},{(n % 5 - 2) / 2}" for n, gene in enumerate(genes)]
    lines = _csv(tmp_path / "cells.csv", "cell_line", *screen.cell_lines[:3])
    drugs = _csv(tmp_path / "drugs.csv", "drug", *screen.drugs[:2])
    listed = screen.call("--drugs", drugs, "--cells", lines, "--limit", 4)
    assert len(json.loads(listed.stdout)) == 4
    assert "6 pairs were predicted, of which the 4 most sensitive are shown" in listed.stderr
    one = _csv(tmp_path / "mine.csv", "gene,z", *(row.rpartition(",")[0] for row in rows))
    alone = screen.rows("--drug", screen.drugs[0], "--cell", one)[0]["probability"]
    many = screen.rows("--drug", screen.drugs[0], "--cells", one)
    assert [r["cell_line"] for r in many] == ["mine"]
    assert many[0]["probability"] == pytest.approx(alone, rel=1e-5)


def test_without_intervals_no_column_of_them(screen: Screen) -> None:
    (row,) = screen.rows("--drug", screen.drugs[0], "--cell", screen.cell_lines[0], "--no-interval")
    assert set(row) == {"drug", "cell_line", "probability", "measured"}
    with pytest.raises(InputError, match="--level"):
        screen.call("--drug", screen.drugs[0], "--no-interval", "--level", 0.8)
