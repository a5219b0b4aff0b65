"""Pages of results: made of their rows alone, and kept up to date by the evaluations that were made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pharmagraph.model.reports import paper, results

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize(
    ("page", "write"), [("results", results.write_results), ("paper", paper.write_paper)]
)
def test_page_in_docs_is_made_of_the_rows_beside_it(page: str, write: Any, tmp_path: Path) -> None:
    for made in write(results.read_results([DOCS], page), tmp_path):
        assert made.read_text() == (DOCS / made.name).read_text(), f"run: cli {page} docs"


def test_evaluation_made_again_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    def evaluation(
        split: str, models: list[str], value: float, folds: int = 1, **changed: Any
    ) -> dict[str, Any]:
        rows = [
            {"dataset": "nci60", "split": split, "fold": fold, "model": model, "metric": "auroc", "grouping": "pooled",
             "value": value} for model in models for fold in range(folds)
        ]  # fmt: skip
        return {"dataset": "nci60", "split": split, "task": "classification", "rows": rows, **changed}

    def values(found: list[dict[str, Any]]) -> list[tuple[str, float]]:
        return [(result["split"], result["rows"][0]["value"]) for result in found]

    earlier, again = tmp_path / "docs", tmp_path / "evaluation"
    earlier.mkdir()
    again.mkdir()
    (earlier / "results.json").write_text(
        json.dumps(
            [
                evaluation("random", ["default"], 0.7),
                evaluation("unseen-drug", ["default"], 0.6),
                evaluation("unseen-cell", ["default"], 0.4, folds=5),
            ]
        )
    )
    new = [
        evaluation("random", ["default", "blend"], 0.8),
        evaluation("random", ["default"], 0.75, seed=1),
        evaluation("unseen-drug", ["additive"], 0.5),
        evaluation("unseen-cell", ["default"], 0.3),
    ]
    for n, result in enumerate(new):
        (again / f"{n}-result.json").write_text(json.dumps(result))
    assert values(results.read_results([earlier, again])) == [
        ("random", 0.8), ("unseen-drug", 0.6), ("unseen-cell", 0.4),
        ("random", 0.75), ("unseen-drug", 0.5), ("unseen-cell", 0.3),
    ]  # fmt: skip
