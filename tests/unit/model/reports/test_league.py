"""The league's table: what was not run says so, the best is marked, and a tree that wins is named."""

from __future__ import annotations

from typing import Any

from pharmagraph.model.reports import results as pages
from pharmagraph.model.reports.league import MODELS, NOT_RUN, league


def _result(
    figures: dict[str, float], *, split: str = "unseen-cell", folds: int = 5, **changed: Any
) -> dict[str, Any]:
    verdicts = [
        {"model": model, "metric": "pearson", "grouping": "per_drug", "mean": value, "folds": folds}
        for model, value in figures.items()
    ]
    return {
        "dataset": "GDSC1", "split": split, "task": "regression", "changes": {}, "omics": None,
        "drug_groups": "twins", "cell_line_groups": "twins", "verdicts": verdicts, **changed,
    }  # fmt: skip


def _row(page: str, split: str = "unseen-cell") -> dict[str, str]:
    line = next(x for x in page.splitlines() if x.startswith(f"| GDSC1 | {split} | Pearson per drug |"))
    return dict(zip(MODELS, [cell.strip() for cell in line.split("|")[4:-1]], strict=True))


def test_what_was_not_run_says_so() -> None:
    assert set(_row(league([])).values()) == {NOT_RUN}
    found = _row(league([_result({"default": 0.45, "xgboost": 0.41})]))
    assert found["default"] == "**0.4500**" and found["xgboost"] == "0.4100"
    assert {found[model] for model in MODELS if model not in {"default", "xgboost"}} == {NOT_RUN}


def test_a_figure_that_an_evaluation_does_not_have_is_no_model_that_was_not_run() -> None:
    nothing = {**_result({"xgboost": float("nan")})}
    assert _row(league([nothing]))["xgboost"] == "–"


def test_a_tree_that_wins_is_named_and_one_that_loses_is_not() -> None:
    said = "GDSC1, unseen-cell, Pearson per drug: **a tree wins**, xgboost"
    assert said in league([_result({"default": 0.45, "xgboost": 0.46})])
    assert "a tree wins" not in league([_result({"default": 0.45, "xgboost": 0.44})])


def test_models_may_be_of_several_evaluations_and_other_numbers_of_folds_are_told() -> None:
    page = league([_result({"default": 0.45}), _result({"ensemble-mf": 0.44}, folds=1)])
    assert _row(page)["ensemble-mf"] == "0.4400 (1)"
    more = league([_result({"default": 0.45}, folds=1), _result({"default": 0.43})])
    assert _row(more)["default"] == "**0.4300**"


def test_evaluations_of_other_groups_options_or_omics_are_no_part_of_it() -> None:
    others = [
        _result({"default": 0.5}, cell_line_groups="tissue"),
        _result({"default": 0.5}, changes={"training": {"members": 1}}),
        _result({"default": 0.5}, omics=["expression"]),
        _result({"default": 0.5}, split="random"),
    ]
    assert set(_row(league(others)).values()) == {NOT_RUN}


def test_tables_have_columns_for_the_normalised_metrics() -> None:
    assert {("pearson", "normalised"), ("r2", "normalised"), ("pearson", "less_means")} <= set(
        pages.SHOWN["regression"]
    )
