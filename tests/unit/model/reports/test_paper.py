"""The page of the paper's figures: means of rows, and "not run" where there are none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from pharmagraph.model.reports import paper


def _result(model: str, values: list[float], **changed: Any) -> dict[str, Any]:
    rows = [
        {"dataset": "nci60", "split": "random", "fold": n, "model": model, "metric": "auroc", "grouping": "pooled",
         "value": value} for n, value in enumerate(values)
    ]  # fmt: skip
    return {
        "dataset": "nci60", "split": "random", "task": "classification", "changes": {}, "omics": None, "rows": rows,
        "command": "cli evaluate", "commit": "abc", "machine": "one", **changed,
    }  # fmt: skip


def _figures_of_ours(page: str) -> list[str]:
    tables = [line for line in page.splitlines() if line.startswith("| ")]
    return re.findall(r"\d\.\d{3}(?: ± \d\.\d{3})? \(\d+\)", "\n".join(tables))


def test_page_of_no_evaluation_holds_the_papers_figures_and_none_of_ours() -> None:
    page = paper.page([])
    assert not _figures_of_ours(page)
    assert page.count(paper.NOT_RUN) > 50
    assert all(f"| {value:.3f} |" in page for value in paper.PUBLISHED.values())


def test_figure_is_the_mean_over_folds_of_its_rows_and_stands_in_its_column() -> None:
    page = paper.page(
        [_result("default", [0.9, 0.8]), _result("additive", [0.7, 0.7]), _result("mean", [0.5, 0.5])]
    )
    line = next(line for line in page.splitlines() if line.startswith("| nci60 | AUROC | 0.945 |"))
    assert line == (
        "| nci60 | AUROC | 0.945 | not run | not run | 0.850 ± 0.050 (2) | 0.700 ± 0.000 (2), additive |"
    )


def test_changed_network_stands_under_its_own_name_only() -> None:
    changes = {"network": {"conv": "gcn"}, "training": {"members": 1}}
    page = paper.page([_result("default", [0.777], changes=changes)])
    assert "| gcn | members 1 | 0.777 (1) | – | – |" in page
    assert len(_figures_of_ours(page)) == 1


def test_variants_are_compared_on_the_folds_that_both_have() -> None:
    changes = {"network": {"conv": "none"}}
    page = paper.page([_result("drgt", [0.9, 0.8, 0.7]), _result("drgt", [0.88, 0.79], changes=changes)])
    of_fold = np.array([-0.02, -0.01])
    t = of_fold.mean() / np.sqrt((1 / 2 + 1 / 4) * of_fold.var(ddof=1))
    p = 2 * stats.t.sf(abs(t), 1)
    assert f"| none | as the preset | 0.835 ± 0.045 (2) | – | – | -0.015 (2), p = {p:.2g} |" in page
    assert "| gatv2 | as the preset | 0.800 ± 0.082 (3) | – | – |  |" in page


def test_published_network_stands_beside_the_additive_model_on_the_papers_labels() -> None:
    told = [_result(model, [value], dataset="gdsc1") for model, value in (("drgt", 0.81), ("additive", 0.75))]
    line = next(line for line in paper.page(told).splitlines() if line.startswith("| gdsc1 | AUROC"))
    assert line == "| gdsc1 | AUROC | 0.945 | not run | 0.810 (1) | 0.750 (1) | +0.060 (1) |"


def test_omics_of_an_evaluation_are_not_taken_for_all() -> None:
    page = paper.page([_result("default", [0.777], split="unseen-cell", omics=["expression"])])
    assert "| nci60 | unseen-cell | expression | as the preset | 0.777 (1) | – | – |" in page
    assert len(_figures_of_ours(page)) == 1


def test_evaluations_that_hold_out_each_drug_alone_are_not_taken_for_those_of_twins() -> None:
    page = paper.page([_result("default", [0.777], split="unseen-drug", drug_groups="alone")])
    assert not _figures_of_ours(page)


def test_command_stands_under_the_commit_that_it_ran_on() -> None:
    runs = [
        _result("drgt", [0.7], commit=commit, command=f"cli evaluate {n}") for n, commit in enumerate("aba")
    ]
    told = paper.page(runs).split("## Commands")[1]
    assert told.split("Commit ")[1:] == [
        "a, one:\n\n    cli evaluate 0\n    cli evaluate 2\n\n",
        "b, one:\n\n    cli evaluate 1\n",
    ]


def test_rows_stand_beside_the_page(tmp_path: Path) -> None:
    page, rows = paper.write_paper([_result("default", [0.9])], tmp_path)
    assert "cli evaluate" in page.read_text()
    assert json.loads(rows.read_text())[0]["rows"][0]["value"] == 0.9


def test_the_gene_part_is_compared_with_its_absence_on_the_same_folds() -> None:
    def result(values: list[float], **changed: Any) -> dict[str, Any]:
        found = _result("default", values, dataset="GDSC1", split="unseen-cell", task="regression", **changed)
        for row in found["rows"]:
            row |= {"metric": "pearson", "grouping": "per_drug"}
        return found

    without = {"network": {"gene_part": False}}
    page = paper.page([result([0.44, 0.43]), result([0.43, 0.425], changes=without)])
    line = next(
        line for line in page.splitlines() if line.startswith("| unseen cell lines | GDSC1 | Pearson")
    )
    assert "| 0.4350 ± 0.0050 (2) | 0.4275 ± 0.0025 (2) | +0.0075 (2), p = " in line
    line = next(line for line in page.splitlines() if line.startswith("| unseen drugs | GDSC1 | Pearson"))
    assert line.endswith(f"| {paper.NOT_RUN} | {paper.NOT_RUN} |  |")
