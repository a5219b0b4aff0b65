"""What a command prints, in a terminal of any encoding and width."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg.console import next_command
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed
from tests.graphs import fill_everything

QUERY = (
    "query",
    "--cypher",
    "MATCH (d:Drug) RETURN d.id AS id, d.name AS name, d.smiles AS smiles, 0.1234 AS x",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"ladybug://{tmp_path_factory.mktemp('output')}/graph.lbug"
    with open_store(url) as graph:
        fill_everything(graph)
        graph.upsert_nodes("Drug", pa.table({"id": ["B"], "name": ["é → 日"]}))
        figures = {"metrics": '{"auroc pooled": 0.8934, "additive auroc pooled": 0.7428}', "config": "{}"}
        runs = [{"id": id_, "unused_attention": "{}", **figures} for id_ in ("A", "B", "C d")]
        graph.upsert_nodes("Run", pa.Table.from_pylist(runs))
        for label, column in (("Ingest", "changes"), ("Dataset", "row_counts")):
            graph.upsert_nodes(label, pa.table({"id": ["A", "B", "C d"], column: ["{}"] * 3}))
    return url


def cli(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        check=True,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_rows_are_printed_in_any_encoding(store: str, encoding: str, format: str) -> None:
    done = typed(*QUERY, "--format", format, "--store", store, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert "0.1234" in done.stdout
    assert "semicolon" in done.stdout


def test_a_table_is_printed_where_the_environment_names_a_narrow_encoding(store: str) -> None:
    done = cli(*QUERY, "--store", store, PYTHONIOENCODING="ascii")
    assert "semicolon" in done.stdout.decode("ascii")


def test_json_loses_nothing_where_the_encoding_does(store: str) -> None:
    narrow, whole = (
        json.loads(cli(*QUERY, "--format", "json", "--store", store, PYTHONIOENCODING=encoding).stdout)
        for encoding in ("ascii", "utf-8")
    )
    assert narrow == whole
    assert any("é" in row["name"] for row in whole)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("words", [("status",), QUERY, ("runs", "show", "A"), ("query", "--list")])
def test_lines_of_tables_fit_the_terminal(store: str, words: tuple[str, ...], width: int) -> None:
    done = typed(*words, "--store", store, environment={"COLUMNS": str(width)})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    tables = [line for line in lines if not line.startswith(("ladybug://", "Next:"))]
    assert max(map(len, tables)) <= width


def test_wide_prints_a_line_a_row(store: str) -> None:
    done = cli(*QUERY, "--wide", "--store", store, COLUMNS="20", PYTHONIOENCODING="utf-8")
    assert len(done.stdout.decode().splitlines()) == 2 + 3 + 1


def test_a_next_command_names_the_store_unless_it_is_found_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)
    assert next_command("cli train", None) == "cli train"
    assert next_command("cli train", "ladybug://pharmagraph.lbug") == "cli train"
    assert next_command("cli train", "ladybug://mine.lbug") == "cli train --store ladybug://mine.lbug"
    monkeypatch.setenv("PHARMAGRAPH_STORE", "ladybug://mine.lbug")
    assert next_command("cli train", "ladybug://mine.lbug") == "cli train"
    given = "ladybug://pharmagraph.lbug"
    assert next_command("cli train", given) == f"cli train --store {given}"


def test_an_empty_argument_is_not_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "responses.csv").write_text("drug,cell_line,response\nA,B,1\n")
    done = typed("ingest", "tables", "", "--without-smiles", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr
        == "error: the argument behind tables is empty, as a variable without a value is; give one\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["responses.csv"]


def test_a_report_does_not_steer_the_terminal(tmp_path: Path) -> None:
    rows = "".join(f"{drug},L{n},{n % 2}\n" for drug in "AB" for n in range(4))
    (tmp_path / "responses.csv").write_text(f"drug,cell_line,response\n{rows}C\x1b[31m,L1,1\n")
    words = (
        "ingest",
        "tables",
        str(tmp_path),
        "--without-smiles",
        "--reject-rows",
        "--quiet",
        "--name",
        "../x",
    )
    done = typed(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "holds the control character U+001B" in done.stdout
    assert not list(tmp_path.parent.glob("x.csv"))
    assert [p.name for p in (tmp_path / "rejected").iterdir()] == ["x.csv"]
