"""A planted response gene is found from training folds, its knock-out moves predictions the right way, and names that
cannot be judged are said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from sklearn.linear_model import LinearRegression

from pharmagraph.kg.errors import InputError, ModelError, RowError
from pharmagraph.kg.heterograph import Heterograph, Relation
from pharmagraph.kg.names import Names
from pharmagraph.model.evaluation.biomarkers import figures, tables
from pharmagraph.model.evaluation.biomarkers.knock_outs import N_NULL, UNITS, KnockOut, KnockOuts
from pharmagraph.model.evaluation.biomarkers.scorers import (
    ASSOCIATION,
    SCORERS,
    of_genes,
    rank,
    simple_scores,
)
from pharmagraph.model.evaluation.biomarkers.truth import Truth, read_truth
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.gene_features import GeneFeatures
from pharmagraph.model.inputs.tensors import baseline_tensors
from pharmagraph.model.predictor import Entity
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.reports import interpretation
from pharmagraph.model.responses.measured import responses
from pharmagraph.model.responses.scale import Scale, visible_pairs
from pharmagraph.model.responses.splits import folds
from pharmagraph.model.training.from_graph import fit_graph
from tests.screens import screen

torch.set_num_threads(1)

HOMOLOGOUS = ("Gene", "HOMOLOGOUS", "Gene")
PLANTED = "drug,gene,feature,effect,given\nNSC1,GENE000,expression,sensitive,no\nNSC2,GENE001,expression,sensitive,no\n"


@pytest.fixture(scope="module")
def heterograph() -> Heterograph:
    """A screen in which drugs of one family act where the gene of the family is expressed."""
    return screen(16, 60, 140, measured=0.9)


def _truth(folder: Path, text: str, graph: Heterograph, unmeasured: tuple[int, ...] = ()) -> Truth:
    file = folder / "truth.csv"
    file.write_text(text)
    names, gene_names = (
        Names(what, {str(id_): [] for id_ in graph.ids[kind]})
        for what, kind in (("drug", "Drug"), ("gene", "Gene"))
    )
    measured = np.ones(graph.n_nodes("Gene"), bool)
    measured[list(unmeasured)] = False
    tested = np.ones(graph.n_nodes("Drug"), bool)
    tested[5] = False
    return read_truth(
        file, graph, names=names, gene_names=gene_names, tested=tested.tolist(), measured=measured.tolist()
    )


@pytest.fixture(scope="module")
def evaluated(
    heterograph: Heterograph, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Truth, list[dict[str, Any]], Path, figures.Screen, figures.Settings]:
    folder = tmp_path_factory.mktemp("biomarkers")
    truth = _truth(folder, PLANTED, heterograph)
    settings = figures.Settings(members=1, n_folds=3, seeds=(0, 1))
    prepared = figures.Screen.of(heterograph, settings)
    journal = folder / "finished.jsonl"
    rows = figures.evaluate_biomarkers(prepared, truth, settings, only=[0], finished=journal)
    return truth, rows, journal, prepared, settings


def test_a_planted_gene_is_found_and_its_knock_out_moves_the_right_way(evaluated: Any) -> None:
    truth, rows, *_ = evaluated
    assert [row["seed"] for row in rows] == [0, 0, 1, 1]
    for row in rows:
        assert row["ranks"]["network"] == 1 and row["signs"]["network"] is True
        assert row["lists"]["network"][0] in {"GENE000", "GENE001"}
    for found in tables.knock_outs(rows, truth):
        assert found["change"] == "silenced" and found["size"] > 0.2 and found["p"] == 0.01
        assert found["right"] == "yes"
    assert "2 of 2 (100%)" in tables.verdict(rows, truth)


def test_for_classes_a_knock_out_is_sized_in_logits(heterograph: Heterograph, tmp_path: Path) -> None:
    config = load_preset(
        "default",
        network={"factors": False, "axial": False, "process_genes": False, "n_response_genes": 20},
        training={"epochs": 2, "members": 1},
    )
    measured = responses(heterograph)
    fold = next(folds(measured, heterograph, Split.unseen_cell, 3))
    training, held_out = measured.take(fold.train), measured.take(fold.test)
    fitted = fit_graph(heterograph, training, config, seed=0, task="classification", split=Split.unseen_cell)
    predictor = figures.predictor_of(fitted, heterograph, tmp_path)
    pair = _truth(tmp_path, PLANTED, heterograph).pairs[0]
    moves = KnockOuts(predictor, training, held_out).moves(pair, seed=0)
    z = fitted.tensors.expression[:, pair.gene_number].numpy()
    tested = np.unique(held_out.cell_line[held_out.drug == pair.drug_number])
    silenced = Change(pair.gene, "expression", float(z[np.unique(training.cell_line)].min()))
    expected = []
    for line in tested[np.argsort(-z[tested])][: len(moves)].tolist():
        drug, changed = predictor.changed(pair.drug_number, line, silenced, pair.gene_number)
        before, after = (predictor.predict([drug], [one])[0, 0] for one in (Entity(line), changed))
        expected.append(np.log(before / (1 - before)) - np.log(after / (1 - after)))
    assert [move[0] for move in moves] == pytest.approx(expected, rel=1e-2)
    assert UNITS["classification"] == "logits" and np.abs(expected).min() > 0.2


def test_the_summary_compares_scorers_and_lists(evaluated: Any) -> None:
    truth, rows, *_ = evaluated
    found = {row["scorer"]: row for row in tables.summary(rows, truth)}
    assert set(found) == set(SCORERS)
    assert found["network"]["in first 10"] == "2 of 2" and found["network"]["recall a fit"] == 1
    assert 0.2 < found["network"]["same, seeds"] <= 1 and found["network"]["same, folds"] is None
    assert found[ASSOCIATION]["same, seeds"] == pytest.approx(1)
    assert found["forest"]["signs right"] is None


def test_the_tables_stand_on_the_page_of_interpretation(
    evaluated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpretation, "PAGE", tmp_path / "interpretation.json")
    truth, rows, *_ = evaluated
    about = {"dataset": "GDSC1", "task": "regression"}
    for verdict in ("older", "newer"):
        found = tables.document(rows, truth, about) | {"verdict": verdict}
        (tmp_path / "tables.json").write_text(json.dumps(found))
        interpretation._add_biomarkers(str(tmp_path / "tables.json"), "cli evaluate-biomarkers")
    text = (tmp_path / "interpretation.md").read_text()
    assert text.count("## Response genes found again: GDSC1, regression") == 1
    assert "newer." in text and "older" not in text
    for row in tables.ranks(rows, truth):
        assert f"| {row['drug']} | {row['gene']} | {row['network']} |" in text


def test_finished_folds_are_not_fitted_again(evaluated: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, rows, journal, prepared, settings = evaluated
    monkeypatch.setattr(figures, "fit_graph", lambda *_, **__: pytest.fail("fitted again"))
    assert figures.evaluate_biomarkers(prepared, truth, settings, only=[0], finished=journal) == rows
    other = replace(truth, pairs=truth.pairs[:1])
    with pytest.raises(pytest.fail.Exception):
        figures.evaluate_biomarkers(prepared, other, settings, only=[0], finished=journal)


def test_a_fold_that_is_not_there_is_refused(evaluated: Any) -> None:
    truth, _, _, prepared, settings = evaluated
    with pytest.raises(ModelError, match="--fold 3 is not among 3 folds"):
        figures.evaluate_biomarkers(prepared, truth, settings, only=[3])


def test_association_is_the_correlation_of_what_is_left_without_means(heterograph: Heterograph) -> None:
    tensors, measured = baseline_tensors(heterograph), responses(heterograph, "regression")
    features = GeneFeatures.of(tensors)
    visible = visible_pairs(measured, Scale.of(measured, "regression"), torch.device("cpu"))
    found = simple_scores(tensors, features, visible, [3], seed=0)[ASSOCIATION][0]
    column = int(np.flatnonzero((features.gene == 3).numpy() & (features.kind == 0).numpy())[0])
    lines = np.flatnonzero(visible.measured[:, 3].numpy())
    # an independent way to take means out: a regression on indicators would differ by shrinkage alone
    drug, line = measured.drug, measured.cell_line
    ends = np.concatenate([np.eye(16)[drug], np.eye(60)[line]], axis=1)
    rest = -measured.ln_ic50 - LinearRegression(fit_intercept=False).fit(ends, -measured.ln_ic50).predict(
        ends
    )
    of_drug = rest[drug == 3]
    values = features.values(tensors)[lines, column].numpy()
    assert found[column] == pytest.approx(pearsonr(values, of_drug).statistic, abs=0.15)
    assert found[column] > 0.5


def test_a_gene_ranks_by_its_strongest_column() -> None:
    best = of_genes(np.array([0.1, -3.0, 2.0, 0.0]), np.array([0, 0, 1, 2]), 4)
    assert best.tolist() == [3.0, 2.0, 0.0, 0.0]
    assert [rank(best, gene) for gene in range(4)] == [1, 2, None, None]


def test_a_knock_out_counts_where_it_is_large_right_and_beyond_chance() -> None:
    null = [0.01] * 99
    assert KnockOut.of([[0.3, *null], [0.5, *null]]) == KnockOut(0.4, 0.01, 2)
    assert [KnockOut.of([[size, *null]]).right for size in (0.3, 0.1, -0.3)] == [True, False, False]  # type: ignore[union-attr]
    assert not KnockOut.of([[0.3, *([0.4] * 5), *([0.0] * 94)]]).right  # type: ignore[union-attr]
    assert KnockOut.of([]) is None


def test_names_that_cannot_be_judged_are_said_once(heterograph: Heterograph, tmp_path: Path) -> None:
    ends = torch.tensor([2, 3]), torch.tensor([9, 2])
    features = {"identity": torch.tensor([0.5, 0.8]), "dataset": torch.zeros(2, dtype=torch.int64)}
    related = heterograph.with_relation(HOMOLOGOUS, Relation(*ends, features))
    text = PLANTED + (
        "Nostrum,GENE000,expression,sensitive,no\nNostrum,GENE001,mutation,resistant,no\n"
        "NSC3,NOGENE,expression,sensitive,no\nNSC3,GENE002,expression,sensitive,no\n"
        "NSC3,GENE004,expression,sensitive,no\nNSC6,GENE000,expression,sensitive,no\n"
    )
    truth = _truth(tmp_path, text, related, unmeasured=(2, 4))
    assert str(truth) == (
        "2 of 8 pairs are judged; left out: drugs that are not in the graph: Nostrum; genes that are not in the graph: "
        "NOGENE; genes that were not measured: GENE002 (of its family GENE003, GENE009 were), GENE004 (no measured "
        "gene is homologous); drugs without responses in the graph: NSC6"
    )


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("drug,gene,effect\nNSC1,GENE000,sensitive\n", InputError, 'no column "feature"'),
        ("", InputError, "is empty; it needs a header and rows"),
        (
            "drug,gene,feature,effect\n",
            InputError,
            "has no rows below its header; give a drug and a gene a row",
        ),
        ("drug,gene,feature,effect\nX,GENE000,expression,sensitive\n", InputError, "not in the graph: X"),
        ("drug,gene,feature,effect\nNSC1,GENE000,methylation,sensitive\n", RowError, "is none of expression"),
        (
            "drug,gene,feature,effect\nNSC1,GENE000,expression,up\n",
            RowError,
            "is none of sensitive, resistant",
        ),
        (
            PLANTED + "NSC1,GENE000,expression,resistant,no\n",
            RowError,
            "row 4, column effect.*contradicts another row",
        ),
    ],
)
def test_a_truth_that_cannot_be_read_is_refused(
    heterograph: Heterograph, tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        _truth(tmp_path, text, heterograph)


def test_every_line_has_99_random_genes_and_other_seeds_none(evaluated: Any) -> None:
    _, rows, *_ = evaluated
    assert all(len(line) == 1 + N_NULL for row in rows for line in row.get("moves", []))
    assert [len(row.get("moves", [])) for row in rows] == [3, 3, 0, 0]
