"""Figures of intervals by hand, graphs drawn from others, and the folder and page of an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.model.certainty.certainty import LEVELS
from pharmagraph.model.evaluation.certainty import FOREST, evaluate_certainty
from pharmagraph.model.evaluation.certainty_figures import (
    Predicted,
    class_figures,
    known_errors,
    means,
    value_figures,
)
from pharmagraph.model.evaluation.drawn import TESTED_ON, drawn
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.choices import CellLineGroups, DrugGroups, Split
from pharmagraph.model.reports.certainty import DOCS, markdown
from pharmagraph.model.reports.certainty_folder import keep, read
from tests.screens import screen


def _at(rows: list[dict[str, Any]], metric: str, grouping: str = "pooled") -> float:
    (found,) = [row["value"] for row in rows if (row["metric"], row["grouping"]) == (metric, grouping)]
    return float(found)


def _values() -> Predicted:
    """Two drugs of 60 pairs; the error of the second is 3, beyond all intervals but the last, of width 8."""
    drug = np.repeat([0, 1], 60)
    label, predicted = np.linspace(0, 5, 120), np.linspace(0, 5, 120) + 3 * drug
    intervals = [(predicted - reach, predicted + reach) for reach in [1.0] * (len(LEVELS) - 1) + [4.0]]
    return Predicted(
        label, predicted, drug, np.where(drug == 0, "lung", "skin"), intervals,
        distance=drug / 2, unlike=drug == 1,
    )  # fmt: skip


def test_coverage_is_told_by_level_drug_tissue_and_distance() -> None:
    rows = value_figures(_values())
    assert _at(rows, "coverage-80") == 0.5 and _at(rows, "coverage-90") == 1
    assert _at(rows, "half-covered", "drugs") == 1
    assert _at(rows, "coverage-90", "tissue skin") == 1
    assert _at(rows, "error", "unlike") == pytest.approx(3)
    assert _at(rows, "error", "not unlike") == pytest.approx(0)
    assert _at(rows, "distance", "distance-4") == 0.5
    assert _at(rows, "width-90") == 8


def test_a_flag_that_knows_the_errors_of_drugs_and_lines_finds_products_of_factors() -> None:
    generator = np.random.default_rng(0)
    drug, cell_line = np.divmod(generator.permutation(600)[:400], 20)
    of_drug, of_line = np.exp(generator.normal(size=30)), np.exp(generator.normal(size=20))
    error = of_drug[drug] * of_line[cell_line]
    assert known_errors(error, drug, cell_line) == pytest.approx(error, rel=1e-3)
    predicted = np.zeros(400)
    same = [(predicted - 1, predicted + 1)] * len(LEVELS)  # widths that tell nothing
    rows = value_figures(Predicted(error, predicted, drug, np.full(400, ""), same, cell_line=cell_line))
    worst = np.sort(error)
    assert _at(rows, "flagged-error-known") == pytest.approx(worst[-40:].mean() / worst[:-40].mean())
    assert _at(rows, "flagged-error") < 0.5 * _at(rows, "flagged-error-known")


def test_classes_have_reliability_and_prediction_sets() -> None:
    probability = np.repeat([0.15, 0.95], 100)
    label = np.concatenate([np.arange(100) < 10, np.arange(100) < 95]).astype(float)
    answers = [np.repeat([0, 2], 100)] * len(LEVELS)
    none = [(probability, probability)] * len(LEVELS)
    of = Predicted(label, probability, np.repeat([0, 1], 100), np.full(200, ""), none, probability, answers)
    rows = class_figures(of)
    assert _at(rows, "coverage-90") == 0.95 and _at(rows, "either-90") == 0.5
    assert _at(rows, "sensitive", "bin-2") == pytest.approx(0.1)
    assert _at(rows, "probability", "bin-10") == pytest.approx(0.95)
    assert _at(rows, "calibration-error") == pytest.approx(0.025)


def test_means_over_folds_are_by_the_number_of_pairs() -> None:
    at = {"metric": "coverage-90", "grouping": "tissue skin", "model": "default"}
    rows = [at | {"fold": 0, "n": 100, "value": 0.8}, at | {"fold": 1, "n": 300, "value": 1.0}]
    assert means(rows)[0]["default"] == pytest.approx(0.95)


def _graph() -> Heterograph:
    ids = {kind: np.array([f"{kind}{n}" for n in range(6)], object) for kind in ("Drug", "CellLine", "Gene")}
    tested = Relation(
        torch.arange(5).repeat(5), torch.arange(5).repeat_interleave(5), {"ln_ic50": torch.arange(25.0)}
    )
    targets = Relation(torch.arange(6), torch.arange(6), {})
    nodes = {"Drug": {"scaffold": torch.arange(6)}, "CellLine": {"tissue": torch.arange(6)}, "Gene": {}}
    return Heterograph(ids, nodes, {TESTED_ON: tested, ("Drug", "TARGETS", "Gene"): targets}, ("A",), ())


def test_a_drawn_graph_has_measured_nodes_and_the_edges_between_them() -> None:
    whole, part = _graph(), drawn(_graph(), {"Drug": 3, "CellLine": 2}, seed=1)
    assert [part.n_nodes(kind) for kind in ("Drug", "CellLine", "Gene")] == [3, 2, 6]
    tested = part.relations[TESTED_ON]
    assert len(tested) == 6
    for src, dst, value in zip(tested.src, tested.dst, tested.features["ln_ic50"], strict=True):
        drug, cell_line = part.ids["Drug"][src], part.ids["CellLine"][dst]
        at = list(whole.ids["CellLine"]).index(cell_line) * 5 + list(whole.ids["Drug"]).index(drug)
        assert value == at
    assert part.nodes["Drug"]["scaffold"].tolist() == [int(i.removeprefix("Drug")) for i in part.ids["Drug"]]
    with pytest.raises(InputError, match="6 drugs cannot be drawn: 5 have"):
        drawn(whole, {"Drug": 6}, seed=1)


def test_rows_of_later_folds_stand_beside_earlier_ones_and_make_the_page(tmp_path: Path) -> None:
    at = {"dataset": "A", "task": "regression", "split": "unseen-drug", "model": "default"}
    rows = [at | row for row in value_figures(_values())]
    for fold, command in ((0, "cli one"), (1, "cli two"), (1, "cli two")):
        path = keep(tmp_path, [row | {"fold": fold} for row in rows], command=command, part="5 drugs")
    (found,) = read(tmp_path)
    assert path.name == "A-unseen-drug-regression-5-drugs.json"
    assert len(found["rows"]) == 2 * len(rows)
    assert [one["command"] for one in found["commands"]] == ["cli one", "cli two"]
    page = markdown([found])
    assert "| A | 5 drugs | unseen-drug | regression | default | 2 | 0.500 | 0.500 | 1.000 |" in page
    assert "tissue skin" in page and "called unlike training" in page and "- GDSC1, random" in page
    with pytest.raises(InputError, match="holds no rows of intervals"):
        read(tmp_path / "none")


@pytest.mark.once
@pytest.mark.parametrize(("split", "side"), [(Split.unseen_both, "drug"), (Split.unseen_tissue, "cell_line")])
def test_pairs_of_which_both_ends_are_new_and_whole_tissues_are_measured_beside_the_usual_recipe(
    split: Split, side: str
) -> None:
    sizes = (100, 96) if split is Split.unseen_both else (40, 56)
    heterograph = screen(*sizes, measured=0.9)
    tissues = {**heterograph.nodes["CellLine"], "tissue": torch.arange(sizes[1]) % 28}
    heterograph = replace(
        heterograph.with_features("CellLine", tissues), tissues=tuple(f"tissue {n}" for n in range(28))
    )
    network = {"channels": 8, "axial": False, "factors": False, "gene_part": False}
    plan = Plan(
        split, drug_groups=DrugGroups.alone, cell_line_groups=CellLineGroups.alone, task="regression",
        changes={"network": network, "training": {"members": 1, "epochs": 2}},
    )  # fmt: skip
    rows = evaluate_certainty(heterograph, ["default", FOREST], plan, only=[0])
    measured, cut = plan.cut(heterograph)
    test, training = measured.take(cut[0].test), measured.take(cut[0].train)
    if split is Split.unseen_tissue:  # no line of a held-out tissue is trained on
        of_tissue = tissues["tissue"].numpy()
        assert not set(of_tissue[test.cell_line]) & set(of_tissue[training.cell_line])
    assert not set(getattr(test, side)) & set(getattr(training, side))
    for model in ("default", FOREST):
        mine = [row for row in rows if row["model"] == model]
        assert {row["split"] for row in mine} == {split.value} and mine[0]["n"] == len(test)
        assert _at(mine, "width-90") > 0 and 0.5 < _at(mine, "coverage-90") <= 1
        assert _at(mine, "coverage-50") < _at(mine, "coverage-90")
    page = markdown([{"commands": [], "part": None, "rows": rows}])
    assert (
        f"| {split.value} | regression | random-forest | 1 |" in page and "error of the widest tenth" in page
    )


def test_the_page_in_docs_is_made_of_the_rows_beside_it() -> None:
    made = markdown(json.loads((DOCS / "certainty.json").read_text()))
    assert made == (DOCS / "certainty.md").read_text(), "run: python -m pharmagraph.model.reports.certainty"
