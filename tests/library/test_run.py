"""What a run answers, against what its store and folder hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import pharmagraph as pg
from pharmagraph import Run

DRUG, CELL_LINE = "synthetic-drug-0001", "synthetic-line-0001"
DRUG_ID, CELL_LINE_ID = "SYNTHETICDRUG0001", "SYNTHETICLINE0001"
SMILES = "CCOc1ccccc1"


def test_every_block_of_the_page_runs(page: tuple[Path, dict[str, Any]]) -> None:
    folder, names = page
    assert (folder / "run.html").is_file()
    assert names["run"].id == names["run"].folder.name
    assert names["heterograph"].n_nodes("Drug") == 60


def test_the_promoted_run_is_opened_and_keeps_its_figures(
    run: Run, page: tuple[Path, dict[str, Any]]
) -> None:
    assert run == page[1]["run"]
    about = json.loads((run.folder / "config.json").read_text())
    figures = run.figures.set_index(["metric", "grouping"])
    assert figures.loc[("auroc", "pooled"), "model"] == about["metrics"]["auroc pooled"]
    assert figures.loc[("auroc", "pooled"), "additive"] == about["metrics"]["additive auroc pooled"]
    assert len(figures) * 2 == len(about["metrics"])


def test_predictions_are_those_in_the_store(run: Run) -> None:
    stored = run.store.read_edges(
        "PREDICTED", ("Drug", "CellLine"), equals={"run_id": run.id, "src": DRUG_ID}
    )
    stored = dict(zip(stored["dst"].to_pylist(), stored["probability"].to_pylist(), strict=True))
    table = run.predict(DRUG)
    assert list(table.columns) == [
        "drug", "cell_line", "probability", "calibrated", "low", "high", "answer", "level", "unlike", "measured",
    ]  # fmt: skip
    assert dict(zip(table["cell_line"], table["probability"], strict=True)) == pytest.approx(stored, abs=1e-5)
    assert table["probability"].is_monotonic_decreasing
    assert run.predict(DRUG, limit=3).equals(table.head(3))


def test_files_and_matrices_are_predicted_as_single_pairs_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.smi").write_text(f"{SMILES} first\nCCN second\n")
    (tmp_path / "pairs.csv").write_text(f"drug,cell_line\n{DRUG},{CELL_LINE}\n")
    single = run.predict(smiles=[SMILES, "CCN"])
    many = run.predict_many(drugs_file=tmp_path / "new.smi", top=2)
    assert many["drug"].tolist() == ["first", "first", "second", "second"]
    for name, smiles in (("first", SMILES), ("second", "CCN")):
        best = single[single["drug"] == smiles].head(2)
        mine = many[many["drug"] == name]
        assert mine["cell_line"].tolist() == best["cell_line"].tolist()
        for column in ("probability", "low", "high"):
            assert mine[column].tolist() == pytest.approx(best[column].tolist(), abs=1e-5)
    pair = run.predict_many(pairs_file=tmp_path / "pairs.csv", intervals=False)
    assert pair["drug_id"].tolist() == [DRUG_ID] and "low" not in pair
    assert pair["probability"][0] == pytest.approx(run.predict(DRUG, CELL_LINE)["probability"][0], abs=1e-5)
    whole = run.predict_many(limit=5)
    assert len(whole) == 5 and whole["probability"].is_monotonic_decreasing
    with pytest.raises(pg.errors.InputError, match="leave the other drugs and cell lines out"):
        run.predict_many(DRUG, pairs_file=tmp_path / "pairs.csv")
    with pytest.raises(TypeError, match=r"^drugs_file is of type int"):
        run.predict_many(drugs_file=3)  # type: ignore[arg-type]


def test_what_is_predicted_of_one_entity_does_not_depend_on_the_others(run: Run) -> None:
    profile = {"SYNTHETICG00001": 2.0, "SYNTHETICG00002": -1.5}
    together = run.predict([DRUG, SMILES, "c1ccccc1O"], [CELL_LINE, profile]).set_index(["drug", "cell_line"])
    assert len(together) == 6
    alone = {
        (DRUG_ID, CELL_LINE_ID): run.predict(DRUG, CELL_LINE),
        (SMILES, CELL_LINE_ID): run.predict(SMILES, CELL_LINE),
        ("c1ccccc1O", CELL_LINE_ID): run.predict("c1ccccc1O", CELL_LINE),
        (SMILES, "(new cell line)"): run.predict(SMILES, pd.Series(profile)),
    }
    assert {name for table in alone.values() for name in table["drug"]} == {DRUG_ID, "(new drug)"}
    for pair, table in alone.items():
        assert together.loc[pair, "probability"] == pytest.approx(table["probability"][0], abs=1e-5)
    assert not together.loc[SMILES, "measured"].any()


def test_a_dataframe_is_predicted_as_its_file(run: Run, tmp_path: Path) -> None:
    genes = run.store.read_nodes("Gene", ["id", "expression_mean", "expression_deviation"]).to_pandas()
    z = np.random.default_rng(3).normal(size=len(genes))
    log2 = genes["expression_mean"] + genes["expression_deviation"] * z
    found = {}
    for column, values in (("z", z), ("value", log2), ("tpm", 2.0**log2 * 1e6 / (2.0**log2).sum())):
        frame = pd.DataFrame({"gene": genes["id"], column: values})
        frame.to_csv(tmp_path / f"{column}.csv", index=False)
        notes: list[str] = []
        found[column] = run.predict(DRUG, frame, note=notes.append)
        pd.testing.assert_frame_equal(
            found[column], run.predict(DRUG, tmp_path / f"{column}.csv", note=notes.append)
        )
        read = [sentence for sentence in notes if " unlike " not in sentence]
        assert read[0].removeprefix("cell_lines: ") == read[1].removeprefix(f"{column}.csv: ")
    assert found["value"]["probability"][0] == pytest.approx(found["z"]["probability"][0], abs=0.05)
    series = pd.Series(log2.to_numpy(), index=genes["id"], name="A375")
    pd.testing.assert_frame_equal(run.predict(DRUG, series, note=notes.append), found["value"])


def test_attention_is_that_of_the_folder_with_a_rank_in_each_source(run: Run) -> None:
    kept = pq.read_table(run.folder / "attention" / "Drug-Gene.parquet").to_pandas()
    found = run.attention("Drug", "Gene")
    assert len(found) == len(kept)
    weight = kept.set_index(["src", "dst"])["weight"]
    assert np.allclose(weight.loc[list(zip(found["src"], found["dst"], strict=True))], found["weight"])
    for _, edges in found.groupby("src"):
        assert list(edges["rank"]) == list(range(1, len(edges) + 1))
        assert edges["weight"].is_monotonic_decreasing
    assert run.attention("Drug", "Gene", limit=2).groupby("src").size().max() == 2


def test_a_change_starts_from_the_prediction_of_the_pair(run: Run) -> None:
    table = run.what_if(DRUG, CELL_LINE, expression={"SYNTHETICG00001": -2.0}, silence="SYNTHETICG00002")
    assert list(table["change"]) == ["SYNTHETICG00001 z = -2", "SYNTHETICG00002 silenced", "all together"]
    assert np.allclose(table["after"], table["before"] + table["difference"])
    assert table["before"][0] == pytest.approx(run.predict(DRUG, CELL_LINE)["probability"][0], abs=1e-6)


def test_genes_are_ranked_by_effect_beside_a_truth(run: Run) -> None:
    genes = [row["gene"] for row in run.explain(DRUG, limit=3).genes]
    truth = pd.DataFrame({"gene": genes[:1], "effect": [0.5]})
    table = run.rank_genes(DRUG, CELL_LINE, genes, n_null=2, truth=truth)
    assert set(table["gene"]) <= set(genes) and table["difference"].abs().is_monotonic_decreasing
    assert table.set_index("gene")["truth"].dropna().to_dict() in ({genes[0]: 0.5}, {})


def test_a_named_query_and_its_cypher_give_one_answer(run: Run) -> None:
    from pharmagraph.cypher.catalogue import catalogue

    named = pg.query(run.store, "top-genes", drug=DRUG, limit=4)
    typed = pg.query(run.store, catalogue()["top-genes"].text, drug=DRUG_ID, run=run.id, limit=4)
    assert len(named) == 4 and named.equals(typed)


def test_an_evaluation_is_the_same_from_a_store_and_its_heterograph(run: Run) -> None:
    from_store = pg.evaluate(run.store, "additive", folds=2)
    assert from_store.equals(pg.evaluate(pg.export(run.store), ["additive"], folds=2))
    assert list(from_store.columns) == ["dataset", "split", "fold", "model", "metric", "grouping", "value"]
    assert set(from_store["fold"]) == {0, 1}
