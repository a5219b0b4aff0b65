"""Evaluations: resumable, the same side by side, honest about what cannot be predicted; what the page says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.evaluation import figures as evaluation
from pharmagraph.model.evaluation import predictions as finished
from pharmagraph.model.evaluation.comparison import read_predictions, verdicts
from pharmagraph.model.evaluation.figures import evaluate, summary
from pharmagraph.model.evaluation.journal import entries
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.metrics.scores import auroc, per_entity
from pharmagraph.model.presets.choices import DrugGroups, Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.reports import results
from pharmagraph.model.reports.evaluation_folder import write_folder
from pharmagraph.model.responses import inner_folds
from pharmagraph.model.responses import leakage as leaks
from pharmagraph.model.responses.inner_folds import inner_split
from tests.screens import screen, without_structure

torch.set_num_threads(1)
QUICK = {
    "training": {"epochs": 2, "members": 1, "validate_every": 1, "untested_pairs": 50},
    "network": {"channels": 8, "n_associated_genes": 4},
}
RANDOM = Plan(Split.random, 3, changes=QUICK)


def _without_omics(heterograph: Heterograph, cell_lines: list[int]) -> Heterograph:
    for edge_type, edges in heterograph.relations.items():
        bare = torch.zeros(len(edges), dtype=torch.bool)
        if edge_type[0] == "CellLine":
            bare |= torch.isin(edges.src, torch.tensor(cell_lines))
        if edge_type[1] == "SIMILAR_TO" and edge_type[0] == "CellLine":
            bare |= torch.isin(edges.dst, torch.tensor(cell_lines))
        heterograph = heterograph.with_relation(edge_type, edges.take(~bare))
    return heterograph


@pytest.mark.once
def test_evaluation_resumes_with_the_same_rows(tmp_path: Path) -> None:
    heterograph, models = screen(), ["fast", "additive"]
    whole = evaluate(heterograph, models, RANDOM)
    file, predictions = tmp_path / "rows.jsonl", tmp_path / "predictions"
    evaluate(heterograph, models, RANDOM, only=[0], finished=file, predictions=predictions)
    with file.open("a") as lines:
        lines.write('{"of": {"cut o')  # as a killed process leaves it
    done: list[str] = []
    resumed = evaluate(
        heterograph, models, RANDOM, finished=file, predictions=predictions, report=done.append
    )
    assert len(done) == 4
    assert repr(resumed) == repr(whole)  # NaN is not equal to itself
    assert {"dataset", "split", "fold", "model", "metric", "grouping", "value"} == set(whole[0])
    assert {row["folds"] for row in summary(whole)} == {3}


@pytest.mark.once
def test_changed_preset_is_evaluated_again(tmp_path: Path) -> None:
    file, preset, done = tmp_path / "rows.jsonl", tmp_path / "own.yaml", []
    for epochs in (1, 1, 2, 1):  # back again: the predictions kept are those of two epochs
        options = load_preset("fast", **QUICK).model_dump(mode="json", exclude={"preset"})
        options["training"]["epochs"] = epochs
        preset.write_text(json.dumps({part: value for part, value in options.items() if value}))
        told: list[str] = []
        evaluate(screen(), [str(preset)], Plan(Split.random, 3), only=[0], finished=file, report=told.append)
        done.append(len(told))
    assert done == [1, 0, 1, 1]


@pytest.mark.parametrize(("process_genes", "again"), [(True, True), (False, False)])
def test_attention_to_genes_is_part_of_what_a_fit_depends_on_where_it_predicts(
    process_genes: bool, again: bool, tmp_path: Path
) -> None:
    preset, configs = tmp_path / "own.yaml", []
    for steps in (5, 6):
        options = load_preset("default", **QUICK).model_dump(mode="json", exclude={"preset"})
        options["targets"]["steps"], options["network"]["process_genes"] = steps, process_genes
        preset.write_text(json.dumps({part: value for part, value in options.items() if value}))
        configs.append(evaluation._config(str(preset), screen(), Plan(Split.random, 3)))
    assert (configs[0] != configs[1]) is again


def test_side_by_side_gives_the_same_rows(tmp_path: Path) -> None:
    heterograph, models = screen(), ["additive", "kernel-ridge"]
    told: list[str] = []
    together = evaluate(heterograph, models, RANDOM, workers=2, report=told.append)
    alone = evaluate(heterograph, models, RANDOM)
    assert len(told) == 6
    for a, b in zip(together, alone, strict=True):
        assert {k: v for k, v in a.items() if k != "value"} == {k: v for k, v in b.items() if k != "value"}
        assert a["value"] == pytest.approx(b["value"], abs=1e-5, nan_ok=True)


def test_every_finished_fold_carries_its_audit_and_what_was_chosen(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    evaluate(screen(), ["additive"], Plan(Split.unseen_drug, 3), only=[1], finished=file)
    (entry,) = entries(file)
    assert "penalty" in entry["options"]
    paths = {check["path"]: check["verdict"] for check in entry["audit"]}
    assert paths["a tested drug has training pairs"] == "clear"
    assert paths["a feature or a similarity depends on responses"] == "clear"
    assert len(paths) >= 6


def test_preset_selects_by_inner_folds_that_keep_the_plans_groups_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heterograph, given = screen(), []

    def spy(*arguments: Any, **named: Any) -> Any:
        given.append(named["groups"])
        return inner_split(*arguments, **named)

    monkeypatch.setattr(inner_folds, "inner_split", spy)
    plan = Plan(Split.unseen_drug, 3, drug_groups=DrugGroups.scaffold, changes=QUICK)
    heterograph = heterograph.with_features("Drug", {"scaffold": torch.arange(24) % 6})
    evaluate(heterograph, ["fast"], plan, only=[0])
    assert len(given) == 1
    assert np.array_equal(given[0].drug, plan.groups(heterograph).drug)
    assert len(np.unique(given[0].drug)) <= 6


@pytest.mark.parametrize("kept", ["expression", "mutation"])
def test_models_see_the_omics_that_are_named_and_folds_stay_the_same(kept: str) -> None:
    heterograph, unseen = screen(), Plan(Split.unseen_cell, 3)
    tensors = baseline_tensors(replace(unseen, omics=(kept,)).seen(heterograph))
    assert bool(tensors.expression.any()) is (kept == "expression")
    assert bool(tensors.mutation.any()) is (kept == "mutation")
    assert all(
        np.array_equal(a.test, b.test)
        for a, b in zip(
            unseen.cut(heterograph)[1], replace(unseen, omics=(kept,)).cut(heterograph)[1], strict=True
        )
    )
    rows = evaluate(heterograph, ["fast", "kernel-ridge"], replace(RANDOM, omics=(kept,)), only=[0])
    assert all(np.isfinite(r["value"]) for r in rows if (r["metric"], r["grouping"]) == ("auroc", "pooled"))


def test_fold_that_leaks_is_not_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = leaks.Check("a pair is trained on and tested", "leak", 3, ("A on B",))
    monkeypatch.setattr(leaks, "audit", lambda *_, **__: [planted])
    with pytest.raises(ModelError, match='fold 0 of split="random" leaks: a pair is trained on and tested'):
        evaluate(screen(), ["additive"], RANDOM)


def test_cell_line_of_which_nothing_is_known_has_an_empty_prediction_with_the_reason(tmp_path: Path) -> None:
    heterograph = _without_omics(screen(), [3])
    plan, file = Plan(Split.unseen_cell, 3), tmp_path / "rows.jsonl"
    evaluate(heterograph, ["kernel-ridge"], plan, finished=file, predictions=tmp_path / "predictions")
    found = {e["fold"]: e["unpredictable"] for e in entries(file)}
    (fold,) = (number for number, left_out in found.items() if left_out)
    (left_out,) = found[fold]
    assert left_out["cell_line"] == "LINE03" and left_out["reason"].startswith("no omics")
    from pyarrow import parquet

    file = finished.prediction_file(tmp_path / "predictions", plan.key(heterograph), fold, "kernel-ridge")
    table = parquet.read_table(file).to_pandas()
    assert table.loc[table["cell_line"] == "LINE03", "predicted"].isna().all()
    assert table["predicted"].isna().sum() == left_out["pairs"]


@pytest.mark.once
def test_a_drug_of_which_nothing_is_known_is_predicted_when_it_was_seen_and_not_otherwise(
    tmp_path: Path,
) -> None:
    heterograph = without_structure(screen(), [3])
    seen = evaluate(heterograph, ["kernel-ridge", "fast"], RANDOM, finished=tmp_path / "random.jsonl")
    assert all(not e["unpredictable"] for e in entries(tmp_path / "random.jsonl"))
    assert all(np.isfinite(row["value"]) for row in seen if row["grouping"] == "pooled")
    file = tmp_path / "unseen.jsonl"
    evaluate(heterograph, ["kernel-ridge"], Plan(Split.unseen_drug, 3), finished=file)
    left_out = [u for e in entries(file) for u in e["unpredictable"]]
    assert [(u["drug"], u["cell_line"], u["pairs"]) for u in left_out] == [
        ("NSC4", None, int((heterograph.relations["Drug", "TESTED_ON", "CellLine"].src == 3).sum()))
    ]
    assert left_out[0]["reason"].startswith("no structure")


def test_fold_of_which_nothing_can_be_predicted_is_refused() -> None:
    heterograph = _without_omics(screen(), list(range(20)))
    with pytest.raises(ModelError, match="can be predicted: LINE"):
        evaluate(heterograph, ["additive"], Plan(Split.unseen_cell, 3))


def test_fold_of_one_class_is_refused_before_training() -> None:
    heterograph = screen(n_drugs=5, n_cell_lines=6)
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    tested.features["response"][:] = (tested.src == 0).to(torch.int8)
    with pytest.raises(ModelError, match=r'held-out pairs of fold . of split="unseen-drug" are all'):
        evaluate(heterograph, ["fast"], Plan(Split.unseen_drug))


def test_unknown_model_is_refused_with_what_there_is() -> None:
    with pytest.raises(ModelError, match=r'no preset "lasso".*baselines are mean, .*gaussian-process'):
        evaluate(screen(), ["additive", "lasso"], RANDOM)
    with pytest.raises(ModelError, match="needs train_on and test_on"):
        evaluate(screen(), ["additive"], Plan(Split.transfer, 1))


def test_transfer_has_one_fold_and_names_both_data_sets() -> None:
    plan = Plan(Split.transfer, 1, train_on="set0", test_on="set1")
    rows = evaluate(screen(datasets=2), ["additive", "kernel-ridge"], plan)
    assert {(row["dataset"], row["split"], row["fold"]) for row in rows} == {("set0 → set1", "transfer", 0)}


def _folder(tmp_path: Path, heterograph: Heterograph, models: list[str], plan: Plan) -> dict[str, Any]:
    file = tmp_path / "folds.jsonl"
    rows = evaluate(heterograph, models, plan, finished=file, predictions=tmp_path / "predictions")
    written = write_folder(
        tmp_path, heterograph, plan, models, rows, finished_folds=file, command="cli evaluate …"
    )
    assert all(path.stat().st_size for path in written)
    assert {path.suffix for path in written} == {".json", ".md", ".png"} and len(written) >= 4
    (result,) = results.read_results([tmp_path])
    return result


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_folder_holds_table_json_and_plots(tmp_path: Path, task: str) -> None:
    plan = Plan(Split.random, 3, task=task)  # type: ignore[arg-type]
    result = _folder(tmp_path, screen(), ["kernel-ridge", "additive"], plan)
    assert result["command"] == "cli evaluate …" and set(result["audit"]) == {"0", "1", "2"}
    assert len(result["rows"]) == 6 * len({(r["metric"], r["grouping"]) for r in result["rows"]})


@pytest.mark.once
def test_grouped_verdict_is_made_of_the_entities_of_every_fold(tmp_path: Path) -> None:
    heterograph = screen(30, 60)
    rows = evaluate(heterograph, ["kernel-ridge", "additive"], RANDOM, predictions=tmp_path / "predictions")
    made = read_predictions(
        tmp_path / "predictions", RANDOM.key(heterograph), [0, 1, 2], ["kernel-ridge", "additive"]
    )
    found = verdicts(rows, made, "classification", ours=["kernel-ridge"])
    (own,) = (
        v for v in found
        if (v["model"], v["metric"], v["grouping"]) == ("kernel-ridge", "auroc", "per_drug")
    )  # fmt: skip
    values = [
        per_entity(auroc, p.target, p.predicted, np.unique(p.drug, return_inverse=True)[1], classes=True)
        for p in made["kernel-ridge"].values()
    ]
    assert own["n"] == len(np.concatenate(values))
    assert own["mean"] == pytest.approx(np.mean([v.mean() for v in values]))
    assert own["low"] < np.concatenate(values).mean() < own["high"]
    (pooled,) = (
        v for v in found
        if (v["model"], v["metric"], v["grouping"]) == ("kernel-ridge", "auroc", "pooled")
    )  # fmt: skip
    assert pooled["low"] < pooled["mean"] < pooled["high"]
    assert own["rival"] == "additive" and own["difference"] > 0 and own["p"] < 0.05
    (other,) = (
        v for v in found
        if (v["model"], v["metric"], v["grouping"]) == ("additive", "auroc", "per_drug")
    )  # fmt: skip
    assert other["rival"] == "kernel-ridge" and other["difference"] == pytest.approx(-own["difference"])
    assert pooled["test"] == "corrected t over folds"
    first = [r for r in rows if r["fold"] == 0]
    of_first = {model: {0: of_folds[0]} for model, of_folds in made.items()}
    alone = [
        v for v in verdicts(first, of_first, "classification", ours=["kernel-ridge"])
        if (v["metric"], v["grouping"]) == ("auroc", "pooled")
    ]  # fmt: skip
    assert [v["test"] for v in alone] == ["bootstrap over drugs"] * 2
    assert alone[0]["p"] == alone[1]["p"] < 0.05
    values_of = {r["model"]: r["value"] for r in first if (r["metric"], r["grouping"]) == ("auroc", "pooled")}
    for v in alone:
        assert v["difference"] == pytest.approx(values_of[v["model"]] - values_of[v["rival"]])


def test_page_says_who_wins_each_column_and_where_ours_does_not(tmp_path: Path) -> None:
    def verdict(model: str, metric: str, mean: float, rival: str) -> dict[str, Any]:
        return {
            "model": model, "metric": metric, "grouping": "pooled", "mean": mean, "deviation": 0.01, "folds": 5,
            "low": None, "high": None, "rival": rival, "difference": 0.02, "p": 0.004, "test": "t", "n": 5,
        }  # fmt: skip

    result = {
        "dataset": "nci60", "split": "random", "task": "classification", "commit": "abc", "machine": "2 cores",
        "command": "cli evaluate --split random", "ours": ["default"], "unpredictable": [], "n_folds": 5,
        "audit": {"0": [{"path": "twins", "verdict": "noted"}, {"path": "a pair", "verdict": "clear"}]},
        "rows": [{"fold": f} for f in range(5)], "changes": {"training": {"members": 2}},
        "verdicts": [
            verdict("default", "auroc", 0.97, "blend"), verdict("blend", "auroc", 0.95, "default"),
            verdict("default", "brier", 0.08, "blend"), verdict("blend", "brier", 0.07, "default"),
        ],
    }  # fmt: skip
    page, rows = results.write_results([result], tmp_path)
    text = page.read_text()
    assert "| default | **.970 ± .010** | .080 ± .010 |" in text
    assert "- AUROC pooled: default wins, +0.0200 against blend (p = 0.004, n = 5)." in text
    assert "- Brier pooled: blend wins" in text and text.count("**ours does not**") == 1
    assert "    cli evaluate --split random" in text
    assert "| nci60 | random, 5 of 5 folds, members 2 | **0.9700** / 0.9500, p = 0.004 | – | – |" in text
    assert "- Leak audit: 2 checks, 1 clear, 1 noted, 0 leak (twins)." in text
    assert json.loads(rows.read_text()) == [result]
    alone = {**result, "split": "unseen-drug", "drug_groups": "alone", "cell_line_groups": "twins"}
    of = "default, blend, training.members=2"
    assert results.section(alone).startswith(
        f"## nci60, unseen-drug (drug groups: alone), classification: {of}\n"
    )
    one = results.section({**result, "drug_groups": "twins", "verdicts": result["verdicts"][:1]})
    assert "| default | .970 ± .010 |" in one and " wins" not in one
    behind = [{**v, "difference": -0.02} for v in reversed(result["verdicts"])]
    assert "| 0.9700 / 0.9500, p = 0.004 |" in results.overview([{**result, "verdicts": behind}])
    assert results.overview([{**result, "ours": []}]) == ""  # nothing of ours to compare
    with pytest.raises(InputError, match="holds no result"):
        results.read_results([tmp_path / "nothing"])
