"""Files exchanged with drevalpy: the folds are ours to the row, and its predictions become rows of the same tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.model.evaluation.exchange import MODES, Exchange
from pharmagraph.model.evaluation.figures import evaluate
from pharmagraph.model.evaluation.plan import Plan, Row
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.reports.evaluation_folder import write_folder
from tests.screens import screen

torch.set_num_threads(1)
HETEROGRAPH = screen()
PLAN = Plan(Split.unseen_cell, 3, task="regression")
THEIRS = "drevalpy:EnsembleMF"


def _written(folder: Path) -> Path:
    """The folder of a finished evaluation, and in it the results of the split."""
    evaluate(HETEROGRAPH, ["additive"], PLAN, exchange=folder)
    return folder / "results" / "pharmagraph" / "pharmagraph-set0" / "LCO"


def _as_drevalpy_would(results: Path, model: str = "EnsembleMF") -> None:
    """Predictions in the columns and the order of another: the tested pairs, shuffled, and what they were measured."""
    for number in range(3):
        test = pd.read_csv(results / "splits" / f"cv_split_{number}_test.csv")
        made = test.sample(frac=1, random_state=number).assign(predictions=lambda t: t["response"] + 0.5)
        file = results / model / "predictions" / f"predictions_split_{number}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        made.to_csv(file, index=False)


def _value(rows: list[Row], model: str, metric: str, grouping: str = "pooled") -> list[float]:
    return [r["value"] for r in rows if (r["model"], r["metric"], r["grouping"]) == (model, metric, grouping)]


def test_folds_are_ours_and_their_parts_share_no_cell_line(tmp_path: Path) -> None:
    splits = _written(tmp_path) / "splits"
    measured, cut = PLAN.cut(HETEROGRAPH)
    for number, fold in enumerate(cut):
        parts = {
            role: pd.read_csv(splits / f"cv_split_{number}_{role}.csv", dtype=str)
            for role in ("train", "validation", "test", "validation_es", "early_stopping")
        }
        held_out = measured.take(fold.test)
        assert parts["test"]["pubchem_id"].tolist() == HETEROGRAPH.ids["Drug"][held_out.drug].tolist()
        assert np.allclose(parts["test"]["response"].astype(float), held_out.ln_ic50, atol=1e-4)
        assert len(parts["train"]) + len(parts["validation"]) == len(fold.train)
        assert len(parts["validation_es"]) + len(parts["early_stopping"]) == len(parts["validation"])
        lines = {role: set(part["cell_line_name"]) for role, part in parts.items()}
        assert not lines["test"] & (lines["train"] | lines["validation"])
        assert not lines["train"] & lines["validation"]
        assert not lines["validation_es"] & lines["early_stopping"]
    assert json.loads((splits / "split_manifest.json").read_text())["test_mode"] == "LCO"


def test_what_drevalpy_reads_of_drugs_and_cell_lines_is_there(tmp_path: Path) -> None:
    _written(tmp_path)
    data = tmp_path / "data" / "pharmagraph-set0"
    whole = pd.read_csv(data / "pharmagraph-set0.csv")
    assert {"cell_line_name", "pubchem_id", "response", "tissue"} == set(whole.columns)
    expression = pd.read_csv(data / "gene_expression.csv", index_col="cell_line_name")
    genes = pd.read_csv(tmp_path / "data" / "meta" / "gene_lists" / "landmark_genes.csv")["Symbol"]
    assert set(genes) <= set(expression.columns) and set(whole["cell_line_name"]) == set(expression.index)
    for width in (128, 256):
        bits = pd.read_csv(data / "drug_fingerprints" / f"pubchem_id_to_demorgan_{width}_map.csv")
        assert set(bits.columns) == set(whole["pubchem_id"]) and set(np.unique(bits)) == {0, 1}
    assert set(pd.read_csv(data / "drug_names.csv")["pubchem_id"]) == set(whole["pubchem_id"])
    lines = pd.read_csv(data / "cell_line_names.csv", index_col="cell_line_name")
    assert set(lines["tissue"]) == {"a", "b", "c"}
    assert len(lines.drop_duplicates()) == len(expression), (
        "as drevalpy reads it, without regard to the names"
    )


def test_predictions_of_drevalpy_are_rows_of_the_same_tables(tmp_path: Path) -> None:
    results = _written(tmp_path / "exchange")
    _as_drevalpy_would(results)
    models, journal = ["additive", THEIRS], tmp_path / "folds.jsonl"
    rows = evaluate(
        HETEROGRAPH, models, PLAN, exchange=tmp_path / "exchange", finished=journal,
        predictions=tmp_path / "predictions",
    )  # fmt: skip
    assert _value(rows, THEIRS, "rmse") == pytest.approx([0.5] * 3, abs=1e-4)
    assert _value(rows, THEIRS, "pearson") == pytest.approx([1.0] * 3)
    assert _value(rows, THEIRS, "pearson", "normalised") == pytest.approx([1.0] * 3)
    _, table, *_ = write_folder(
        tmp_path, HETEROGRAPH, PLAN, models, rows, finished_folds=journal, command="cli evaluate"
    )
    assert f"| {THEIRS} |" in table.read_text()
    assert json.loads(next(tmp_path.glob("*-result.json")).read_text())["ours"] == []


def test_our_predictions_come_back_as_they_were_written(tmp_path: Path) -> None:
    results = _written(tmp_path)
    (results / "additive").rename(results / "Renamed")
    rows = evaluate(HETEROGRAPH, ["additive", "drevalpy:Renamed"], PLAN, exchange=tmp_path)
    for metric in ("rmse", "r2"):
        assert _value(rows, "drevalpy:Renamed", metric) == pytest.approx(
            _value(rows, "additive", metric), abs=1e-4
        )


def test_a_later_run_of_drevalpy_is_read_again(tmp_path: Path) -> None:
    results, journal = _written(tmp_path), tmp_path / "folds.jsonl"
    _as_drevalpy_would(results)
    evaluate(HETEROGRAPH, [THEIRS], PLAN, exchange=tmp_path, finished=journal)
    for file in (results / "EnsembleMF" / "predictions").iterdir():
        pd.read_csv(file).assign(predictions=lambda t: t["response"] + 2).to_csv(file, index=False)
    rows = evaluate(HETEROGRAPH, [THEIRS], PLAN, exchange=tmp_path, finished=journal)
    assert _value(rows, THEIRS, "rmse") == pytest.approx([2.0] * 3, abs=1e-4)


def _drop(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[1:]


def _twice(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1]])


def _other_response(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(response=table["response"] + 1)


def _other_line(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1].assign(cell_line_name="HELA")])


def _no_predictions(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="predictions")


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (_drop, "does not predict NSC"), (_twice, "more than once"), (_other_response, "another response of NSC"),
        (_other_line, "on HELA, which is not held out in fold 0"), (_no_predictions, "has no column predictions"),
    ],
)  # fmt: skip
def test_files_of_other_folds_or_data_are_refused(spoiled: object, said: str, tmp_path: Path) -> None:
    results = _written(tmp_path)
    _as_drevalpy_would(results)
    file = results / "EnsembleMF" / "predictions" / "predictions_split_0.csv"
    spoiled(pd.read_csv(file)).to_csv(file, index=False)  # type: ignore[operator]
    with pytest.raises(InputError, match=said) as told:
        evaluate(HETEROGRAPH, [THEIRS], PLAN, exchange=tmp_path)
    assert str(file) in str(told.value) and "\n" not in str(told.value)


def test_missing_predictions_are_said_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--test_mode LCO --n_cv_splits 3 --models EnsembleMF"):
        evaluate(HETEROGRAPH, ["additive", THEIRS], PLAN, exchange=tmp_path)
    assert (tmp_path / "data" / "pharmagraph-set0" / "gene_expression.csv").is_file()
    with pytest.raises(ModelError, match="exchange"):
        evaluate(HETEROGRAPH, [THEIRS], PLAN)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(Split.unseen_both, 3, task="regression"), "drevalpy has no split unseen-both"),
        (Plan(Split.random, 3), "drevalpy predicts ln IC50 alone"),
    ],
)
def test_what_drevalpy_does_not_do_is_said(plan: Plan, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        evaluate(HETEROGRAPH, ["additive"], plan, exchange=tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_test_mode_of_drevalpy_has_a_split() -> None:
    assert sorted(MODES.values()) == ["LCO", "LDO", "LPO", "LTO"]
    command = Exchange.of(Path("x"), HETEROGRAPH, PLAN).command(THEIRS, "drevalpy:RandomForest")
    assert re.search(r"--models EnsembleMF RandomForest$", command)
