"""A second release is a diff, a dataset can be taken out alone, and the graph remembers both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import ladybug
import pyarrow as pa
import pytest

from pharmagraph import ingest
from pharmagraph.kg import heterograph, history
from pharmagraph.kg.errors import InputError, NotFoundError, RowError
from pharmagraph.kg.migrations import migrate
from pharmagraph.kg.schema_changes import CHANGES, AddKind
from pharmagraph.kg.store import GraphStore, open_store
from tests.cli.typed import typed

TESTED_ON = ("TESTED_ON", ("Drug", "CellLine"))
EXPRESSES = ("EXPRESSES", ("CellLine", "Gene"))
SMILES = {"Erlotinib": "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC", "Aspirin": "CC(=O)Oc1ccccc1C(=O)O"}
LINES = ("A375", "A549", "HT29", "MCF7")

Write = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, drugs: tuple[str, ...], lines: tuple[str, ...], shift: float = 0.0) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        responses = [f"{d},{c},{n + m + shift}" for n, d in enumerate(drugs) for m, c in enumerate(lines)]
        expression = [f"{c},G{g},{(n * 7 + g * 3) % 5}.5" for n, c in enumerate(lines) for g in range(4)]
        for file, header, rows in (
            ("responses.csv", "drug,cell_line,ln_ic50", responses),
            ("drugs.csv", "drug,smiles", [f"{d},{SMILES[d]}" for d in drugs]),
            ("expression.csv", "cell_line,gene,value", expression),
        ):
            (folder / file).write_text("\n".join([header, *rows]) + "\n")
        return folder

    return written


def load(store: GraphStore, folder: Path, **options: str) -> dict[str, dict[str, int]]:
    rows = ingest.tables(store, folder, share=1, neighbours=2, threshold="ln:1", **options).rows()  # type: ignore[arg-type]
    return {row["kind"]: row for row in rows if row["kind"] != "SIMILAR_TO"}


def pairs(store: GraphStore) -> dict[tuple[str, str], str | None]:
    rows = store.read_edges(*TESTED_ON, ["src", "dst", "gone"]).to_pylist()
    return {(row["src"], row["dst"]): row["gone"] for row in rows}


def test_a_second_release_is_a_diff_that_the_history_keeps(store: GraphStore, write: Write) -> None:
    load(store, write("screen", ("Erlotinib",), LINES[:3]))
    done = load(store, write("screen", ("Erlotinib", "Aspirin"), LINES[1:], shift=0.5))
    assert {k: done["TESTED_ON"][k] for k in ("inserted", "updated", "removed", "gone")} == {
        "inserted": 4, "updated": 2, "removed": 1, "gone": 0,
    }  # fmt: skip
    assert ("ERLOTINIB", "A375") not in pairs(store)
    assert "A375" not in store.read_nodes("CellLine", ["id"])["id"].to_pylist(), "nothing is left of it"
    first, second = ingest.history(store)
    assert (first["action"], first["datasets"], first["source"]) == ("load", ["screen"], "tables in screen")
    assert first["sha256"] != second["sha256"]
    assert second["changes"]["Drug-TESTED_ON-CellLine"] == {"inserted": 4, "updated": 2, "removed": 1}
    assert second["changes"]["CellLine"] == {"inserted": 1, "removed": 1}
    load(store, write("screen", ("Erlotinib", "Aspirin"), LINES[1:], shift=0.5))
    assert len(ingest.history(store)) == 2, "a load that changes nothing leaves no line"


def test_what_is_gone_is_kept_or_marked_and_comes_back(store: GraphStore, write: Write) -> None:
    load(store, write("screen", ("Erlotinib", "Aspirin"), LINES))
    fewer = write("screen", ("Erlotinib", "Aspirin"), LINES[:3])
    done = load(store, fewer, gone="keep")
    assert (done["TESTED_ON"]["removed"], done["TESTED_ON"]["gone"]) == (0, 2)
    assert set(pairs(store).values()) == {None}
    done = load(store, fewer, gone="mark")
    assert done["TESTED_ON"]["gone"] == 2
    assert done["OmicsProfile"]["gone"] == 1
    assert {pair for pair, gone in pairs(store).items() if gone} == {
        ("ASPIRIN", "MCF7"),
        ("ERLOTINIB", "MCF7"),
    }
    graph = heterograph.export(store)
    tested_on = graph.relations["Drug", "TESTED_ON", "CellLine"]
    assert len(tested_on) == 6, "a model does not see what is marked"
    assert len(graph.relations["CellLine", "EXPRESSES", "Gene"]) == 12
    mcf7 = graph.ids["CellLine"].tolist().index("MCF7")
    assert graph.profiles["expression"][mcf7].isnan().all()
    n = len(ingest.history(store))
    load(store, fewer, gone="mark")
    assert len(ingest.history(store)) == n, "marked once is marked"
    load(store, write("screen", ("Erlotinib", "Aspirin"), LINES))
    assert set(pairs(store).values()) == {None}
    assert len(heterograph.export(store).relations["Drug", "TESTED_ON", "CellLine"]) == 8
    assert store.read_nodes("Dataset", ["marked"])["marked"].to_pylist() == [0]
    with pytest.raises(InputError, match='gone "drop" is not one of keep, mark, remove'):
        load(store, fewer, gone="drop")


def test_a_removal_takes_what_only_the_dataset_brought(store: GraphStore, write: Write) -> None:
    load(store, write("first", ("Erlotinib",), LINES[:3]))
    alone = store.counts()
    kept = {kind: store.read_edges(*kind) for kind in (TESTED_ON, EXPRESSES)}
    load(store, write("second", ("Erlotinib", "Aspirin"), LINES[1:]))
    targets = write("second", ("Erlotinib",), LINES).parent / "targets.csv"
    targets.write_text("drug,gene\nAspirin,PTGS1\nErlotinib,G1\n")
    ingest.targets(store, targets, new_genes=True)
    done = ingest.remove(store, "second")
    assert {row["kind"]: row["removed"] for row in done.rows}["Drug-TESTED_ON-CellLine"] == 6
    assert store.read_nodes("CellLine", ["id"])["id"].to_pylist() == list(LINES[:3])
    assert store.read_nodes("Drug", ["id"])["id"].to_pylist() == ["ASPIRIN", "ERLOTINIB"], (
        "targets refer to it"
    )
    for kind, table in kept.items():
        assert store.read_edges(*kind).equals(table)
    ingest.remove(store, "targets")
    now = store.counts()
    assert {k: n for k, n in now.items() if k != "Ingest"} == {
        k: n for k, n in alone.items() if k != "Ingest"
    }
    assert [(row["action"], *row["datasets"]) for row in ingest.history(store)] == [
        ("load", "first"), ("load", "second"), ("load", "targets"), ("remove", "second"), ("remove", "targets"),
    ]  # fmt: skip
    ingest.remove(store, ["first"])
    assert [key for key, n in store.counts().items() if n] == ["Ingest"]


def test_unknown_datasets_and_those_with_parts_are_refused(store: GraphStore, write: Write) -> None:
    with pytest.raises(NotFoundError, match='no dataset "x" in the graph; there are none'):
        ingest.remove(store, "x")
    load(store, write("screen", ("Erlotinib",), LINES))
    before = store.counts()
    with pytest.raises(
        NotFoundError, match='no dataset "scren" in the graph; there are screen; did you mean screen'
    ):
        ingest.remove(store, ["screen", "scren"])
    card = {"id": ["part"], "part_of": ["screen"]}
    store.upsert_nodes("Dataset", pa.table(card))
    with pytest.raises(InputError, match="remove them together: cli ingest remove screen part"):
        ingest.remove(store, "screen")
    store.delete_nodes("Dataset", ["part"])
    assert store.counts() == before
    with pytest.raises(NotFoundError, match='no dataset "scren"'):
        ingest.history(store, "scren")


def test_a_node_that_another_dataset_listed_alone_stays(store: GraphStore, write: Write) -> None:
    folder = write("listed", ("Erlotinib",), LINES[:2])
    (folder / "cells.csv").write_text("cell_line,tissue\nA375,skin\nA549,lung\nK562,blood\n")
    load(store, folder)
    load(store, write("other", ("Erlotinib",), ("K562", "HT29")))
    ingest.remove(store, "other")
    assert store.read_nodes("CellLine", ["id"])["id"].to_pylist() == ["A375", "A549", "K562"]
    ingest.remove(store, "listed")
    assert store.counts()["CellLine"] == 0


def test_a_bad_row_changes_neither_graph_nor_history(store: GraphStore, write: Write) -> None:
    folder = write("screen", ("Erlotinib",), LINES)
    load(store, folder)
    before = (store.counts(), pairs(store))
    with (folder / "responses.csv").open("a") as file:
        file.write("Erlotinib,HT29,many\n")
    with pytest.raises(RowError):
        load(store, folder)
    assert (store.counts(), pairs(store)) == before


def test_a_run_says_what_it_saw_and_that_the_graph_changed_since(store: GraphStore, write: Write) -> None:
    load(store, write("screen", ("Erlotinib",), LINES))
    done = history.entries(store)
    start = done[0]["at"]
    assert history.since(done, start) == []
    assert history.verdict(history.since(done, start)) == "as seen"
    (told,) = history.seen(done, ["screen"], start)
    assert told.startswith("screen from tables in screen, sha256 ")
    later = [
        *done,
        {
            **done[0],
            "at": "2999-01-01T00:00:00+00:00",
            "action": "remove",
            "changes": {"Drug": {"removed": 2}},
        },
    ]
    assert history.since(later, start) == ["2999-01-01 00:00 remove screen: 2 removed"]
    assert history.seen(later, ["screen"], "2999-02-01T00:00:00+00:00") == [told]


def test_a_store_of_an_older_schema_is_migrated_and_has_a_history(
    store: GraphStore, write: Write, tmp_path: Path
) -> None:
    load(store, write("screen", ("Erlotinib",), LINES))
    store.close()
    url = f"ladybug://{tmp_path}/graph.lbug"
    database = ladybug.Database(f"{tmp_path}/graph.lbug", buffer_pool_size=1 << 28)
    connection = ladybug.Connection(database)
    for change in reversed(CHANGES):
        if change.version > 6:
            new_kind = isinstance(change, AddKind)
            what = f"DROP TABLE {change.of}" if new_kind else f"ALTER TABLE {change.of} DROP {change.name}"
            connection.execute(what)
    connection.execute("MATCH (v:SchemaVersion) SET v.version = 6")
    connection.close()
    database.close()
    migrate(url)
    with open_store(url) as migrated:
        (line,) = ingest.history(migrated)
        assert (line["datasets"], line["program"]) == (["screen"], None)
        assert not ingest.tables(
            migrated, tmp_path / "screen", share=1, neighbours=2, threshold="ln:1"
        ).changed
        ingest.remove(migrated, "screen")
        assert [key for key, n in migrated.counts().items() if n] == ["Ingest"]


@pytest.mark.parametrize("gone", ["mark", "keep"])
def test_status_counts_what_is_marked_as_gone(tmp_path: Path, write: Write, gone: str) -> None:
    url = f"ladybug://{tmp_path}/graph.lbug"
    whole = write("screen", ("Erlotinib", "Aspirin"), LINES)
    ingest.tables(url, whole, neighbours=2)
    fewer = write("screen", ("Erlotinib", "Aspirin"), LINES[:3])
    ingest.tables(url, fewer, neighbours=2, gone=gone)  # type: ignore[arg-type]
    text = typed("status", environment={"PHARMAGRAPH_STORE": url}).stdout
    rows = json.loads(typed("status", "--format", "json", environment={"PHARMAGRAPH_STORE": url}).stdout)
    counted = {row["section"]: row["value"] for row in rows if row["section"].startswith("gone")}
    if gone == "keep":
        assert "Marked as gone" not in text and not counted
        return
    line = text.partition("Marked as gone")[2].splitlines()[3]
    assert line.split()[:2] == ["screen", "2"]
    assert counted["gone pairs"] == 2 and counted["gone"] > 2
