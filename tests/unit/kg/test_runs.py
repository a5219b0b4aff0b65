"""The register of runs on a real store: written whole or not listed, promoted, compared, deleted."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.errors import InputError, ModelError, NotFoundError
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.store import GraphStore, open_store

DRUG_GENE: Ends = ("Drug", "Gene")
BASE = {
    "TARGETS": DRUG_GENE,
    "EXPRESSES": ("CellLine", "Gene"),
    "MUTATED": ("CellLine", "Gene"),
    "TESTED_ON": ("Drug", "CellLine"),
    "SIMILAR_TO": ("Drug", "Drug"),
}


def table(rows: list[tuple[str, str, float, int]]) -> pa.Table:
    src, dst, weight, competitors = zip(*rows, strict=True)
    return pa.table({"src": src, "dst": dst, "weight": weight, "competitors": competitors})


def edge(src: str, dst: str, **properties: Any) -> pa.Table:
    return pa.table({"src": [src], "dst": [dst], "dataset": ["d"]} | {k: [v] for k, v in properties.items()})


TABLES: dict[Ends, pa.Table] = {
    DRUG_GENE: table(
        [("D1", "G1", 0.7, 3), ("D1", "G2", 0.2, 3), ("D1", "G3", 0.1, 3), ("D2", "G3", 1.0, 1)]
    ),
    ("CellLine", "Gene"): table([("C1", "G1", 0.6, 2), ("C1", "G2", 0.4, 2)]),
    ("Drug", "CellLine"): table([("D1", "C1", 0.5, 2)]),
    ("Drug", "Drug"): table([("D1", "D2", 0.5, 2), ("D2", "D1", 0.25, 4)]),
}
PREDICTIONS = pa.table({"src": ["D1", "D2"], "dst": ["C1", "C1"], "probability": [0.9, 0.2]})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as graph:
        graph.create_schema()
        for label, ids in {"Drug": ["D1", "D2"], "CellLine": ["C1"], "Gene": ["G1", "G2", "G3"]}.items():
            names = {} if label == "Gene" else {"name": ids}
            graph.upsert_nodes(label, pa.table({"id": ids} | names))
        graph.upsert_edges("TARGETS", DRUG_GENE, edge("D1", "G1"))
        graph.upsert_edges("EXPRESSES", ("CellLine", "Gene"), edge("C1", "G1", z=2.0))
        graph.upsert_edges("MUTATED", ("CellLine", "Gene"), edge("C1", "G2", value=1.0))
        graph.upsert_edges("TESTED_ON", ("Drug", "CellLine"), edge("D1", "C1", response=1))
        graph.upsert_edges(
            "SIMILAR_TO", ("Drug", "Drug"), edge("D1", "D2", similarity=0.5, kernel="tanimoto")
        )
        yield graph


def register(store: GraphStore, run_id: str, tables: dict[Ends, pa.Table] = TABLES, **options: Any) -> None:
    run = {
        "id": run_id,
        "preset": "default",
        "config": {"width": 8},
        "metrics": {"auroc pooled": 0.9},
        "seed": 1,
    }
    runs.register(store, run, tables, PREDICTIONS, folder=Path(run_id).resolve(), **options)


def base_attention(store: GraphStore) -> dict[str, list[tuple[Any, Any]]]:
    return {
        type_: [
            tuple(r.values())
            for r in store.read_edges(type_, ends, ["attention", "attention_run"]).to_pylist()
        ]
        for type_, ends in BASE.items()
    }


def test_a_registered_run_has_its_strongest_edges_and_keeps_all_in_its_folder(store: GraphStore) -> None:
    register(store, "r1", top_k=2)
    kept = store.read_edges("ATTENDS", DRUG_GENE).to_pylist()
    assert [(r["src"], r["dst"], r["rank"], r["run_id"]) for r in kept] == [
        ("D1", "G1", 1, "r1"),
        ("D1", "G2", 2, "r1"),
        ("D2", "G3", 1, "r1"),
    ]
    assert kept[0]["excess"] == pytest.approx(2.1)
    assert kept[0]["percentile"] == 50.0
    whole = pq.read_table(Path("r1") / "attention" / "Drug-Gene.parquet")
    assert whole["objective"].to_pylist() == ["target"] * 4 == [*(r["objective"] for r in kept), "target"]
    assert whole.drop_columns(["objective"]).equals(TABLES[DRUG_GENE])
    assert store.read_edges("PREDICTED", ("Drug", "CellLine"), ["probability"])[
        "probability"
    ].to_pylist() == [0.9, 0.2]
    run = runs.find(store, "r1")
    assert (run["status"], run["promoted"]) == ("complete", False)
    assert run["config"] == {"width": 8}
    assert run["metrics"] == {"auroc pooled": 0.9}


def test_a_run_that_was_cut_off_is_not_listed_and_swept_before_the_next(store: GraphStore) -> None:
    def killed(what: str) -> None:
        if what == "run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        register(store, "r1", advance=killed)
    assert runs.runs(store) == []
    assert store.counts()["Drug-ATTENDS-Gene"] == 4, "edges that a dead process could not remove"
    register(store, "r2")
    for type_ in ("ATTENDS", "PREDICTED"):
        ends = DRUG_GENE if type_ == "ATTENDS" else ("Drug", "CellLine")
        assert set(store.read_edges(type_, ends, ["run_id"])["run_id"].to_pylist()) == {"r2"}
    assert [r["id"] for r in runs.runs(store)] == ["r2"]


def test_runs_stand_side_by_side_and_an_id_is_taken_once(store: GraphStore) -> None:
    register(store, "r1")
    register(store, "r2")
    assert [r["id"] for r in runs.runs(store)] == ["r1", "r2"]
    assert store.counts()["Drug-ATTENDS-Gene"] == 8
    with pytest.raises(InputError, match="cli runs delete r1"):
        register(store, "r1")


def test_promoting_sets_attention_on_every_kind_of_base_edge(store: GraphStore) -> None:
    register(store, "r1")
    written = runs.promote(store, "r1")
    assert base_attention(store) == {
        "TARGETS": [(0.7, "r1")],
        "EXPRESSES": [(0.6, "r1")],
        "MUTATED": [(0.4, "r1")],
        "TESTED_ON": [(0.5, "r1")],
        "SIMILAR_TO": [(0.375, "r1")],
    }
    assert written == {
        "Drug-TARGETS-Gene": 1,
        "CellLine-EXPRESSES-Gene": 1,
        "CellLine-MUTATED-Gene": 1,
        "Drug-TESTED_ON-CellLine": 1,
        "Drug-SIMILAR_TO-Drug": 1,
    }
    assert runs.find(store)["id"] == "r1"


def test_promoting_another_run_clears_the_one_before(store: GraphStore) -> None:
    register(store, "r1")
    register(store, "r2", {DRUG_GENE: table([("D1", "G1", 0.3, 3)])})
    runs.promote(store, "r1")
    runs.promote(store, "r2")
    assert base_attention(store) == {
        "TARGETS": [(0.3, "r2")],
        "EXPRESSES": [(None, None)],
        "MUTATED": [(None, None)],
        "TESTED_ON": [(None, None)],
        "SIMILAR_TO": [(None, None)],
    }
    assert [(r["id"], r["promoted"]) for r in runs.runs(store)] == [("r1", False), ("r2", True)]


def test_promoting_without_the_run_folder_is_one_line_and_changes_nothing(store: GraphStore) -> None:
    register(store, "r1")
    register(store, "r2")
    runs.promote(store, "r1")
    before = base_attention(store)
    shutil.rmtree("r2")
    with pytest.raises(ModelError, match=r"run r2: its folder .*r2 is not there; bring it back") as caught:
        runs.promote(store, "r2")
    assert "\n" not in str(caught.value)
    assert base_attention(store) == before
    assert runs.find(store)["id"] == "r1"


def test_a_project_that_was_moved_as_a_whole_keeps_its_runs(store: GraphStore, tmp_path: Path) -> None:
    run = {"id": "r1", "preset": "default", "config": {}, "metrics": {}, "seed": 1}
    runs.register(store, run, TABLES, PREDICTIONS, folder=tmp_path / "runs" / "r1")
    store.close()
    here, there = tmp_path, tmp_path.with_name(f"{tmp_path.name}-moved")
    shutil.move(here, there)
    with open_store(f"ladybug://{there}/graph.lbug") as moved:
        assert runs.find(moved, "r1")["folder"] == str(there / "runs" / "r1")
        runs.promote(moved, "r1")
        assert runs.find(moved)["id"] == "r1"
    shutil.move(there, here)


@pytest.mark.parametrize("harm", ["gone", "without weights", "with other weights"])
def test_promoting_without_one_attention_table_is_one_line_and_changes_nothing(
    store: GraphStore, harm: str
) -> None:
    register(store, "r1")
    register(store, "r2")
    runs.promote(store, "r1")
    before = base_attention(store)
    file = Path("r2") / "attention" / "Drug-Gene.parquet"
    if harm == "gone":
        file.unlink()
        message = r"run r2 lacks .*Drug-Gene\.parquet; bring it back, or train again"
    elif harm == "with other weights":
        whole = pq.read_table(file)
        weights = pa.array(["much"] * len(whole))
        pq.write_table(whole.set_column(whole.column_names.index("weight"), "weight", weights), file)
        message = r"Drug-Gene\.parquet: attention is no number .*; train the run anew"
    else:
        pq.write_table(pq.read_table(file).drop_columns(["weight"]), file)
        message = r"Drug-Gene\.parquet is no attention table \(no column weight\); train again"
    with pytest.raises(ModelError, match=message) as caught:
        runs.promote(store, "r2")
    assert "\n" not in str(caught.value)
    assert base_attention(store) == before
    assert runs.find(store)["id"] == "r1"


def test_deleting_removes_everything_of_the_run_and_nothing_of_another(store: GraphStore) -> None:
    clean = store.counts()
    register(store, "r1")
    with_one = store.counts()
    register(store, "r2")
    runs.promote(store, "r2")
    assert runs.delete(store, "r2") == 4 + 2 + 1 + 2 + 2
    assert store.counts() == with_one
    assert {value for values in base_attention(store).values() for value in values} == {(None, None)}
    assert (Path("r2") / "attention").is_dir(), "the folder is the user's to remove"
    runs.delete(store, "r1")
    assert store.counts() == clean
    with pytest.raises(NotFoundError, match='no run "r1"'):
        runs.delete(store, "r1")


def test_deleting_a_run_leaves_the_promoted_one(store: GraphStore) -> None:
    register(store, "r1")
    register(store, "r2")
    runs.promote(store, "r1")
    before = base_attention(store)
    runs.delete(store, "r2")
    assert base_attention(store) == before
    assert runs.find(store)["id"] == "r1"


def test_comparing_gives_differences_and_the_shared_genes(store: GraphStore) -> None:
    register(store, "r1")
    register(
        store, "r2", {DRUG_GENE: table([("D1", "G1", 0.9, 2), ("D1", "G3", 0.1, 2), ("D2", "G2", 1.0, 1)])}
    )
    rows = {r["metric"]: r for r in runs.compare(store, "r1", "r2", top=2)}
    assert rows["auroc pooled"]["difference"] == 0
    # D1: {G1, G2} and {G1, G3} share 1 of 3; D2: {G3} and {G2} share none
    assert rows["shared of top 2 genes, mean over drugs"]["first"] == pytest.approx((1 / 3 + 0) / 2)


def both_objectives(weights: tuple[float, float, float] = (0.5, 0.3, 0.2)) -> dict[Ends, pa.Table]:
    """D1's attention to two targets, and to what decides its response; C1's to two features of G1."""
    drug = table(
        [("D1", "G1", 0.9, 2), ("D1", "G2", 0.1, 2)]
        + [("D1", f"G{n}", w, 3) for n, w in zip((3, 2, 2), weights, strict=True)]
    )
    line = table([("C1", "G1", 0.6, 2), ("C1", "G2", 0.4, 2)])
    more = {
        "objective": (["target"] * 2 + ["response"] * 3, ["response"] * 2),
        "feature": ([None, None, "expression", "mutation", "expression"], ["expression", "mutation"]),
        "effect": ([None, None, -0.5, 1.5, 0.25], [0.75, -0.25]),
    }
    for name, (of_drug, of_line) in more.items():
        drug, line = drug.append_column(name, pa.array(of_drug)), line.append_column(name, pa.array(of_line))
    return {DRUG_GENE: drug, ("CellLine", "Gene"): line}


def test_a_run_has_edges_of_both_objectives_and_keeps_the_first_of_each(store: GraphStore) -> None:
    register(store, "r1", both_objectives(), top_k=1)
    kept = store.read_edges(
        "ATTENDS", DRUG_GENE, ["dst", "objective", "feature", "effect", "rank"]
    ).to_pylist()
    assert [tuple(r.values()) for r in sorted(kept, key=lambda r: r["objective"])] == [
        ("G3", "response", "expression", -0.5, 1),
        ("G1", "target", None, None, 1),
    ]
    register(store, "r2", both_objectives())
    assert store.counts()["Drug-ATTENDS-Gene"] == 2 + 5
    runs.promote(store, "r2")
    values = base_attention(store)
    assert (values["TARGETS"], values["EXPRESSES"], values["MUTATED"]) == (
        [(0.9, "r2")], [(0.6, "r2")], [(0.4, "r2")],
    )  # fmt: skip
    assert runs.delete(store, "r2") == 5 + 2 + 2
    assert store.counts()["Drug-ATTENDS-Gene"] == 2


def test_runs_are_compared_by_targets_and_by_response_genes(store: GraphStore) -> None:
    register(store, "r1", both_objectives())
    register(store, "r2", both_objectives((0.2, 0.3, 0.5)))
    found = {r["metric"]: r["first"] for r in runs.compare(store, "r1", "r2", top=1)}
    assert found["shared of top 1 genes, mean over drugs"] == 1
    assert found["shared of top 1 response genes, mean over drugs"] == 0  # G3 in one, G2 in the other
    register(store, "old")
    metrics = [r["metric"] for r in runs.compare(store, "r1", "old")]
    assert not [m for m in metrics if "response" in m], "one of them has none"


def test_a_table_of_former_versions_is_read_as_attention_to_targets(store: GraphStore) -> None:
    register(store, "r1")
    pq.write_table(TABLES[DRUG_GENE], Path("r1") / "attention" / "Drug-Gene.parquet")
    tables = runs.attention_of(store, runs.find(store, "r1"))
    assert tables[DRUG_GENE]["objective"].to_pylist() == ["target"] * 4
    assert "objective" not in tables["CellLine", "Gene"].column_names
    assert runs.promote(store, "r1")["Drug-TARGETS-Gene"] == 1


def test_unknown_runs_are_offered_the_nearest(store: GraphStore) -> None:
    with pytest.raises(NotFoundError, match="cli train --promote"):
        runs.find(store)
    register(store, "default-2026")
    with pytest.raises(NotFoundError, match="cli runs promote default-2026"):
        runs.find(store)
    with pytest.raises(NotFoundError, match="did you mean default-2026"):
        runs.promote(store, "default-2025")


def test_attention_on_nodes_that_the_store_lacks_is_refused_and_not_listed(store: GraphStore) -> None:
    with pytest.raises(InputError, match='"G9"'):
        register(store, "r1", {DRUG_GENE: table([("D1", "G9", 1.0, 1)])})
    assert runs.runs(store) == []


def test_a_new_run_takes_no_id_of_the_store_and_no_folder_that_is_there(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The random digits come out the same four times: of a listed run, of a folder, of a file, of a lost link."""
    folder = tmp_path / "runs"
    register(store, "fast-1-0-aaaa")
    (folder / "fast-1-0-bbbb").mkdir(parents=True)
    (folder / "fast-1-0-cccc").write_text("mine")
    (folder / "fast-1-0-dddd").symlink_to("nowhere")
    digits = iter(["aaaa", "bbbb", "cccc", "dddd", "eeee"])
    monkeypatch.setattr(secrets, "token_hex", lambda n: next(digits))
    place = runs.new_folder(store, folder, "fast-1-0")
    assert place == folder / "fast-1-0-eeee" and place.is_dir()
    assert (folder / "fast-1-0-cccc").read_text() == "mine"
    assert not list((folder / "fast-1-0-bbbb").iterdir())
