"""`cli check` finds each kind of damage and mends what it can; a backup comes back row by row, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg import check, digests, runs
from pharmagraph.kg.backup import require_same
from pharmagraph.kg.errors import InputError, StoreError
from pharmagraph.kg.store import GraphStore, open_store
from tests.cli.typed import typed
from tests.unit.kg.test_runs import DRUG_GENE, base_attention, edge, register, store  # noqa: F401

PAIR = ("Drug", "CellLine")
COUNTS = {
    "Drug-TARGETS-Gene": 1,
    "CellLine-EXPRESSES-Gene": 1,
    "CellLine-MUTATED-Gene": 1,
    "Drug-TESTED_ON-CellLine": 1,
    "Drug-SIMILAR_TO-Drug": 1,
}


@pytest.fixture
def sound(store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GraphStore:  # noqa: F811
    """A store whose data set is listed, with a promoted run r1."""
    monkeypatch.chdir(tmp_path)
    store.upsert_nodes("Dataset", pa.table({"id": ["d"], "row_counts": [json.dumps(COUNTS)]}))
    register(store, "r1")
    runs.promote(store, "r1")
    return store


def problems(graph: GraphStore) -> set[tuple[str, str]]:
    return {(one.where, one.problem) for one in check.check(graph)}


def test_nothing_is_wrong_in_a_sound_store(sound: GraphStore) -> None:
    assert check.check(sound) == []
    assert check.mend(sound) == []
    url = sound.url
    sound.close()
    said = typed("check", "--store", url)
    assert said.returncode == 0
    assert "nothing is wrong in" in said.stdout


def attention_of_nobody(graph: GraphStore) -> None:
    table = pa.table(
        {"src": ["D1"], "dst": ["G2"], "weight": [0.2], "objective": ["target"], "run_id": ["r9"]}
    )
    graph.upsert_edges("ATTENDS", DRUG_GENE, table)


def carried_of_another(graph: GraphStore) -> None:
    table = pa.table({"src": ["D1"], "dst": ["G1"], "attention": [0.5]})
    graph.set_attention("TARGETS", DRUG_GENE, table, "r0")


def twice_the_attention(graph: GraphStore) -> None:
    table = pa.table(
        {"src": ["D1"], "dst": ["G2"], "weight": [0.9], "objective": ["target"], "run_id": ["r1"]}
    )
    graph.upsert_edges("ATTENDS", DRUG_GENE, table)


def of_no_dataset(graph: GraphStore) -> None:
    graph.upsert_edges("TARGETS", DRUG_GENE, edge("D2", "G2").set_column(2, "dataset", pa.array(["x"])))


def more_than_loaded(graph: GraphStore) -> None:
    graph.upsert_edges("TARGETS", DRUG_GENE, edge("D2", "G2"))


def a_changed_file(graph: GraphStore) -> None:
    with Path("r1/attention/Drug-Gene.parquet").open("ab") as file:
        file.write(b"x")


def a_folder_that_is_gone(graph: GraphStore) -> None:
    Path("r1").rename("elsewhere")


def digests_that_lead_out(graph: GraphStore) -> None:
    Path("r1/digests.json").write_text(json.dumps({"sha256": {"../../etc/passwd": "0"}}))


DAMAGES: dict[Callable[[GraphStore], None], tuple[str, str]] = {
    attention_of_nobody: ("Drug-ATTENDS-Gene", "of a run that is not listed"),
    carried_of_another: ("Drug-TARGETS-Gene", "with attention of a run that is not promoted"),
    twice_the_attention: ("Drug-ATTENDS-Gene", "weights of a node add up to more than 1"),
    of_no_dataset: ("Drug-TARGETS-Gene", "of a data set that is not listed"),
    more_than_loaded: ("data set d", "another number of Drug-TARGETS-Gene than was loaded"),
    a_changed_file: ("run r1", "files changed"),
    a_folder_that_is_gone: ("run r1", "its folder is not there"),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_each_damage_is_found_alone(sound: GraphStore, damage: Callable[[GraphStore], None]) -> None:
    damage(sound)
    assert problems(sound) == {DAMAGES[damage]}


def test_a_name_with_a_zero_byte_among_digests_is_refused(tmp_path: Path) -> None:
    (tmp_path / digests.DIGESTS).write_text(json.dumps({"sha256": {"a.t\0xt": "0"}}))
    with pytest.raises(InputError, match="zero byte"):
        digests.changed(tmp_path)


def test_a_name_that_is_too_long_for_a_file_is_gone(tmp_path: Path) -> None:
    long = "a" * 300
    (tmp_path / digests.DIGESTS).write_text(json.dumps({"sha256": {long: "0"}}))
    assert digests.changed(tmp_path) == {"gone": [long]}


def test_digests_that_lead_out_of_the_folder_are_refused(sound: GraphStore) -> None:
    digests_that_lead_out(sound)
    ((where, problem),) = problems(sound)
    assert where == "run r1"
    assert '"../../etc/passwd" leads out of the folder' in problem


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("similarity", [1.5], "similarity out of its range"),
        ("similarity", [float("nan")], "similarity out of its range"),
    ],
)
def test_values_that_the_schema_does_not_allow(column: str, values: list[float], problem: str) -> None:
    from pharmagraph.kg import schema

    kind = schema.edge("SIMILAR_TO")
    table = pa.table({p.name: pa.nulls(1, schema.ARROW[p.type]) for p in kind.columns})
    for name, given in {
        "src": ["a"],
        "dst": ["b"],
        "kernel": ["k"],
        "dataset": ["d"],
        column: values,
    }.items():
        table = table.set_column(table.column_names.index(name), name, pa.chunked_array([given]))
    found = list(check._wrong_values("here", kind.columns, table, pa.chunked_array([["a – b"]])))
    assert [(one.problem, one.count, one.example) for one in found] == [(problem, 1, "a – b")]


def test_what_no_register_lists_is_removed_and_nothing_else(sound: GraphStore) -> None:
    before = sound.counts()
    attention_of_nobody(sound)
    of_no_dataset(sound)
    url = sound.url
    sound.close()
    first = typed("check", "--store", url)
    assert first.returncode == 1
    assert "cli check --fix" in first.stdout
    with open_store(url, read_only=True) as graph:
        assert graph.counts() != before  # without --fix nothing is written
    fixed = typed("check", "--fix", "--store", url)
    assert fixed.returncode == 0, fixed.stdout
    assert "removed 1 Drug-TARGETS-Gene" in fixed.stderr
    with open_store(url, read_only=True) as graph:
        assert graph.counts() == before
        assert base_attention(graph)["TARGETS"] == [(pytest.approx(0.7), "r1")]


def test_a_backup_comes_back_row_by_row(sound: GraphStore, tmp_path: Path) -> None:
    url, restored = sound.url, f"ladybug://{tmp_path}/new/restored.lbug"
    Path("new").mkdir()
    sound.close()
    made = typed("backup", "kept", "--store", url)
    assert made.returncode == 0, made.stderr
    assert typed("check", "--store", "ladybug://kept/graph.lbug").returncode == 0
    done = typed("restore", "kept", "--store", restored, "--runs", "new/runs")
    assert done.returncode == 0, done.stderr
    with open_store(url, read_only=True) as first, open_store(restored, read_only=True) as second:
        require_same(first, second)
        assert Path(runs.find(second, "r1")["folder"]) == tmp_path / "new" / "runs" / "r1"
        assert check.check(second) == []
    again = typed("restore", "kept", "--store", restored, "--runs", "new/runs")
    assert again.returncode == 0, again.stderr
    with open_store(restored) as other:
        other.upsert_nodes("Gene", pa.table({"id": ["ANOTHER"]}))
    refused = typed("restore", "kept", "--store", restored, "--runs", "new/runs")
    assert refused.returncode == 1
    assert "holds another graph; restore into a new store" in refused.stderr


def test_a_restore_that_was_cut_off_is_run_again(
    sound: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, restored = sound.url, f"ladybug://{tmp_path}/restored.lbug"
    sound.close()
    typed("backup", "kept", "--store", url)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pharmagraph.kg.copy._copy_nodes", killed)
        assert typed("restore", "kept", "--store", restored, "--runs", "runs2").returncode != 0
    assert typed("restore", "kept", "--store", restored, "--runs", "runs2").returncode == 0
    with open_store(url, read_only=True) as first, open_store(restored, read_only=True) as second:
        require_same(first, second)


def test_a_backup_that_was_changed_is_refused_and_leaves_no_store(sound: GraphStore, tmp_path: Path) -> None:
    url = sound.url
    sound.close()
    made = typed("backup", "kept", "--store", url)
    assert made.returncode == 0, made.stderr
    with Path("kept/runs/r1/attention/Drug-Gene.parquet").open("ab") as file:
        file.write(b"x")
    done = typed("restore", "kept", "--store", "ladybug://never.lbug")
    assert done.returncode == 1
    assert "Drug-Gene.parquet is changed since the backup was made" in done.stderr
    assert not Path("never.lbug").exists()


def test_a_backup_of_a_run_without_folder_says_so_and_leaves_nothing(sound: GraphStore) -> None:
    url = sound.url
    sound.close()
    Path("r1").rename("elsewhere")
    done = typed("backup", "kept", "--store", url)
    assert done.returncode == 1
    assert "the folder of run r1" in done.stderr
    assert not any(Path("kept").rglob("*"))


def test_another_folder_of_the_run_is_not_written_over(sound: GraphStore) -> None:
    url = sound.url
    sound.close()
    made = typed("backup", "kept", "--store", url)
    assert made.returncode == 0, made.stderr
    Path("runs/r1").mkdir(parents=True)
    done = typed("restore", "kept", "--store", "ladybug://never.lbug")
    assert done.returncode == 1
    assert "runs/r1 is there already, and differs; give --runs another folder" in done.stderr
    assert not Path("never.lbug").exists()


def test_stores_that_differ_in_one_value_are_not_the_same(sound: GraphStore, tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/other.lbug") as other:
        from pharmagraph.kg.copy import copy

        copy(sound, other)
        require_same(sound, other)
        other.upsert_edges("EXPRESSES", ("CellLine", "Gene"), edge("C1", "G1", z=2.5))
        with pytest.raises(StoreError, match="CellLine-EXPRESSES-Gene at C1"):
            require_same(sound, other)
