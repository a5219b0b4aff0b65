"""Names that are formulas, mathematics, paths or control characters do no harm in what is written."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow as pa
import pytest

from pharmagraph.kg.store import open_store
from tests.cli.typed import typed
from tests.faults.conftest import command

NAMES = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2", "a\x01\x1bb", "/", r"a$\frac{x$ and $5"]


@pytest.fixture
def named(trained: Path) -> list[str]:
    """Ids of drugs that have these names."""
    with open_store(f"ladybug://{trained / 'pharmagraph.lbug'}") as store:
        ids: list[str] = store.read_nodes("Drug", ["id"])["id"].to_pylist()[: len(NAMES)]
        store.upsert_nodes("Drug", pa.table({"id": ids, "name": NAMES}))
    return ids


def test_no_spreadsheet_runs_a_name(named: list[str]) -> None:
    words = ("--cypher", "MATCH (d:Drug) RETURN d.name AS name, -1 AS number ORDER BY d.id LIMIT 4")
    rows = list(csv.reader(io.StringIO(typed("query", *words, "--format", "csv").stdout)))
    assert rows[1:] == [[f"'{name}", "-1"] for name in NAMES[:4]]
    assert typed("export", "csv", "plain").returncode == 0
    assert typed("export", "csv", "led", "--spreadsheet").returncode == 0
    for folder, mark in (("plain", ""), ("led", "'")):
        with Path(folder, "Drug.csv").open(newline="", encoding="utf-8") as file:
            assert [row["name"] for row in csv.DictReader(file)][:4] == [mark + name for name in NAMES[:4]]


def test_pictures_are_well_formed_and_have_the_name_as_it_is(named: list[str]) -> None:
    for id_, name in zip(named[4:], NAMES[4:], strict=True):
        done = typed("explain", "--drug", id_, "--cell", "SYNTHETICLINE0001", "--out", "x.svg")
        assert done.returncode == 0, (name, done.stderr)
        ElementTree.parse("x.svg")


def test_tables_of_kgx_hold_no_control_characters(named: list[str]) -> None:
    assert typed("export", "kgx", "kgx").returncode == 0
    assert not set("\x01\x1b") & set(Path("kgx/nodes.tsv").read_text(encoding="utf-8"))


def test_a_page_stays_in_the_folder(named: list[str]) -> None:
    done = typed("report", "--drug", "/")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve().parent == Path.cwd()


def test_the_program_reads_its_files_whatever_the_locale(small: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (("query", "--list"), ("status",), ("query", "tissues")):
        done = command(*words, **plain)
        assert done.returncode == 0, done.stderr
