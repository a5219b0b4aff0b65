"""Wrong types, shapes and names at the library's edge: errors that name the argument and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pharmagraph as pg
from pharmagraph import Run
from pharmagraph.kg.store import GraphStore

DRUG, CELL_LINE = "synthetic-drug-0001", "synthetic-line-0001"


@pytest.fixture
def empty(tmp_path: Path) -> Any:
    """A store that holds nothing."""
    with pg.open_store(f"ladybug://{tmp_path / 'empty.lbug'}") as store:
        store.create_schema()
        yield store


@pytest.mark.parametrize(
    "call",
    [
        lambda store: pg.train(store),
        lambda store: pg.export(store),
        lambda store: pg.query(store, "coverage"),
        lambda store: pg.evaluate(store),
        lambda store: Run.open(store),
    ],
    ids=["train", "export", "query", "evaluate", "open"],
)
@pytest.mark.parametrize("store", ["ladybug://graph.lbug", None, 3, pd.DataFrame()])
def test_what_is_no_store_is_a_type_error(call: Callable[[Any], object], store: object) -> None:
    with pytest.raises(TypeError, match=r"^store is .*; give an open store: pharmagraph\.open_store"):
        call(store)


def test_a_source_takes_a_store_or_its_url_alone(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^store is of type int"):
        pg.ingest.synthetic(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^folder is of type int"):
        pg.ingest.tables(None, 3)  # type: ignore[arg-type]
    report = pg.ingest.synthetic(f"ladybug://{tmp_path / 'new.lbug'}", drugs=20, cells=12, genes=30)
    assert set(report.table["kind"]) >= {"Drug", "TESTED_ON"} and report.rejected.empty


def test_a_bad_file_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(pg.errors.InputError, match="not-there"):
        pg.ingest.drgt(f"ladybug://{tmp_path / 'none.lbug'}", tmp_path / "not-there")
    assert not list(tmp_path.glob("none*"))


def test_a_closed_store_says_so(empty: GraphStore) -> None:
    empty.close()
    calls: list[Callable[[], object]] = [
        lambda: pg.train(empty), lambda: pg.export(empty), lambda: pg.query(empty, "coverage"),
        lambda: Run.open(empty), lambda: pg.ingest.synthetic(empty), lambda: pg.ingest.targets(empty),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(pg.errors.StoreError, match="is closed; open it again"):
            call()


def test_a_run_of_a_closed_store_says_so(run: Run) -> None:
    run.store.close()
    for call in (lambda: run.predict(DRUG), lambda: run.explain(DRUG), lambda: run.report()):
        with pytest.raises(pg.errors.StoreError, match="is closed; open it again"):
            call()


def test_a_run_that_is_not_there(run: Run, empty: GraphStore) -> None:
    with pytest.raises(pg.errors.NotFoundError, match=r'no run "fast-0"'):
        Run.open(run.store, "fast-0")
    with pytest.raises(pg.errors.NotFoundError, match="none is promoted"):
        Run.open(empty)
    with pytest.raises(TypeError, match=r"^run_id is of type int; give a text"):
        Run.open(run.store, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"preset": 3}, TypeError, "^preset is of type int; give a path"),
        ({"preset": "defalt"}, pg.errors.UnknownPresetError, 'no preset "defalt"; there are default'),
        ({"split": "transfer"}, pg.errors.InputError, '^split is "transfer"; give one of none, random'),
        ({"split": 1}, TypeError, "^split is of type int"),
        ({"task": "regresion"}, pg.errors.InputError, '^task is "regresion"; give one of classification'),
        ({"seed": 1.5}, TypeError, "^seed is of type float; give a whole number"),
        ({"seed": -1}, pg.errors.InputError, "^seed is -1; give 0 or more"),
        ({"n_null": True}, TypeError, "^n_null is of type bool"),
        ({"datasets": 7}, TypeError, "^datasets is of type int"),
        ({"seed": 2**64}, pg.errors.InputError, "^seed is 18446744073709551616; give 4294967295 or less"),
        ({"network": 5}, TypeError, "^network is of type int; give a mapping"),
        ({"training": [1]}, TypeError, "^training is of type list; give a mapping"),
        ({"report": 5}, TypeError, "^report is of type int; give a function"),
        ({"stage": None}, TypeError, "^stage is None; give a function"),
        ({"device": 5}, TypeError, "^device is of type int; give a text"),
        ({"device": "cpu:7"}, pg.errors.ModelError, '^device "cpu:7" is not auto, cpu or cuda'),
        ({"training": {"epoch": 1}}, pg.errors.ModelError, 'unknown option "training.epoch"'),
        ({"preset": "fast"}, pg.errors.ModelError, "has no drug responses"),
    ],
)
def test_training_names_the_argument(
    empty: GraphStore, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pg.train(empty, **options)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda run: run.predict(), pg.errors.ModelError, "name a drug, a cell line or both"),
        (lambda run: run.predict(3), TypeError, "^drugs is of type int"),
        (lambda run: run.predict([DRUG, 3]), TypeError, r"^drugs\[1\] is of type int"),
        (lambda run: run.predict([]), pg.errors.InputError, "^drugs is empty"),
        (lambda run: run.predict(""), pg.errors.InputError, "^drugs is an empty text"),
        (lambda run: run.predict("synthetic-drug-01"), pg.errors.NotFoundError, "did you mean synthetic-drug"),
        (lambda run: run.predict(DRUG, limit=0), pg.errors.InputError, "^limit is 0; give 1 or more"),
        (lambda run: run.predict(DRUG, limit="5"), TypeError, "^limit is of type str"),
        (lambda run: run.predict(DRUG, device="gpu"), pg.errors.ModelError, '"gpu" is not auto, cpu or cuda'),
        (lambda run: run.predict(DRUG, 3), TypeError, "^cell_lines is of type int"),
        (lambda run: run.predict(DRUG, pd.DataFrame({"gene": ["A"], "value": [1.0]})), pg.errors.InputError,
         "^cell_lines: the only gene is not in the graph"),
        (lambda run: run.predict(DRUG, pd.DataFrame()), pg.errors.InputError, '^cell_lines: "" is no header with rows'),
        (lambda run: run.predict(DRUG, pd.DataFrame({"gene": ["SYNTHETICG00001"], "z": ["high"]})),
         pg.errors.InputError, '^cell_lines, row 0, column z: "high" is not a finite number'),
        (lambda run: run.predict(DRUG, {"SYNTHETICG00001": float("nan")}), pg.errors.InputError,
         "^cell_lines: z of SYNTHETICG00001 is nan, not a finite number"),
        (lambda run: run.predict(DRUG, {7: 1.0}), TypeError, "^cell_lines: the gene 7 is of type int"),
        (lambda run: run.predict(DRUG, {"NOT-A-GENE": 1.0}), pg.errors.InputError, "the only gene is not in the graph"),
        (lambda run: run.predict(DRUG, pd.DataFrame({"gene": ["SYNTHETICG00001"] * 2, "z": [1, 2]})),
         pg.errors.InputError, "^cell_lines, row 1, column gene: .* is SYNTHETICG00001, as row 0 is; keep one"),
        (lambda run: run.predict(DRUG, {"SYNTHETICG00001": 1e300}), pg.errors.InputError,
         r"^z of SYNTHETICG00001 is 1e\+300"),
        (lambda run: run.what_if(DRUG, CELL_LINE, expression={"SYNTHETICG00001": 1e300}), pg.errors.InputError,
         r"^z of SYNTHETICG00001 is 1e\+300"),
        (lambda run: run.what_if(DRUG, CELL_LINE, expression=["SYNTHETICG00001"]), TypeError,
         "^expression is of type list; give z by gene as a mapping or as pairs"),
        (lambda run: run.what_if(DRUG, CELL_LINE, expression=5), TypeError,
         "^expression is of type int; give z by gene"),
        (lambda run: run.what_if(DRUG, CELL_LINE, mutate=5), TypeError,
         "^mutate is of type int; give a text or a list"),
        (lambda run: run.what_if(DRUG, CELL_LINE, mutate="SYNTHETICG00001", seed="x"), TypeError,
         "^seed is of type str"),
        (lambda run: run.attention(limit=np.array([1, 2])), TypeError,
         "^limit is of type ndarray; give a whole number"),
        (lambda run: run.promote(advance=None), TypeError, "^advance is None; give a function"),
        (lambda run: run.report(run.folder), pg.errors.InputError, "cannot be written .*; give another file$"),
        (lambda run: run.explain(3), TypeError, "^drug is of type int"),
        (lambda run: run.explain(DRUG, 3), TypeError, "^cell_line is of type int"),
        (lambda run: run.explain(DRUG, "HeLa"), pg.errors.NotFoundError, 'no cell line "HeLa"'),
        (lambda run: run.attention("Gene"), pg.errors.InputError, '^source is "Gene"; give one of CellLine, Drug'),
        (lambda run: run.attention("CellLine", "Drug"), pg.errors.InputError, '^target is "Drug"; give one of Gene'),
        (lambda run: run.what_if(DRUG, CELL_LINE), pg.errors.InputError, "^nothing is changed; give expression"),
        (lambda run: run.what_if(DRUG, CELL_LINE, mutate="NOGENE"), pg.errors.NotFoundError, 'no gene "NOGENE"'),
        (lambda run: run.what_if(DRUG, CELL_LINE, mutate=[5]), TypeError, r"^mutate\[0\] is of type int"),
        (lambda run: run.what_if(DRUG, CELL_LINE, expression={"SYNTHETICG00001": "low"}), pg.errors.InputError,
         "^expression: z of SYNTHETICG00001 is 'low'"),
        (lambda run: run.rank_genes(DRUG, CELL_LINE, truth=pd.DataFrame({"gene": ["A"]})), pg.errors.InputError,
         '^truth: the DataFrame has no column "effect"'),
        (lambda run: run.faithfulness(edges=[0]), pg.errors.InputError, "^edges is 0; give 1 or more"),
        (lambda run: run.faithfulness(edges=[]), pg.errors.InputError, "^edges is empty"),
        (lambda run: run.report(3), TypeError, "^path is of type int"),
        (lambda run: pg.query(run.store, 3), TypeError, "^name_or_cypher is of type int"),
        (lambda run: pg.query(run.store, "top-gnes"), pg.errors.NotFoundError, "did you mean top-genes"),
        (lambda run: pg.query(run.store, "top-genes"), pg.errors.InputError, "needs drug="),
        (lambda run: pg.query(run.store, "MATCH (n:Drug) DETACH DELETE n"), pg.errors.QueryError, "read-only"),
        (lambda run: pg.query(run.store, "top-genes", drug=[DRUG]), TypeError, "^drug is of type list; give a text"),
        (lambda run: pg.export(run.store, drugs=5), TypeError, "^drugs is of type int; give a text or a list"),
        (lambda run: pg.export(run.store, tissues=[None]), TypeError, r"^tissues\[0\] is None; give a text"),
        (lambda run: pg.export(run.store, datasets=[]), pg.errors.InputError, "^datasets is empty; leave it out"),
        (lambda run: pg.export(run.store, around=5), TypeError, "^around is of type int; give a text"),
        (lambda run: pg.export(run.store, around=DRUG, hops=1.5), TypeError, "^hops is of type float; give a whole"),
        (lambda run: pg.export(run.store, datasets="synthetic"), TypeError, "^datasets is the text 'synthetic'"),
        (lambda run: pg.evaluate(run.store, [3]), TypeError, r"^models\[0\] is of type int"),
        (lambda run: pg.evaluate(run.store, "mean", split="none"), pg.errors.InputError, '^split is "none"'),
        (lambda run: pg.evaluate(run.store, "mean", omics="proteins"), pg.errors.InputError,
         '^omics is "proteins"; give one of expression, mutation'),
        (lambda run: pg.evaluate(run.store, "mean", folds=1), pg.errors.InputError, "^folds is 1; give 2 or more"),
        (lambda run: pg.evaluate(run.store, "lasso"), pg.errors.UnknownPresetError, "baselines are mean"),
    ],
)  # fmt: skip
def test_questions_name_the_argument(
    run: Run, call: Callable[[Run], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        call(run)
    assert "\n" not in str(raised.value)


def test_files_that_are_no_text(run: Run, tmp_path: Path) -> None:
    (file := tmp_path / "profile.csv").write_bytes(b"gene,z\nTP5\xbc,1\n")
    with pytest.raises(pg.errors.InputError, match=r"profile\.csv is not UTF-8 text"):
        run.predict(DRUG, file)
    with pytest.raises(pg.errors.InputError, match=r"profile\.csv is not UTF-8 text"):
        run.rank_genes(DRUG, CELL_LINE, ["SYNTHETICG00001"], truth=file)
    with pytest.raises(pg.errors.ModelError, match=r"profile\.csv: not UTF-8 text"):
        pg.train(run.store, file)


def test_a_url_is_a_text() -> None:
    for url in (3, Path("graph.lbug"), b"ladybug://graph.lbug"):
        with pytest.raises(TypeError, match=r"^url is of type \w+; give a text, such as ladybug://"):
            pg.open_store(url)  # type: ignore[arg-type]
    with pytest.raises(pg.errors.InputError, match="names no file"):
        pg.open_store("ladybug://a\0b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drugs": "many"}, "^drugs is of type str; give a whole number"),
        ({"cells": 2.5}, "^cells is of type float"),
        ({"share": "all"}, "^share is of type str; give a number"),
        ({"neighbours": None}, "^neighbours is None"),
        ({"threshold": None}, "^threshold is None; give a text"),
        ({"name": None}, "^name is None; give a text"),
        ({"advance": None}, "^advance is None; give a function"),
    ],
)
def test_a_source_names_the_argument(empty: GraphStore, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        pg.ingest.synthetic(empty, **options)
    with pytest.raises(TypeError, match=r"^files is of type int; give paths"):
        pg.ingest.gdsc(empty, files=5)  # type: ignore[arg-type]


def test_training_is_refused_before_it_starts_where_its_run_could_not_be_kept(
    run: Run, tmp_path: Path
) -> None:
    """The store of the fixture is open for reading alone."""

    def begins(what: str) -> None:
        assert what != "training"

    with pytest.raises(pg.errors.StoreError, match="read-only"):
        pg.train(run.store, "fast", stage=begins)
    (file := tmp_path / "file").write_text("")
    with pg.open_store(f"ladybug://{tmp_path / 'own.lbug'}") as store:
        pg.ingest.synthetic(store, drugs=20, cells=12, genes=30)
        with pytest.raises(pg.errors.InputError, match=r"the folder .*file cannot be made: .*; give another"):
            pg.train(store, "fast", folder=file, stage=begins)


def test_evaluation_appends_to_no_file_of_something_else(run: Run, tmp_path: Path) -> None:
    (file := tmp_path / "notes.txt").write_text("my notes")
    with pytest.raises(pg.errors.InputError, match=r"the folder .*notes\.txt cannot be made"):
        pg.evaluate(run.store, "mean", folds=2, folder=file)
    for place in (file, tmp_path):
        with pytest.raises(pg.errors.InputError, match="is no file of finished folds; give a new one"):
            pg.evaluate(run.store, "mean", folds=2, finished=place)
    assert file.read_text() == "my notes"
